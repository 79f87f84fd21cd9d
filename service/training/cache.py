"""The compiled programs of one worker, bounded in number and in memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from service.training.initial import Blueprint
from service.training.leftovers import sweep
from service.training.memory import resident_bytes

PROGRAMS = 32
PROGRAM_BYTES = 1024**3
SWEEP_AFTER = 8
"""Programs that are dropped before their memory is freed: looking for it takes a quarter second."""


@dataclass
class Ready:
    """A program that can be started, and where its initial states come from.

    Args:
        program: the program: `program.Program`, or `vmap_program.VmapProgram`.
        blueprint: initial states by seed.
        bytes: what the process grew by while the program was compiled.
        epoch_seconds: how long an epoch took last, None before the first.
        prepared: the shapes of data for which it was compiled.
    """

    program: Any
    blueprint: Blueprint
    bytes: int = 0
    epoch_seconds: float | None = None
    prepared: set[tuple[int, ...]] = field(default_factory=set)

    def first(self, shapes: tuple[int, ...]) -> bool:
        """Whether these shapes come for the first time; from then on they do not."""
        new = shapes not in self.prepared
        self.prepared.add(shapes)
        return new


class ProgramCache:
    """The programs of one worker; the least recently used go when there is too much.

    Args:
        programs: the most that are kept.
        held: bytes by which all of them together may have grown the process.
    """

    def __init__(self, programs: int = PROGRAMS, held: int = PROGRAM_BYTES) -> None:
        self._programs = programs
        self._held = held
        self._ready: OrderedDict[str, Ready] = OrderedDict()
        self._dropped = 0
        self.compiled = 0
        self.reused = 0

    def get(self, key: str, build: Callable[[], Ready]) -> tuple[Ready, bool]:
        """The program of this key and whether it was there already."""
        if key in self._ready:
            self.reused += 1
            self._ready.move_to_end(key)
            return self._ready[key], True
        self.compiled += 1
        ready = self._ready[key] = build()
        self._make_room()
        return ready, False

    def release(self) -> None:
        """Have every program let go of its examples."""
        for ready in self._ready.values():
            ready.program.release()

    @contextmanager
    def weighing(self, ready: Ready) -> Iterator[None]:
        """Count what the process grows by meanwhile as this program's; then make room."""
        before = resident_bytes()
        try:
            yield
        finally:
            ready.bytes += max(0, resident_bytes() - before)
            self._make_room()

    def _make_room(self) -> None:
        while len(self._ready) > 1 and self._too_much():
            self._ready.popitem(last=False)
            self._dropped += 1
            if self._dropped % SWEEP_AFTER == 0:
                sweep()

    def _too_much(self) -> bool:
        held = sum(ready.bytes for ready in self._ready.values())
        return len(self._ready) > self._programs or held > self._held
