"""A worker's memory is bounded, whatever it has trained."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import pytest

from service.contracts.trial import Runtime, Seeds, TrialSpec
from service.training import cache
from service.training.memory import resident_bytes
from service.training.repertoire import Repertoire
from service.training.worker import Worker

Spec = Callable[..., TrialSpec]

TRIALS = 2000
SETTLED = 200
"""Trials after which everything that is kept on purpose is there."""

BYTES_PER_TRIAL = 3 * 1024**2
"""A dropped program leaves less than this with the C allocator. It was 10 MiB before what TensorFlow
keeps was swept; what remains is what recycling a worker is for."""


def shapes(toy_spec: Spec, count: int) -> list[TrialSpec]:
    """Trials of 48 widths, more than a worker keeps programs of, so that each compiles its own."""
    assert cache.PROGRAMS < 48
    return [
        toy_spec(
            variant=("sequential", "functional")[number % 2],
            number=number,
            budget=None,
            epochs=2,
            hyperparameters={
                "learning_rate": 0.01,
                "batch_size": 16,
                "dropout": 0.3,
                "width": 4 + number % 48,
            },
            seeds=Seeds(split=number // 48, weights=number, order=number),
        )
        for number in range(count)
    ]


@pytest.mark.slow
def test_a_dropped_program_leaves_no_object_behind(
    toy: Any, toy_data: Any, toy_spec: Spec, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Objects are counted after each sweep: of one program TensorFlow alone would keep 6,000."""
    monkeypatch.setattr(cache, "SWEEP_AFTER", 2)
    few = Repertoire(cache.ProgramCache(programs=2))
    worker = Worker({"toy": toy}, {"toy": toy_data}, Runtime(), 600.0, repertoire=few)
    counts = []
    for spec in shapes(toy_spec, 8):
        assert worker.run(spec).result.ok
        counts.append(len(gc.get_objects()))
    assert counts[7] - counts[3] < 4 * 500


@pytest.mark.long
@pytest.mark.timeout(4 * 3600)
def test_two_thousand_architectures_in_one_worker(toy: Any, toy_data: Any, toy_spec: Spec) -> None:
    worker = Worker({"toy": toy}, {"toy": toy_data}, Runtime(), 600.0)
    settled = 0
    for number, spec in enumerate(shapes(toy_spec, TRIALS)):
        assert worker.run(spec).result.ok
        if number == SETTLED:
            settled = resident_bytes()
    assert resident_bytes() - settled < (TRIALS - SETTLED) * BYTES_PER_TRIAL
