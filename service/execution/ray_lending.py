"""Where a crew's workers come from: a run's own, or such as outlive it and are lent to the next.

Lent workers are named actors in a namespace of their user, so that the code of different users never
meets in one process. Their names tell their kind: settings, and the code that they have loaded. There
is no register of them that could be wrong: who needs one asks those that Ray knows.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

from service.contracts.trial import Runtime
from service.execution.ray_actor import WarmWorker
from service.execution.ray_lent import Anchor, LentWorker

ANSWER_SECONDS = 1.0
"""How long an idle worker is given to say that it is; one that trains does not answer."""

_MARK = "archduel-worker"


class Source(Protocol):
    """Gives workers and takes them back."""

    def hire(self) -> Any:
        """A new worker's handle; it loads its backend by itself."""
        ...

    def adopt(self, wanted: int) -> list[Any]:
        """At most so many workers that are there already, idle and of the right kind."""
        ...

    def part(self, actor: Any, *, sound: bool) -> None:
        """A worker is no longer needed, or (not `sound`) of no use."""
        ...

    def is_waiting(self, actor: Any) -> bool:
        """Whether a new worker has no place yet, so that it may be replaced by an idle one."""
        ...

    def make_room(self) -> None:
        """See that idle workers of another kind do not hold the place of one that waits."""
        ...


def options(settings: Runtime) -> dict[str, Any]:
    """What a worker's actor asks of Ray."""
    return {
        "num_cpus": settings.threads,
        "num_gpus": settings.gpus,
        "max_restarts": 0,
        "max_task_retries": 0,
    }


class Own:
    """Workers of one run, which end with it."""

    def __init__(self, ray: Any, settings: Runtime) -> None:
        self._ray = ray
        self._settings = settings

    def hire(self) -> Any:
        return (
            self._ray.remote(WarmWorker).options(**options(self._settings)).remote(self._settings)
        )

    def adopt(self, wanted: int) -> list[Any]:
        return []

    def part(self, actor: Any, *, sound: bool) -> None:
        self._ray.kill(actor)

    def is_waiting(self, actor: Any) -> bool:
        return False

    def make_room(self) -> None:
        return None


class Lending:
    """Workers that outlive the run.

    Args:
        ray: the ray module, connected in the user's namespace (`namespace`).
        settings: backend, threads and GPUs.
        seconds: how long an idle worker is kept.
    """

    def __init__(self, ray: Any, settings: Runtime, seconds: float) -> None:
        self._ray = ray
        self._settings = settings
        self._seconds = seconds
        self._space = str(ray.get_runtime_context().namespace)
        self._kind = f"{_MARK}-{_kind(settings)}-"
        self._anchor = ray.remote(Anchor).options(num_cpus=0).remote()
        self._born: dict[Any, Any] = {}
        self._late: list[tuple[Any, Any]] = []

    def hire(self) -> Any:
        terms = {
            **options(self._settings),
            "name": f"{self._kind}{uuid4().hex}",
            "namespace": self._space,
            "lifetime": "detached",
        }
        actor = (
            self._ray.remote(LentWorker)
            .options(**terms)
            .remote(self._settings, self._anchor, self._seconds)
        )
        self._born[actor] = actor.born.remote()
        actor.load.remote()
        return actor

    def adopt(self, wanted: int) -> list[Any]:
        found: list[Any] = []
        self._hear_the_late()
        mine = {actor._ray_actor_id for actor in (*self._born, *(one for one, _ in self._late))}
        idle = [
            actor
            for actor in self._named(lambda space, name: self._is_alike(space, name))
            if actor._ray_actor_id not in mine
        ]
        while idle and len(found) < wanted:
            asked, idle = idle[: wanted - len(found)], idle[wanted - len(found) :]
            until = time.time() + ANSWER_SECONDS
            answers = [(actor, actor.adopt.remote(self._anchor, until)) for actor in asked]
            self._ray.wait(
                [answer for _, answer in answers],
                num_returns=len(answers),
                timeout=ANSWER_SECONDS,
            )
            for actor, answer in answers:
                said = self._said(answer)
                if said is None:
                    self._late.append((actor, answer))
                elif said:
                    found.append(actor)
        return found

    def part(self, actor: Any, *, sound: bool) -> None:
        self._born.pop(actor, None)
        if sound:
            actor.release.remote()
        else:
            self._ray.kill(actor)

    def is_waiting(self, actor: Any) -> bool:
        born = self._born.get(actor)
        if born is None:
            return False
        there, _ = self._ray.wait([born], timeout=0)
        return not there

    def make_room(self) -> None:
        until = time.time() + ANSWER_SECONDS
        for actor in self._named(lambda space, name: not self._is_alike(space, name)):
            actor.retire.remote(until)

    def _hear_the_late(self) -> None:
        """A worker that was too late to say yes has been let go of: nobody here counts on it."""
        for actor, answer in list(self._late):
            said = self._said(answer)
            if said is not None:
                self._late.remove((actor, answer))
                if said:
                    self._ray.kill(actor)

    def _is_alike(self, space: str, name: str) -> bool:
        return space == self._space and name.startswith(self._kind)

    def _named(self, which: Callable[[str, str], bool]) -> list[Any]:
        """The lent workers that Ray knows, of this user or of another."""
        from ray.util import list_named_actors

        actors = []
        for one in list_named_actors(all_namespaces=True):
            space, name = one["namespace"], one["name"]
            if not (name.startswith(_MARK) and which(space, name)):
                continue
            try:
                actors.append(self._ray.get_actor(name, namespace=space))
            except ValueError:  # it ended this moment
                continue
        return actors

    def _said(self, answer: Any) -> bool | None:
        """An answer; False where the worker has died, None where it has not come."""
        try:
            return bool(self._ray.get(answer, timeout=0))
        except self._ray.exceptions.GetTimeoutError:
            return None
        except self._ray.exceptions.RayError:
            return False


def namespace(user: str) -> str:
    """Ray's namespace for what is one user's."""
    return f"archduel-of-{user}"


def _kind(settings: Runtime) -> str:
    """Settings, and the code that a worker has loaded: after an upgrade there are others."""
    digest = hashlib.sha256(settings.model_dump_json().encode())
    root = Path(__file__).parents[2]
    for package in ("service", "experiments"):
        for path in sorted((root / package).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
