"""Test examples as a reader sees them: what was given, what is true, what a model answered."""

from __future__ import annotations

from service.contracts.trial import Frozen


class Text(Frozen):
    """A class, words or numbers.

    Args:
        text: to be printed.
        right: of an answered class, whether it is the true one; None where there is no right or wrong.
    """

    text: str
    right: bool | None = None


class Picture(Frozen):
    """A small picture.

    Args:
        png: a PNG file, in base64.
        width, height: in pixels.
    """

    png: str
    width: int
    height: int


class Line(Frozen):
    """Values in the order of time, to four digits."""

    values: tuple[float, ...]


Exhibit = Text | Picture | Line


class Sample(Frozen):
    """One test example and what a retrained winner made of it.

    Args:
        place: which of its split's test examples it is, from 0.
        given: what the models got, by input name.
        truth: what is right, by target name.
        answer: what this winner answered, by target name.
    """

    place: int
    given: dict[str, Exhibit]
    truth: dict[str, Exhibit]
    answer: dict[str, Exhibit]
