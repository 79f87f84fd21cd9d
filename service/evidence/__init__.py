"""From a plan and the ledger's results to what is known: pure functions of their values."""

from service.evidence.audit import audit
from service.evidence.check import Check
from service.evidence.decide import Judgement, judge, latest, rule
from service.evidence.records import PairTally, Repetition, Side, plain
from service.evidence.selection import winner
from service.evidence.tally import tally
from service.evidence.together import together

__all__ = [
    "Check",
    "Judgement",
    "PairTally",
    "Repetition",
    "Side",
    "audit",
    "judge",
    "latest",
    "plain",
    "rule",
    "tally",
    "together",
    "winner",
]
