"""The terminal's final word: what was found and both variants side by side, in 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from service.report.document import Document, Finding, Strip, Table
from service.report.numbers import amount, counted, heading, show

WIDTH = 80
_FIRST = 30  # the widest a row's heading may be


def render(document: Document) -> str:
    """Print the findings, the brief tables and the audit as plain text.

    Args:
        document: the report.

    Returns:
        Lines of at most 80 characters, ending in a newline.
    """
    lines = [document.experiment, "=" * min(WIDTH, len(document.experiment)), ""]
    for finding, table, audit in document.briefs:
        lines += _finding(finding)
        lines += [*_table(table), ""]
        lines += [*_wrapped(f"{audit.title}: {audit.text}"), ""]
    facts = ", ".join(f"{name} {value}" for name, value in document.facts)
    return "\n".join([*lines, *_wrapped(facts)]) + "\n"


def tables(shown: Sequence[Table]) -> str:
    """Print tables with their captions and notes.

    Args:
        shown: the tables.

    Returns:
        Lines of at most 80 characters, ending in a newline.
    """
    lines: list[str] = []
    for table in shown:
        lines += [table.caption, ""]
        lines += [*_table(table), ""] if table.rows else []
        lines += [*_wrapped(table.note), ""] if table.note else []
    return "\n".join(lines[:-1]) + "\n"


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, break_long_words=True, break_on_hyphens=False) or [""]


def _finding(finding: Finding) -> list[str]:
    lines = _wrapped(f"{finding.title}: {finding.label.upper()}")
    lines += ["", *_wrapped(finding.sentence), ""]
    if finding.strip is not None:
        lines += [*strip(finding.strip), ""]
    for warning in finding.warnings:
        lines += [*_wrapped(f"Warning: {warning}"), ""]
    return lines


def strip(shown: Strip, width: int = WIDTH) -> list[str]:
    """Draw an effect, its interval and the margin with characters.

    Args:
        shown: the effect; the dots are the margin, the line its interval, * the mean.
        width: characters a line.

    Returns:
        Two lines: the drawing and what its ends mean.
    """
    cells = [" "] * width

    def place(value: float) -> int:
        return min(width - 1, max(0, round(shown.place(value) * (width - 1))))

    for spot in range(place(-shown.margin), place(shown.margin) + 1):
        cells[spot] = "."
    if shown.interval is not None:
        low, high = place(shown.interval[0]), place(shown.interval[1])
        for spot in range(low, high + 1):
            cells[spot] = "-"
        cells[low], cells[high] = "[", "]"
    cells[place(0)] = "|"
    cells[place(shown.mean)] = "*"
    left, right = f"<- {shown.left}", f"{shown.right} ->"
    middle = f"0, margin {amount(shown.margin, shown.unit)}"
    gap = width - len(left) - len(right)
    if gap < len(middle) + 2:
        return ["".join(cells).rstrip(), *_wrapped(f"{left}; {right}")]
    return ["".join(cells).rstrip(), f"{left}{middle:^{gap}}{right}"]


def _table(table: Table) -> list[str]:
    header = [heading(column) for column in table.columns]
    rows = []
    for row in table.rows:
        texts = []
        for cell, column in zip(row, table.columns, strict=True):
            n = counted(cell)
            texts.append(show(cell, column) + (f" ({n})" if n else ""))
        rows.append(texts)
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    others = sum(widths[1:]) + 2 * (len(widths) - 1)
    widths[0] = max(8, min(widths[0], max(_FIRST, WIDTH - others), WIDTH - others))
    lines = []
    for place, texts in enumerate([header, *rows]):
        lines += _row(texts, widths)
        if place == 0:
            lines.append("  ".join("-" * width for width in widths)[:WIDTH])
    return lines


def _row(texts: Sequence[str], widths: Sequence[int]) -> list[str]:
    """One row; a long heading goes on in the next line, a line too long is wrapped."""
    first = textwrap.wrap(texts[0], widths[0]) or [""]
    rest = [f"{text:>{width}}" for text, width in zip(texts[1:], widths[1:], strict=True)]
    line = "  ".join([f"{first[0]:<{widths[0]}}", *rest]).rstrip()
    if len(line) > WIDTH:
        body = [" ".join(text.split()) for text in texts[1:]]
        return [*_wrapped(texts[0]), *_wrapped("  " + "; ".join(body))]
    return [line, *("  " + more for more in first[1:])]
