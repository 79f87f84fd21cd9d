"""The page of results as Markdown, from the reports of the runs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from service.contracts.plan import MetricPlan
from service.report.view import Words
from tests.results.published import held_against

Report = Mapping[str, Any]
"""What `archduel report --format json` writes; see `service.report.as_json`."""

HEAD = """# Results

What the shipped configs found on the packaged data. `make results` runs them one after another and
writes this page; `python -m tests.results --page` writes it from what is recorded. A run's command
makes it again at its commit: on the same kind of machine with the same versions, to the bit.

The effect is how much better the functional variant is, with its interval; P(better) is the share
of repetitions that it wins; n counts repetitions that have a result, of those planned. Ratios are
functional to sequential. Seconds are from the run's start to its last training, on a machine that
other work may have shared. Made anew at a later commit, six of these runs (746 trainings) came out the
same in every weight; seconds differ from day to day, and so do ratios of trainings that take
milliseconds (each report gives their intervals).
"""

_COLUMNS = (
    "run | pair | verdict | effect [interval] | margin | P(better) | training time | latency | "
    "parameters | n | seconds"
)


def document(
    found: Mapping[str, Report], commits: Mapping[str, str], commands: Mapping[str, Sequence[str]]
) -> str:
    """The page.

    Args:
        found: by run, its report.
        commits: by run, the commit that it was begun at.
        commands: by run, what follows `archduel run`; also for runs that are not there.
    """
    lines = [HEAD, *_table(_COLUMNS, _verdicts(found))]
    missing = [name for name in commands if name not in found]
    if missing:
        lines += ["", f"Not run, or not yet: {', '.join(missing)}."]
    lines += ["", "## Beside the trivial answers", "", _TRIVIAL, ""]
    lines += _table(
        "run | pair | metric | baseline | sequential | functional | further", _scores(found)
    )
    lines += ["", "## Held against what is published", ""]
    lines += _table("published | found | direction", held_against(found))
    lines += ["", "## Commands", ""]
    lines += _table("run | commit | command", _commands(found, commits, commands))
    lines += ["", "## Where", ""]
    places: dict[str, list[str]] = {}
    for name, report in found.items():
        places.setdefault(_place(report), []).append(name)
    lines += [f"- {', '.join(names)}: {place}" for place, names in places.items()]
    return "\n".join(lines) + "\n"


_TRIVIAL = """Means of the test scores over the repetitions that have both variants, beside the trivial baseline on
the same test examples. A variant that does not beat its baseline makes a comparison invalid. Further
metrics, of sequential and functional, and further trivial answers decide nothing."""


def _table(columns: str, rows: Iterator[Sequence[str]]) -> list[str]:
    names = columns.split(" | ")
    lines = [f"| {' | '.join(names)} |", f"| {' | '.join('---' for _ in names)} |"]
    return lines + [f"| {' | '.join(row)} |" for row in rows]


def _pairs(report: Report) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Each pair's plan and what was found."""
    return zip(report["plan"]["pairs"], report["pairs"], strict=True)


def _verdicts(found: Mapping[str, Report]) -> Iterator[Sequence[str]]:
    for name, report in found.items():
        for plan, pair in _pairs(report):
            words, verdict = _words(plan), pair["verdict"]
            costs = {cost["name"]: cost["ratio"] for cost in pair["costs"]}
            won = verdict["improvement"]
            yield (
                name,
                plan["name"],
                f"**{pair['label']}**",
                effect(words, verdict["mean_difference"], verdict["interval"]),
                f"{words.scale * plan['margin']:.3g}",
                "" if won is None else f"{won:.0%}",
                *(_ratio(costs.get(cost)) for cost in ("training time", "latency", "parameters")),
                f"{verdict['n_ok']}/{verdict['n_planned']}",
                _seconds(report, plan["name"]),
            )


def _scores(found: Mapping[str, Report]) -> Iterator[Sequence[str]]:
    for name, report in found.items():
        for plan, pair in _pairs(report):
            words = _words(plan)
            both = [r for r in pair["repetitions"] if r["difference"] is not None]
            sides = (
                [r["baseline"] for r in both if r["baseline"] is not None],
                [r["reference"]["mean"] for r in both],
                [r["challenger"]["mean"] for r in both],
            )
            metric = f"{plan['metric']['name']} ({words.wish} is better, {words.score_unit})"
            means = (_mean(words, scores) for scores in sides)
            yield name, plan["name"], metric, *means, _further(report, plan)


def _further(report: Report, plan: Mapping[str, Any]) -> str:
    """Further metrics, sequential and functional, and the further trivial answers."""
    rows = [
        row
        for row in report["results"]
        if row["spec"]["pair"] == plan["name"] and row["spec"]["stage"] == "retrain"
    ]
    told = []
    for metric in plan["also"]:
        words, name = Words(MetricPlan(**metric)), metric["name"]
        both = [
            _mean(words, [row["also"][name] for row in rows
                          if row["spec"]["variant"] == variant and name in row["also"]])
            for variant in plan["variants"]
        ]  # fmt: skip
        told.append(f"{name} ({words.score_unit}) {' and '.join(both)}")
    for name in dict.fromkeys(name for row in rows for name in row["reference_scores"]):
        scores = [row["reference_scores"][name] for row in rows if name in row["reference_scores"]]
        told.append(f"reference, {name}: {_mean(_words(plan), scores)}")
    return "; ".join(told)


def _commands(
    found: Mapping[str, Report], commits: Mapping[str, str], commands: Mapping[str, Sequence[str]]
) -> Iterator[Sequence[str]]:
    for name in found:
        yield name, commits.get(name, "unknown"), f"`archduel run {' '.join(commands[name])}`"


def effect(words: Words, mean: float | None, interval: Sequence[float] | None) -> str:
    """A difference with its interval, in the unit it is told in: "+1.2 [0.3, 2.1] points"."""
    if mean is None:
        return "no result"
    scale = words.scale
    told = f"{scale * mean:+.3g}"
    if interval is not None:
        told += f" [{scale * interval[0]:.3g}, {scale * interval[1]:.3g}]"
    return f"{told} {words.difference_unit}"


def _words(plan: Mapping[str, Any]) -> Words:
    return Words(MetricPlan(**plan["metric"]))


def _ratio(value: float | None) -> str:
    return "" if value is None else f"x{value:.2f}"


def _mean(words: Words, scores: Sequence[float]) -> str:
    return f"{words.scale * math.fsum(scores) / len(scores):.4g}" if scores else ""


def _seconds(report: Report, pair: str) -> str:
    """Until the pair's last training; of a run with several pairs they overlap."""
    ends = [row["finished_at"] for row in report["results"] if row["spec"]["pair"] == pair]
    if not ends or "started" not in report["facts"]:
        return ""
    started = datetime.fromisoformat(report["facts"]["started"])
    return f"{(datetime.fromisoformat(max(ends)) - started).total_seconds():.0f}"


def _place(report: Report) -> str:
    machine, versions = report["facts"]["hardware"], report["facts"]["versions"]
    software = ", ".join(f"{name} {version}" for name, version in versions.items())
    cores = f"{machine['cores']} cores"
    return f"{machine['processor']}, {cores}, {machine['memory']}, {machine['system']}; {software}"
