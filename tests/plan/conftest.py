"""Small pairs that need no backend, and configs as text."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from service.contracts import (
    Baseline,
    Capacity,
    Choice,
    Metric,
    Pair,
    Published,
    Real,
    Source,
    SourceKind,
    UserError,
    Variant,
    Whole,
)
from service.contracts.errors import did_you_mean
from service.contracts.pair import LocatedPair
from service.contracts.plan import Plan
from service.plan.build import build_plan
from service.plan.load import LoadedConfig, load_config


def _never(*_: Any) -> Any:
    raise AssertionError("planning must neither build, load, split nor score")


def make_pair(name: str, **changes: Any) -> Pair:
    """A pair whose functions must not be called."""
    fields: dict[str, Any] = {
        "name": name,
        "title": f"The {name} pair",
        "question": "Which is better?",
        "sources": (
            Source("a package", SourceKind.PACKAGED, _never, "CC0"),
            Source("another package", SourceKind.PACKAGED, _never),
            Source("your files", SourceKind.PATH, _never),
        ),
        "split": _never,
        "metric": Metric("accuracy", "maximize", "fraction", _never),
        "loss": "sparse_categorical_crossentropy",
        "variants": (
            Variant("sequential", _never, {"pool": Choice("max", "mean")}),
            Variant("functional", _never, {"skips": Whole(1, 4)}),
        ),
        "shared_space": {
            "learning_rate": Real(1e-4, 1e-1, log=True),
            "batch_size": Choice(16, 32),
            "dropout": Choice(0.0, 0.5),
            "normalise": Choice(True, False),
        },
        "baseline": Baseline("always the most frequent class", _never),
        "margin": 0.02,
        "capacity": Capacity("width", budget=5_000, choices=(8, 16)),
    }
    return Pair(**{**fields, **changes})


PAIRS = {
    "iris": make_pair("iris", published=Published("Skips helped.", "Someone 2016")),
    "mnist": make_pair("mnist"),
    "housing": make_pair(
        "housing",
        metric=Metric("mean absolute error", "minimize", "kUSD", _never),
        margin=1.5,
        capacity=None,
        unmatched_because="both variants share one embedding",
        sources=(Source("the network", SourceKind.ONLINE, _never),),
    ),
    "twins": make_pair("twins", unmatched_because="the towers share weights"),
}


def locate(reference: str) -> LocatedPair:
    """Stands for `catalog.locate`: it knows PAIRS."""
    if reference not in PAIRS:
        raise UserError(f"unknown pair '{reference}'", hint=did_you_mean(reference, PAIRS))
    return LocatedPair(PAIRS[reference], reference, code=f"code of {reference}")


Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes configs/x.yaml in the working directory, so that errors name short paths."""
    monkeypatch.chdir(tmp_path)

    def _write(text: str) -> Path:
        path = Path("configs/x.yaml")
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        return path

    return _write


def _plan_of(loaded: LoadedConfig) -> Plan:
    return build_plan(loaded, locate, list(PAIRS))


@pytest.fixture(scope="session")
def plan_of() -> Callable[[LoadedConfig], Plan]:
    """From a loaded config to the plan over PAIRS."""
    return _plan_of


Planner = Callable[..., Plan]


@pytest.fixture
def plan(write: Write) -> Planner:
    """From a config's text and overrides to the plan."""

    def _plan(text: str, overrides: Sequence[str] = ()) -> Plan:
        return _plan_of(load_config(write(text), overrides))

    return _plan


@pytest.fixture
def mistake(write: Write) -> Callable[..., str]:
    """The one line that a config's text and overrides fail with, in loading or in planning."""

    def _mistake(text: str, overrides: Sequence[str] = ()) -> str:
        path = write(text)
        with pytest.raises(UserError) as caught:
            _plan_of(load_config(path, overrides))
        line = str(caught.value)
        assert "\n" not in line
        assert caught.value.exit_code == 2
        return line

    return _mistake
