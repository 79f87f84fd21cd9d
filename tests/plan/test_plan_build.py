"""The plan: complete, immutable, and hashed by what decides numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from service.contracts.plan import Plan, RangePlan

Planner = Callable[..., Plan]
HEAD = "experiment: x\npairs: [iris]\n"


def test_a_plan_round_trips_through_json(plan: Planner) -> None:
    text = HEAD + (
        "search: {space: {dropout: [0.0, 0.5], skips: {low: 1, high: 2}, normalise: [true]}}\n"
        "design: {repetitions: [6, 12], margin: 0.01}\n"
        "resources: {max_parallel: 3, trial_timeout: 90s}\n"
    )
    made = plan(text)
    again = Plan.model_validate_json(made.model_dump_json())
    assert again == made
    assert again.protocol_hash == made.protocol_hash
    assert made.config == text
    values = again.pair("iris").spaces["sequential"]["dropout"].values
    assert [type(value) for value in values] == [float, float]
    assert again.pair("iris").spaces["functional"]["normalise"].values[0] is True


def test_a_plan_is_immutable(plan: Planner) -> None:
    with pytest.raises(ValidationError):
        plan(HEAD).backend = "jax"  # type: ignore[misc]


def test_a_pair_is_told_completely(plan: Planner) -> None:
    pair = plan(HEAD).pair("iris")
    assert (pair.reference, pair.code) == ("iris", "code of iris")
    assert (pair.source, pair.licence) == ("a package", "CC0")
    assert (pair.budget, pair.margin, pair.unmatched_because) == (5_000, 0.02, None)
    assert pair.published == "Skips helped (Someone 2016)"
    assert pair.shared == ("learning_rate", "batch_size", "dropout", "normalise")
    assert pair.spaces["sequential"].keys() == {*pair.shared, "pool"}
    assert pair.spaces["functional"]["skips"] == RangePlan(kind="whole", low=1, high=4)
    assert pair.spaces["functional"]["learning_rate"] == RangePlan(
        kind="real", low=1e-4, high=1e-1, log=True
    )


def test_all_stands_for_every_built_in_pair(mistake: Callable[..., str], plan: Planner) -> None:
    # housing has no packaged source; that `all` is named shows that it was reached.
    assert "pair 'housing' has no packaged source" in mistake("experiment: x\npairs: all\n")
    assert [pair.name for pair in plan("experiment: x\npairs: [mnist, iris]\n").pairs] == [
        "mnist",
        "iris",
    ]


def test_the_order_of_pairs_is_the_configs(plan: Planner) -> None:
    assert [p.name for p in plan("experiment: x\npairs: [twins, iris]\n").pairs] == [
        "twins",
        "iris",
    ]


@pytest.mark.parametrize(
    ("pair", "match", "budget", "because"),
    [
        ("iris", None, 5_000, None),
        ("iris", "parameters", 5_000, None),
        ("iris", "none", None, "the config says match: none"),
        ("twins", None, None, "the towers share weights"),
        ("twins", "parameters", 5_000, None),
        ("housing", None, None, "both variants share one embedding"),
        ("housing", "parameters", None, "both variants share one embedding"),
    ],
)
def test_sizes_are_matched_where_they_can_be(
    plan: Planner, pair: str, match: str | None, budget: int | None, because: str | None
) -> None:
    source = "online" if pair == "housing" else "packaged"
    text = f"experiment: x\npairs: [{pair}]\ndata: {{source: {source}}}\n"
    made = plan(text + (f"match: {match}\n" if match else "")).pair(pair)
    assert (made.budget, made.unmatched_because) == (budget, because)
    # The size is searched exactly where it exists and is not matched.
    searched = {"width" in space for space in made.spaces.values()}
    assert searched == {budget is None and pair != "housing"}
    assert ("width" in made.shared) == searched.pop()


def test_space_replaces_ranges(plan: Planner) -> None:
    made = plan(
        HEAD + "match: none\n"
        "search:\n"
        "  space:\n"
        "    batch_size: {low: 8, high: 64, log: true}\n"
        "    learning_rate: [0.01, 1]\n"
        "    dropout: {low: 0, high: 0.2}\n"
        "    width: [4]\n"
        "    pool: [mean]\n"
    ).pair("iris")
    sequential, functional = made.spaces["sequential"], made.spaces["functional"]
    assert sequential["batch_size"] == RangePlan(kind="whole", low=8, high=64, log=True)
    assert functional["learning_rate"] == RangePlan(kind="choice", values=(0.01, 1.0))
    assert functional["dropout"] == RangePlan(kind="real", low=0, high=0.2)
    assert sequential["width"] == functional["width"] == RangePlan(kind="choice", values=(4,))
    assert sequential["pool"] == RangePlan(kind="choice", values=("mean",))
    assert "pool" not in functional


def test_the_batch_is_cut_to_the_trials(plan: Planner) -> None:
    assert plan(HEAD + "search: {trials: 3, batch: 8}\n").search.batch == 3


def test_a_data_path_starts_at_the_config(plan: Planner, tmp_path: Path) -> None:
    text = HEAD + "data: {source: path, path: my.csv}\n"
    (tmp_path / "my.csv").touch()
    assert plan(text).data_path == str(tmp_path / "my.csv")
    (tmp_path / "configs" / "my.csv").touch()
    assert plan(text).data_path == str(tmp_path / "configs" / "my.csv")
    # On the command line it starts where the command runs.
    override = ["data.source=path", "data.path=my.csv"]
    assert plan(HEAD, override).data_path == str(tmp_path / "my.csv")


@pytest.mark.parametrize(
    "override",
    [
        "search.trials=9",
        "search.sampler=random",
        "search.pruner=median",
        "search.epochs=31",
        "search.batch=2",
        "search.space.dropout=[0.0]",
        "design.repetitions=6",
        "design.retrain=3",
        "design.margin=0.03",
        "design.confidence=0.9",
        "design.seed=1",
        "match=none",
        "backend=jax",
        "pairs=[mnist]",
        "resources.cpus_per_trial=2",
        "resources.gpus_per_trial=1",
    ],
)
def test_the_hash_changes_with_what_decides_numbers(plan: Planner, override: str) -> None:
    assert plan(HEAD, [override]).protocol_hash != plan(HEAD).protocol_hash


@pytest.mark.parametrize(
    "override",
    [
        "resources.max_parallel=7",
        "resources.trial_timeout=1h",
        "tracking.mlflow=http://host:5000",
        "experiment=y",
        "match=parameters",
        "design.margin=0.02",
    ],
)
def test_the_hash_stays_with_what_does_not(plan: Planner, override: str) -> None:
    assert plan(HEAD, [override]).protocol_hash == plan(HEAD).protocol_hash
