"""The acceptance of the statistics themselves, by simulation.

`python -m service.stats.validation --replications N --seed S --out FILE` writes the table.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from service.stats import simulate
from service.stats.extension import error_rate
from service.stats.simulate import EQUIVALENT, FUNCTIONAL, IDENTICAL, SEQUENTIAL, Draw

Measure = Callable[[np.random.Generator, int], float]


@dataclass(frozen=True)
class Property:
    """A rate that must lie in [low, high]; from 0 to 1 it is for information."""

    name: str
    low: float
    high: float
    measure: Measure

    @property
    def accept(self) -> str:
        """The acceptable range, for readers."""
        if self.low <= 0.0:
            if self.high >= 1.0:
                return "(for information)"
            return f"<= {self.high:g}"
        return f">= {self.low:g}" if self.high >= 1.0 else f"{self.low:g} to {self.high:g}"


@dataclass(frozen=True)
class Result:
    """A measured rate with its Monte-Carlo standard error."""

    name: str
    accept: str
    measured: float
    standard_error: float
    passed: bool


def share(decisions: Sequence[int], draw: Draw, margin: float, shift: float = 0.0) -> Measure:
    """Return a measure of how often experiments end in one of the decisions.

    Args:
        decisions: decision codes of `simulate`.
        draw: differences around 0.
        margin: the smallest difference that matters, in the unit of the draw.
        shift: true mean difference, in the same unit.

    Returns:
        A function (rng, replications) to the rate.
    """

    def measure(rng: np.random.Generator, replications: int) -> float:
        d = draw(rng, (replications, simulate.LOOKS[-1])) + shift
        outcome = simulate.run_experiments(d, margin)
        return float(np.isin(outcome.decision, decisions).mean())

    return measure


def _extended(
    decisions: Sequence[int], margin: float, shift: float, extensions: int, reserve: float
) -> Measure:
    def measure(rng: np.random.Generator, replications: int) -> float:
        found = simulate.run_extended(
            rng, simulate.normal, replications, margin, shift, extensions, reserve
        )
        return float(np.isin(found, decisions).mean())

    return measure


def _warning(looks: tuple[int, ...]) -> Measure:
    def measure(rng: np.random.Generator, replications: int) -> float:
        d = simulate.exponential(rng, (replications, looks[-1]))
        return float(simulate.run_experiments(d, 0.0, looks).skew_warning.mean())

    return measure


def _coverage(examples: int) -> Measure:
    return lambda rng, n: simulate.two_way_coverage(rng, n, reps=10, examples=examples)


def _one_search(seeds: int) -> Measure:
    return lambda rng, n: simulate.false_claims_of_one_search(rng, n, seeds)


def _one_way(examples: int) -> Measure:
    return lambda rng, n: simulate.one_way_coverage(rng, n, reps=10, examples=examples)


def _assurance(n: int, margin: float) -> Measure:
    return lambda rng, pilots: simulate.assurance(rng, pilots, n, margin)


_BETTER = (FUNCTIONAL, SEQUENTIAL)
_SAME = (EQUIVALENT, IDENTICAL)
_FALSE_POSITIVE = "false-positive rate, {} differences"

# Rates of false "better" are measured without a margin: stopping for "equivalent" would only
# lower them, so this is the worst case.
PROPERTIES: tuple[Property, ...] = (
    Property(_FALSE_POSITIVE.format("normal"), 0.0, 0.055, share(_BETTER, simulate.normal, 0.0)),
    Property(
        _FALSE_POSITIVE.format("heavy-tailed (t with 3 df)"),
        0.0,
        0.055,
        share(_BETTER, simulate.heavy_tailed, 0.0),
    ),
    Property(_FALSE_POSITIVE.format("tied"), 0.0, 0.055, share(_BETTER, simulate.tied, 0.0)),
    Property(
        "wrongly equivalent, true difference = margin = .5 sd",
        0.0,
        0.055,
        share(_SAME, simulate.normal, 0.5, 0.5),
    ),
    Property(
        "wrong direction at .2 sd", 0.0, 0.005, share((SEQUENTIAL,), simulate.normal, 0.0, 0.2)
    ),
    Property(
        "power at .8 sd, at most 30 repetitions",
        0.95,
        1.0,
        share((FUNCTIONAL,), simulate.normal, 0.5, 0.8),
    ),
    Property("equivalent at 0, margin .75 sd", 0.95, 1.0, share(_SAME, simulate.normal, 0.75)),
    *(
        Property(
            f"repetition-level false-positive rate, search noise {noise:g}x",
            0.045,
            0.055,
            share(_BETTER, simulate.repetitions(noise), 0.0),
        )
        for noise in (0.0, 0.5, 1.0)
    ),
    *(
        Property(
            f"false-positive rate, extended {told}, {kept}: {rate:.4g} stated",
            0.0,
            rate + 0.005,
            _extended(_BETTER, 0.0, 0.0, extensions, reserve),
        )
        for extensions, told in ((1, "once"), (3, "three times"))
        for reserve, kept in ((0.0, "nothing reserved"), (0.5, "half of alpha reserved"))
        for rate in (error_rate(simulate.ALPHA, reserve, extensions),)
    ),
    Property(
        "wrongly equivalent, extended once, nothing reserved, true difference = margin = .5 sd: "
        "0.075 stated",
        0.0,
        0.08,
        _extended(_SAME, 0.5, 0.5, 1, 0.0),
    ),
    *(
        Property(
            f"two-way interval coverage, 10 repetitions, {examples:,} test examples",
            0.93,
            0.97,
            _coverage(examples),
        )
        for examples in (30, 1_000, 10_000)
    ),
    *(
        Property(
            f'assurance of "about N more", pilot of {n}, margin {margin:g} sd',
            0.80,
            1.0,
            _assurance(n, margin),
        )
        for n, margin in ((5, 0.5), (10, 0.5), (20, 0.5))
    ),
    Property(
        "skewed (exponential) differences: warning, 30 repetitions", 0.8, 1.0, _warning((30,))
    ),
    Property("the same where experiments may stop early", 0.0, 1.0, _warning(simulate.LOOKS)),
    Property(
        _FALSE_POSITIVE.format("skewed (exponential)"),
        0.0,
        1.0,
        share(_BETTER, simulate.exponential, 0.0),
    ),
    *(
        Property(
            f"anew: seeds, {seeds} winners of one search taken for the architecture: false claims",
            0.0,
            1.0,
            _one_search(seeds),
        )
        for seeds in (10, 20)
    ),
    *(
        Property(
            f"anew: search, 10 repetitions on {examples:,} fixed test examples: coverage without "
            "the examples' variance",
            0.0,
            1.0,
            _one_way(examples),
        )
        for examples in (30, 1_000)
    ),
)


def measure(item: Property, seed: int, replications: int, slack: float = 0.0) -> Result:
    """Return the measured rate of one property.

    Args:
        item: what to measure.
        seed: every property draws from its own generator, seeded by this and its name.
        replications: simulated experiments.
        slack: Monte-Carlo standard errors by which the accepted range is widened.

    Returns:
        The result; its standard error is the binomial one.
    """
    rng = np.random.default_rng([seed, *item.name.encode()])
    rate = item.measure(rng, replications)
    error = math.sqrt(rate * (1.0 - rate) / replications)
    passed = item.low - slack * error <= rate <= item.high + slack * error
    return Result(item.name, item.accept, rate, error, passed)


def _outcome(result: Result) -> str:
    if result.accept.startswith("("):
        return "-"
    return "pass" if result.passed else "**FAIL**"


def markdown(results: Sequence[Result], replications: int, seed: int, out: str) -> str:
    """Return the table of results with the command that made it."""
    rows = [
        f"| {r.name} | {r.accept} | {r.measured:.4f} | {r.standard_error:.4f} | {_outcome(r)} |"
        for r in results
    ]
    command = f"python -m service.stats.validation --replications {replications} --seed {seed}"
    return "\n".join(
        [
            "# Calibration of the statistics",
            "",
            f"{replications:,} simulated experiments a row, looks at 10, 20 and 30 repetitions, "
            "two-sided alpha .05 and one-sided equivalence alpha .05 over all looks. "
            "A row passes when the measured rate lies in the accepted range as printed, "
            "without slack.",
            "",
            f"    {command} --out {out}",
            "",
            "| property | accept | measured | Monte-Carlo standard error | result |",
            "| --- | --- | --- | --- | --- |",
            *rows,
            "",
        ]
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure all properties, write the table and return 1 if one fails, else 0."""
    parser = argparse.ArgumentParser(prog="python -m service.stats.validation")
    parser.add_argument("--replications", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("docs/calibration.md"))
    options = parser.parse_args(arguments)
    if options.replications < 1:
        parser.error(f"--replications must be at least 1, but got {options.replications}")
    results = [measure(item, options.seed, options.replications) for item in PROPERTIES]
    table = markdown(results, options.replications, options.seed, options.out.as_posix())
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(table, encoding="utf-8")
    print(table)
    return 0 if all(result.passed for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
