"""What is searched: a pair's ranges, replaced where the config says so."""

from __future__ import annotations

from collections.abc import Sequence

from service.contracts.errors import did_you_mean, nearest
from service.contracts.pair import Choice, LocatedPair, Pair, Range, Real, Scalar, Whole
from service.contracts.plan import RangePlan
from service.plan.document import KeyPath
from service.plan.load import LoadedConfig
from service.plan.problems import written
from service.plan.values import Narrowed, RangeConfig

_SPACE: KeyPath = ("search", "space")
_AT_LEAST_ONE = ("batch_size",)
_ABOVE_ZERO = ("learning_rate",)
_AT_LEAST_ZERO = ("weight_decay",)


def is_matched(loaded: LoadedConfig, pair: Pair) -> bool:
    """Whether both variants of this pair are solved to one parameter count."""
    if pair.capacity is None or loaded.config.match == "none":
        return False
    return loaded.config.match == "parameters" or pair.unmatched_because is None


def check_names(loaded: LoadedConfig, located: Sequence[LocatedPair]) -> None:
    """Refuse a hyperparameter in `search.space` that nothing searches.

    Args:
        loaded: the config.
        located: the chosen pairs.

    Raises:
        UserError: no chosen pair has the name, or it is a size that `match` solves.
    """
    pairs = [each.pair for each in located]
    known = {
        name
        for pair in pairs
        for variant in pair.variants
        for name in pair.space(variant, matched=False)
    }
    for name in loaded.config.search.space:
        path = (*_SPACE, name)
        if name not in known:
            rule = "no chosen pair has such a hyperparameter"
            if len(pairs) == 1:
                rule = f"pair '{pairs[0].name}' has no such hyperparameter"
            hint = did_you_mean(name, known)
            raise loaded.error(path, rule, hint=hint)
        for pair in pairs:
            if (
                pair.capacity is not None
                and pair.capacity.name == name
                and is_matched(loaded, pair)
            ):
                raise loaded.error(
                    path,
                    f"sets the size of pair '{pair.name}', which match: parameters solves for "
                    "every trial",
                    hint="leave it out, or use match: none",
                )


def plan_spaces(loaded: LoadedConfig, pair: Pair) -> dict[str, dict[str, RangePlan]]:
    """Resolve what is searched for each variant of a pair.

    Args:
        loaded: the config; `check_names` has accepted its space.
        pair: the pair.

    Returns:
        Ranges by variant name and hyperparameter.

    Raises:
        UserError: a range does not suit the pair's own.
    """
    given = loaded.config.search.space
    spaces: dict[str, dict[str, RangePlan]] = {}
    for variant in pair.variants:
        own = pair.space(variant, matched=is_matched(loaded, pair))
        spaces[variant.name] = {
            name: _narrow(loaded, pair, name, range_, given[name])
            if name in given
            else _as_plan(range_)
            for name, range_ in own.items()
        }
    return spaces


def shared_names(spaces: dict[str, dict[str, RangePlan]]) -> tuple[str, ...]:
    """The hyperparameters that every variant has with an identical range."""
    first, second = spaces.values()
    return tuple(name for name, range_ in first.items() if second.get(name) == range_)


def _as_plan(range_: Range) -> RangePlan:
    if isinstance(range_, Choice):
        return RangePlan(kind="choice", values=range_.values)
    kind = "real" if isinstance(range_, Real) else "whole"
    return RangePlan.model_validate(
        {"kind": kind, "low": range_.low, "high": range_.high, "log": range_.log}
    )


def _narrow(
    loaded: LoadedConfig, pair: Pair, name: str, own: Range, narrowed: Narrowed
) -> RangePlan:
    if isinstance(narrowed, RangeConfig):
        return _narrow_range(loaded, pair, name, own, narrowed)
    path = (*_SPACE, name)
    values: list[Scalar] = []
    for place, value in enumerate(narrowed):
        rule = _mismatch(own, value) or _out_of_bounds(name, value)
        if rule is not None:
            close = _close(own, value)
            raise loaded.error(
                (*path, place), f"{rule} (pair '{pair.name}')", written(value), close
            )
        values.append(float(value) if _is_real(own) else value)
    return RangePlan(kind="choice", values=tuple(values))


def _narrow_range(
    loaded: LoadedConfig, pair: Pair, name: str, own: Range, narrowed: RangeConfig
) -> RangePlan:
    path = (*_SPACE, name)
    sample = own.values[0] if isinstance(own, Choice) else 0
    if isinstance(sample, bool | str):
        raise loaded.error(
            path, f"must be a list of values, because pair '{pair.name}' offers {_offer(own)}"
        )
    whole = _is_whole(own)
    for key, end in (("low", narrowed.low), ("high", narrowed.high)):
        rule = _out_of_bounds(name, end)
        if whole and not end.is_integer():
            rule = "must be a whole number"
        if rule is not None:
            raise loaded.error((*path, key), f"{rule} (pair '{pair.name}')", written(end))
    return RangePlan(
        kind="whole" if whole else "real", low=narrowed.low, high=narrowed.high, log=narrowed.log
    )


def _is_whole(own: Range) -> bool:
    if isinstance(own, Choice):
        return all(type(value) is int for value in own.values)
    return isinstance(own, Whole)


def _is_real(own: Range) -> bool:
    if isinstance(own, Choice):
        return all(type(value) is float for value in own.values)
    return isinstance(own, Real)


def _mismatch(own: Range, value: Scalar) -> str | None:
    """Why the value cannot stand where the pair's own range does; None where it can."""
    if _is_whole(own):
        return None if type(value) is int else "must be a whole number"
    if isinstance(own, Choice) and not all(type(each) in (int, float) for each in own.values):
        # Words and switches mean what the pair's builders make of them: no others exist.
        found = any(type(value) is type(each) and value == each for each in own.values)
        return None if found else f"must be one of {_offer(own)}"
    return None if type(value) in (int, float) else "must be a number"


def _out_of_bounds(name: str, value: Scalar) -> str | None:
    if isinstance(value, int | float):
        if name in _AT_LEAST_ONE and value < 1:
            return "must be at least 1"
        if name in _ABOVE_ZERO and value <= 0:
            return "must be above 0"
        if name in _AT_LEAST_ZERO and value < 0:
            return "must be at least 0"
    return None


def _offer(own: Range) -> str:
    values = own.values if isinstance(own, Choice) else ()
    return ", ".join(str(each).lower() if isinstance(each, bool) else str(each) for each in values)


def _close(own: Range, value: Scalar) -> str | None:
    words = (
        [each for each in own.values if isinstance(each, str)] if isinstance(own, Choice) else []
    )
    close = nearest(value, words) if isinstance(value, str) else None
    return f"did you mean '{close}'?" if close else None
