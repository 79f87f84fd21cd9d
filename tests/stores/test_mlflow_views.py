"""The views that an experiment brings along for MLflow's page."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

from service.contracts.plan import MetricPlan
from service.stores.mlflow_views import FIRST, has_views, view_tags
from tests.stores.store_factories import a_pair, a_plan

MOST = 5_000
"""Characters of an experiment's tag in MLflow."""
STARTED = "2025-01-01T10:00:00Z"


def states(plan: Any) -> dict[str, Any]:
    """What MLflow's page makes of the tags: its state by the view's name."""
    found = {}
    for value in view_tags(plan, STARTED).values():
        view = json.loads(value)
        head, _, packed = view["state"].partition(";")
        assert head == "deflate"
        found[view["name"]] = json.loads(zlib.decompress(base64.b64decode(packed)))
    return found


def test_the_first_view_puts_the_winners_of_both_variants_side_by_side() -> None:
    tags = view_tags(a_plan(), STARTED)
    assert has_views(tags)
    assert not has_views(["mlflow.note.content"])
    assert FIRST in next(iter(tags))
    state = states(a_plan())["Winners by variant"]
    assert state["searchFilter"] == "tags.stage = 'retrain'"
    assert state["groupBy"]["groupByKeys"] == [{"mode": "tag", "groupByData": "variant"}]
    assert state["groupsExpanded"]["tag.variant.sequential"] is False
    charts = [(chart["type"], chart["metricKey"]) for chart in state["compareRunCharts"]]
    assert charts[:3] == [
        ("BAR", "test_accuracy"),
        ("LINE", "validation_accuracy"),
        ("LINE", "loss"),
    ]


def test_another_view_groups_every_training() -> None:
    state = states(a_plan())["Trainings by variant, stage and repetition"]
    groups = [one["groupByData"] for one in state["groupBy"]["groupByKeys"]]
    assert groups == ["variant", "stage", "repetition"]
    assert state["searchFilter"] == ""


def test_many_pairs_with_metrics_of_their_own_still_fit_into_a_tag() -> None:
    pairs = [
        a_pair().model_copy(
            update={
                "name": f"pair_number_{place}",
                "metric": MetricPlan(
                    name=f"metric number {place}", direction="maximize", unit="fraction"
                ),
            }
        )
        for place in range(16)
    ]
    plan = a_plan().model_copy(update={"pairs": tuple(pairs)})
    assert max(map(len, view_tags(plan, STARTED).values())) < MOST
    state = states(plan)["Winners by variant"]
    assert state["groupBy"]["groupByKeys"][0] == {"mode": "tag", "groupByData": "pair"}
    assert state["groupsExpanded"]["tag.pair.pair_number_3,tag.variant.functional"] is False
