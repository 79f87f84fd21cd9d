"""How things are printed: results on stdout, everything else on stderr, colours only for eyes."""

from __future__ import annotations

import json
import sys
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from service.cli.session import Session


def results() -> Console:
    """The console for results. Rich leaves colours out of files, pipes and under NO_COLOR."""
    return Console(highlight=False, emoji=False)


def errors() -> Console:
    """The console for progress, advice and errors."""
    return Console(stderr=True, highlight=False, emoji=False)


def write_json(document: Any) -> None:
    """Print one JSON document on stdout."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def table(*columns: str, numbers: tuple[str, ...] = ()) -> Table:
    """A table without lines.

    Args:
        columns: the headings; the first column is what a row is called and is never cut.
        numbers: those of them that are set to the right.
    """
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold", show_edge=False)
    for place, column in enumerate(columns):
        right = column in numbers
        whole = right or place == 0
        made.add_column(column, justify="right" if right else "left", no_wrap=whole)
    return made


def facts(rows: list[tuple[str, str]]) -> Table:
    """Names and what is to be said of them, side by side."""
    made = Table.grid(padding=(0, 2, 0, 0))
    made.add_column(style="bold", no_wrap=True)
    made.add_column()
    for name, text in rows:
        made.add_row(name, Text(text))
    return made


def whole(rows: list[tuple[str, str]]) -> Text:
    """As `facts`, but of one line each, however long: paths and addresses are there to be copied.

    Print it with `soft_wrap=True`.
    """
    widest = max(len(name) for name, _ in rows)
    lines = [Text.assemble((name.ljust(widest + 2), "bold"), text) for name, text in rows]
    return Text("\n").join(lines)


def advise(session: Session, *steps: tuple[tuple[str, ...], str]) -> None:
    """Say what to do next, on stderr: it is for people and must not end up in a pipe.

    Args:
        session: whose home folder the commands mean.
        steps: the words of a command, and what it is for.
    """
    console = errors()
    commands = [session.command(*words) for words, _ in steps]
    widest = max(len(command) for command in commands)
    # Where there is no room for both, the command stays whole: it is there to be copied.
    told = widest + max(len(purpose) for _, purpose in steps) + 8 <= console.width
    console.print()
    for place, (command, (_, purpose)) in enumerate(zip(commands, steps, strict=True)):
        lead = ("next: " if place == 0 else "      ", "dim")
        text = Text(f"{command:{widest}}  {purpose}" if told else command)
        text.stylize("cyan", 0, len(command))
        console.print(Text.assemble(lead, text), soft_wrap=True)


def duration(seconds: float) -> str:
    """A time span in words: "8 s", "3 min 20 s", "2 h 5 min", "30 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    (large, small), units = divmod(whole, 60), ("min", "s")
    if large >= 60:
        (large, small), units = divmod(large, 60), ("h", "min")
    return f"{large:,} {units[0]}" + (f" {small} {units[1]}" if small else "")


def span(seconds: float) -> str:
    """A time span that may be short: "12 ms", "1.4 s", and from ten seconds on as `duration`."""
    if seconds >= 9.95:
        return duration(seconds)
    return f"{seconds:.1f} s" if seconds >= 0.995 else f"{1000 * seconds:.0f} ms"


def measure(value: float, unit: str) -> str:
    """A value of a metric; fractions are told in percent."""
    return f"{100 * value:.1f}%" if unit == "fraction" else f"{value:.4g} {unit}".strip()


def margin(value: float, unit: str) -> str:
    """A difference of a metric; those of fractions are told in points."""
    if unit != "fraction":
        return measure(value, unit)
    points = f"{100 * value:.4g}"
    return f"{points} {'point' if points == '1' else 'points'}"


def better(name: str, direction: str) -> str:
    """ "higher accuracy", "lower mean absolute error"."""
    return f"{'higher' if direction == 'maximize' else 'lower'} {name}"


def plural(count: int, word: str) -> str:
    """ "1 pair", "2 pairs", "12,000 trainings"."""
    return f"{count:,} {word}" + ("" if count == 1 else "s")
