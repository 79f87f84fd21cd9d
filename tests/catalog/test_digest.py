"""The code digest changes with the code that decides results, and with no other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from service.catalog.digest import code_digest

TREE = {
    "service/__init__.py": "",
    "service/training/__init__.py": "",
    "service/training/trainer.py": "EPOCH = 1\n",
    "service/training/deep/er.py": "EPOCH = 1\n",
    "service/contracts/pair.py": "class Pair: ...\n",
    "service/contracts/data.py": "",
    "service/contracts/metric.py": "",
    "service/contracts/plan.py": "",
    "service/report/html.py": "# a comment\n",
    "experiments/__init__.py": "",
    "experiments/blocks.py": "def residual(): ...\n",
    "experiments/unused.py": "",
    "experiments/lazy.py": "",
    "experiments/data/__init__.py": "",
    "experiments/data/tables.py": "from experiments.data import rows\nimport numpy\n",
    "experiments/data/rows.py": "from . import cells\nfrom ..far import away\n",
    "experiments/data/cells.py": "import experiments.data.tables  # a circle\n",
    "experiments/far.py": "away = 1\n",
    "experiments/pairs/__init__.py": "",
    "experiments/pairs/iris.py": "",
}
PAIR = """\
import experiments.data.tables as tables
from experiments.blocks import residual

def build():
    from experiments import lazy
"""

Digest = Callable[..., str]
Write = Callable[[str, str], None]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def _write(name: str, text: str) -> None:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())

    for name, text in TREE.items():
        _write(name, text)
    return _write


@pytest.fixture
def digest(write: Write, tmp_path: Path) -> Digest:
    def _digest(source: str = PAIR, module: str | None = "experiments.pairs.iris") -> str:
        return code_digest(source, module, service=tmp_path / "service", roots=[tmp_path])

    return _digest


@pytest.mark.parametrize(
    "name",
    [
        "service/training/trainer.py",
        "service/training/deep/er.py",
        "service/contracts/pair.py",
        "service/contracts/data.py",
        "service/contracts/metric.py",
        "experiments/__init__.py",
        "experiments/blocks.py",
        "experiments/lazy.py",
        "experiments/data/__init__.py",
        "experiments/data/tables.py",
        "experiments/data/rows.py",
        "experiments/data/cells.py",
        "experiments/far.py",
        "experiments/pairs/__init__.py",
    ],
)
def test_it_changes_with_what_decides_results(digest: Digest, write: Write, name: str) -> None:
    before = digest()
    write(name, TREE[name] + "# changed\n")
    assert digest() != before
    write(name, TREE[name])
    assert digest() == before


@pytest.mark.parametrize(
    "name",
    [
        "service/report/html.py",
        "service/contracts/plan.py",
        "service/__init__.py",
        "experiments/unused.py",
        "experiments/pairs/iris.py",
    ],
)
def test_it_stays_with_what_does_not(digest: Digest, write: Write, name: str) -> None:
    # The last one is the pair itself, whose text is handed in.
    before = digest()
    write(name, TREE[name] + "# changed\n")
    assert digest() == before


def test_it_changes_with_the_pair(digest: Digest) -> None:
    assert digest(PAIR + "#\n") != digest(PAIR)


def test_a_new_training_file_changes_it(digest: Digest, write: Write) -> None:
    before = digest()
    write("service/training/more.py", "")
    assert digest() != before


def test_line_endings_make_no_difference(digest: Digest, write: Write) -> None:
    before = digest()
    for name, text in TREE.items():
        write(name, text.replace("\n", "\r\n"))
    assert digest(PAIR.replace("\n", "\r\n")) == before


def test_where_the_tree_lies_makes_no_difference(digest: Digest, tmp_path: Path) -> None:
    before = digest()
    moved = tmp_path / "moved"
    for name, text in TREE.items():
        path = moved / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert (
        code_digest(PAIR, "experiments.pairs.iris", service=moved / "service", roots=[moved])
        == before
    )


def test_text_does_not_move_between_files(digest: Digest, write: Write) -> None:
    before = digest()
    write("experiments/blocks.py", "")
    write("experiments/lazy.py", TREE["experiments/blocks.py"])
    assert digest() != before


def test_a_file_outside_any_package_reaches_experiments_too(digest: Digest, write: Write) -> None:
    before = digest(PAIR, None)
    write("experiments/data/cells.py", "# changed\n")
    assert digest(PAIR, None) != before


def test_the_real_tree_is_reached() -> None:
    plain = code_digest("x = 1\n")
    assert plain == code_digest("x = 1\n")
    assert code_digest("x = 1\nimport experiments.pairs.iris\n") != plain
