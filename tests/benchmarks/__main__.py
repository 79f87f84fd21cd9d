"""Measures cases, one process each, and writes the table: `python -m tests.benchmarks [case ...]`.

What is measured is kept beside the table (`docs/benchmarks.json`), so that a case can be measured again
alone and the table still has all of them.
"""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from service.app.facts import hardware, versions
from tests.benchmarks.case import FULL, ROOT, SMALL, Skipped
from tests.benchmarks.document import document

CASES = (
    "iris_ray_tune",
    "iris_keras_tuner",
    "warm",
    "epochs",
    "largest",
    "bookkeeping",
    "report",
    "two_workers",
    "service",
    "first_step",
    "vectorised",
)
"""In the order of the table; each is a module of `tests.benchmarks.cases`."""


def main() -> int:
    """Measure the cases asked for; returns the exit code."""
    given = _arguments()
    chosen = [case for case in CASES if not given.cases or _asked(case, given.cases)]
    if not chosen:
        sys.stderr.write(
            f"there is no case {' '.join(given.cases)}; there are {', '.join(CASES)}\n"
        )
        return 2
    if given.here:
        for case in chosen:
            keep(given.out.with_suffix(".json"), case, _measured(case, small=given.small))
        return 0
    failed = []
    for case in chosen:
        sys.stderr.write(f"{case} ...\n")
        # A process each: a backend's threads and what is compiled are for the life of a process.
        command = [sys.executable, "-m", "tests.benchmarks", "--here", "--out", given.out, case]
        done = subprocess.run([*command, *(["--small"] if given.small else [])], cwd=ROOT)
        failed += [case] if done.returncode else []
    given.out.write_text(document(kept(given.out.with_suffix(".json"))), encoding="utf-8")
    sys.stderr.write(f"{given.out}\n")
    if failed:
        sys.stderr.write(f"could not be measured: {', '.join(failed)}\n")
    return 1 if failed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument(
        "cases", nargs="*", help=f"all, or the beginning of some of: {', '.join(CASES)}"
    )
    parser.add_argument("--small", action="store_true", help="a tenth of the work, to try it out")
    parser.add_argument(
        "--out",
        type=lambda path: Path(path).resolve(),
        default=ROOT / "docs/benchmarks.md",
        help="the table; what it shows is kept beside it as .json",
    )
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def _asked(case: str, beginnings: list[str]) -> bool:
    return any(case.startswith(beginning) for beginning in beginnings)


def _measured(case: str, *, small: bool) -> dict[str, Any]:
    """Measure one case in this process; what came out."""
    module = importlib.import_module(f"tests.benchmarks.cases.{case}")
    found = module.measure(SMALL if small else FULL)
    return {
        "title": module.__doc__.strip().splitlines()[0],
        "work": " ".join(module.measure.__doc__.split()),
        "small": small,
        "date": datetime.now(UTC).isoformat(timespec="minutes"),
        "hardware": hardware(),
        "versions": versions(),
        "skipped": found.why if isinstance(found, Skipped) else None,
        "rows": [] if isinstance(found, Skipped) else [asdict(row) for row in found],
    }


def keep(file: Path, case: str, found: dict[str, Any]) -> None:
    """Put a case among those that were measured before."""
    file.write_text(json.dumps({**kept(file), case: found}, indent=1) + "\n", encoding="utf-8")


def kept(file: Path) -> dict[str, dict[str, Any]]:
    """What was measured last, by case, in the order of the table."""
    known = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return {case: known[case] for case in CASES if case in known}


if __name__ == "__main__":
    sys.exit(main())
