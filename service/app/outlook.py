"""What a plan would do, before anything is started."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from service.app.planning import Planned
from service.contracts.plan import Plan
from service.plan.cost import PlanFacts, describe


def outlook(plan: Plan) -> PlanFacts:
    """What a plan costs and what it can claim."""
    return describe(plan)


def document(planned: Planned) -> dict[str, Any]:
    """The same as JSON, with the whole plan."""
    plan = planned.plan
    return {
        "experiment": plan.experiment,
        "protocol": plan.protocol_hash,
        **asdict(describe(plan)),
        "plan": plan.model_dump(mode="json"),
    }
