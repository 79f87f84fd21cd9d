"""Checkpoints of long trials: a trial whose worker or driver was lost goes on from the last one.

A training depends on its state and on the order of examples that is still to come, and how it is
cut into chunks changes no number. So state, curve and seconds after a chunk are all that is needed
to end with the same weights, bit for bit on one CPU.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.contracts.ports import Checkpoints
from service.contracts.trial import TrialSpec
from service.training.course import Course, Orders
from service.training.program import Program

_LIBRARIES = ("archduel", "keras", "numpy", "tensorflow", "tensorflow-cpu", "jax", "torch")


@dataclass
class Keeping:
    """Leaves checkpoints of one trial, and finds the one that was left.

    Args:
        store: where they are kept; None keeps none.
        spec: the trial.
        look: whether there may be one.
        resumed: epochs that were found trained.
        trouble: why the last one could not be kept; that costs the checkpoint and nothing else.
    """

    store: Checkpoints | None
    spec: TrialSpec
    look: bool = False
    resumed: int = 0
    trouble: str | None = None
    _kept_at: float = 0.0

    def resume(self, course: Course, program: Program, orders: Orders) -> None:
        """Bring a training that was started to where its checkpoint is, if it has a sound one.

        Args:
            course: at its beginning.
            program: started.
            orders: nothing was drawn from them yet.
        """
        if self.store is None or not self.look:
            return
        try:
            content = self.store.load(self.spec.id)
        except OSError:
            return
        found = None if content is None else _decoded(content, self.spec)
        if found is None:
            return
        facts, captured = found
        try:
            program.restore(captured)
        except ValueError:  # other variables: an unsound file that happens to have our name
            return
        course.loss = list(facts["loss"])
        course.validation = list(facts["validation"])
        course.seconds = self._kept_at = float(facts["seconds"])
        self.resumed = len(course.loss)
        orders.skip(self.resumed)

    def after(self, course: Course, program: Program) -> None:
        """Leave a checkpoint after a chunk, if enough was trained since the last.

        Args:
            course: how far it came.
            program: holding what it came to.
        """
        if self.store is None or course.seconds - self._kept_at < self.store.seconds:
            return
        self._kept_at = course.seconds
        try:
            self.store.save(self.spec.id, _encoded(course, program.capture()))
        except OSError as error:
            self.trouble = f"a checkpoint could not be kept: {error.strerror or error}"


def _encoded(course: Course, captured: list[NDArray[Any]]) -> bytes:
    facts = {
        **_identity(course.spec),
        "loss": course.loss,
        "validation": course.validation,
        "seconds": course.seconds,
    }
    buffer = io.BytesIO()
    text = np.frombuffer(json.dumps(facts).encode(), np.uint8)
    arrays = {f"state{place}": value for place, value in enumerate(captured)}
    np.savez(buffer, allow_pickle=False, facts=text, **arrays)
    return buffer.getvalue()


def _decoded(content: bytes, spec: TrialSpec) -> tuple[dict[str, Any], list[NDArray[Any]]] | None:
    """What a checkpoint holds, or None where it is damaged or not of this trial and these libraries."""
    try:
        # Every member has a checksum, which reading it to the end verifies.
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            facts = json.loads(archive["facts"].tobytes())
            captured = [archive[f"state{place}"] for place in range(len(archive.files) - 1)]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        return None
    own = _identity(spec)
    if {name: facts.get(name) for name in own} != own or len(facts["loss"]) >= spec.epochs:
        return None
    return facts, captured


def _identity(spec: TrialSpec) -> dict[str, Any]:
    """What must be equal: the trial, with its code and data in its id, and the libraries."""
    return {"trial": spec.id, "libraries": {name: _version(name) for name in _LIBRARIES}}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
