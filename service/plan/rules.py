"""Rules between keys: what no key breaks alone."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple
from urllib.parse import urlsplit

from service.contracts.errors import did_you_mean
from service.contracts.strategy import OF_BACKEND
from service.plan.document import KeyPath
from service.plan.problems import Written, written
from service.plan.schema import Config
from service.plan.values import RangeConfig


class Contradiction(NamedTuple):
    """Where two keys disagree.

    Args:
        path: the key to name, most likely the one to change.
        rule: what must hold.
        value: what was given.
        hint: what to do.
    """

    path: KeyPath
    rule: str
    value: Written | None = None
    hint: str | None = None


def contradictions(config: Config) -> Iterator[Contradiction]:
    """Yield every contradiction between two keys (or two values of one)."""
    yield from _search(config)
    yield from _design(config)
    yield from _training(config)
    yield from _resources(config)
    yield from _data(config)
    yield from _tracking(config)


def _search(config: Config) -> Iterator[Contradiction]:
    search = config.search
    if search.pruner != "none":
        path = ("search", "pruner")
        if search.batch >= search.trials:
            yield Contradiction(
                path,
                f"{search.pruner} compares with earlier batches, and {search.trials} trials in "
                f"batches of {search.batch} make only one",
                hint="lower search.batch, raise search.trials or use none",
            )
        elif search.epochs == 1:
            yield Contradiction(path, f"{search.pruner} needs search.epochs to be at least 2")
    for name, narrowed in search.space.items():
        if not isinstance(narrowed, RangeConfig):
            continue
        place = ("search", "space", name)
        if narrowed.low > narrowed.high:
            yield Contradiction(place, "low <= high must hold", _ends(narrowed))
        elif narrowed.log and narrowed.low <= 0:
            yield Contradiction(
                (*place, "low"), "must be above 0 where log is true", written(narrowed.low)
            )
        elif not math.isfinite(narrowed.high - narrowed.low):
            yield Contradiction(place, "is too wide to draw from", _ends(narrowed))


def _ends(narrowed: RangeConfig) -> Written:
    return Written({"low": narrowed.low, "high": narrowed.high})


def _design(config: Config) -> Iterator[Contradiction]:
    looks = config.design.repetitions
    for place, (earlier, later) in enumerate(pairwise(looks), start=1):
        if later <= earlier:
            yield Contradiction(
                ("design", "repetitions", place),
                f"looks must increase: each counts all repetitions so far, and the one before is "
                f"{earlier}",
                Written(later),
            )


def _training(config: Config) -> Iterator[Contradiction]:
    strategy, known = config.training.strategy, OF_BACKEND[config.backend]
    if strategy in ("auto", *known):
        return
    yield Contradiction(
        ("training", "strategy"),
        f"must be auto or one that backend {config.backend} has: {', '.join(known)}",
        Written(strategy),
        did_you_mean(strategy, ("auto", *known)),
    )


def _resources(config: Config) -> Iterator[Contradiction]:
    gpus = config.resources.gpus_per_trial
    if gpus > 1 and config.backend != "jax":
        yield Contradiction(
            ("resources", "gpus_per_trial"),
            f"must be at most 1 with backend {config.backend}, because Keras 3 spreads one model "
            "over several GPUs with jax alone",
            written(gpus),
            "use backend: jax, or one GPU per trial and more trials at once",
        )


def _data(config: Config) -> Iterator[Contradiction]:
    source, path = config.data.source, config.data.path
    if source == "path" and path is None:
        yield Contradiction(("data", "source"), "path needs data.path, the file or folder to read")
    if source != "path" and path is not None:
        yield Contradiction(
            ("data", "path"), f"is read only with source: path, but data.source is {source}"
        )


def _tracking(config: Config) -> Iterator[Contradiction]:
    path = ("tracking", "mlflow")
    try:
        address = urlsplit(config.tracking.mlflow)
        secret = address.password is not None
    except ValueError:
        yield Contradiction(path, "is not an address", Written(config.tracking.mlflow))
        return
    if secret:
        # The value is left out on purpose: errors end in logs, and configs in reports.
        yield Contradiction(
            path,
            "must hold no password, because configs are printed in reports",
            hint="set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD",
        )
    elif address.scheme in ("http", "https") and not address.hostname:
        yield Contradiction(path, "names no host", Written(config.tracking.mlflow))
