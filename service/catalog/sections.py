"""Finds the sections of a report: the modules of `experiments.sections`, by their place."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any, Protocol, cast

from service.contracts.errors import ArchduelError

PACKAGE = "experiments.sections"


class SectionPart(Protocol):
    """What a section's module defines.

    Attributes:
        PLACE: sections are read in the order of their places; no two have the same.
    """

    PLACE: int

    def section(self, view: Any) -> Any:
        """The section, or None where there is nothing to say.

        Args:
            view: a `service.report.view.View`.

        Returns:
            A `service.report.document.Section`.
        """
        ...


def sections() -> list[SectionPart]:
    """Import every section.

    Returns:
        The modules in the order in which they are read.

    Raises:
        ArchduelError: a module is no section, or two have one place.
    """
    found: dict[int, tuple[str, SectionPart]] = {}
    for info in pkgutil.iter_modules(importlib.import_module(PACKAGE).__path__):
        if info.name.startswith("_"):
            continue
        module = importlib.import_module(f"{PACKAGE}.{info.name}")
        place = getattr(module, "PLACE", None)
        if not isinstance(place, int) or not callable(getattr(module, "section", None)):
            raise ArchduelError(f"{PACKAGE}.{info.name} must define PLACE and section(view)")
        if place in found:
            raise ArchduelError(
                f"{PACKAGE}.{info.name} and {found[place][0]} have the same PLACE, {place}"
            )
        found[place] = (info.name, cast(SectionPart, module))
    return [found[place][1] for place in sorted(found)]
