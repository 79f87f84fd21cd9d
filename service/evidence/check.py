"""One condition of a fair comparison, and whether it holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One condition of a fair comparison.

    Attributes:
        name: the condition, as a statement that should hold.
        passed: whether it holds; None when it cannot be told or does not apply.
        detail: the numbers behind it; of a failed check, what is wrong.
        warning: whether failing it leaves the verdict valid.
    """

    name: str
    passed: bool | None
    detail: str
    warning: bool = False

    @property
    def reason(self) -> str | None:
        """Why the comparison is invalid, None where this check does not make it so."""
        return self.detail if self.passed is False and not self.warning else None


def listed(items: Sequence[str], most: int = 3) -> str:
    """Return the first items as one text, and how many more there are."""
    more = f" and {len(items) - most} more" if len(items) > most else ""
    return "; ".join(items[:most]) + more
