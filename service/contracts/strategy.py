"""The names of the ways to run a training: what a plan may choose from, and a worker carries out."""

from __future__ import annotations

STRATEGIES = {
    "fit": "Keras' own fit, an epoch at a time; every backend has it",
    "graph": "whole epochs as one TensorFlow graph",
    "xla": "the same graph compiled by XLA",
}
"""Every strategy by name, with what it does."""

OF_BACKEND = {
    "tensorflow": ("graph", "xla", "fit"),
    "jax": ("fit",),
    "torch": ("fit",),
}
"""What each backend can do; the first is taken where nothing was measured."""


def width(strategy: str) -> int:
    """How many trials of one `service.contracts.trial.group_key` this strategy trains at once."""
    name, _, number = strategy.partition("/")
    return int(number) if name == "vmap" else 1
