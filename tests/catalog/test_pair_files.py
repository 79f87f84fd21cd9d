"""A pair in a file: found, checked, and the same wherever its text is built."""

from __future__ import annotations

import hashlib
import inspect
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from service import catalog
from service.contracts import UserError

Put = Callable[[str, str], Path]
ROOT = Path(__file__).parents[2]


def line(reference: str, base: Path | None = None) -> str:
    with pytest.raises(UserError) as caught:
        catalog.locate(reference, base)
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_a_file_is_found_from_the_config_first(put: Put, tmp_path: Path, pair_text: str) -> None:
    put("mine.py", pair_text.replace('"Mine"', '"From here"'))
    put("configs/mine.py", pair_text.replace('"Mine"', '"From the config"'))
    assert catalog.locate("./mine.py:PAIR").pair.title == "From here"
    base = tmp_path / "configs"
    assert catalog.locate("./mine.py:PAIR", base).pair.title == "From the config"
    assert catalog.locate("mine.py", base).pair.title == "From the config"
    assert catalog.locate("../mine.py", base).pair.title == "From here"
    assert catalog.locate(str(tmp_path / "mine.py"), base).pair.title == "From here"


def test_the_constant_may_be_left_out(put: Put, pair_text: str) -> None:
    put("mine.py", pair_text)
    assert catalog.locate("./mine.py").reference == "./mine.py:PAIR"
    put("other.py", pair_text.replace("PAIR =", "DUEL ="))
    assert catalog.locate("./other.py:DUEL").pair.name == "mine"


def test_the_text_builds_the_same_pair(put: Put, pair_text: str) -> None:
    put("mine.py", pair_text)
    located = catalog.locate("./mine.py")
    assert located.text is not None
    again = catalog.from_text(located.text, located.reference)
    assert again == located
    assert again.pair is located.pair  # one module in a process, however often it is asked for


def test_a_worker_builds_it_without_the_file(put: Put, pair_text: str, tmp_path: Path) -> None:
    put("mine.py", pair_text)
    located = catalog.locate("./mine.py")
    script = (
        "import json, sys\n"
        "from service import catalog\n"
        "located = catalog.from_text(**json.load(sys.stdin))\n"
        "print(located.code, located.pair.name, type(located.pair.split).__name__,"
        " located.pair.split.__module__)\n"
    )
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=json.dumps({"text": located.text, "reference": located.reference}),
        capture_output=True, text=True, check=True, cwd=elsewhere,
    )  # fmt: skip
    module = located.pair.split.__module__  # type: ignore[attr-defined]
    assert done.stdout.split() == [located.code, "mine", "function", module]


def test_line_endings_and_places_make_no_difference(put: Put, pair_text: str) -> None:
    put("mine.py", pair_text)
    windows = put("there/windows.py", "")
    windows.write_bytes(b"\xef\xbb\xbf" + pair_text.replace("\n", "\r\n").encode())
    first, second = catalog.locate("./mine.py"), catalog.locate("./there/windows.py")
    assert first.code == second.code
    assert first.text == second.text


def test_source_can_be_read_back(put: Put, pair_text: str) -> None:
    put("mine.py", pair_text)
    split = catalog.locate("./mine.py").pair.split
    assert inspect.getsource(split) == "def never(*arguments):\n    raise AssertionError\n"


def test_no_such_file(put: Put, tmp_path: Path, pair_text: str) -> None:
    put("mine.py", pair_text)
    base = tmp_path / "configs"
    assert line("./mien.py", base) == (
        f"no such file as './mien.py'; looked in {base} or {tmp_path}"
    )


