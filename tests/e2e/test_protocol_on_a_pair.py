"""The protocol on a cheap real pair: nothing is made up but that the truth is known.

Both variants of a pair are one architecture (Iris, a hidden layer), so that every difference is
noise; or one of them is handicapped. Trainings are real, searches are Optuna's.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from service.app import planning
from service.campaign import Campaign
from service.contracts.plan import Plan
from service.contracts.results import Outcome, TrialResult
from service.contracts.strategy import Timing
from service.contracts.trial import Stage, TrialSpec
from service.evidence import latest
from service.execution.inline import InlineExecutor
from service.stats.verdict import Decision
from service.stores.optuna_search import propose

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

EXPERIMENTS = 100
MOST_DIRECTIONAL = 9
"""Of 100 experiments without a difference: 5 are expected, 10 or more have probability .03."""

PAIRS = '''
from dataclasses import replace

from experiments.pairs.iris import PAIR as IRIS, sequential
from service.contracts import Variant


def same(hyperparameters):
    """The same network with other initial weights: one draw is taken before its own."""
    from keras import initializers

    initializers.GlorotUniform()
    return sequential(hyperparameters)


def handicapped(hyperparameters):
    """The same network with a single hidden layer of two units."""
    return sequential({**hyperparameters, "depth": 1, "width": 2})


def pair(name, first, second):
    return replace(IRIS, name=name, variants=(Variant(*first), Variant(*second)))


STACK, FULL = ("sequential", sequential), ("functional", sequential)
IDENTICAL = pair("identical", STACK, FULL)
TWINS = pair("twins", STACK, ("functional", same))
PLANTED = pair("planted", STACK, ("functional", handicapped))
MIRRORED = pair("planted", ("functional", handicapped), STACK)
'''

CONFIG = """
experiment: proof
pairs: [./proof_pairs.py:{name}]
search: {{trials: 2, batch: 2, epochs: 8}}
design: {{repetitions: {looks}, retrain: 1, margin: 0.02}}
match: none
"""


class Mortal:
    """The inline executor, which may be interrupted after so many trainings."""

    def __init__(self, executor: InlineExecutor, dies_after: int | None = None) -> None:
        self._executor, self._left = executor, dies_after

    @property
    def slots(self) -> int:
        return 1

    def measure(self, specs: Sequence[TrialSpec]) -> list[Timing]:
        return self._executor.measure(specs)

    def submit(self, batch: Sequence[TrialSpec]) -> None:
        self._executor.submit(batch)

    def collect(self) -> list[Outcome]:
        if self._left is not None:
            if self._left == 0:
                raise KeyboardInterrupt
            self._left -= 1
        return self._executor.collect()

    def close(self) -> None:
        self._executor.close()


class Lab:
    """Runs experiments with one of the pairs above."""

    def __init__(self, folder: Path, world: Any) -> None:
        self._folder, self._world = folder, world
        self._known: dict[str, Any] = {}
        (folder / "proof_pairs.py").write_text(PAIRS)

    def planned(self, name: str, looks: list[int]) -> planning.Planned:
        config = self._folder / f"{name}.yaml"
        config.write_text(CONFIG.format(name=name, looks=looks))
        return planning.load(config)

    def executor(self, name: str, planned: planning.Planned, datasets: Any) -> InlineExecutor:
        if name not in self._known:
            timeout = planned.plan.resources.trial_timeout_seconds
            self._known[name] = InlineExecutor(
                planned.pairs, datasets, planned.plan.runtime, timeout
            )
        return self._known[name]

    def run(
        self, name: str, looks: list[int], seed: int = 0, notebook: Any = None,
        dies_after: int | None = None,
    ) -> tuple[Plan, list[TrialResult]]:  # fmt: skip
        planned = self.planned(name, looks)
        datasets = planning.datasets(planned)
        executor = Mortal(self.executor(name, planned, datasets), dies_after)
        plan = planning.with_data(planned, datasets).plan
        plan = plan.model_copy(update={"design": plan.design.model_copy(update={"seed": seed})})
        notebook = notebook or self._world.Notebook()
        try:
            Campaign(plan, executor, notebook, propose, self._world.Listener()).run()
        except KeyboardInterrupt:
            executor.close()
        return plan, list(notebook.kept.values())

    def verdict(self, name: str, looks: list[int], seed: int = 0) -> Any:
        plan, results = self.run(name, looks, seed)
        return latest(plan, plan.pairs[0], results).verdict


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, world: Any) -> Lab:
    return Lab(tmp_path_factory.mktemp("proof"), world)


def test_two_equal_variants_from_equal_seeds_differ_by_exactly_nothing(lab: Lab) -> None:
    plan, results = lab.run("IDENTICAL", [4])
    judged = latest(plan, plan.pairs[0], results)
    assert judged.verdict.decision is Decision.IDENTICAL
    assert judged.tally.differences == (0.0,) * 4
    assert [one.control for one in judged.tally.repetitions] == [True] * 4


def test_experiments_without_a_difference_seldom_find_one(lab: Lab) -> None:
    found = [lab.verdict("TWINS", [6], seed).decision for seed in range(EXPERIMENTS)]
    assert Decision.INVALID not in found
    better = (Decision.FUNCTIONAL_BETTER, Decision.SEQUENTIAL_BETTER)
    assert sum(decision in better for decision in found) <= MOST_DIRECTIONAL


def test_the_twins_are_equal_but_for_their_weights(lab: Lab) -> None:
    _, results = lab.run("TWINS", [2])
    digests = {
        name: {r.weights_digest for r in results if r.spec.variant == name}
        for name in ("sequential", "functional")
    }
    assert len(digests["functional"]) == 2 * (2 + 1)
    assert not digests["sequential"] & digests["functional"]


def test_a_planted_effect_is_found_and_mirrored(lab: Lab) -> None:
    found, mirrored = lab.verdict("PLANTED", [8]), lab.verdict("MIRRORED", [8])
    assert found.decision is Decision.SEQUENTIAL_BETTER
    assert mirrored.mean_difference == pytest.approx(-found.mean_difference)
    assert mirrored.interval == pytest.approx([-end for end in reversed(found.interval)])
    assert mirrored.p_value == pytest.approx(found.p_value)


def test_one_more_trial_for_one_variant_is_invalid(lab: Lab) -> None:
    plan, results = lab.run("TWINS", [2])
    one = next(r for r in results if r.spec.stage is Stage.SEARCH and r.spec.number == 1)
    third = TrialSpec.model_validate({**one.spec.model_dump(), "number": 2})
    more = one.model_copy(update={"spec": third})
    assert latest(plan, plan.pairs[0], results).verdict.decision is not Decision.INVALID
    assert latest(plan, plan.pairs[0], [*results, more]).verdict.decision is Decision.INVALID


def test_killed_and_resumed_between_looks_it_decides_the_same(lab: Lab, world: Any) -> None:
    plan, undisturbed = lab.run("TWINS", [3, 6], seed=1)
    notebook = world.Notebook()
    for dies_after in (5, 13, None):
        plan, results = lab.run("TWINS", [3, 6], 1, notebook, dies_after)
    assert {r.spec.id: r.numbers() for r in results} == {
        r.spec.id: r.numbers() for r in undisturbed
    }
    pair = plan.pairs[0]
    again, before = latest(plan, pair, results), latest(plan, pair, undisturbed)
    assert again.sentence == before.sentence
