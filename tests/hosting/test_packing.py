"""What travels with a submission: all that it needs, under names that fit, and no more."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from service.contracts.errors import UserError
from service.hosting.packing import pack
from service.plan.load import parse_config

TOY = Path(__file__).parents[1] / "toys" / "toy_pair.py"
MOST = 10_000_000


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a pair file; commands are called from another."""
    (tmp_path / "here").mkdir()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    shutil.copy(TOY, tmp_path / "here" / "toy_pair.py")
    return tmp_path / "here"


def config(folder: Path, pairs: str, more: str = "") -> Path:
    file = folder / "toy.yaml"
    file.write_text(f"experiment: toy\npairs: [{pairs}]\n{more}\n")
    return file


def test_a_built_in_pair_needs_no_file(folder: Path) -> None:
    parcel = pack(config(folder, "iris"), ["search.trials=3"], [], MOST)
    assert parcel.experiment == "toy"
    assert parcel.overrides == ("search.trials=3",)
    assert parcel.pieces == {}


def test_a_pair_file_travels_under_the_name_that_the_config_has_for_it(folder: Path) -> None:
    parcel = pack(config(folder, "./toy_pair.py:PAIR"), [], [], MOST)
    piece = parcel.pieces["toy_pair.py"]
    assert (piece.sha256, piece.size) == (
        hashlib.sha256(TOY.read_bytes()).hexdigest(),
        TOY.stat().st_size,
    )
    assert parcel.overrides == ()
    assert parcel.config == config(folder, "./toy_pair.py:PAIR").read_text()


def test_a_file_from_outside_the_folder_is_renamed_by_an_override(folder: Path) -> None:
    (folder / "deep").mkdir()
    file = config(folder / "deep", "iris, ../toy_pair.py")
    parcel = pack(file, [], [], MOST)
    assert set(parcel.pieces) == {"toy_pair.py"}
    there = parse_config(parcel.config, "c", parcel.overrides).config
    assert there.pairs == ["iris", "./toy_pair.py:PAIR"]


def test_pair_files_take_the_place_of_the_configs_pairs(folder: Path) -> None:
    parcel = pack(config(folder, "iris"), [], [str(folder / "toy_pair.py")], MOST)
    there = parse_config(parcel.config, "c", parcel.overrides).config
    assert there.pairs == ["./toy_pair.py:PAIR"]
    assert set(parcel.pieces) == {"toy_pair.py"}


def test_two_files_of_one_name_cannot_both_travel(folder: Path) -> None:
    (folder / "deep").mkdir()
    shutil.copy(TOY, folder / "deep")
    file = config(folder / "deep", "../toy_pair.py, toy_pair.py")
    with pytest.raises(UserError, match="would both travel as"):
        pack(file, [], [], MOST)


DATA = "data: {source: path, path: ./data}"


def test_a_data_folder_travels_without_what_is_hidden(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.hosting.packing._check", lambda *given: None)
    (folder / "data" / "train").mkdir(parents=True)
    (folder / "data" / ".git").mkdir()
    for name in ("train/x.csv", "y.csv", ".DS_Store", ".git/config"):
        (folder / "data" / name).write_text(name)
    parcel = pack(config(folder, "iris", DATA), [], [], MOST)
    assert list(parcel.pieces) == ["data/y.csv", "data/train/x.csv"]
    with pytest.raises(UserError, match="at most 0 MB together"):
        pack(config(folder, "iris", DATA), [], [], 10)


def test_an_absolute_path_is_a_place_on_the_cluster(folder: Path) -> None:
    more = "data: {source: path, path: /on/the/cluster}"
    parcel = pack(config(folder, "iris", more), [], [], MOST)
    assert parcel.pieces == {}
    assert parcel.overrides == ()


@pytest.mark.parametrize("path", ["./none", "."])
def test_data_that_cannot_travel_names_its_line(folder: Path, path: str) -> None:
    more = f"data: {{source: path, path: {path}}}"
    with pytest.raises(UserError, match=r"toy\.yaml:3: data\.path: .*absolute one names a place"):
        pack(config(folder, "iris", more), [], [], MOST)


def test_a_mistake_is_told_before_anything_is_sent(folder: Path) -> None:
    with pytest.raises(UserError, match="unknown pair 'irs'; did you mean 'iris'"):
        pack(config(folder, "irs"), [], [], MOST)
