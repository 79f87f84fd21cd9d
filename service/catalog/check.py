"""Is it a pair? What Python's type annotations ask of a pair file, held for files nobody type-checks."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import get_args

from service.contracts.data import Source, SourceKind
from service.contracts.display import Display, Kind
from service.contracts.errors import UserError
from service.contracts.metric import Direction, Metric
from service.contracts.pair import Baseline, Capacity, Choice, Pair, Published, Real, Variant, Whole

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


def check_pair(pair: Pair, file: str, line: int | None) -> None:
    """Refuse a pair that could not be planned.

    Args:
        pair: the pair.
        file: where it is written.
        line: the line of its constant.

    Raises:
        UserError: the first field that is not what `Pair` says.
    """
    for key, rule, value in _mistakes(pair):
        raise UserError(rule, file=file, line=line, key=key, value=value)


def _mistakes(pair: Pair) -> Iterator[tuple[str, str, object]]:
    if not (isinstance(pair.name, str) and _NAME.fullmatch(pair.name)):
        rule = "must be 1 to 63 lower-case letters, digits, '.', '_' or '-'"
        yield "name", rule, pair.name
    for key in ("title", "question"):
        value = getattr(pair, key)
        if not isinstance(value, str):
            yield key, "must be text", value
    for key in ("why_not_sequential", "unmatched_because"):
        value = getattr(pair, key)
        if not (value is None or isinstance(value, str)):
            yield key, "must be text or None", value
    yield from _parts(pair)
    margin = pair.margin
    if isinstance(margin, bool) or not isinstance(margin, int | float) or not 0 < margin < math.inf:
        yield "margin", "must be a number above 0", margin
    if not (pair.prepare is None or callable(pair.prepare)):
        yield "prepare", "must be a function or None", pair.prepare
    if not callable(pair.split):
        yield "split", "must be a function", pair.split
    if not isinstance(pair.show, Mapping):
        yield "show", "must be a mapping of input or target names to Displays", pair.show
        return
    for name, display in pair.show.items():
        if not (isinstance(display, Display) and display.kind in get_args(Kind)):
            yield f"show[{name!r}]", f"must be a Display of {', '.join(get_args(Kind))}", display


def _parts(pair: Pair) -> Iterator[tuple[str, str, object]]:
    if not (isinstance(pair.sources, tuple) and pair.sources):
        yield "sources", "must be a tuple of at least one Source", pair.sources
    for place, source in enumerate(pair.sources):
        if not (isinstance(source, Source) and isinstance(source.kind, SourceKind)):
            yield f"sources[{place}]", "must be a Source with a SourceKind", source
    if not (isinstance(pair.metric, Metric) and pair.metric.direction in get_args(Direction)):
        yield "metric", "must be a Metric with direction maximize or minimize", pair.metric
    elif pair.metric.reads_names:
        yield "metric", "may read names only among also", pair.metric.name
    if not isinstance(pair.baseline, Baseline):
        yield "baseline", "must be a Baseline", pair.baseline
    for key, part in (("also", Metric), ("references", Baseline)):
        several = getattr(pair, key)
        if not (isinstance(several, tuple) and all(isinstance(one, part) for one in several)):
            yield key, f"must be a tuple, each a {part.__name__}", several
    for key, kind in (("capacity", Capacity), ("published", Published)):
        value = getattr(pair, key)
        if not (value is None or isinstance(value, kind)):
            yield key, f"must be a {kind.__name__} or None", value
    if isinstance(pair.capacity, Capacity) and not pair.capacity.choices:
        yield "capacity.choices", "must not be empty", ()
    yield from _space("shared_space", pair.shared_space)
    for place, variant in enumerate(pair.variants):
        if not (isinstance(variant, Variant) and callable(variant.build)):
            yield f"variants[{place}]", "must be a Variant with a function build", variant
        yield from _space(f"variants[{place}].space", variant.space)


def _space(key: str, space: object) -> Iterator[tuple[str, str, object]]:
    if not isinstance(space, Mapping):
        yield key, "must be a mapping of hyperparameters to ranges", space
        return
    for name, range_ in space.items():
        if not (isinstance(name, str) and isinstance(range_, Choice | Real | Whole)):
            yield f"{key}[{name!r}]", "must be a Choice, a Real or a Whole", range_
