"""A few test examples with what both variants answered."""

from __future__ import annotations

from service.contracts.results import TrialResult
from service.contracts.samples import Sample
from service.report.gallery import Example, Gallery
from service.report.view import PairView


def examples(pair: PairView) -> Gallery | None:
    """The examples that were kept, each variant's answer in a column of its own."""
    winners = [
        next((row for row in pair.results if row.samples and row.spec.variant == variant), None)
        for variant in pair.plan.variants
    ]
    found = [row for row in winners if row is not None]
    if not found:
        return None
    answers = [{} if row is None else _by_place(row) for row in winners]
    rows = tuple(
        Example(
            f"{sample.place + 1:,}",
            (
                tuple(sample.given.items()),
                tuple(sample.truth.items()),
                *(tuple(side[sample.place].answer.items()) if side else () for side in answers),
            ),
        )
        for sample in found[0].samples
    )
    sizes = found[0].examples
    of = "" if sizes is None else f" of {sizes[2]:,}"
    return Gallery(
        title=f"{len(rows)}{of} test examples, and what was answered",
        columns=("given", "truth", *pair.plan.variants),
        rows=rows,
        note=f"Drawn by the seed of the split before anything was trained, the same for both "
        f"variants, and kept whatever the answers were. Answers are those of the first retrained "
        f"winner of repetition {found[0].spec.repetition}; nothing is decided by them.",
    )


def _by_place(row: TrialResult) -> dict[int, Sample]:
    return {sample.place: sample for sample in row.samples}
