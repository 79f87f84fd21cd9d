"""Where the variance comes from, from results nested as splits > searches > seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class VarianceShares:
    """Variance components and their shares of the total; None where the data cannot tell.

    With one search per split, search and split cannot be told apart and `split` holds both;
    with one seed per search, seed and search cannot, and `search` (or `split`) holds both.

    Attributes:
        split: variance between splits, in the metric's unit squared.
        search: variance between searches on one split.
        seed: variance between seeds of one search's winner.
        split_share: part of the total, 0 to 1, as are the other shares.
        search_share: part of the total.
        seed_share: part of the total.
        truncated: whether a negative estimate was set to 0.
        n: results, searches and splits.
    """

    split: float | None
    search: float | None
    seed: float | None
    split_share: float | None
    search_share: float | None
    seed_share: float | None
    truncated: bool
    n: tuple[int, int, int]


def variance_shares(results: Sequence[Sequence[ArrayLike]]) -> VarianceShares:
    """Return the parts of split, search and seed in the variance of a result.

    Method of moments of the nested random-effects analysis of variance, numbers per group
    may differ. Source: Searle, Casella & McCulloch (1992), Variance Components, section 5.9
    (unbalanced nested classifications).

    Args:
        results: results[split][search] has shape (seeds,), in the metric's unit; an array of
            shape (splits, searches, seeds) will do.

    Returns:
        Components and shares.

    Raises:
        ValueError: a group is empty or a result is not finite.
    """
    cells = [[np.asarray(search, dtype=np.float64) for search in split] for split in results]
    if not cells or any(not split for split in cells):
        raise ValueError("every split needs at least one search")
    flat = [cell for split in cells for cell in split]
    if any(cell.ndim != 1 or cell.size == 0 or not np.isfinite(cell).all() for cell in flat):
        raise ValueError("every search needs a one-dimensional array of finite results")

    everything = np.concatenate(flat)
    total, searches, splits = everything.size, len(flat), len(cells)
    per_split = [np.concatenate(split) for split in cells]
    between_seeds = sum(float(np.sum((c - c.mean()) ** 2)) for c in flat)
    between_searches = sum(
        c.size * float(c.mean() - whole.mean()) ** 2
        for split, whole in zip(cells, per_split, strict=True)
        for c in split
    )
    grand = float(everything.mean())
    between_splits = sum(whole.size * float(whole.mean() - grand) ** 2 for whole in per_split)

    in_split = sum(
        sum(c.size**2 for c in split) / whole.size
        for split, whole in zip(cells, per_split, strict=True)
    )
    in_total = sum(c.size**2 for c in flat) / total
    splits_in_total = sum(whole.size**2 for whole in per_split) / total
    df_seed, df_search, df_split = total - searches, searches - splits, splits - 1

    raw: dict[str, float] = {}
    if df_seed:
        raw["seed"] = between_seeds / df_seed
    if df_search:
        per_search = (total - in_split) / df_search
        raw["search"] = (between_searches / df_search - raw.get("seed", 0.0)) / per_search
    if df_split:
        rest = raw.get("seed", 0.0) + raw.get("search", 0.0) * (in_split - in_total) / df_split
        per_split_size = (total - splits_in_total) / df_split
        raw["split"] = (between_splits / df_split - rest) / per_split_size
    parts = {name: max(0.0, value) for name, value in raw.items()}
    whole_variance = sum(parts.values())

    def share(name: str) -> float | None:
        return parts[name] / whole_variance if name in parts and whole_variance > 0.0 else None

    return VarianceShares(
        split=parts.get("split"),
        search=parts.get("search"),
        seed=parts.get("seed"),
        split_share=share("split"),
        search_share=share("search"),
        seed_share=share("seed"),
        truncated=any(value < 0.0 for value in raw.values()),
        n=(total, searches, splits),
    )
