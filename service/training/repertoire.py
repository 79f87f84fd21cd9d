"""What a process has learnt to train: it outlives the worker, its run and its data."""

from __future__ import annotations

from service.contracts.pair import LocatedPair
from service.training.cache import ProgramCache
from service.training.graph_program import forget_data
from service.training.models import Models


class Repertoire:
    """Solved sizes, likenesses and compiled programs, by pair, its code and its data.

    It holds no examples: the same pair in a later run is trained by the programs of an earlier one.

    Args:
        programs: where compiled programs are kept; None for a new cache of the usual size.
    """

    def __init__(self, programs: ProgramCache | None = None) -> None:
        self._programs = programs or ProgramCache()
        self._models: dict[tuple[str, str, str], Models] = {}

    def models(self, located: LocatedPair, data: str) -> Models:
        """The models of a pair.

        Args:
            located: the pair and the hash of its code.
            data: fingerprint of its data, which a builder may have looked at.
        """
        key = located.pair.name, located.code, data
        if key not in self._models:
            self._models[key] = Models(located.pair, self._programs)
        return self._models[key]

    def release(self) -> None:
        """Let go of the examples that programs trained on last."""
        self._programs.release()
        forget_data()
