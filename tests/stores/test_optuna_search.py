import json
import math
import os
import subprocess
import sys
import warnings

import pytest

from service.contracts.errors import ArchduelError, UserError
from service.contracts.plan import RangePlan
from service.contracts.ports import Proposer, Told
from service.contracts.trial import Status
from service.stores.optuna_search import propose, startup_trials

SPACE = {
    "learning_rate": RangePlan(kind="real", low=1e-5, high=1e-1, log=True),
    "dropout": RangePlan(kind="real", low=0.0, high=0.5),
    "layers": RangePlan(kind="whole", low=1, high=4),
    "units": RangePlan(kind="whole", low=8, high=512, log=True),
    "mixed": RangePlan(kind="choice", values=(1, True, 1.0, "1", "relu", False, 0)),
}


def told(number, status=Status.OK):
    mixed = SPACE["mixed"].values
    hyperparameters = {
        "mixed": mixed[number % len(mixed)],
        "learning_rate": 10.0 ** -(1 + number % 4),
        "dropout": 0.05 * (number % 10),
        "layers": 1 + number % 4,
        "units": 8 * (1 + number),
    }
    score = 0.5 + 0.4 * math.sin(number) if status is Status.OK else None
    return Told(hyperparameters, status, score, curve=(0.1, 0.2 + number / 100))


HISTORY = [
    told(n, [Status.OK, Status.OK, Status.PRUNED, Status.DIVERGED, Status.TIMED_OUT][n % 5])
    for n in range(20)
]


def ask(space=SPACE, history=(), *, count=4, seed=1, sampler="tpe", direction="maximize"):
    proposer: Proposer = propose
    return proposer(space, history, count=count, seed=seed, sampler=sampler, direction=direction)


def same(first, second):
    """Equal in type as well: 1, 1.0 and True are three choices."""
    return repr(first) == repr(second)


def test_two_processes_propose_the_same_whatever_the_order_of_keys():
    here = ask(history=HISTORY, count=5, seed=2**63 + 5)
    for hash_seed in ("1", "2"):
        printed = subprocess.run(
            [sys.executable, "-m", "tests.stores.propose_once"],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
        )
        assert printed.stderr == ""
        assert same(json.loads(printed.stdout), here)


@pytest.mark.parametrize("sampler", ["tpe", "random"])
@pytest.mark.parametrize("history", [[], HISTORY])
def test_proposals_are_plain_and_in_range(sampler, history):
    mixed = [(type(value), value) for value in SPACE["mixed"].values]
    for proposal in ask(history=history, count=12, sampler=sampler):
        assert list(proposal) == sorted(SPACE)
        assert type(proposal["learning_rate"]) is float
        assert 1e-5 <= proposal["learning_rate"] <= 1e-1
        assert type(proposal["dropout"]) is float
        assert 0 <= proposal["dropout"] <= 0.5
        assert type(proposal["layers"]) is int
        assert 1 <= proposal["layers"] <= 4
        assert type(proposal["units"]) is int
        assert 8 <= proposal["units"] <= 512
        assert (type(proposal["mixed"]), proposal["mixed"]) in mixed


def test_seeds_and_history_and_direction_matter():
    base = ask(history=HISTORY)
    assert same(base, ask(history=HISTORY))
    assert not same(base, ask(history=HISTORY, seed=2))
    assert not same(base, ask(history=HISTORY[:12]))
    assert not same(base, ask(history=HISTORY, direction="minimize"))
    assert same(ask(sampler="random"), ask(history=HISTORY, sampler="random"))


def test_log_ranges_are_drawn_on_a_log_scale():
    space = {"learning_rate": SPACE["learning_rate"]}
    drawn = [p["learning_rate"] for p in ask(space, count=200, sampler="random")]
    assert 0.35 < sum(value < 1e-3 for value in drawn) / len(drawn) < 0.65


def test_tpe_is_guided_after_the_startup_trials():
    space = {"x": RangePlan(kind="real", low=0.0, high=1.0)}
    assert startup_trials(space) == 4
    history = [Told({"x": x}, Status.OK, -abs(x - 0.9)) for x in (0.1, 0.3, 0.5, 0.88, 0.92)]
    few = [p["x"] for p in ask(space, history[:3], count=40)]
    many = [p["x"] for p in ask(space, history, count=1, seed=0)]
    for seed in range(1, 40):
        many += [p["x"] for p in ask(space, history, count=1, seed=seed)]
    assert abs(sum(few) / 40 - 0.5) < 0.15
    assert sum(many) / 40 > 0.75


def test_startup_grows_with_the_space_and_ignores_fixed_values():
    fixed = {f"f{i}": RangePlan(kind="choice", values=(1,)) for i in range(20)}
    real = RangePlan(kind="real", low=0.0, high=1.0)
    assert startup_trials(fixed) == 4
    assert startup_trials(fixed | {f"x{i}": real for i in range(6)}) == 6
    assert startup_trials({f"x{i}": real for i in range(30)}) == 10


def test_a_batch_spreads():
    space = {"x": RangePlan(kind="real", low=0.0, high=1.0)}
    history = [Told({"x": n / 20}, Status.OK, -abs(n / 20 - 0.5)) for n in range(20)]
    batch = [p["x"] for p in ask(space, history, count=8)]
    assert len({round(x, 6) for x in batch}) == 8


def test_failures_teach_nothing():
    failed = [told(n, Status.DIVERGED) for n in range(30)]
    lost = [Told(told(n).hyperparameters, Status.OK, None) for n in range(30)]
    assert same(ask(history=failed), ask())
    assert same(ask(history=lost), ask())


def test_edges():
    assert ask({}, count=2) == [{}, {}]
    assert ask(count=0) == []
    fixed = {
        "a": RangePlan(kind="choice", values=("only",)),
        "b": RangePlan(kind="whole", low=3, high=3),
        "c": RangePlan(kind="real", low=0.5, high=0.5, log=True),
    }
    one = {"a": "only", "b": 3, "c": 0.5}
    assert ask(fixed, [Told(one, Status.OK, 1.0)] * 12, count=1) == [one]
    pruned_at_once = [Told(told(n).hyperparameters, Status.PRUNED, None) for n in range(12)]
    assert len(ask(history=pruned_at_once)) == 4


def test_no_warning_and_no_log(caplog, capfd):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ask(history=HISTORY)
    assert capfd.readouterr() == ("", "")


def test_what_does_not_fit_is_told():
    with pytest.raises(UserError, match=r"search\.sampler: the sampler must be.*'cmaes'"):
        ask(sampler="cmaes")
    good = told(1).hyperparameters
    for bad, words in (
        ({**good, "mixed": "gelu"}, "mixed='gelu'"),
        ({**good, "layers": 9}, "does not fit its search space"),
        ({"mixed": 1}, "lacks the hyperparameters learning_rate"),
    ):
        with pytest.raises(ArchduelError, match=words):
            ask(history=[Told(bad, Status.OK, 1.0)])
