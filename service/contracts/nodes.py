"""Nodes that a cluster may have, though they are not there yet."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


class NodeGroup(BaseModel):
    """Nodes of one kind, which an autoscaler adds when trials wait for a place.

    Args:
        cpus, gpus: of each node.
        most: how many there may be.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    cpus: float = Field(ge=0)
    gpus: float = Field(default=0, ge=0)
    most: int = Field(ge=0)


def _groups(given: Any) -> tuple[NodeGroup, ...]:
    """Groups from JSON, or from what a YAML file says.

    Raises:
        ValueError: it is no list of groups.
    """
    try:
        listed = json.loads(given) if isinstance(given, str) else given
        return tuple(NodeGroup.model_validate(one) for one in listed)
    except (ValueError, TypeError):
        raise ValueError('must be a list such as [{"cpus": 8, "gpus": 1, "most": 4}]') from None


NodeGroups = Annotated[tuple[NodeGroup, ...], BeforeValidator(_groups)]
"""Groups, as a setting gives them."""
