"""Which candidates no other candidate beats on everything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from service.stats.sample import FloatArray


def non_dominated(
    points: FloatArray | Sequence[Sequence[float]],
    directions: Sequence[Literal["maximize", "minimize"]],
) -> NDArray[np.bool_]:
    """Return which points are on the Pareto front.

    A point is dominated when another is at least as good on every objective and better on
    one; equal points do not dominate each other.

    Args:
        points: objectives, shape (points, objectives), each column in its own unit.
        directions: "maximize" or "minimize" per column, shape (objectives,).

    Returns:
        True where no point dominates, shape (points,).

    Raises:
        ValueError: shapes do not fit, a direction is unknown or a value is NaN.
    """
    values = np.asarray(points, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != len(directions):
        raise ValueError(
            f"points must have shape (points, {len(directions)}), but got {values.shape}"
        )
    if any(direction not in ("maximize", "minimize") for direction in directions):
        raise ValueError(f"a direction is 'maximize' or 'minimize', but got {list(directions)}")
    if np.isnan(values).any():
        raise ValueError("objectives must not be NaN; leave a point without a result out")
    signed = values * np.array([1.0 if d == "maximize" else -1.0 for d in directions])
    front = np.ones(len(signed), dtype=np.bool_)
    for i, point in enumerate(signed):
        as_good = (signed >= point).all(axis=1)
        front[i] = not (as_good & (signed > point).any(axis=1)).any()
    return front
