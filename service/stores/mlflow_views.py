"""Views that an experiment brings along: which runs MLflow's page shows, by what it groups them, and
the charts that put both variants side by side.

They are what MLflow's own "save view" writes: a tag of the experiment whose value names the view and
holds the page's state, compressed. A page asks for one by its key (`viewStateShareKey`); all are in
its menu of views.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable, Sequence
from itertools import product
from typing import Any

from service.contracts.pair import CONTROL
from service.contracts.plan import Plan
from service.stores.mlflow_layout import key, milliseconds

FIRST = "archduel-winners"
"""The view that is opened: the retrained winners of each variant."""

_ALL = "archduel-trainings"
_TAG = "mlflow.sharedViewState."
_COSTS = ("train_seconds", "latency_ms", "parameters", "flops", "peak_memory_mb")


def view_tags(plan: Plan, started: str) -> dict[str, str]:
    """The tags of an experiment that hold its views.

    Args:
        plan: the experiment's.
        started: when it began (ISO 8601), shown as the views' age.
    """
    names = sorted({variant for pair in plan.pairs for variant in pair.variants} | {CONTROL})
    pairs = [pair.name for pair in plan.pairs]
    by_pair = ["pair"] if len(pairs) > 1 else []
    values = [pairs, names] if by_pair else [names]
    moment = milliseconds(started)
    return {
        _tag(FIRST): _view(
            "Winners by variant",
            _state(plan, [*by_pair, "variant"], "tags.stage = 'retrain'", values),
            moment,
        ),
        _tag(_ALL): _view(
            "Trainings by variant, stage and repetition",
            _state(plan, [*by_pair, "variant", "stage", "repetition"], "", []),
            moment,
        ),
    }


def has_views(tags: Iterable[str]) -> bool:
    """Whether an experiment with these tags can be opened with the view `FIRST`."""
    return _tag(FIRST) in tags


def _tag(name: str) -> str:
    return _TAG + name


def _view(name: str, state: dict[str, Any], moment: int) -> str:
    packed = base64.b64encode(zlib.compress(json.dumps(state).encode(), 9)).decode("ascii")
    return json.dumps(
        {"name": name, "createdAt": moment, "updatedAt": moment, "state": f"deflate;{packed}"}
    )


def _state(
    plan: Plan, groups: Sequence[str], search: str, closed: Sequence[Sequence[str]]
) -> dict[str, Any]:
    """A page's state.

    Args:
        plan: names the metrics.
        groups: tags that runs are grouped by.
        search: which runs, in MLflow's language.
        closed: values of these tags whose groups are shown without their runs.
    """
    metrics = list(dict.fromkeys(key(pair.metric.name) for pair in plan.pairs))
    charts = [
        *(("BAR", f"test_{metric}") for metric in metrics),
        *(("LINE", f"validation_{metric}") for metric in metrics),
        ("LINE", "loss"),
        *(("BAR", cost) for cost in _COSTS),
    ]
    columns = [*(f"test_{m}" for m in metrics), *(f"validation_{m}" for m in metrics), *_COSTS]
    return {
        "searchFilter": search,
        "orderByKey": "attributes.start_time",
        "orderByAsc": True,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "runsHiddenMode": "SHOW_ALL",
        "groupBy": {
            "aggregateFunction": "average",
            "groupByKeys": [{"mode": "tag", "groupByData": tag} for tag in groups],
        },
        "groupsExpanded": {
            ",".join(f"tag.{tag}.{v}" for tag, v in zip(groups, one, strict=True)): False
            for one in product(*closed)
            if closed
        },
        "selectedColumns": [*(f"metrics.`{name}`" for name in columns), "tags.`repetition`"],
        "isAccordionReordered": True,
        "compareRunSections": [
            {"uuid": "both", "name": "Both variants", "display": True, "isReordered": True}
        ],
        "compareRunCharts": [
            {
                "uuid": name,
                "type": kind,
                "metricKey": name,
                "displayName": name,
                "metricSectionId": "both",
                "isGenerated": True,
                "deleted": False,
                "runsCountToCompare": 100,
            }
            for kind, name in charts
        ],
    }
