"""A requirement that a run must meet, such as "functional >= sequential by 0.005"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from service.contracts.errors import UserError, did_you_mean
from service.evidence.decide import Judgement
from service.stats.verdict import Decision

_FORM = re.compile(r"\s*(\S+)\s*>=\s*(\S+?)(?:\s+by\s+(\S+))?\s*")
_HOW = "write VARIANT >= VARIANT by AMOUNT, the amount in the metric's unit"


@dataclass(frozen=True)
class Requirement:
    """One variant must be at least this much better than the other.

    Attributes:
        better, other: the variants.
        by: in the metric's unit; below 0 it may be that much worse.
    """

    better: str
    other: str
    by: float

    @classmethod
    def parse(cls, text: str) -> Requirement:
        """Read "functional >= sequential by 0.005"; without "by" the amount is 0.

        Raises:
            UserError: it is not of that form.
        """
        found = _FORM.fullmatch(text)
        if found is None:
            raise UserError("is no requirement", key="--require", value=text, hint=_HOW)
        try:
            by = float(found[3] or 0)
        except ValueError as error:
            raise UserError(
                "the amount must be a number", key="--require", value=found[3], hint=_HOW
            ) from error
        return cls(found[1], found[2], by)

    def met(self, found: Judgement) -> tuple[bool, str]:
        """Whether the results show it: the whole interval of the difference must lie beyond.

        Args:
            found: the judgement of one pair.

        Returns:
            Whether it is met, and why, in words. What is not known is not met.

        Raises:
            UserError: the pair has other variants.
        """
        names = found.tally.variants
        for name in (self.better, self.other):
            if name not in names:
                raise UserError(
                    f"pair '{found.tally.pair}' has no variant of this name",
                    key="--require", value=name, hint=did_you_mean(name, names),
                )  # fmt: skip
        if self.better == self.other:
            raise UserError("the two variants must differ", key="--require", value=self.better)
        verdict = found.verdict
        if verdict.decision is Decision.INVALID:
            return False, f"the comparison is invalid: {'; '.join(verdict.reasons)}"
        ends = verdict.interval
        if ends is None and verdict.decision is Decision.IDENTICAL:
            ends = (0.0, 0.0)
        if ends is None:
            return False, f"no interval after {verdict.n_ok} repetitions"
        low, high = ends if self.better == names[1] else (-ends[1], -ends[0])
        told = f"{self.better} is better by {low:.4g} to {high:.4g} {verdict.metric}"
        return low >= self.by, f"{told}, required: at least {self.by:g}"
