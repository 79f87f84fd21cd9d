"""The strategy of each pair: chosen by what trainings would take, once, for both variants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from service.campaign.strategy import expected_seconds, settle
from service.contracts.plan import Plan, RangePlan
from service.contracts.strategy import OF_BACKEND, Timing
from service.contracts.trial import TrialSpec
from tests.evidence.synthetic import make_plan

FAST = {"graph": (1.0, 0.001), "xla": (3.0, 0.0005), "fit": (0.5, 0.05)}
CONVOLUTION = {"graph": (2.0, 1.0), "xla": (6.0, 27.0), "fit": (2.0, 1.4)}
DENSE = {"graph": (1.0, 0.5), "xla": (3.0, 0.1), "fit": (0.5, 2.0)}


class Stopwatch:
    """Measures what it was told, and remembers what it was asked."""

    def __init__(self, table: dict[str, tuple[float, float]], *broken: str) -> None:
        self.table, self.broken = table, broken
        self.asked: list[list[TrialSpec]] = []

    def __call__(self, specs: Sequence[TrialSpec]) -> list[Timing]:
        self.asked.append(list(specs))
        return [
            Timing(variant=spec.variant, strategy=spec.strategy, error="ValueError: no")
            if spec.strategy in self.broken
            else Timing(
                variant=spec.variant,
                strategy=spec.strategy,
                compile_seconds=self.table[spec.strategy][0],
                epoch_seconds=self.table[spec.strategy][1],
            )
            for spec in specs
        ]


def strategy(plan: Plan, stopwatch: Any) -> Any:
    [pair] = settle(plan, stopwatch, lambda: 2).pairs
    assert pair.strategy is not None
    return pair.strategy


def test_where_nothing_could_be_saved_only_the_first_is_measured() -> None:
    watch = Stopwatch(FAST)
    choice = strategy(make_plan(), watch)
    assert choice.strategy == OF_BACKEND["tensorflow"][0] == "graph"
    assert "no other could save 20 s" in choice.reason
    [specs] = watch.asked
    assert [(spec.variant, spec.strategy) for spec in specs] == [
        ("sequential", "graph"),
        ("functional", "graph"),
    ]


@pytest.mark.parametrize(("table", "best"), [(CONVOLUTION, "graph"), (DENSE, "xla")])
def test_the_one_that_ends_first_is_chosen_for_both_variants(
    table: dict[str, tuple[float, float]], best: str
) -> None:
    watch = Stopwatch(table)
    choice = strategy(make_plan(), watch)
    assert choice.strategy == best
    assert len(choice.timings) == 2 * len(OF_BACKEND["tensorflow"])
    assert all(name in choice.reason for name in set(table) - {best})
    assert [len(specs) for specs in watch.asked] == [2, 4]


def test_what_cannot_be_measured_is_not_chosen() -> None:
    assert strategy(make_plan(), Stopwatch(DENSE, "xla")).strategy == "graph"
    choice = strategy(make_plan(), Stopwatch(DENSE, "graph", "xla", "fit"))
    assert (choice.strategy, choice.reason) == ("graph", "none could be measured")


def test_a_choice_that_was_made_is_kept() -> None:
    settled = settle(make_plan(), Stopwatch(DENSE), lambda: 2)
    again = settle(settled, lambda specs: pytest.fail("it was measured"), lambda: 2)
    assert again == settled
    assert settled.protocol_hash == make_plan().protocol_hash


def test_the_config_may_say_which() -> None:
    plan = make_plan().model_copy(update={"strategy": "xla"})
    choice = strategy(plan, lambda specs: pytest.fail("it was measured"))
    assert (choice.strategy, choice.reason) == ("xla", "the config says so")
    assert plan.protocol_hash != make_plan().protocol_hash


@pytest.mark.parametrize(
    ("epoch_seconds", "compilers"),
    [
        pytest.param(1.0, 2, id="both workers compile what has much to train"),
        pytest.param(1e-6, 1, id="one compiles what has little"),
    ],
)
def test_the_time_of_all_trainings_is_counted(epoch_seconds: float, compilers: int) -> None:
    plan = make_plan()
    [pair] = plan.pairs
    rates = RangePlan(kind="real", low=0.001, high=0.1, log=True)
    shapes = RangePlan(kind="choice", values=(1, 2, 3))
    batches = RangePlan(kind="choice", values=(16, 32))
    space = {"learning_rate": rates, "batch_size": batches, "depth": shapes}
    spaces = dict.fromkeys(pair.variants, space)
    pair = pair.model_copy(update={"spaces": spaces, "epochs": 10})
    timings = [
        Timing(variant=name, strategy="graph", compile_seconds=1.0, epoch_seconds=epoch_seconds)
        for name in pair.variants
    ]
    repetitions, search, retrain = (
        plan.design.looks[-1],
        plan.search.trials,
        plan.design.retrain,
    )
    trainings = repetitions * (2 * (search + retrain) + 1)
    programs = 3 + 3 + 3  # both variants and the control
    assert expected_seconds(plan, pair, timings, 2) == pytest.approx(
        (programs * compilers * 1.0 + trainings * 10 * epoch_seconds) / 2
    )
    assert expected_seconds(plan, pair, timings, 2, free=True) == pytest.approx(programs / 2)
    assert expected_seconds(plan, pair, timings, 100, free=True) == 1.0


@pytest.mark.parametrize(
    ("looks", "best"),
    [
        pytest.param((2, 4), "scan", id="few wait: most places of a group would be empty"),
        pytest.param((64, 128), "vmap/32", id="many wait"),
    ],
)
def test_groups_are_counted_as_full_as_they_will_be(looks: tuple[int, ...], best: str) -> None:
    """A group costs the same however many of its places are used."""
    pairs = [
        pair.model_copy(
            update={
                "spaces": {
                    name: {
                        "learning_rate": RangePlan(kind="real", low=0.001, high=0.1, log=True),
                        "batch_size": RangePlan(kind="choice", values=(16, 32)),
                    }
                    for name in pair.variants
                },
                "epochs": 100,
            }
        )
        for pair in make_plan().pairs
    ]
    plan = make_plan(pairs, looks=looks, trials=16).model_copy(update={"backend": "jax"})
    table = {"scan": (3.0, 0.010), "fit": (1.0, 1.0)}
    table |= {"vmap/8": (4.0, 0.008), "vmap/32": (4.0, 0.002), "vmap/128": (20.0, 0.0019)}
    assert strategy(plan, Stopwatch(table)).strategy == best
