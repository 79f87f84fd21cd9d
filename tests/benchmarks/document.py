"""The table of all cases as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.benchmarks.case import Row, figure

HEAD = """# Benchmarks

How long things take, both sides in one run, in turn (ABAB), medians; whole processes, imports and
start-up included, where a row says so. `make bench` measures all of it and writes this file,
`make bench CASE=warm` one case, and the rows of the others stay: `benchmarks.json` keeps them. Ray Tune
and KerasTuner live in an environment of their own (`.venv-bench`). The cases are
[tests/benchmarks/cases](../tests/benchmarks/cases), one file each. Ratios carry over to other machines
better than seconds do.
"""


def document(kept: Mapping[str, Mapping[str, Any]]) -> str:
    """The document.

    Args:
        kept: by case, what `python -m tests.benchmarks` kept of it.
    """
    lines = [HEAD, "| what | found | target | | behind it |", "| --- | ---: | ---: | --- | --- |"]
    for case in kept.values():
        rows = [Row(**row) for row in case["rows"]]
        lines += [_line(row) for row in rows]
        if case["skipped"]:
            lines.append(f"| {case['title']} | skipped | | | {case['skipped']} |")
    lines += ["", "## What was done", ""]
    for name, case in kept.items():
        size = ", a tenth of the work" if case["small"] else ""
        work = " ".join(str(case["work"]).split())
        lines.append(f"- `{name}` ({case['date']}{size}): {case['title']} {work}")
    lines += ["", "## Where", ""]
    for place in dict.fromkeys(_place(case) for case in kept.values()):
        cases = [name for name, case in kept.items() if _place(case) == place]
        lines.append(f"- {', '.join(cases)}: {place}")
    return "\n".join(lines) + "\n"


def _line(row: Row) -> str:
    bound = (
        "" if row.target is None else f"{'at least' if row.at_least else 'at most'} {row.target:g}"
    )
    met = {None: "", True: "met", False: "**missed**"}[row.met]
    return f"| {row.what} | {figure(row.found)} {row.unit} | {bound} | {met} | {row.detail} |"


def _place(case: Mapping[str, Any]) -> str:
    machine, versions = case["hardware"], case["versions"]
    software = ", ".join(f"{name} {version}" for name, version in versions.items())
    return f"{machine['processor']}, {machine['cores']} cores, {machine['memory']}, {machine['system']}; {software}"
