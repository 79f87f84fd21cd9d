"""The executor of a run: its workers start while the data is loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from service.app.cluster import Cluster
from service.app.planning import Planned
from service.contracts.data import Dataset
from service.contracts.ports import Executor, Progress
from service.contracts.results import Outcome
from service.contracts.strategy import Timing
from service.contracts.trial import TrialSpec
from service.plan.resources import check_resources

if TYPE_CHECKING:
    from service.execution.ray_crew import Crew

ExecutorName = Literal["ray", "inline"]


class Workers:
    """What runs a plan's trials; an `Executor` once it has the data.

    Ray's workers take seconds to start, most of them for loading the backend. `begin` starts all of
    them at once, so that data, ledger and tracking are opened meanwhile. Without it they start with
    the first trial: an experiment that is finished starts none.

    Args:
        name: where trials run.
        cluster: the Ray to join, None for a private one.
        checkpoints: the folder for those of long trials.
        progress: hears what is waited for.
        check: called before results are handed over; it raises where the run must stop, so that
            what a swallowed signal has broken is not recorded.
    """

    def __init__(
        self,
        name: ExecutorName,
        cluster: Cluster | None,
        checkpoints: Path,
        progress: Progress,
        check: Callable[[], None],
    ) -> None:
        self._name = name
        self._cluster = cluster
        self._checkpoints = checkpoints
        self._progress = progress
        self._check = check
        self._ray: Any = None
        self._crew: Crew | None = None
        self._given: tuple[Planned, Mapping[str, Dataset]] | None = None
        self._executor: Executor | None = None

    def begin(self, planned: Planned) -> None:
        """Start Ray, and its workers, which load their backend by themselves.

        In the main thread: Ray replaces signal handlers, and on Linux a private Ray's processes are
        killed when the thread that started them ends.

        Raises:
            UserError: nothing answers at the address, or a trial fits on no node.
            ArchduelError: Ray could not be started.
        """
        if self._name == "inline" or self._crew is not None:
            return
        from service.execution import ray_session
        from service.execution.ray_crew import Crew
        from service.execution.ray_lending import Lending, namespace

        plan = planned.plan
        address = None if self._cluster is None else self._cluster.address
        self._progress.say("starting Ray" if address is None else f"joining Ray at {address}")
        warm = None if self._cluster is None else self._cluster.warm
        space = None if warm is None else namespace(warm.user)
        self._ray = ray_session.connect(address, namespace=space)
        groups = () if self._cluster is None else self._cluster.groups
        check_resources(plan, planned.config, *ray_session.largest_node(self._ray, groups))
        self._crew = Crew(
            self._ray,
            plan.runtime,
            source=None if warm is None else Lending(self._ray, plan.runtime, warm.seconds),
            max_parallel=plan.resources.max_parallel,
            groups=groups,
            limit=(lambda: None) if self._cluster is None else self._cluster.limit,
            say=self._progress.say,
        )
        self._crew.start(sum(plan.trainings.values()))

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
        outcomes = [] if self._executor is None else self._executor.collect()
        self._check()
        return outcomes

    def close(self) -> None:
        if self._executor is not None:
            self._executor.close()
        if self._crew is not None:
            self._crew.close()
        self._executor = self._crew = None

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

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
        assert self._crew is not None
        # Workers on this disk write where this process does; others need someone to.
        folder, here = self._checkpoints, self._cluster is None or self._cluster.shares_disk
        checkpoints = Folder(folder) if here else Kept.hire(self._ray, folder)
        return RayPool(
            self._ray,
            self._crew,
            planned.pairs,
            datasets,
            planned.plan.resources.trial_timeout_seconds,
            say=self._progress.say,
            known=_known(planned),
            checkpoints=checkpoints,
        )


def _known(planned: Planned) -> dict[str, tuple[Timing, ...]]:
    """What was measured of the pairs in this run or an earlier one."""
    return {pair.name: pair.strategy.timings for pair in planned.plan.pairs if pair.strategy}
