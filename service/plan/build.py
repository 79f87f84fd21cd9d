"""A config and its pairs to an immutable plan."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from service.contracts.data import Source
from service.contracts.errors import UserError
from service.contracts.metric import Metric
from service.contracts.pair import LocatedPair, Pair
from service.contracts.plan import (
    DesignPlan,
    MetricPlan,
    PairPlan,
    Plan,
    ResourcePlan,
    SearchPlan,
)
from service.plan.document import KeyPath
from service.plan.load import LoadedConfig
from service.plan.problems import written
from service.plan.spaces import check_names, is_matched, plan_spaces, shared_names

ALL = "all"
"""The word in `pairs` that stands for every built-in pair."""

Locate = Callable[[str], LocatedPair]


def build_plan(config: LoadedConfig, locate: Locate, names: Sequence[str]) -> Plan:
    """Make a checked config complete.

    Args:
        config: the config.
        locate: finds a pair by its reference; its `UserError`s need not say where in the config.
        names: the built-in pairs, which `all` stands for.

    Returns:
        The plan; nothing is started and no data is read.

    Raises:
        UserError: the config and its pairs disagree.
    """
    located = _locate_all(config, locate, names)
    check_names(config, located)
    _check_margin(config, [each.pair for each in located])
    given = config.config
    resources = given.resources
    return Plan(
        experiment=given.experiment,
        backend=given.backend,
        pairs=tuple(_plan_pair(config, each) for each in located),
        search=SearchPlan(
            trials=given.search.trials,
            sampler=given.search.sampler,
            pruner=given.search.pruner,
            batch=min(given.search.batch, given.search.trials),
        ),
        design=DesignPlan(
            looks=tuple(given.design.repetitions),
            retrain=given.design.retrain,
            confidence=given.design.confidence,
            seed=given.design.seed,
            anew=given.design.anew,
            noise_floor=given.design.noise_floor,
            reserve=given.design.reserve,
        ),
        resources=ResourcePlan(
            cpus_per_trial=resources.cpus_per_trial,
            gpus_per_trial=resources.gpus_per_trial,
            max_parallel=None if resources.max_parallel == "auto" else resources.max_parallel,
            trial_timeout_seconds=resources.trial_timeout,
        ),
        strategy=given.training.strategy,
        data_source=given.data.source,
        data_path=_data_path(config),
        mlflow=None if given.tracking.mlflow == "auto" else given.tracking.mlflow,
        config=config.text,
    )


def _locate_all(config: LoadedConfig, locate: Locate, names: Sequence[str]) -> list[LocatedPair]:
    found: dict[str, LocatedPair] = {}
    for place, reference in enumerate(config.config.pairs):
        path: KeyPath = ("pairs", place)
        if reference == ALL and not names:
            raise config.error(path, "there is no built-in pair")
        for each in names if reference == ALL else (reference,):
            try:
                located = locate(each)
            except UserError as error:
                if error.file is not None:
                    raise  # the mistake is in the pair's own file, not in the config
                raise config.error(path, error.rule, error.value, error.hint) from None
            name = located.pair.name
            if name in found:
                raise config.error(path, f"pair '{name}' is chosen twice")
            found[name] = located
    return list(found.values())


def _check_margin(config: LoadedConfig, pairs: Sequence[Pair]) -> None:
    margin = config.config.design.margin
    if margin is None:
        return
    path: KeyPath = ("design", "margin")
    units = {pair.metric.unit: pair.name for pair in pairs}
    if len(units) > 1:
        told = ", ".join(f"{unit} ({name})" for unit, name in units.items())
        raise config.error(
            path,
            f"one margin cannot serve metrics of different units: {told}",
            hint="leave it out to use each pair's own",
        )
    for pair in pairs:
        if pair.metric.unit == "fraction" and margin >= 1:
            raise config.error(
                path,
                f"must be below 1, because {pair.metric.name} of pair '{pair.name}' is a fraction",
                written(margin),
                "2 points are 0.02",
            )


def _plan_pair(config: LoadedConfig, located: LocatedPair) -> PairPlan:
    pair = located.pair
    spaces = plan_spaces(config, pair)
    source = _source(config, pair)
    matched = is_matched(config, pair)
    margin = config.config.design.margin
    return PairPlan(
        name=pair.name,
        reference=located.reference,
        code=located.code,
        title=pair.title,
        question=pair.question,
        variants=(pair.reference.name, pair.challenger.name),
        metric=_metric(pair.metric),
        margin=pair.margin if margin is None else margin,
        epochs=config.config.search.epochs or pair.epochs,
        budget=pair.capacity.budget if matched and pair.capacity is not None else None,
        spaces=spaces,
        shared=shared_names(spaces),
        source=source.name,
        licence=source.licence,
        baseline=pair.baseline.name,
        also=tuple(_metric(metric) for metric in pair.also),
        why_not_sequential=pair.why_not_sequential,
        unmatched_because=None if matched else _why_unmatched(pair),
        published=_published(pair),
    )


def _metric(metric: Metric) -> MetricPlan:
    return MetricPlan(name=metric.name, direction=metric.direction, unit=metric.unit)


def _why_unmatched(pair: Pair) -> str:
    if pair.unmatched_because is not None:
        return pair.unmatched_because
    if pair.capacity is None:
        return "the pair names no hyperparameter that sets its size"
    return "the config says match: none"


def _published(pair: Pair) -> str | None:
    if pair.published is None:
        return None
    return f"{pair.published.finding.rstrip('.')} ({pair.published.source})"


def _source(config: LoadedConfig, pair: Pair) -> Source:
    kind = config.config.data.source
    for source in pair.sources:
        if source.kind == kind:
            return source
    has = ", ".join(dict.fromkeys(source.kind.value for source in pair.sources))
    raise config.error(
        ("data", "source"), f"pair '{pair.name}' has no {kind} source", hint=f"it has: {has}"
    )


def _data_path(config: LoadedConfig) -> str | None:
    """The absolute path; a file's is relative to its folder, the command line's to where it runs."""
    given = config.config.data.path
    if given is None:
        return None
    path: KeyPath = ("data", "path")
    folders = [config.folder, Path.cwd()]
    if path in config.overridden:
        folders.reverse()
    for folder in folders:
        candidate = folder / Path(given).expanduser()
        if candidate.exists():
            return str(candidate.resolve())
    raise config.error(path, "no such file or folder", given)
