"""What a process has learnt outlives its worker; the data does not."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from service.contracts.data import Dataset
from service.contracts.pair import LocatedPair
from service.contracts.trial import Runtime, TrialSpec
from service.training.repertoire import Repertoire
from service.training.worker import Worker

Spec = Callable[..., TrialSpec]


def worker_of(located: LocatedPair, data: Dataset, repertoire: Repertoire | None) -> Worker:
    return Worker({"toy": located}, {"toy": data}, Runtime(), 60, repertoire=repertoire)


def test_a_later_worker_compiles_nothing_anew_and_ends_with_the_same_bits(
    toy: LocatedPair, toy_data: Dataset, toy_spec: Spec
) -> None:
    learnt = Repertoire()
    first = worker_of(toy, toy_data, learnt).run(toy_spec()).result
    learnt.release()
    later = worker_of(toy, toy_data, learnt).run(toy_spec()).result
    alone = worker_of(toy, toy_data, None).run(toy_spec()).result
    assert [one.cost.reused_program for one in (first, later, alone)] == [False, True, False]
    assert first.numbers() == later.numbers() == alone.numbers()
    assert first.weights_digest == later.weights_digest == alone.weights_digest


def test_other_code_and_other_data_are_another_pair(
    toy: LocatedPair, toy_data: Dataset, toy_spec: Spec
) -> None:
    learnt = Repertoire()
    worker_of(toy, toy_data, learnt).run(toy_spec())
    edited = replace(toy, code="0" * 64)
    order = np.arange(len(toy_data))[::-1]
    turned = replace(toy_data, examples=toy_data.examples.take(order))
    for located, data, spec in (
        (edited, toy_data, toy_spec(code=edited.code)),
        (toy, turned, toy_spec(data=turned.fingerprint)),
    ):
        result = worker_of(located, data, learnt).run(spec).result
        assert result.ok, result.reason
        assert not result.cost.reused_program


def test_no_example_is_kept(toy: LocatedPair, toy_spec: Spec) -> None:
    data = toy.pair.sources[0].load(None)
    array = weakref.ref(data.examples.inputs["x"])
    learnt = Repertoire()
    worker = worker_of(toy, data, learnt)
    worker.run(toy_spec(data=data.fingerprint))
    views = [weakref.ref(one) for one in worker._materials["toy"].get(1).train.inputs.values()]
    del worker, data
    learnt.release()
    gc.collect()
    assert array() is None
    assert [view() for view in views] == [None]
