"""Does a report say what its rows say? Every printed number is made again and compared."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from itertools import zip_longest
from typing import Any

from service.report import as_json
from service.report.page import render as render_page
from service.report.rows import Unreadable, decompressed, fingerprint, from_document, unpack
from service.report.view import ReportInput

Derive = Callable[[ReportInput], Mapping[str, Any]]
NOTHING = "nothing"
_PACKED = "the bundled rows"


@dataclass(frozen=True)
class Difference:
    """The first place where a report does not say what its rows say.

    Attributes:
        where: section, table and row, or the path in the JSON.
        printed: what the report says.
        recomputed: what its rows give.
    """

    where: str
    printed: str
    recomputed: str

    def __str__(self) -> str:
        return f"{self.where}: printed {self.printed!r}, recomputed {self.recomputed!r}"


def verify_page(text: str, derive: Derive = lambda _: {}) -> tuple[str, Difference | None]:
    """Make every number of an HTML report again from the rows it carries.

    Args:
        text: the page.
        derive: makes those facts again that follow from the rows.

    Returns:
        The fingerprint of its rows, and the first difference if there is one.
    """
    given = _read(text)
    try:
        report_input = _derived(unpack(given.packed.strip()), derive)
    except Unreadable as error:
        return "", Difference(_PACKED, "rows of this version", f"unreadable: {error}")
    again = _read(render_page(report_input))
    for mine, theirs in zip_longest(given.said, again.said):
        if mine is None or theirs is None or mine[1] != theirs[1]:
            where = (theirs or mine or ("the page", ""))[0]
            return "", Difference(where, *(NOTHING if x is None else x[1] for x in (mine, theirs)))
    found = _plots(given.plots, again.plots)
    if found is None and given.programs != again.programs:
        found = Difference("the page's programs", "other programs", "those of this version")
    return fingerprint(report_input.results), found


def verify_json(text: str, derive: Derive = lambda _: {}) -> tuple[str, Difference | None]:
    """Make every number of a JSON report again from its results.

    Args:
        text: the report.
        derive: see `verify_page`.

    Returns:
        The fingerprint of its rows, and the first difference if there is one.
    """
    try:
        document = json.loads(text)
        report_input = _derived(from_document(_without_ids(document)), derive)
    except (Unreadable, ValueError) as error:
        return "", Difference(_PACKED, "rows of this version", f"unreadable: {error}")
    again = json.loads(as_json.to_json(report_input))
    found = next(_apart(document, again, ""), None)
    return fingerprint(report_input.results), found


def _derived(report_input: ReportInput, derive: Derive) -> ReportInput:
    return replace(report_input, facts={**report_input.facts, **derive(report_input)})


def _without_ids(document: Any) -> Any:
    if not isinstance(document, dict) or not isinstance(document.get("results"), list):
        raise Unreadable("it has no list of results")
    rows = [
        {key: value for key, value in row.items() if key != "id"} if isinstance(row, dict) else row
        for row in document["results"]
    ]
    return {**document, "results": rows}


def _plots(printed: str, recomputed: str) -> Difference | None:
    if printed == recomputed:
        return None
    try:
        mine = json.loads(decompressed(printed))
    except Unreadable as error:
        return Difference("the figures' data", "those of this version", f"unreadable: {error}")
    found = next(_apart(mine, json.loads(decompressed(recomputed)), "figure"), None)
    return found or Difference("the figures' data", "other text", "the same numbers")


def _apart(mine: Any, theirs: Any, where: str) -> Iterator[Difference]:
    """Differences of two JSON documents, in the order of the second."""
    if isinstance(mine, dict) and isinstance(theirs, dict):
        for key in [*theirs, *(key for key in mine if key not in theirs)]:
            path = f"{where}.{key}" if where else str(key)
            if key not in mine or key not in theirs:
                yield Difference(path, *(_short(side.get(key, NOTHING)) for side in (mine, theirs)))
            else:
                yield from _apart(mine[key], theirs[key], path)
    elif isinstance(mine, list) and isinstance(theirs, list):
        for place, (one, other) in enumerate(zip_longest(mine, theirs, fillvalue=NOTHING)):
            yield from _apart(one, other, f"{where}[{place}]")
    elif mine != theirs or type(mine) is not type(theirs):
        yield Difference(where, _short(mine), _short(theirs))


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 80 else text[:79] + "…"


class _Read(HTMLParser):
    """Everything a page says, each with its place; rows, plots and programs apart."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.said: list[tuple[str, str]] = []
        self.packed = self.plots = ""
        self.programs: list[str] = []
        self._places = {"h2": "", "h3": "", "caption": "", "th": ""}
        self._inside: list[str] = []
        self._script = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside.append(tag)
        if tag == "script":
            self._script = dict(attrs).get("id") or "program"
            self.programs += [""] if self._script == "program" else []
        elif tag in ("h2", "h3", "caption", "th"):
            self._begin(tag)
        told = " ".join(f"{name}={value}" for name, value in attrs)
        self.said.append((self._where(), f"<{tag} {told}>" if told else f"<{tag}>"))

    def _begin(self, tag: str) -> None:
        order = list(self._places)
        for lower in order[order.index(tag) :]:
            self._places[lower] = ""

    def handle_endtag(self, tag: str) -> None:
        while self._inside and self._inside.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "script" in self._inside[-1:]:
            if self._script == "rows":
                self.packed += data
            elif self._script == "plots":
                self.plots += data
            elif self._script == "program":
                self.programs[-1] += data
            return
        for tag in self._places:
            if tag in self._inside:
                self._places[tag] += data
        for word in re.split(r"\s{2,}|\n", data):
            if word.strip():
                self.said.append((self._where(), word.strip()))

    def _where(self) -> str:
        places = [" ".join(place.split()) for place in self._places.values()]
        return " > ".join(place for place in places if place) or "the head of the page"


def _read(text: str) -> _Read:
    reader = _Read()
    reader.feed(text)
    reader.close()
    return reader
