"""Which Ray cluster a run joins, and how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from service.contracts.nodes import NodeGroup


@dataclass(frozen=True)
class Warm:
    """Workers that outlive the run, for the next one of the same user.

    Args:
        user: whose; code of different users never shares a worker.
        seconds: how long an idle one is kept.
    """

    user: str
    seconds: float


@dataclass(frozen=True)
class Cluster:
    """A Ray cluster that is there already.

    Args:
        address: "auto", "ray://host:10001" or "host:6379".
        shares_disk: whether all its workers see this process's files.
        warm: how workers are shared with later runs; None for workers of this run alone.
        groups: nodes that its autoscaler may add.
        limit: the most trials at once by now, None for what the config says.
    """

    address: str
    shares_disk: bool = False
    warm: Warm | None = None
    groups: tuple[NodeGroup, ...] = ()
    limit: Callable[[], int | None] = lambda: None
