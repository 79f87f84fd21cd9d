"""The document: what a report says, before any format. Sections make it, renderers print it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from service.contracts.structure import Structure
from service.report.gallery import Gallery

Tone = Literal["good", "bad", "warning", "neutral", "open"]
"""How a status is meant; renderers add a symbol, so that colour never stands alone."""
Kind = Literal["text", "number", "status"]


@dataclass(frozen=True)
class Value:
    """A number in a table, with its interval and with how much of the plan stands behind it.

    Attributes:
        value: the number, None when missing.
        unit: "%", "points", "s", "B", "count", "ratio", "si" or any unit to be printed after it;
            None takes the column's.
        digits: decimals; None takes the column's, and without one three significant digits.
        signed: whether a plus is printed.
        interval: low and high, in the same unit.
        n_ok, n_planned: how many of how many planned values are behind it.
        rows: the rows behind it, as a page's viewer finds them ("pair=iris stage=retrain"); None
            takes the table's.
    """

    value: float | None
    unit: str | None = None
    digits: int | None = None
    signed: bool = False
    interval: tuple[float, float] | None = None
    n_ok: int | None = None
    n_planned: int | None = None
    rows: str | None = None


@dataclass(frozen=True)
class Mark:
    """A status in a table: a word and how it is meant."""

    word: str
    tone: Tone


Cell = Value | Mark | str | None


@dataclass(frozen=True)
class Column:
    """A table's column.

    Attributes:
        title: its heading.
        kind: text, number (aligned at the right) or status.
        unit, digits: for numbers that do not say their own.
    """

    title: str
    kind: Kind = "text"
    unit: str = ""
    digits: int | None = None


@dataclass(frozen=True)
class Table:
    """A table; the first column heads its rows.

    Attributes:
        caption: what it shows, one line.
        columns, rows: its content; each row has one cell per column.
        note: what a reader must know to read it.
        folded: whether a page shows it on request only.
        brief: whether the short formats (terminal, note, top of the Markdown) print it too.
        rows_behind: the rows behind its numbers, see `Value`; empty where all are.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    folded: bool = False
    brief: bool = False
    rows_behind: str = ""

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"{self.caption}: {len(row)} cells in {len(self.columns)} columns")


@dataclass(frozen=True)
class Figure:
    """A plot.

    Attributes:
        title: what it shows, one line.
        alt: the same in words, for who cannot see it.
        plot: a Plotly figure ("data" and "layout"); colours that begin with "@" are the page's.
        note: how to read it.
        height: in pixels.
        wide: whether it takes the full width.
    """

    title: str
    alt: str
    plot: dict[str, Any]
    note: str = ""
    height: int = 340
    wide: bool = False


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Code:
    """Text to be read or copied as it is; a language's words are set apart where it is known."""

    text: str
    caption: str = ""
    language: str = ""


@dataclass(frozen=True)
class Drawing:
    """A model's graph.

    Attributes:
        title: whose, a few words.
        alt: the same in words, for who cannot see it.
        structure: the graph.
    """

    title: str
    alt: str
    structure: Structure


@dataclass(frozen=True)
class Beside:
    """Blocks next to each other where there is room.

    Attributes:
        title: what they show together, one line.
        blocks: from left to right.
        note: how to read them.
        folded: whether a page shows them on request only.
    """

    title: str
    blocks: tuple[Drawing | Code, ...]
    note: str = ""
    folded: bool = False


@dataclass(frozen=True)
class Callout:
    """A paragraph that must not be overlooked; brief ones are in the short formats too."""

    title: str
    text: str
    tone: Tone = "neutral"
    brief: bool = False


@dataclass(frozen=True)
class Strip:
    """An effect against its margin, on one line.

    Attributes:
        mean: the effect; positive points to the right.
        interval: of the effect, where there is one.
        inner: the narrower interval of the equivalence test.
        margin: the smallest difference that matters.
        unit: of all of these.
        left, right: what the two directions mean.
        digits: decimals of the scale.
    """

    mean: float
    interval: tuple[float, float] | None
    inner: tuple[float, float] | None
    margin: float
    unit: str
    left: str
    right: str
    digits: int = 1

    @property
    def reach(self) -> float:
        """The scale goes from minus this to plus this."""
        ends = [abs(self.mean), self.margin]
        for interval in (self.interval, self.inner):
            ends += [abs(end) for end in interval or ()]
        return 1.12 * max(ends) or 1.0

    def place(self, value: float) -> float:
        """Where a value lies on the scale, from 0 (left) to 1 (right)."""
        return (value / self.reach + 1) / 2


@dataclass(frozen=True)
class Finding:
    """The answer for one pair.

    Attributes:
        title: the pair's title.
        label: the verdict in a word or two.
        tone: how it is meant.
        sentence: the verdict for people.
        strip: the effect against the margin; None when there is no effect.
        figures: the numbers to see at a glance, by name.
        warnings: what a reader should know although the verdict stands.
    """

    title: str
    label: str
    tone: Tone
    sentence: str
    strip: Strip | None
    figures: tuple[tuple[str, Value], ...]
    warnings: tuple[str, ...] = ()


Leaf = Finding | Text | Table | Figure | Code | Callout | Beside | Gallery


@dataclass(frozen=True)
class Group:
    """Blocks under a common heading within a section, such as one pair's."""

    title: str
    blocks: tuple[Leaf, ...]


Block = Leaf | Group


@dataclass(frozen=True)
class Section:
    """A part of the document.

    Attributes:
        name: a word, for links and tests.
        title: its heading.
        blocks: its content.
    """

    name: str
    title: str
    blocks: tuple[Block, ...]

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        """All blocks, those of groups included, in order."""
        found: list[Leaf] = []
        for block in self.blocks:
            found += block.blocks if isinstance(block, Group) else [block]
        return tuple(found)


@dataclass(frozen=True)
class Document:
    """A whole report.

    Attributes:
        experiment: the experiment's name.
        title: what was compared, one line.
        summary: the question, or how many pairs there are.
        facts: short facts for the head of a page, by name.
        sections: in the order they are read.
    """

    experiment: str
    title: str
    summary: str
    facts: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]

    @property
    def briefs(self) -> list[tuple[Finding, Table, Callout]]:
        """For each pair what the short formats print: the answer, the comparison, the audit."""
        leaves = [leaf for section in self.sections for leaf in section.leaves]
        findings = [leaf for leaf in leaves if isinstance(leaf, Finding)]
        tables = [leaf for leaf in leaves if isinstance(leaf, Table) and leaf.brief]
        audits = [leaf for leaf in leaves if isinstance(leaf, Callout) and leaf.brief]
        return list(zip(findings, tables, audits, strict=True))
