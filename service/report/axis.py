"""An axis of a figure: from values to pixels, and where its ticks stand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from service.report.numbers import MINUS

_STEPS = (1.0, 2.0, 5.0, 10.0)
_PAD = 0.05  # of the range, so that no mark lies on the frame


@dataclass(frozen=True)
class Axis:
    """A linear or logarithmic axis.

    Attributes:
        low, high: its range, in the values' unit; of a logarithmic one the powers of ten.
        start, end: pixels of low and high.
        log: whether it is logarithmic.
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def place(self, value: float) -> float:
        """The pixel of a value."""
        at = math.log10(value) if self.log else value
        return self.start + (at - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self, room: float) -> list[tuple[float, str]]:
        """Round values and their texts.

        Args:
            room: pixels that a tick needs.
        """
        most = max(2, int(abs(self.end - self.start) / room))
        return (_log_ticks if self.log else _ticks)(self.low, self.high, most)


def span(values: Sequence[float], *, log: bool, from_zero: bool) -> tuple[float, float]:
    """The range of an axis that shows these values.

    Args:
        values: finite; above 0 where the axis is logarithmic.
        log: whether it is logarithmic.
        from_zero: whether 0 is shown, too.

    Returns:
        Low and high, see `Axis`; never equal.
    """
    shown = [math.log10(value) for value in values] if log else list(values)
    low, high = min(shown, default=0.0), max(shown, default=1.0)
    if low == high:
        low, high = low - 0.5, high + 0.5
    pad = _PAD * (high - low)
    if from_zero and low >= 0:
        return 0.0, high + pad
    return low - pad, high + pad


def _ticks(low: float, high: float, most: int) -> list[tuple[float, str]]:
    """Multiples of 1, 2 or 5 times a power of ten, at most so many."""
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * next(step for step in _STEPS if step * power >= rough * (1 - 1e-9))
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [(n * step, _told(n * step, digits)) for n in range(first, last + 1)]


def _log_ticks(low: float, high: float, most: int) -> list[tuple[float, str]]:
    """1, 2 and 5 times the powers of ten; the powers alone where there are many, and round values
    in equal steps where there are few."""
    steps = _STEPS[:1] if high - low > 4 else _STEPS[:3]
    powers = range(math.floor(low), math.ceil(high) + 1)
    values = [step * 10.0**power for power in powers for step in steps]
    shown = [(v, f"{v:g}") for v in values if low <= math.log10(v) <= high]
    return shown if len(shown) > 2 else _ticks(10.0**low, 10.0**high, most)


def _told(value: float, digits: int) -> str:
    text = f"{abs(value):,.{digits}f}"
    return f"{MINUS}{text}" if value < 0 and text.strip("0.,") else text
