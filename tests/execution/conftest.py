from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from service.contracts.data import Dataset
from service.contracts.pair import LocatedPair
from service.contracts.results import TrialResult
from service.contracts.trial import Runtime, TrialSpec
from service.execution import ray_session
from service.execution.inline import InlineExecutor
from service.execution.ray_crew import Crew
from service.execution.ray_pool import RayPool


@pytest.fixture(scope="module")
def ray() -> Iterator[Any]:
    """A private Ray of two CPUs for the tests of one module."""
    module = ray_session.connect(None, cpus=2)
    yield module
    module.shutdown()


@pytest.fixture
def pool(ray: Any, toy: LocatedPair, toy_data: Dataset) -> Iterator[Callable[..., RayPool]]:
    """Makes Ray pools that leave nothing behind."""
    made: list[RayPool] = []

    def make(
        timeout: float = 60.0,
        max_parallel: int | None = None,
        settings: Runtime | None = None,
        **options: Any,
    ) -> RayPool:
        crew = Crew(ray, settings or Runtime(), max_parallel=max_parallel)
        made.append(RayPool(ray, crew, {"toy": toy}, {"toy": toy_data}, timeout, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def inline(toy: LocatedPair, toy_data: Dataset) -> InlineExecutor:
    return InlineExecutor({"toy": toy}, {"toy": toy_data}, Runtime(), 60.0)


@pytest.fixture(scope="session")
def finish() -> Callable[..., dict[str, TrialResult]]:
    """Submits batches to an executor and collects everything, by trial id."""

    def all_of(executor: Any, *batches: list[TrialSpec]) -> dict[str, TrialResult]:
        for batch in batches:
            executor.submit(batch)
        found: dict[str, TrialResult] = {}
        while outcomes := executor.collect():
            for outcome in outcomes:
                assert outcome.result.spec.id not in found, "a trial came back twice"
                found[outcome.result.spec.id] = outcome.result
        return found

    return all_of
