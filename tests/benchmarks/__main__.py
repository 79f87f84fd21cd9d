"""Measures cases, one process each, and writes the table: `python -m tests.benchmarks [case ...]`.

What is measured is kept in `.benchmarks/`, so that a case can be measured again alone and the table
still has all of them.
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

from service.app.facts import hardware, versions
from tests.benchmarks.case import FULL, ROOT, SMALL, Skipped
from tests.benchmarks.document import document

KEPT = ROOT / ".benchmarks"
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
            _measure(case, small=given.small)
        return 0
    failed = []
    for case in chosen:
        sys.stderr.write(f"{case} ...\n")
        # A process each: a backend's threads and what is compiled are for the life of a process.
        command = [sys.executable, "-m", "tests.benchmarks", "--here", case]
        done = subprocess.run([*command, *(["--small"] if given.small else [])], cwd=ROOT)
        failed += [case] if done.returncode else []
    given.out.write_text(document(_kept()), encoding="utf-8")
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
    parser.add_argument("--out", type=Path, default=ROOT / "docs/benchmarks.md")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def _asked(case: str, beginnings: list[str]) -> bool:
    return any(case.startswith(beginning) for beginning in beginnings)


def _measure(case: str, *, small: bool) -> None:
    """Measure one case in this process and keep what came out."""
    module = importlib.import_module(f"tests.benchmarks.cases.{case}")
    found = module.measure(SMALL if small else FULL)
    kept = {
        "title": module.__doc__.strip().splitlines()[0],
        "work": module.measure.__doc__.strip(),
        "small": small,
        "date": datetime.now(UTC).isoformat(timespec="minutes"),
        "hardware": hardware(),
        "versions": versions(),
        "skipped": found.why if isinstance(found, Skipped) else None,
        "rows": [] if isinstance(found, Skipped) else [asdict(row) for row in found],
    }
    KEPT.mkdir(exist_ok=True)
    (KEPT / f"{case}.json").write_text(json.dumps(kept, indent=1))


def _kept() -> dict[str, dict[str, object]]:
    """What was measured last, by case."""
    return {
        case: json.loads((KEPT / f"{case}.json").read_text())
        for case in CASES
        if (KEPT / f"{case}.json").exists()
    }


if __name__ == "__main__":
    sys.exit(main())