MISTAKES = {
    "syntax": ("x = 1\ndef f(:\n", ":2: is not valid Python: invalid syntax"),
    "null": ("x = 1\n\0", ": is not valid Python: source code string cannot contain null bytes"),
    "exception": (
        "def f():\n    return 1 / 0\n\nf()\n",
        ":2: cannot be imported: ZeroDivisionError: division by zero",
    ),
    "exit": ("import sys\nsys.exit(3)\n", ":2: cannot be imported: SystemExit: 3"),
    "no constant": ("x = 1\n", ": has no constant 'PAIR'"),
    "not a pair": (
        "x = 1\nPAIR = {'name': 'mine'}\n",
        ":2: PAIR: must be a Pair (from service.contracts), but it is of type dict",
    ),
    "a rule of the contracts": (
        "from service.contracts import Choice\n\nSIZES = Choice()\n",
        ":3: a Choice must offer at least one value",
    ),
    "a missing package": (
        "x = 1\nimport no_such_package\n",
        ":2: cannot be imported: ModuleNotFoundError: No module named 'no_such_package'; install "
        "it where archduel runs; if it is a file of yours: a pair file travels to workers alone, "
        "so put the code into the file, or make a package of it and write package.module:PAIR",
    ),
    "a relative import": (
        "x = 1\nfrom . import helpers\n",
        ":2: relative imports are not supported: a pair file travels to workers alone; put the "
        "code into the file, or make a package of it and write package.module:PAIR",
    ),
    "a neighbour": (
        "def f():\n    import helpers\n",
        ":2: 'helpers' lies beside the file and cannot be imported: a pair file travels to "
        "workers alone; put the code into the file, or make a package of it and write "
        "package.module:PAIR",
    ),
    "its own place": (
        "x = 1\nHERE = __file__\n",
        ":2: cannot be imported: NameError: name '__file__' is not defined; a pair file travels "
        "to workers alone; reach data through the config's data.path",
    ),
}


@pytest.mark.parametrize("kind", MISTAKES)
@pytest.mark.parametrize("importable", [False, True])
def test_a_mistake_in_the_file_is_one_line(
    kind: str, importable: bool, put: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, told = MISTAKES[kind]
    put("helpers.py", "")
    path = put("mine.py", text)
    if importable:  # in the driver it would work, in a worker it would not
        monkeypatch.syspath_prepend(str(tmp_path))
    assert line("./mine.py") == f"{path}{told}"
    module = f"archduel_pair_{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    # What did not run to its end leaves nothing behind.
    assert (module in sys.modules) == (kind in ("no constant", "not a pair"))


def test_annotations_are_the_files_own(put: Put, pair_text: str) -> None:
    # The `from __future__` of the module that compiles it must not leak in.
    put("mine.py", pair_text + "\nclass Sized:\n    size: int\n")
    located = catalog.locate("./mine.py")
    module = sys.modules[located.pair.split.__module__]  # type: ignore[attr-defined]
    assert module.Sized.__annotations__ == {"size": int}


FIELDS = {
    'name="mine"': ('name="My pair"', "name: must be 1 to 63 lower-case letters, digits, '.', '_' or '-', but got 'My pair'"),
    "margin=0.1": ("margin='0.1'", "margin: must be a number above 0, but got '0.1'"),
    'loss="mse"': ('loss="mse", capacity=8', "capacity: must be a Capacity or None, but got 8"),
    '"batch_size": Choice(8)': (
        '"batch_size": [8]',
        "shared_space['batch_size']: must be a Choice, a Real or a Whole, but got [8]",
    ),
    'Metric("accuracy", "maximize"': (
        'Metric("accuracy", "max"',
        "metric: must be a Metric with direction maximize or minimize, but got Metric(",
    ),
    '"fraction", never)': (
        '"fraction", never, reads_names=True)',
        "metric: may read names only among also, but got 'accuracy'",
    ),
    "split=never": ("split=None", "split: must be a function"),
    'sources=(Source("mine", SourceKind.PATH, never),)': (
        "sources=()",
        "sources: must be a tuple of at least one Source, but got ()",
    ),
}  # fmt: skip


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_that_is_not_what_a_pair_needs(field: str, put: Put, pair_text: str) -> None:
    wrong, told = FIELDS[field]
    assert field in pair_text
    text = pair_text.replace(field, wrong)
    path = put("mine.py", text)
    at = text[: text.index("PAIR = ")].count("\n") + 1
    assert line("./mine.py").startswith(f"{path}:{at}: {told}")


def test_a_field_the_contracts_refuse(put: Put, pair_text: str) -> None:
    path = put("mine.py", pair_text.replace('"learning_rate": Real', '"lr": Real'))
    told = line("./mine.py")
    assert told.startswith(f"{path}:")
    assert told.endswith("pair 'mine': shared_space must hold 'learning_rate'")


def test_repairing_the_file_is_enough(put: Put, pair_text: str) -> None:
    put("mine.py", pair_text + "\n1 / 0\n")
    assert "ZeroDivisionError" in line("./mine.py")
    put("mine.py", pair_text)
    assert catalog.locate("./mine.py").pair.name == "mine"
