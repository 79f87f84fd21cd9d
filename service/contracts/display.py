"""How a pair's inputs and targets are shown to a reader of its report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from numpy.typing import NDArray

Kind = Literal["picture", "class", "words", "bag", "numbers", "line", "hidden"]


@dataclass(frozen=True)
class Display:
    """How one input or target is shown, where its shape and its loss do not say it.

    What numbers stand for is told by the data: `Examples.names`.

    Args:
        kind: "picture", shape (height, width) or (height, width, 1 or 3); "class", a number or one
            value per class; "words", a number per place; "bag", 0 or 1 per word; "numbers", a row
            of a table; "line", values in the order of time, shape (steps,) or (steps, features), of
            which the first feature is drawn; "hidden", nothing.
        low, high: the values of black and white; None takes 0 and 1, or 0 and 255, or the range of
            what is shown, whichever holds it first.
        separator: between words.
        end: the number that ends a sentence; what follows it is left out.
        choose: predictions of shape (places, numbers) -> the answered number at each place, where
            it is not simply the largest's.
        unit: of numbers.
    """

    kind: Kind
    low: float | None = None
    high: float | None = None
    separator: str = " "
    end: int | None = None
    choose: Callable[[NDArray[Any]], NDArray[Any]] | None = None
    unit: str = ""
