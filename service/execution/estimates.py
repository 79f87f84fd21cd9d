"""How long trials will take, from those that have ended: only the order of work depends on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from service.contracts.results import TrialResult
from service.contracts.strategy import Timing, program_key
from service.contracts.trial import Status, TrialSpec

PARAMETERS = 10_000
"""Taken for a model whose size no budget tells."""

PASSES = 3
"""A training step costs about as much as three forward passes: one forward, two backward
(Kaplan et al. 2020, "Scaling Laws for Neural Language Models", 2.1)."""

OPERATIONS_PER_SECOND = 2e9
"""What a thread does of a small model; only until the first trial has ended."""

COMPILE_SECONDS = 2.0
"""What a program costs that was never compiled, until the first one was."""

LEAST_SECONDS = 1e-3


@dataclass
class _Mean:
    """A mean that follows: each new value weighs a quarter, the first one all."""

    value: float | None = None

    def add(self, value: float) -> None:
        self.value = value if self.value is None else 0.75 * self.value + 0.25 * value


class Estimates:
    """Seconds that trials and compilations take.

    A trial's is the seconds per epoch of the nearest that has ended: of the same program, else of
    the same variant, else of the same pair. Before any, it is what was measured for its variant and
    strategy, and without that a guess from the arithmetic, scaled by how wrong such guesses have
    been so far.

    Args:
        examples: in the data set, by pair.
    """

    def __init__(self, examples: Mapping[str, int] | None = None) -> None:
        self._examples = dict(examples or {})
        self._measured: dict[tuple[str, str, str], Timing] = {}
        self._epoch: dict[str | tuple[str, ...], _Mean] = {}
        self._compile: dict[tuple[str, ...], _Mean] = {}
        self._wrong = _Mean()

    def calibrate(self, pair: str, timing: Timing) -> None:
        """Take in what was measured before any trial was run."""
        if timing.error is None:
            self._measured[pair, timing.variant, timing.strategy] = timing

    def seconds(self, spec: TrialSpec, program: str) -> float:
        """How long a trial takes whose program is compiled already.

        Args:
            spec: the trial.
            program: its `program_key`.
        """
        for key in (program, (spec.pair, spec.variant), (spec.pair,)):
            known = self._epoch.get(key)
            if known is not None and known.value is not None:
                return known.value * spec.epochs
        measured = self._measured.get((spec.pair, spec.variant, spec.strategy))
        if measured is not None:
            return max(LEAST_SECONDS, measured.epoch_seconds) * spec.epochs
        return self._guess(spec) * (self._wrong.value or 1.0)

    def compilation(self, spec: TrialSpec) -> float:
        """How much longer it takes where its program is not compiled yet."""
        for key in ((spec.pair, spec.variant), (spec.pair,)):
            known = self._compile.get(key)
            if known is not None and known.value is not None:
                return known.value
        measured = self._measured.get((spec.pair, spec.variant, spec.strategy))
        return COMPILE_SECONDS if measured is None else measured.compile_seconds

    def learn(self, result: TrialResult) -> None:
        """A trial has ended; those that failed tell nothing about the others."""
        if result.status not in (Status.OK, Status.PRUNED) or not result.epochs:
            return
        spec, cost = result.spec, result.cost
        pair, variant = (spec.pair,), (spec.pair, spec.variant)
        took = cost.total_seconds
        if not cost.reused_program:
            took -= cost.compile_seconds
            for of in (variant, pair):
                self._compile.setdefault(of, _Mean()).add(cost.compile_seconds)
        epoch = max(LEAST_SECONDS, took) / result.epochs
        self._wrong.add(epoch * spec.epochs / self._guess(spec))
        for key in (program_key(spec), variant, pair):
            self._epoch.setdefault(key, _Mean()).add(epoch)

    def _guess(self, spec: TrialSpec) -> float:
        operations = 2 * PASSES * (spec.budget or PARAMETERS)
        examples = self._examples.get(spec.pair, 1000)
        return max(LEAST_SECONDS, operations * examples * spec.epochs / OPERATIONS_PER_SECOND)
