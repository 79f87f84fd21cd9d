"""The executor of a run: begun while data is loaded and planned, stopped with all it started."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from service.app.planning import Planned
from service.contracts.data import Dataset
from service.contracts.ports import Executor, Progress
from service.contracts.results import Outcome
from service.contracts.strategy import Timing
from service.contracts.trial import TrialSpec
from service.plan.resources import check_resources

ExecutorName = Literal["ray", "inline"]

STOP_SECONDS = 10.0
"""How long the end of a run waits for Ray to stop."""


class Workers:
    """What runs a plan's trials; an `Executor` once it has the data.

    Ray and its workers take seconds to start, most of them for loading the backend. `begin` starts
    them in the background, so that data, ledger and tracking are opened meanwhile. Without it they
    start with the first trial: an experiment that is finished starts none.

    Args:
        name: where trials run.
        address: of a Ray cluster, None for a private one.
        checkpoints: the folder for those of long trials.
        progress: hears what is waited for.
    """

    def __init__(
        self, name: ExecutorName, address: str | None, checkpoints: Path, progress: Progress
    ) -> None:
        self._name = name
        self._address = address
        self._checkpoints = checkpoints
        self._progress = progress
        self._crew: Future[tuple[Any, Any]] = Future()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._given: tuple[Planned, Mapping[str, Dataset]] | None = None
        self._executor: Executor | None = None

    def begin(self, planned: Planned) -> None:
        """Start what needs no data. Returns at once; what goes wrong is raised when it is used."""
        if self._name == "ray" and self._thread is None:
            self._thread = threading.Thread(
                target=self._hold_ray, args=(planned,), name="ray", daemon=True
            )
            self._thread.start()

    def give(self, planned: Planned, datasets: Mapping[str, Dataset]) -> None:
        """The data, and the plan with what is known by it."""
        self._given = (planned, datasets)

    @property
    def slots(self) -> int:
        return self._started().slots

    def measure(self, specs: Sequence[TrialSpec]) -> list[Timing]:
        return self._started().measure(specs)

    def submit(self, batch: Sequence[TrialSpec]) -> None:
        self._started().submit(batch)

    def collect(self) -> list[Outcome]:
        return [] if self._executor is None else self._executor.collect()

    def close(self) -> None:
        if self._executor is not None:
            self._executor.close()
            self._executor = None
        self._over.set()

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *error: object) -> None:
        """Stop everything; a Ray that is still starting stops by itself when it has started."""
        self.close()
        if self._thread is not None and self._crew.done():
            self._thread.join(STOP_SECONDS)

    def _started(self) -> Executor:
        if self._executor is None:
            assert self._given is not None, "the data comes before the first trial"
            planned, datasets = self._given
            make = self._inline if self._name == "inline" else self._pool
            self._executor = make(planned, datasets)
        return self._executor

    def _inline(self, planned: Planned, datasets: Mapping[str, Dataset]) -> Executor:
        from service.execution.checkpoints import Folder
        from service.execution.inline import InlineExecutor

        self._progress.say(f"loading {planned.plan.backend}")
        timeout = planned.plan.resources.trial_timeout_seconds
        return InlineExecutor(
            planned.pairs,
            datasets,
            planned.plan.runtime,
            timeout,
            Folder(self._checkpoints),
            self._progress.say,
        )

    def _pool(self, planned: Planned, datasets: Mapping[str, Dataset]) -> Executor:
        from service.execution.checkpoints import Folder
        from service.execution.ray_keeper import Kept
        from service.execution.ray_pool import RayPool

        self.begin(planned)
        ray, crew = self._crew.result()
        # The workers of a private Ray write where this process does; others need someone to.
        folder = self._checkpoints
        checkpoints = Folder(folder) if self._address is None else Kept.hire(ray, folder)
        return RayPool(
            ray,
            crew,
            planned.pairs,
            datasets,
            planned.plan.resources.trial_timeout_seconds,
            say=self._progress.say,
            known=_known(planned),
            checkpoints=checkpoints,
        )

    def _hold_ray(self, planned: Planned) -> None:
        """Start Ray and its workers, and stop Ray in the end.

        One thread does both and lives as long as Ray does: on Linux the processes of a private Ray
        are killed when the thread that started them ends (PR_SET_PDEATHSIG), which is also what
        ends them when this process is killed.
        """
        from service.execution import ray_session
        from service.execution.ray_crew import Crew

        plan, address = planned.plan, self._address
        ours = False
        try:
            self._progress.say("starting Ray" if address is None else f"joining Ray at {address}")
            ours = not ray_session.is_connected()
            ray = ray_session.connect(address)
            check_resources(plan, planned.config, *ray_session.largest_node(ray))
            most = plan.resources.max_parallel
            crew = Crew(ray, plan.runtime, max_parallel=most, say=self._progress.say)
            if not self._over.is_set():
                crew.start(sum(plan.trainings.values()))
            self._crew.set_result((ray, crew))
        except BaseException as error:  # the thread that asks for the result raises it
            self._crew.set_exception(error)
        self._over.wait()
        with suppress(Exception):
            self._crew.result()[1].close()
        if ours:
            ray_session.disconnect()


def _known(planned: Planned) -> dict[str, tuple[Timing, ...]]:
    """What was measured of the pairs in this run or an earlier one."""
    return {pair.name: pair.strategy.timings for pair in planned.plan.pairs if pair.strategy}
