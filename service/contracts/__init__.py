"""The words of archduel as types: what every other room speaks, and what a pair file imports.

A pair file needs nothing else from the machinery:

    from service.contracts import Capacity, Choice, Metric, Pair, Real, Source, Variant
"""

from service.contracts.data import Arrays, Dataset, Examples, Names, Source, SourceKind, Split
from service.contracts.display import Display
from service.contracts.errors import ArchduelError, UserError
from service.contracts.metric import Direction, Metric
from service.contracts.pair import (
    Baseline,
    Capacity,
    Choice,
    Hyperparameters,
    Pair,
    Published,
    Real,
    Scalar,
    Space,
    Variant,
    Whole,
)

__all__ = [
    "ArchduelError",
    "Arrays",
    "Baseline",
    "Capacity",
    "Choice",
    "Dataset",
    "Direction",
    "Display",
    "Examples",
    "Hyperparameters",
    "Metric",
    "Names",
    "Pair",
    "Published",
    "Real",
    "Scalar",
    "Source",
    "SourceKind",
    "Space",
    "Split",
    "UserError",
    "Variant",
    "Whole",
]
