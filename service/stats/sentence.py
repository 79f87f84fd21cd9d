"""One sentence for people out of a verdict."""

from __future__ import annotations

import math

from service.stats.records import Decision, Verdict

MANY = 1_000
"""Beyond this, how many more repetitions are needed is a guess not worth its digits."""


ROUNDING = 1e-9
"""A mean that is this small a part of its interval is 0 but for the rounding of sums."""


def sentence(verdict: Verdict, names: tuple[str, str] = ("Sequential", "Functional")) -> str:
    """Return the verdict as one sentence.

    Intervals are called by the error rate of all looks together ("95%"), which they keep
    at whichever look they are read: they are repeated confidence intervals (Jennison &
    Turnbull 2000, chapter 9).

    Args:
        verdict: what `decide` returned.
        names: what to call the variants, in the order (sequential, functional).

    Returns:
        One sentence, ending in a full stop. Metrics with unit "fraction" are told in points.
    """
    v = verdict
    both = f"{names[0]} and {names[1]}"
    if v.decision is Decision.INVALID:
        return f"The comparison of {both} is invalid: {'; '.join(v.reasons)}."
    if v.decision is Decision.IDENTICAL:
        return (
            f"{both} are identical: the difference in {v.metric} is exactly 0 "
            f"in each of {_repetitions(v)}{_costs(v, names, None)}."
        )
    if v.decision is Decision.EQUIVALENT:
        small = ", detectable but smaller than the margin" if v.detectable else ""
        return (
            f"{both} are equivalent within {_amount(v, v.margin, None)} "
            f"({_lead(v, names, _half(v.tost_interval))}{small}; "
            f"{_interval(v, v.tost_interval, 1 - 2 * v.tost_alpha, _sign(v))}) "
            f"over {_repetitions(v)}{_costs(v, names, None)}."
        )
    if v.decision in (Decision.FUNCTIONAL_BETTER, Decision.SEQUENTIAL_BETTER):
        winner = int(v.decision is Decision.FUNCTIONAL_BETTER)
        beyond = ", more than the margin" if v.practically and v.margin > 0 else ""
        mean = abs(v.mean_difference or 0.0)
        return (
            f"{names[winner]} is better by {_amount(v, mean, _half(v.interval))} "
            f"({_interval(v, v.interval, 1 - v.alpha, _sign(v))}{beyond}) "
            f"over {_repetitions(v)}{_costs(v, names, winner)}."
        )
    if v.decision is Decision.TRADE_OFF:
        low = v.tost_interval is not None and v.tost_interval[0] > -v.margin
        subject = int(low and bool(v.costlier_functional))
        return (
            f"{names[subject]} is not worse by {_amount(v, v.margin, None)} or more "
            f"({_lead(v, names, _half(v.interval))}; "
            f"{_interval(v, v.interval, 1 - v.alpha, _sign(v))}) "
            f"over {_repetitions(v)}, "
            f"but which is better is open{_costs(v, names, subject, names[subject])}."
        )
    return _inconclusive(v, names)


def _inconclusive(v: Verdict, names: tuple[str, str]) -> str:
    if v.interval is None:
        found = "no interval can be given"
    else:
        found = (
            f"{_lead(v, names, _half(v.interval))} "
            f"({_interval(v, v.interval, 1 - v.alpha, _sign(v))})"
        )
    if v.n_planned < v.looks[v.look]:
        return (
            f"No verdict yet after {_repetitions(v)}, the look being at {v.looks[v.look]}: {found}."
        )
    more = "; the repetitions without a result could change the verdict" if v.fragile else ""
    if v.more_repetitions is not None:
        plural = "repetition" if v.more_repetitions == 1 else "repetitions"
        about = f"about {v.more_repetitions}"
        if v.more_repetitions > MANY:
            about = f"more than {MANY:,}"
        more += f"; {about} more {plural} would be needed"
    return f"Inconclusive after {_repetitions(v)}: {found}{more}."


def _repetitions(v: Verdict) -> str:
    of = "" if v.n_ok == v.n_planned else f" of {v.n_planned}"
    word = "repetition" if (v.n_ok, v.n_planned) == (1, 1) else "repetitions"
    more = "" if not v.extensions else f", {sum(v.extensions)} of them an extension"
    return f"{v.n_ok}{of} {word}{more}"


def _scale(v: Verdict) -> float:
    return 100.0 if v.unit == "fraction" else 1.0


def _sign(v: Verdict) -> float:
    return -1.0 if (v.mean_difference or 0.0) < 0.0 else 1.0


def _half(interval: tuple[float, float] | None) -> float:
    return 0.0 if interval is None else (interval[1] - interval[0]) / 2


def _number(value: float, resolution: float) -> str:
    """Return a number with the decimals that a half-width deserves, and at least two digits.

    So 2.5 is never told as 2, and a small number is never a false 0.
    """
    value += 0.0  # turns -0.0 into 0.0
    if value != 0.0 and not 1e-4 <= abs(value) < 1e6:
        return _minus(f"{value:.2g}")
    decimals = 0 if resolution <= 0 else max(0, -math.floor(math.log10(resolution / 2)))
    if value != 0.0:
        decimals = max(decimals, 1 - math.floor(math.log10(abs(value))))
    return _minus(f"{value:.{min(decimals, 8)}f}")


def _minus(text: str) -> str:
    """Set a true minus sign, as the tables do."""
    return "\N{MINUS SIGN}" + text[1:] if text.startswith("-") else text


def _amount(v: Verdict, value: float, half: float | None) -> str:
    shown = value * _scale(v)
    text = f"{shown:.4g}" if not half else _number(shown, half * _scale(v))
    unit = "points" if v.unit == "fraction" else v.unit
    if unit == "points" and text == "1":
        unit = "point"
    return f"{text} {unit} of {v.metric}" if unit else f"{text} in {v.metric}"


def _lead(v: Verdict, names: tuple[str, str], half: float) -> str:
    mean = v.mean_difference or 0.0
    if abs(mean) <= ROUNDING * half:
        return f"the mean difference in {v.metric} is 0"
    return f"{names[int(mean > 0)]} leads by {_amount(v, abs(mean), half)}"


def _interval(v: Verdict, interval: tuple[float, float] | None, level: float, sign: float) -> str:
    if interval is None:
        return "no interval"
    low, high = sorted((sign * interval[0] * _scale(v), sign * interval[1] * _scale(v)))
    half = (high - low) / 2
    return f"{level * 100:.4g}% interval {_number(low, half)} to {_number(high, half)}"


def _costs(v: Verdict, names: tuple[str, str], subject: int | None, who: str = "it") -> str:
    """Return what the subject costs beyond the tolerance, told of the costlier one if free."""
    beyond = (*v.costlier_functional, *v.costlier_sequential)
    if not beyond:
        return ""
    logs = {name: math.log(v.cost_ratios[name]) for name in v.cost_ratios if name in beyond}
    if subject is None:
        subject = int(logs[max(logs, key=lambda name: abs(logs[name]))] > 0)
        who = names[subject]
    sign = 1 if subject else -1
    parts = [f"{_times(math.exp(sign * log))} times the {name}" for name, log in logs.items()]
    listed = parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]
    return f"; {who} costs {listed}"


def _times(ratio: float) -> str:
    return f"{ratio:.0f}" if ratio >= 100.0 else f"{ratio:.3g}"
