"""Sections of a report are found, and a second one in the same place is refused."""

from __future__ import annotations

import importlib
import pkgutil
from types import SimpleNamespace

import pytest

from service.catalog import sections as room
from service.contracts.errors import ArchduelError


def test_sections_come_in_the_order_of_their_places():
    found = room.sections()
    assert [part.PLACE for part in found] == sorted({part.PLACE for part in found})
    names = [part.__name__.rpartition(".")[2] for part in found]  # type: ignore[attr-defined]
    assert names[0] == "answer"
    assert names[-1] == "recipe"


@pytest.mark.parametrize(
    ("module", "rule"),
    [
        (SimpleNamespace(PLACE=1), "must define PLACE and section"),
        (SimpleNamespace(PLACE=1, section=print), "have the same PLACE, 1"),
    ],
)
def test_a_file_that_is_no_section_is_told(monkeypatch, module, rule):
    names = [SimpleNamespace(name=name) for name in ("one", "two")]
    monkeypatch.setattr(pkgutil, "iter_modules", lambda _: names)
    real = importlib.import_module
    monkeypatch.setattr(
        importlib, "import_module", lambda n: module if n.count(".") > 1 else real(n)
    )
    with pytest.raises(ArchduelError, match=rule):
        room.sections()
