"""The small experiment that the soak runs, in several variations."""

from __future__ import annotations

CONFIG = """\
experiment: soak
pairs: [iris]
search: {trials: 2, batch: 2, epochs: 3}
design: {repetitions: [2], retrain: 1}
training: {strategy: graph}
"""


def overrides(seed: int) -> list[str]:
    """What makes a variation."""
    return [f"design.seed={seed}"]
