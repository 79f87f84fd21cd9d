"""Runs the shipped configs one after another and writes docs/results.md: `python -m tests.results`.

What is recorded is kept in `.results/`, a home folder like any other (`archduel runs --home .results`):
a run that was stopped goes on, one that left its report is not run again unless it is named, and
`--page` only writes the page from what is there.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.results.document import document

ROOT = Path(__file__).parents[2]
COMMITS = "commits.json"
"""In the home folder: by run, the commit that it was begun at."""


def commands() -> dict[str, tuple[str, ...]]:
    """By run, what follows `archduel run`: laptop configs, two of them at more settings, the guide."""
    configs = sorted(path.stem for path in (ROOT / "configs").glob("*.yaml"))
    runs: dict[str, tuple[str, ...]] = {
        name: (f"configs/{name}.yaml",) for name in configs if name not in ("guide", "guide-quick")
    }
    for name, setting in (
        ("resnet-2", "search.space.depth=[2]"),
        ("resnet-5", "search.space.depth=[5]"),
        ("densenet-24", "search.epochs=24"),
    ):
        settings = (f"--set=experiment={name}", f"--set={setting}")
        runs[name] = (f"configs/{name.partition('-')[0]}.yaml", *settings)
    return runs | {"guide-quick": ("configs/guide-quick.yaml",)}


def main() -> int:
    """Run what is asked for and write the page; returns the exit code."""
    given = _arguments()
    if unknown := [name for name in given.runs if name not in commands()]:
        sys.stderr.write(
            f"there is no run {' '.join(unknown)}; there are {', '.join(commands())}\n"
        )
        return 2
    failed = []
    missing = [name for name in commands() if _report(name, given.home) is None]
    for name in () if given.page else given.runs or missing:
        sys.stderr.write(f"{name} ...\n")
        failed += [] if _run(name, given.home, given.fresh) else [name]
    found = {name: told for name in commands() if (told := _report(name, given.home)) is not None}
    given.out.write_text(document(found, _commits(given.home), commands()), encoding="utf-8")
    sys.stderr.write(f"{given.out}\n")
    if failed:
        sys.stderr.write(f"did not end well: {', '.join(failed)}\n")
    return 1 if failed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.results", description=__doc__)
    parser.add_argument(
        "runs", nargs="*", metavar="run", help="default: all that left no report yet"
    )
    parser.add_argument(
        "--home", type=Path, default=ROOT / ".results", help="where results are kept"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "results.md")
    parser.add_argument("--fresh", action="store_true", help="forget what these runs found before")
    parser.add_argument("--page", action="store_true", help="write the page, run nothing")
    return parser.parse_args()


def _run(name: str, home: Path, fresh: bool) -> bool:
    home.mkdir(parents=True, exist_ok=True)
    told = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True
    )
    command = ["run", *commands()[name], "--home", str(home), *(["--fresh"] if fresh else [])]
    if subprocess.run([_archduel(), *command], cwd=ROOT).returncode != 0:
        return False
    commits = _commits(home)
    if fresh or name not in commits:
        commits[name] = told.stdout.strip() or "unknown"
        (home / COMMITS).write_text(json.dumps(commits, indent=1) + "\n", encoding="utf-8")
    return True


def _report(name: str, home: Path) -> dict[str, Any] | None:
    """The report for machines that the last finished run of this name leaves, or None."""
    runs = [home / "runs" / name, *(home / "runs").glob(f"{name}.*")]
    files = [file for run in runs if (file := run / "report.json").is_file()]
    if not files:
        return None
    last = max(files, key=lambda file: int(file.parent.name.removeprefix(name)[1:] or 1))
    told: dict[str, Any] = json.loads(last.read_text(encoding="utf-8"))
    return told


def _commits(home: Path) -> dict[str, str]:
    file = home / COMMITS
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def _archduel() -> str:
    return str(Path(sys.executable).with_name("archduel"))


if __name__ == "__main__":
    sys.exit(main())
