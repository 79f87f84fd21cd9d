"""More than one device for a trial; run by `test_on_jax` where XLA makes two of one CPU."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from service.contracts.data import Dataset
from service.contracts.pair import LocatedPair
from service.contracts.trial import Runtime, Status, TrialSpec
from service.training.worker import Worker

TWO = Runtime(backend="jax", gpus=2)


@pytest.mark.parametrize("strategy", ["scan", "fit", "vmap/8"])
def test_two_devices_compute_what_one_computes(
    toy: LocatedPair, toy_data: Dataset, toy_spec: Callable[..., TrialSpec], strategy: str
) -> None:
    worker = Worker({"toy": toy}, {"toy": toy_data}, TWO, timeout=60)
    import keras

    spread = keras.distribution.distribution()
    assert spread.device_mesh.devices.size == 2
    spec = toy_spec(runtime=TWO, strategy=strategy)
    found = worker.run(spec).result
    assert found.status is Status.OK, found.reason
    keras.distribution.set_distribution(None)
    try:
        alone = Worker({"toy": toy}, {"toy": toy_data}, TWO, timeout=60).run(spec).result
    finally:
        keras.distribution.set_distribution(spread)
    assert alone.status is Status.OK, alone.reason
    np.testing.assert_allclose(found.curve.loss, alone.curve.loss, rtol=1e-4)
    np.testing.assert_allclose(found.curve.validation, alone.curve.validation, atol=1e-6)
