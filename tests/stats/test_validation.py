"""The acceptance table in its fast version, and the mutations that it must catch."""

import math

import numpy as np
import pytest

from service.stats import paired, simulate, validation
from service.stats.simulate import FUNCTIONAL, SEQUENTIAL, run_experiments
from service.stats.validation import PROPERTIES, Property, main, measure, share
from service.stats.verdict import Decision, Evidence, Rule, decide

REPLICATIONS = 2_000
BY_NAME = {item.name: item for item in PROPERTIES}
FALSE_POSITIVE = BY_NAME["false-positive rate, normal differences"]
REPETITION_LEVEL = BY_NAME["repetition-level false-positive rate, search noise 0.5x"]


@pytest.mark.parametrize("item", PROPERTIES, ids=lambda item: item.name)
def test_acceptance(item):
    many = REPLICATIONS if "10,000 test" not in item.name else REPLICATIONS // 2  # it is slow
    result = measure(item, seed=20, replications=many, slack=3.0)
    assert result.passed, result


def caught(item, mutant):
    """Return whether the fast version of the property refuses the mutated procedure."""
    wrong = Property(item.name, item.low, item.high, mutant)
    return not measure(wrong, seed=21, replications=REPLICATIONS, slack=3.0).passed


def t_error(d, alpha=0.05):
    return np.mean([paired.t_interval(row, alpha).p_value <= alpha for row in d])


def test_the_harness_accepts_what_is_right():
    assert not caught(FALSE_POSITIVE, lambda rng, n: t_error(rng.standard_normal((n, 5))))


def test_mutation_percentile_bootstrap_as_the_test():
    def mutant(rng, n):
        d = rng.standard_normal((n, 5))
        means = d[:, rng.integers(0, 5, (999, 5))].mean(axis=2)
        low, high = np.quantile(means, [0.025, 0.975], axis=1)
        return float(np.mean((low > 0) | (high < 0)))

    assert caught(FALSE_POSITIVE, mutant)


def test_mutation_naive_peeking(monkeypatch):
    item = Property("x", 0.0, 0.055, share((FUNCTIONAL, SEQUENTIAL), simulate.normal, 0.0))
    assert not caught(item, item.measure)
    monkeypatch.setattr(simulate, "boundaries", lambda looks, alpha, sides=2: (alpha,) * len(looks))
    assert caught(item, item.measure)


def test_mutation_pooling_seeds_as_if_they_were_repetitions():
    def mutant(rng, n):  # 10 seeds of one search each
        luck = 0.5 * rng.standard_normal((2, n, 1))
        scores = luck + rng.standard_normal((2, n, 10))
        return t_error(scores[1] - scores[0])

    assert caught(REPETITION_LEVEL, mutant)


def test_mutation_dropping_failed_trials():
    """A variant that fails where it is weak looks better once its failures are forgotten."""
    rng = np.random.default_rng(3)
    honest, dropped = [], []
    for _ in range(200):
        d = rng.standard_normal(30)
        ok = d[d > -0.25]  # four in ten fail, always where functional is behind
        honest.append(decide(Evidence(ok, 30), Rule(0.1, (30,))).decision)
        dropped.append(decide(Evidence(ok, ok.size), Rule(0.1, (ok.size,))).decision)
    assert dropped.count(Decision.FUNCTIONAL_BETTER) > 190
    assert honest.count(Decision.FUNCTIONAL_BETTER) <= 1
    assert honest.count(Decision.INVALID) >= 199


def test_mutation_swapped_sign_of_one_variant():
    """f - s turned into f + s (one sign swapped) or s - f: power in the right direction dies."""
    power = BY_NAME["power at .8 sd, at most 30 repetitions"]
    wrong_way = BY_NAME["wrong direction at .2 sd"]

    def swapped(shift, decision):
        def mutant(rng, n):
            d = -(rng.standard_normal((n, 30)) + shift)
            return float(np.mean(run_experiments(d, 0.0).decision == decision))

        return mutant

    assert caught(power, swapped(0.8, FUNCTIONAL))
    assert caught(wrong_way, swapped(0.2, SEQUENTIAL))

    def one_sign(rng, n):  # equal variants, scores around .9
        scores = 0.9 + 0.01 * rng.standard_normal((2, n, 10))
        return t_error(scores[1] + scores[0])

    assert caught(FALSE_POSITIVE, one_sign)


def test_a_result_depends_on_the_seed_alone():
    a, b = (measure(FALSE_POSITIVE, 5, 500) for _ in range(2))
    assert a == b
    assert a.measured != measure(FALSE_POSITIVE, 6, 500).measured
    assert a.standard_error == pytest.approx(math.sqrt(a.measured * (1 - a.measured) / 500))


def test_slack_is_only_what_was_asked_for():
    exact = Property("x", 0.0, 0.05, lambda rng, n: 0.06)
    assert not measure(exact, 1, 1_000).passed
    assert measure(exact, 1, 1_000, slack=3.0).passed
    assert not measure(exact, 1, 100_000, slack=3.0).passed


@pytest.mark.parametrize(("rate", "code"), [(0.05, 0), (0.06, 1)])
def test_the_command_writes_the_table_and_says_if_a_row_fails(
    tmp_path, monkeypatch, capsys, rate, code
):
    row = Property("some rate", 0.0, 0.055, lambda rng, n: rate)
    monkeypatch.setattr(validation, "PROPERTIES", (row,))
    out = tmp_path / "new" / "table.md"
    assert main(["--replications", "400", "--seed", "9", "--out", str(out)]) == code
    text = out.read_text(encoding="utf-8")
    outcome = "**FAIL**" if code else "pass"
    assert (
        f"| some rate | <= 0.055 | {rate:.4f} | {math.sqrt(rate * (1 - rate) / 400):.4f} | {outcome} |"
        in text
    )
    assert "--replications 400 --seed 9" in text
    assert text in capsys.readouterr().out + "\n"
