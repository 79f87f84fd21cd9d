"""From an array of one example to what a reader sees of it: a picture, words, numbers or a line."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.contracts.display import Display
from service.contracts.samples import Exhibit, Line, Picture, Text

SIDE = 48
"""Larger pictures are made smaller, so that neither side has more pixels."""
LONGEST = 240
"""Characters of a text, and values of a line."""

_PICTURE = 8  # an array without channels is a picture where both sides have as many
_LINE = 16  # a row of more numbers is drawn
_GREY, _COLOUR = 1, 3  # channels

Names = Sequence[str]
"""What a number of the array stands for, or what its columns are; empty where nothing is known."""


def by_default(array: NDArray[Any], loss: str | None) -> Display:
    """What an array is shown as where the pair does not say.

    Args:
        array: an input or target, first axis the examples.
        loss: of a target; None of an input.
    """
    shape, size = array.shape[1:], int(np.prod(array.shape[1:]))
    if _is_picture(shape):
        return Display("picture")
    if np.issubdtype(array.dtype, np.integer) or array.dtype == bool:
        return Display("class") if size == 1 else Display("words")
    if loss == "categorical_crossentropy" or (loss == "binary_crossentropy" and size == 1):
        return Display("class")
    if len(shape) > 2:
        return Display("hidden")
    return Display("line") if len(shape) == 2 or size > _LINE else Display("numbers")


def pixels(display: Display, array: NDArray[Any]) -> int:
    """How many bytes an example has as a picture before it is compressed; 0 if it is none."""
    if display.kind != "picture":
        return 0
    return int(np.prod([min(size, SIDE) for size in array.shape[1:]]))


def given(display: Display, one: NDArray[Any], names: Names) -> Exhibit | None:
    """Show an input or a true target.

    Args:
        display: how.
        one: of one example, without the examples' axis.
        names: what its numbers stand for.
    """
    flat = np.asarray(one).reshape(-1)
    match display.kind:
        case "picture":
            return _picture(one, *_shades(display, one))
        case "class":
            number = int(np.rint(flat[0])) if flat.size == 1 else int(flat.argmax())
            return Text(text=_name(number, names))
        case "words":
            return Text(text=_words(display, flat, names))
        case "bag":
            return Text(text=_cut(", ".join(_name(int(n), names) for n in np.flatnonzero(flat))))
        case "numbers":
            return Text(text=_numbers(display, flat, names))
        case "line":
            course = np.asarray(one).reshape(len(one), -1)[:LONGEST, 0]
            return Line(values=tuple(float(f"{value:.4g}") for value in course))
        case "hidden":
            return None


def answered(
    display: Display, predicted: NDArray[Any], true: NDArray[Any], names: Names
) -> Exhibit | None:
    """Show a prediction, in the way of the truth that it is held against.

    Args:
        display: of the target.
        predicted: for one example: of a class or a word one value for each that there is, or of two
            classes the second's probability.
        true: the target of this example.
        names: what its numbers stand for.
    """
    if display.kind == "class":
        return _class(predicted.reshape(-1), true.reshape(-1), names)
    if display.kind == "words" and predicted.ndim > true.ndim:
        numbers = predicted.argmax(-1) if display.choose is None else display.choose(predicted)
        return Text(text=_words(display, np.asarray(numbers), names))
    if display.kind == "picture":
        return _picture(predicted.reshape(true.shape), *_shades(display, true))
    return given(display, predicted, names)


def _class(predicted: NDArray[Any], true: NDArray[Any], names: Names) -> Text:
    """The answered class, with its probability where the numbers are probabilities."""
    shares = np.array([1 - predicted[0], predicted[0]]) if predicted.size == 1 else predicted
    number = int(shares.argmax())
    truth = int(np.rint(true[0])) if true.size == 1 else int(true.argmax())
    probable = shares.min() >= 0 and abs(float(shares.sum()) - 1) < 1e-3
    told = f" ({shares[number]:.0%})" if probable else ""
    return Text(text=_name(number, names) + told, right=number == truth)


def _name(number: int, names: Names) -> str:
    return names[number] if 0 <= number < len(names) else str(number)


def _words(display: Display, numbers: NDArray[Any], names: Names) -> str:
    found = [int(np.rint(number)) for number in numbers.reshape(-1)]
    if display.end is not None:
        # An input may be filled up before its sentence, an answer after it.
        first = next((i for i, number in enumerate(found) if number != display.end), len(found))
        found = found[first:]
        found = found[: found.index(display.end)] if display.end in found else found
    return _cut(display.separator.join(_name(number, names) for number in found))


def _numbers(display: Display, values: NDArray[Any], names: Names) -> str:
    unit = f" {display.unit}" if display.unit else ""
    told = [f"{float(value):.4g}{unit}" for value in values]
    if len(names) == len(told) > 1:
        told = [f"{name} {value}" for name, value in zip(names, told, strict=True)]
    return _cut(", ".join(told))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _is_picture(shape: tuple[int, ...]) -> bool:
    if len(shape) == 3:
        return shape[-1] in (_GREY, _COLOUR) and min(shape[:2]) > 1
    return len(shape) == 2 and min(shape) >= _PICTURE


def _shades(display: Display, array: NDArray[Any]) -> tuple[float, float]:
    """The values of black and white."""
    if display.low is not None and display.high is not None:
        return display.low, display.high
    low, high = float(array.min()), float(array.max())
    whole = np.issubdtype(array.dtype, np.integer)
    if low >= 0 and high <= 1 and not whole:
        return 0.0, 1.0
    if low >= 0 and high <= 255:
        return 0.0, 255.0
    return low, high


def _picture(array: NDArray[Any], low: float, high: float) -> Picture:
    from PIL import Image

    shades = (np.asarray(array, np.float64) - low) / ((high - low) or 1.0)
    levels = np.rint(255 * np.nan_to_num(shades).clip(0, 1)).astype(np.uint8)
    image = Image.fromarray(levels[..., 0] if levels.shape[2:] == (_GREY,) else levels)
    image.thumbnail((SIDE, SIDE), Image.Resampling.BOX)
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    text = base64.b64encode(file.getvalue()).decode("ascii")
    return Picture(png=text, width=image.width, height=image.height)
