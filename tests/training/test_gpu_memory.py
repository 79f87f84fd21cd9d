"""What a fraction of a GPU makes of each backend's memory settings; no GPU is needed for that."""

from __future__ import annotations

import subprocess
from types import SimpleNamespace
from typing import Any

import pytest

from service.contracts.errors import ArchduelError
from service.contracts.trial import Runtime
from service.training import gpu_memory, runtime


@pytest.mark.parametrize(("gpus", "share"), [(0.25, 0.225), (0.5, 0.45), (0, None), (1, None)])
def test_the_share_of_memory_follows_the_share_of_the_gpu(gpus: float, share: Any) -> None:
    assert gpu_memory.fraction(gpus) == share
    told = runtime.environment(Runtime(backend="jax", gpus=gpus))
    assert told.get("XLA_PYTHON_CLIENT_MEM_FRACTION") == (None if share is None else str(share))
    assert told.get("XLA_PYTHON_CLIENT_PREALLOCATE") == ("false" if gpus else None)


def test_trials_that_fill_a_gpu_fit_into_its_memory() -> None:
    for trials in range(2, 33):
        assert trials * (gpu_memory.fraction(1 / trials) or 1) < 0.91


class Tensorflow:
    """Notes what is configured."""

    def __init__(self, gpus: int) -> None:
        self.limits: list[tuple[str, list[Any]]] = []
        self.config = SimpleNamespace(
            list_physical_devices=lambda kind: [f"{kind}:{number}" for number in range(gpus)],
            LogicalDeviceConfiguration=lambda memory_limit: memory_limit,
            set_logical_device_configuration=lambda *given: self.limits.append(given),
        )


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """A card of 80,000 MiB that nvidia-smi tells of; returns what it was asked."""
    asked: list[list[str]] = []

    def run(command: list[str], **options: Any) -> Any:
        asked.append(command)
        return SimpleNamespace(stdout="80000\n")

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    return asked


def test_tensorflow_gets_a_device_of_that_size(card: list[list[str]]) -> None:
    tf = Tensorflow(gpus=1)
    gpu_memory.limit_tensorflow(tf, 0.25)
    assert tf.limits == [("GPU:0", [18000])]
    assert card[0][-2:] == ["--id", "3"]


@pytest.mark.parametrize(("gpus", "there"), [(1.0, 1), (0.0, 1), (0.25, 0)])
def test_tensorflow_is_left_alone_where_nothing_is_shared(
    card: list[list[str]], gpus: float, there: int
) -> None:
    tf = Tensorflow(there)
    gpu_memory.limit_tensorflow(tf, gpus)
    assert tf.limits == []
    assert card == []


def test_a_card_of_unknown_size_is_not_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*command: Any, **options: Any) -> Any:
        raise FileNotFoundError("nvidia-smi")

    monkeypatch.setattr(subprocess, "run", missing)
    with pytest.raises(ArchduelError, match="trials cannot share a GPU"):
        gpu_memory.limit_tensorflow(Tensorflow(gpus=1), 0.5)
