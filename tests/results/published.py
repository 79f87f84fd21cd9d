"""What is published about a question, and whether the runs point the same way."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scipy.stats import t

Report = Mapping[str, Any]

BETTER, WORSE, NO_WORSE = "functional better", "sequential better", "functional not worse"


@dataclass(frozen=True)
class Expectation:
    """A direction that a publication gives.

    Args:
        run: whose first pair is held against it.
        expected: which variant is better there.
        published: the finding, with its source.
        differs: what differs between it and this pair, for a finding that disagrees.
        longer: a run of the same with more epochs, which tells whether that is because of them.
    """

    run: str
    expected: str
    published: str
    differs: str
    longer: str | None = None


EXPECTED = (
    Expectation(
        "translation",
        BETTER,
        "with attention BLEU rises from 13.93 to 21.50 (sentences to 30 words) and from 17.82 to "
        "26.75 (to 50); Bahdanau et al. 2014, table 1",
        "sentences of at most 5 words fit into one vector",
    ),
    Expectation(
        "face_verification",
        WORSE,
        "two-channel networks were the most accurate, Siamese and pseudo-Siamese ones behind them "
        "(FPR95 13.45 and 13.95); Zagoruyko and Komodakis 2015",
        "their patches are alike in training and test, and there are millions of them; here the "
        "people are strangers, and 24 train",
    ),
    Expectation(
        "multimodal",
        BETTER,
        "relational questions: 63% for a plain network on image and question, above 94% for one "
        "built around relations; Santoro et al. 2017",
        "these questions ask about one shape and about no relation",
    ),
    Expectation(
        "multi_task",
        BETTER,
        "IoU 59.4 alone, 50.1 shared with equal loss weights, 63.4 shared with learned ones; "
        "Kendall et al. 2018, table 1",
        "both tasks are of one kind and of one size, so that equal weights are nearly the best",
    ),
    Expectation(
        "densenet",
        NO_WORSE,
        "DenseNet-BC with 0.8M parameters has 4.51% error on CIFAR-10, a residual network of 10M "
        "4.62%; Huang et al. 2017",
        "their networks have 100 layers and more, these about ten",
        "densenet-24",
    ),
    Expectation(
        "unet",
        NO_WORSE,
        "the gain of a U-Net's skips is small at low complexity of the task and depends on it; "
        "Kamath et al. 2023",
        "a coast is a sharp edge in colour, which only the finest maps hold",
    ),
)

DEPTHS = ("resnet-2", "resnet-5", "resnet")
"""Runs of one pair at growing depth: 6, 12 and 20 layers."""


def held_against(found: Mapping[str, Report]) -> Iterator[Sequence[str]]:
    """A row for each expectation whose run is there."""
    yield from _depths({name: found[name] for name in DEPTHS if name in found})
    for one in EXPECTED:
        if one.run not in found:
            continue
        pair = found[one.run]["pairs"][0]
        said = _direction(one, pair)
        told = f"{one.run}: {pair['label']}. {pair['sentence']}"
        if one.run == "multi_task":
            told += _by_share(found[one.run])
        if one.longer in found:
            told += f" {one.longer}: {found[one.longer]['pairs'][0]['sentence']}"
        yield one.published, told, said


def _direction(one: Expectation, pair: Mapping[str, Any]) -> str:
    """Whether the interval, or at least the mean, lies on the expected side of 0."""
    verdict = pair["verdict"]
    mean, interval = verdict["mean_difference"], verdict["interval"]
    if mean is None or interval is None:
        return "nothing found yet"
    low, high = interval
    if one.expected == WORSE:
        mean, low, high = -mean, -high, -low
    if low > 0:
        return "agrees"
    if one.expected == NO_WORSE and high >= 0:
        return "agrees: no difference is shown"
    if high < 0:
        return f"**disagrees**: {one.differs}"
    side = "the mean points the same way" if mean > 0 else "the mean points the other way"
    return f"open, {side}" + ("" if mean > 0 else f": {one.differs}")


def _differences(report: Report) -> dict[int, float]:
    """By split seed, the difference of that repetition."""
    seeds = {row["spec"]["repetition"]: row["spec"]["seeds"]["split"] for row in report["results"]}
    return {
        seeds[one["index"]]: one["difference"]
        for one in report["pairs"][0]["repetitions"]
        if one["difference"] is not None
    }


def _depths(runs: Mapping[str, Report]) -> Iterator[Sequence[str]]:
    """Does the gain grow with depth? The deepest against the flattest, repetition by repetition."""
    if len(runs) < 2:
        return
    names = list(runs)
    means = ", ".join(
        f"{name} {100 * report['pairs'][0]['verdict']['mean_difference']:+.3g}"
        for name, report in runs.items()
        if report["pairs"][0]["verdict"]["mean_difference"] is not None
    )
    first, last = (_differences(runs[name]) for name in (names[0], names[-1]))
    growth = [last[seed] - first[seed] for seed in sorted(first.keys() & last.keys())]
    if len(growth) < 2:
        return
    mean = math.fsum(growth) / len(growth)
    sd = math.sqrt(math.fsum((one - mean) ** 2 for one in growth) / (len(growth) - 1))
    half = float(t.ppf(0.975, len(growth) - 1)) * sd / math.sqrt(len(growth))
    said = "agrees" if mean > half else "**disagrees**" if mean < -half else "open"
    yield (
        "on ImageNet shortcuts change the top-1 error from 27.94% to 27.88% with 18 layers and from "
        "28.54% to 25.03% with 34; He et al. 2015, table 2",
        f"gain of the shortcuts in points of accuracy: {means}; from {names[0]} to {names[-1]} it "
        f"grows by {100 * mean:.3g} [{100 * (mean - half):.3g}, {100 * (mean + half):.3g}] points "
        f"(the same splits, n={len(growth)})",
        said,
    )


def _by_share(report: Report) -> str:
    """The search trials of the shared trunk by loss weight: they are draws, and not chosen ones."""
    scores: dict[float, list[float]] = {}
    for row in report["results"]:
        share = row["hyperparameters"].get("left_share")
        if row["spec"]["stage"] == "search" and share is not None and row["score"] is not None:
            scores.setdefault(float(share), []).append(row["score"])
    told = ", ".join(
        f"{share:g}: {100 * math.fsum(found) / len(found):.1f}% ({len(found)})"
        for share, found in sorted(scores.items())
    )
    return f" Validation accuracy of its search trials by the left task's loss weight: {told}."
