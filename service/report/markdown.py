"""The report as Markdown that fits a comment: findings open, everything else folded."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

from service.report.document import (
    Beside,
    Block,
    Callout,
    Cell,
    Code,
    Column,
    Document,
    Drawing,
    Figure,
    Finding,
    Group,
    Mark,
    Section,
    Table,
    Text,
)
from service.report.gallery import Gallery
from service.report.gallery_text import as_table
from service.report.numbers import counted, heading, show

MOST_ROWS = 40
"""Longer tables are cut: readers take no more."""
MOST_CHARACTERS = 64_000
"""Sections beyond this are named, not printed: GitHub's comments hold 65,536 characters."""
SYMBOLS = {"good": "✓", "bad": "✗", "warning": "!", "neutral": "=", "open": "?"}


def escape(text: str) -> str:
    """Return text that Markdown prints as it is, in one line, and that mentions nobody."""
    flat = html.escape(" ".join(text.split()), quote=False)
    return re.sub(r"([\\`*_{}\[\]|#~$])", r"\\\1", flat).replace("@", "@\u2060")


def render(document: Document) -> str:
    """Print a document as Markdown.

    Args:
        document: the report.

    Returns:
        Findings and brief tables first, then each section folded as long as there is room.
    """
    lines = [f"### archduel: {escape(document.experiment)}", ""]
    for parts in document.briefs:
        for leaf in parts:
            lines += [*_leaf(leaf), ""]
    length, left = sum(len(line) + 1 for line in lines), []
    for section in document.sections:
        part = [*_folded(section), ""]
        size = sum(len(line) + 1 for line in part)
        if length + size > MOST_CHARACTERS:
            left.append(section.title)
            continue
        length += size
        lines += part
    if left:
        lines += [f"In the HTML report only, for want of room: {', '.join(map(escape, left))}.", ""]
    lines.append(", ".join(f"{name} `{_plain(value)}`" for name, value in document.facts))
    return "\n".join(lines).rstrip() + "\n"


def _plain(text: str) -> str:
    return " ".join(text.replace("`", "'").split())


def _folded(section: Section) -> list[str]:
    lines = [f"<details><summary>{escape(section.title)}</summary>", ""]
    for block in section.blocks:
        if isinstance(block, Group):
            lines += [f"**{escape(block.title)}**", ""]
            for leaf in block.blocks:
                lines += _again(leaf)
        else:
            lines += _again(block)
    return [*lines, "</details>"]


def _again(leaf: Block) -> Iterable[str]:
    """A block within its folded section: what already stands above is not repeated."""
    shown = isinstance(leaf, Finding | Figure) or (isinstance(leaf, Table | Callout) and leaf.brief)
    return [] if shown else [*_leaf(leaf), ""]


def _leaf(leaf: Block) -> list[str]:
    if isinstance(leaf, Finding):
        lines = [
            f"**{escape(leaf.title)}**",
            "",
            f"{SYMBOLS[leaf.tone]} **{escape(leaf.sentence)}**",
        ]
        return [*lines, *(f"\n> Warning: {escape(warning)}" for warning in leaf.warnings)]
    if isinstance(leaf, Text):
        return [escape(leaf.text)]
    if isinstance(leaf, Callout):
        return [f"{SYMBOLS[leaf.tone]} **{escape(leaf.title)}.** {escape(leaf.text)}"]
    if isinstance(leaf, Code):
        fence = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", leaf.text)), default=0))
        return [escape(leaf.caption), "", fence + leaf.language, leaf.text.rstrip("\n"), fence]
    if isinstance(leaf, Table):
        return table(leaf)
    if isinstance(leaf, Gallery):
        shown = as_table(leaf)
        return [] if shown is None else table(shown)
    if isinstance(leaf, Beside):
        return [line for block in leaf.blocks for line in _beside(block)]
    return []


def _beside(block: Drawing | Code) -> list[str]:
    if isinstance(block, Drawing):
        return [f"{escape(block.title)}: {escape(block.alt)}", ""]
    return [*_leaf(block), ""]


def table(shown: Table) -> list[str]:
    """Print a table, its caption above and its note below.

    Args:
        shown: the table.

    Returns:
        Lines of Markdown; rows beyond `MOST_ROWS` are counted, not printed.
    """
    lines = [f"{escape(shown.caption)}", ""]
    lines.append("| " + " | ".join(escape(heading(column)) for column in shown.columns) + " |")
    rule = ["---:" if column.kind == "number" else "---" for column in shown.columns]
    lines.append("| " + " | ".join(rule) + " |")
    for row in shown.rows[:MOST_ROWS]:
        cells = (_cell(cell, column) for cell, column in zip(row, shown.columns, strict=True))
        lines.append("| " + " | ".join(cells) + " |")
    left = len(shown.rows) - MOST_ROWS
    if left > 0:
        lines += ["", f"{left} more rows are in the JSON report."]
    if shown.note:
        lines += ["", f"<sub>{escape(shown.note)}</sub>"]
    return lines


def _cell(cell: Cell, column: Column) -> str:
    text = escape(show(cell, column))
    if isinstance(cell, Mark):
        return f"{SYMBOLS[cell.tone]} {text}"
    n = counted(cell)
    return f"{text} <sub>{n}</sub>" if n else text
