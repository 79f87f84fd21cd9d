"""Built-in pairs by name, and modules of one's own."""

from __future__ import annotations

import pkgutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import experiments.pairs
from service import catalog
from service.contracts import ArchduelError, UserError

Put = Callable[[str, str], Path]


def line(reference: str, base: Path | None = None) -> str:
    with pytest.raises(UserError) as caught:
        catalog.locate(reference, base)
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_names_are_the_modules() -> None:
    found = catalog.names()
    assert found == sorted(m.name for m in pkgutil.iter_modules(experiments.pairs.__path__))
    assert {"iris", "mnist"} <= set(found)


@pytest.mark.parametrize("name", catalog.names())
def test_every_built_in_pair_is_found_under_its_name(name: str) -> None:
    located = catalog.locate(name)
    assert (located.pair.name, located.reference, located.text) == (name, name, None)
    assert len(located.code) == 16
    assert catalog.locate(name).code == located.code


def test_a_misspelt_name() -> None:
    assert line("mnsit") == "unknown pair 'mnsit'; did you mean 'mnist'?"


def test_neither_name_nor_file_nor_module() -> None:
    assert line("a b:c") == (
        "a pair is a name, ./file.py:PAIR or package.module:PAIR, but got 'a b:c'"
    )
    assert line("my.module") == "unknown pair 'my.module'; write my.module:PAIR"


@pytest.fixture
def package(put: Put, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, pair_text: str) -> str:
    """An importable package whose module `duel` has a pair and imports its neighbour `parts`."""
    name = f"theirs_{abs(hash(str(tmp_path))):x}"
    put(f"{name}/__init__.py", "")
    put(f"{name}/parts.py", "SIZE = 1\n")
    put(f"{name}/duel.py", pair_text + "\nfrom .parts import SIZE\n")
    put(f"{name}/broken.py", "x = 1\nraise RuntimeError('no luck')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    return name


def test_a_module(package: str) -> None:
    located = catalog.locate(f"{package}.duel:PAIR")
    assert located.pair.name == "mine"
    assert (located.reference, located.text) == (f"{package}.duel:PAIR", None)


def test_a_modules_digest_covers_its_neighbours(package: str, put: Put) -> None:
    before = catalog.locate(f"{package}.duel:PAIR").code
    put(f"{package}/parts.py", "SIZE = 2\n")
    after = catalog.locate(f"{package}.duel:PAIR").code
    put(f"{package}/unused.py", "SIZE = 3\n")
    assert before != after == catalog.locate(f"{package}.duel:PAIR").code


def test_mistakes_in_a_module(package: str, tmp_path: Path) -> None:
    found = "install it, or put its folder on PYTHONPATH, here and where workers run"
    assert line("nowhere.duel:PAIR") == f"no module named 'nowhere'; {found}"
    assert line(f"{package}.deul:PAIR") == f"no module named '{package}.deul'; {found}"
    duel = tmp_path / package / "duel.py"
    assert line(f"{package}.duel:PAIRS") == f"{duel}: has no constant 'PAIRS'; did you mean 'PAIR'?"
    size = line(f"{package}.duel:SIZE")
    assert size == f"{duel}: SIZE: must be a Pair (from service.contracts), but it is of type int"
    broken = tmp_path / package / "broken.py"
    assert line(f"{package}.broken:PAIR") == (
        f"{broken}:2: cannot be imported: RuntimeError: no luck"
    )


@pytest.fixture
def built_in(put: Put, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Put:
    """Writes another built-in pair."""
    folders = [*experiments.pairs.__path__, str(tmp_path / "more")]
    monkeypatch.setattr(experiments.pairs, "__path__", folders)

    def _put(name: str, text: str) -> Path:
        monkeypatch.delitem(sys.modules, f"experiments.pairs.{name}", raising=False)
        return put(f"more/{name}.py", text)

    return _put


def test_a_built_in_pair_has_the_name_of_its_module(built_in: Put, pair_text: str) -> None:
    built_in("mine", pair_text)
    built_in("yours", pair_text)
    assert {"mine", "yours"} <= set(catalog.names())
    assert catalog.locate("mine").pair.name == "mine"
    assert line("yours") == (
        "experiments/pairs/yours.py: name: pair 'mine' must have the name of its module, 'yours'"
    )
    del sys.modules["experiments.pairs.mine"], sys.modules["experiments.pairs.yours"]


def test_two_built_in_pairs_of_one_name(built_in: Put, pair_text: str) -> None:
    built_in("iris", pair_text)
    with pytest.raises(ArchduelError, match="pair 'iris' is in two folders"):
        catalog.names()
