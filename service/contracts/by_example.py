"""A retrained winner's score on each test example, small enough to keep with its result."""

from __future__ import annotations

import base64
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.contracts.trial import Frozen

_STEPS = 65_535  # 16 bits between the lowest and the highest score


class ExampleScores(Frozen):
    """Scores by test example: 16 bits each between the lowest and the highest, compressed.

    A thousand right or wrong answers take some 400 characters, a thousand real numbers 3,000.

    Args:
        count: how many examples.
        low, high: the lowest and the highest score, in the metric's unit.
        positions: of the examples in the data set, increasing; packed.
        steps: scores in the same order, as parts of the way from low to high; packed.
    """

    count: int
    low: float
    high: float
    positions: str
    steps: str

    @classmethod
    def pack(cls, positions: NDArray[Any], scores: NDArray[Any]) -> ExampleScores:
        """Pack scores.

        Args:
            positions: of the test examples in the data set, each once, shape (examples,).
            scores: finite, in the metric's unit, shape (examples,).
        """
        order = np.argsort(positions)
        sorted_positions = np.asarray(positions, dtype=np.int64)[order]
        values = np.asarray(scores, dtype=np.float64)[order]
        low, high = float(values.min()), float(values.max())
        width = high - low
        steps = np.rint((values - low) / width * _STEPS) if width > 0 else np.zeros(len(values))
        return cls(
            count=len(values),
            low=low,
            high=high,
            positions=_packed(np.diff(sorted_positions, prepend=0).astype("<u4")),
            steps=_packed(steps.astype("<u2")),
        )

    def unpack(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The positions, increasing, and the scores to 1/65535 of their range; shape (count,)."""
        gaps = np.frombuffer(_unpacked(self.positions), dtype="<u4").astype(np.int64)
        steps = np.frombuffer(_unpacked(self.steps), dtype="<u2").astype(np.float64)
        scores: NDArray[np.float64] = self.low + steps / _STEPS * (self.high - self.low)
        return np.cumsum(gaps), scores


def _packed(values: NDArray[Any]) -> str:
    return base64.b64encode(zlib.compress(values.tobytes(), 9)).decode("ascii")


def _unpacked(text: str) -> bytes:
    return zlib.decompress(base64.b64decode(text))
