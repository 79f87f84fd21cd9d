"""The report as a LaTeX document: booktabs tables that break over pages, no figures.

It needs the packages booktabs, longtable, array, geometry and hyperref, which every distribution
has, and compiles with pdflatex, xelatex and lualatex. Tables can be copied into a paper.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from service.report.document import (
    Beside,
    Callout,
    Cell,
    Code,
    Column,
    Document,
    Drawing,
    Figure,
    Finding,
    Group,
    Leaf,
    Mark,
    Table,
    Text,
)
from service.report.gallery import Gallery
from service.report.gallery_text import as_table
from service.report.numbers import counted, heading, show

_HEAD = r"""\documentclass[10pt]{article}
\usepackage{iftex}
\ifPDFTeX\usepackage[T1]{fontenc}\usepackage[utf8]{inputenc}\usepackage{lmodern}\fi
\usepackage[a4paper,margin=20mm]{geometry}
\usepackage{array,booktabs,longtable}
\usepackage[hidelinks]{hyperref}
\setlength{\tabcolsep}{4pt}
\setlength{\parindent}{0pt}
\setlength{\parskip}{5pt}
"""
_TEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "_": r"\_", "%": r"\%", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}",
    "\u2212": r"$-$", "\u00d7": r"$\times$", "\u2013": "--", "\u2014": "---", "\u2026": r"\ldots{}",
    "\u2190": r"$\leftarrow$", "\u2192": r"$\rightarrow$", "\u00b7": r"$\cdot$", "\u00b5": r"$\mu$",
    "\u2264": r"$\leq$", "\u2265": r"$\geq$", "\u00b1": r"$\pm$", "\u2019": "'", "\u2018": "`",
    "\u201c": "``", "\u201d": "''", "\u00b2": r"$^2$", "\u00b0": r"$^\circ$", "\u00a0": "~",
    "`": r"\textasciigrave{}",
}  # fmt: skip
_NARROW = 14  # characters: a column of shorter texts does not wrap
_MOST_CODE = 88


def escape(text: str) -> str:
    """Text that LaTeX prints as it is; letters that no default font has lose their accents."""
    return "".join(map(_letter, " ".join(text.split())))


def _letter(letter: str) -> str:
    if letter in _TEX:
        return _TEX[letter]
    if letter.isascii():
        return letter if letter.isprintable() else " "
    if ord(letter) < 0x180 and letter.isalpha():  # Latin letters with accents
        return letter
    plain = unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode()
    return "".join(_TEX.get(one, one) for one in plain) or "?"


def render(document: Document) -> str:
    """Print a document as LaTeX.

    Args:
        document: the report.

    Returns:
        A whole document, ready to be compiled.
    """
    lines = [
        _HEAD, rf"\title{{{escape(document.title)}}}", rf"\author{{archduel: {escape(document.experiment)}}}",
        r"\date{}", r"\begin{document}", r"\maketitle", escape(document.summary),
    ]  # fmt: skip
    for section in document.sections:
        lines += ["", rf"\section{{{escape(section.title)}}}"]
        for block in section.blocks:
            if isinstance(block, Group):
                lines += ["", rf"\subsection{{{escape(block.title)}}}"]
                for leaf in block.blocks:
                    lines += _leaf(leaf)
            else:
                lines += _leaf(block)
    facts = "; ".join(f"{name} {value}" for name, value in document.facts)
    return "\n".join([*lines, "", r"\bigskip", escape(facts), r"\end{document}"]) + "\n"


def _leaf(leaf: Leaf | Drawing) -> Iterable[str]:
    if isinstance(leaf, Finding):
        told = [
            rf"\paragraph{{{escape(leaf.title)}: {escape(leaf.label)}.}} {escape(leaf.sentence)}"
        ]
        return ["", *told, *(f"\nWarning: {escape(warning)}." for warning in leaf.warnings)]
    if isinstance(leaf, Text):
        return ["", escape(leaf.text)]
    if isinstance(leaf, Callout):
        return ["", rf"\textbf{{{escape(leaf.title)}.}} {escape(leaf.text)}"]
    if isinstance(leaf, Code):
        return ["", escape(leaf.caption), *_code(leaf.text)]
    if isinstance(leaf, Table):
        return table(leaf)
    if isinstance(leaf, Gallery):
        shown = as_table(leaf)
        return [] if shown is None else table(shown)
    if isinstance(leaf, Beside):
        return [line for block in leaf.blocks for line in _leaf(block)]
    if isinstance(leaf, Drawing):
        return ["", rf"\textbf{{{escape(leaf.title)}.}} {escape(leaf.alt)}"]
    assert isinstance(leaf, Figure)
    return []


def _code(text: str) -> list[str]:
    """Lines in typewriter, long ones cut; not verbatim, which any text could end."""
    lines = [r"\begin{quote}\ttfamily\footnotesize\raggedright"]
    for line in text.rstrip("\n").splitlines():
        indent = len(line) - len(line.lstrip())
        lines.append(rf"\mbox{{}}{'~' * indent}{escape(line.strip()[:_MOST_CODE])}\\")
    return [*lines, r"\mbox{}\end{quote}"]


def table(shown: Table) -> list[str]:
    """Print a table: rules above, below its heading and at its end, and none between rows.

    Args:
        shown: the table.

    Returns:
        A `longtable` with its caption; its note stands below.
    """
    rows = [
        [_cell(cell, column) for cell, column in zip(row, shown.columns, strict=True)]
        for row in shown.rows
    ]
    heads = [escape(heading(column)) for column in shown.columns]
    lines = ["", r"{\footnotesize", rf"\begin{{longtable}}{{{_columns(shown)}}}"]
    lines += [rf"\caption{{{escape(shown.caption)}}}\\", r"\toprule"]
    lines += [
        " & ".join(rf"\textbf{{{head}}}" for head in heads) + r" \\",
        r"\midrule",
        r"\endhead",
    ]
    lines += [r"\bottomrule", r"\endlastfoot"]
    lines += [" & ".join(cells) + r" \\" for cells in rows]
    lines += [r"\end{longtable}", "}"]
    return [*lines, rf"{{\footnotesize {escape(shown.note)}\par}}"] if shown.note else lines


def _columns(shown: Table) -> str:
    """Numbers and short texts as wide as they are; the rest of the line to the long texts."""
    longest = [
        max([len(heading(column)), *(len(show(row[place], column)) for row in shown.rows)])
        for place, column in enumerate(shown.columns)
    ]
    wraps = [
        column.kind != "number" and longest[place] > _NARROW
        for place, column in enumerate(shown.columns)
    ]
    total = sum(min(width, 60) for width in longest)
    scale = 0.92 / max(total, 70)
    spec = []
    for column, width, wrap in zip(shown.columns, longest, wraps, strict=True):
        if wrap:
            share = max(0.08, min(width, 60) * scale)
            spec.append(rf">{{\raggedright\arraybackslash}}p{{{share:.3f}\linewidth}}")
        else:
            spec.append("r" if column.kind == "number" else "l")
    return "".join(spec)


def _cell(cell: Cell, column: Column) -> str:
    text = escape(show(cell, column))
    if isinstance(cell, Mark):
        return rf"\textbf{{{text}}}"
    n = counted(cell)
    return rf"{text} {{\tiny {n}}}" if n else text
