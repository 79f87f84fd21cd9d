"""A pair file as text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

PAIR_TEXT = '''\
"""A pair of one's own."""

from dataclasses import dataclass

from service.contracts import (
    Baseline, Choice, Metric, Pair, Real, Source, SourceKind, Variant,
)


@dataclass
class Notes:
    text: "str" = ""


def never(*arguments):
    raise AssertionError


PAIR = Pair(
    name="mine",
    title="Mine",
    question="Which?",
    sources=(Source("mine", SourceKind.PATH, never),),
    split=never,
    metric=Metric("accuracy", "maximize", "fraction", never),
    loss="mse",
    variants=(Variant("sequential", never), Variant("functional", never)),
    shared_space={"learning_rate": Real(0.001, 0.1), "batch_size": Choice(8)},
    baseline=Baseline("zero", never),
    margin=0.1,
)
'''

WriteFile = Callable[[str, str], Path]


@pytest.fixture
def pair_text() -> str:
    """The text of a whole pair file, its constant named PAIR."""
    return PAIR_TEXT


@pytest.fixture
def put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WriteFile:
    """Writes a file below the working directory."""
    monkeypatch.chdir(tmp_path)

    def _put(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return _put
