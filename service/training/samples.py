"""A few test examples with a winner's answers, for people to look at; nothing is decided by them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from service.contracts.data import Arrays, Examples
from service.contracts.display import Display
from service.contracts.pair import Pair
from service.contracts.samples import Exhibit, Sample, Text
from service.contracts.trial import content_hash
from service.training import exhibits
from service.training.material import Material

MOST, FEWEST = 8, 2
"""Examples that are kept: the most, and what is left of them where pictures are large."""
BYTES = 48 * 1024
"""Of all pictures of a winner together, before they are compressed."""


def samples(pair: Pair, split: int, material: Material, predictions: Arrays) -> tuple[Sample, ...]:
    """Keep a few test examples and what was answered to them.

    Which ones follows from the split's seed and the arrays' shapes: it is the same for every
    variant, and was settled before anything was trained.

    Args:
        pair: tells how things are shown.
        split: the seed that drew the split.
        material: the split.
        predictions: for all of its test examples, by target name.

    Returns:
        The examples in the order of the test split. Inputs are shown as they were before the pair's
        `prepare`, where that left their names, shapes and number.
    """
    test = material.read_test()
    losses = pair.loss if not isinstance(pair.loss, str) else dict.fromkeys(test.targets, pair.loss)
    inputs = {
        name: pair.show.get(name) or exhibits.by_default(array, None)
        for name, array in test.inputs.items()
    }
    targets = {
        name: pair.show.get(name) or exhibits.by_default(array, losses.get(name))
        for name, array in test.targets.items()
    }
    places = chosen(len(test), split, _bytes(inputs, targets, test))
    few, original = test.take(places), material.read_test_unprepared(places)
    seen = _unprepared(few, original)

    def answered(name: str, row: int) -> Exhibit | None:
        predicted = np.asarray(predictions[name][places[row]])
        true, names = few.targets[name][row], few.names.get(name, ())
        return exhibits.answered(targets[name], predicted, true, names)

    def given(name: str, row: int) -> Exhibit | None:
        return exhibits.given(inputs[name], seen.inputs[name][row], seen.names.get(name, ()))

    def true(name: str, row: int) -> Exhibit | None:
        return exhibits.given(targets[name], few.targets[name][row], few.names.get(name, ()))

    return tuple(
        Sample(
            place=int(place),
            given=_shown(inputs, given, row),
            truth=_shown(targets, true, row),
            answer=_shown(targets, answered, row),
        )
        for row, place in enumerate(places)
    )


def chosen(count: int, split: int, each: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Places of the examples to be kept, increasing.

    Args:
        count: test examples.
        split: the seed that drew the split.
        each: bytes of an example's pictures.
    """
    most = max(FEWEST, min(MOST, BYTES // max(1, each)))
    rng = np.random.default_rng(int(content_hash(["samples", split]), 16))
    return np.sort(rng.permutation(count)[:most])


def _bytes(
    inputs: Mapping[str, Display], targets: Mapping[str, Display], examples: Examples
) -> int:
    """An example's pictures: what was given, and for each target the truth and the answer."""
    return sum(exhibits.pixels(inputs[name], examples.inputs[name]) for name in inputs) + 2 * sum(
        exhibits.pixels(targets[name], examples.targets[name]) for name in targets
    )


def _unprepared(prepared: Examples, original: Examples | None) -> Examples:
    """The same examples with inputs as they were, where their names and shapes are the same."""
    if original is None:
        return prepared
    inputs, names = dict(prepared.inputs), dict(prepared.names)
    for name, array in prepared.inputs.items():
        before = original.inputs.get(name)
        if before is not None and before.shape == array.shape:
            inputs[name], names[name] = before, original.names.get(name, ())
    return Examples(inputs, prepared.targets, names)


def _shown(
    displays: Mapping[str, Display], show: Callable[[str, int], Exhibit | None], row: int
) -> dict[str, Exhibit]:
    """One example's exhibits by name; a display that does not fit costs a good look, no trial."""
    found: dict[str, Exhibit] = {}
    for name, display in displays.items():
        try:
            exhibit = show(name, row)
        except Exception as error:  # a pair's own `show` may misjudge its arrays in any way
            reason = " ".join(str(error).split())[: exhibits.LONGEST]
            exhibit = Text(text=f"(cannot be shown as {display.kind}: {reason})")
        if exhibit is not None:
            found[name] = exhibit
    return found
