"""A metric carries its direction and its unit, so that no one guesses them from its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from service.contracts.data import Arrays, Examples

Direction = Literal["maximize", "minimize"]


@dataclass(frozen=True)
class Metric:
    """How predictions are judged.

    Args:
        name: the field's standard term ("accuracy", "mean absolute error").
        direction: whether more is better.
        unit: "fraction" for shares between 0 and 1 (printed as points, 0.01 = 1 point), otherwise
            the unit of measurement.
        score: (targets, predictions) -> the metric over all examples. Both are arrays by target
            name, first axis the examples; predictions are the model's outputs. With `reads_names`
            it is given `Examples.names` third.
        reads_names: what its numbers stand for counts (chrF reads letters of words). For further
            metrics alone: the primary one is also asked after each epoch, where numbers must do.
    """

    name: str
    direction: Direction
    unit: str
    score: Callable[..., float]
    reads_names: bool = False

    def over(self, examples: Examples, predictions: Arrays) -> float:
        """The metric over these examples.

        Args:
            examples: with the targets, first axis the examples.
            predictions: the model's outputs for them, by target name.
        """
        more = (examples.names,) if self.reads_names else ()
        return float(self.score(examples.targets, predictions, *more))

    def gain(self, challenger: float, reference: float) -> float:
        """How much better the challenger is, in the metric's unit: positive means better."""
        difference = challenger - reference
        return difference if self.direction == "maximize" else -difference

    def better(self, first: float, second: float) -> bool:
        """Whether `first` is strictly better than `second`."""
        return self.gain(first, second) > 0
