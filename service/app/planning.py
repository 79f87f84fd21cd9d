"""From a config file to a plan and the pairs and data it needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from service import catalog
from service.contracts.data import Dataset, SourceKind
from service.contracts.errors import UserError
from service.contracts.pair import LocatedPair
from service.contracts.plan import Plan
from service.plan.build import build_plan
from service.plan.load import LoadedConfig, load_config, parse_config


@dataclass(frozen=True)
class Planned:
    """A plan with the pairs it names.

    Args:
        plan: what to do.
        pairs: by name.
        config: the checked config, for messages that name its lines.
    """

    plan: Plan
    pairs: dict[str, LocatedPair]
    config: LoadedConfig


def load(path: Path, overrides: Sequence[str] = ()) -> Planned:
    """Read, check and complete a config; nothing heavy is imported.

    Raises:
        UserError: the first mistake, with its file, line, key, rule, value and nearest right name.
    """
    config = load_config(path, overrides)
    located: dict[str, LocatedPair] = {}

    def locate(reference: str) -> LocatedPair:
        found = catalog.locate(reference, base=path.parent)
        located[found.pair.name] = found
        return found

    plan = build_plan(config, locate, catalog.names())
    return Planned(plan, {pair.name: located[pair.name] for pair in plan.pairs}, config)


def named(planned: Planned, experiment: str) -> Planned:
    """The same under another name; no number changes."""
    return replace(planned, plan=planned.plan.model_copy(update={"experiment": experiment}))


def recorded(plan: Plan, key: str) -> Planned:
    """A plan from the ledger with its pairs; the config's file is not needed.

    Args:
        plan: the recorded plan.
        key: the experiment's, for messages.

    Raises:
        UserError: a pair cannot be found from the working directory.
    """
    config = parse_config(plan.config, f"the recorded config of {key}")
    located = {}
    for pair in plan.pairs:
        try:
            located[pair.name] = catalog.locate(pair.reference)
        except UserError as error:
            if error.file is not None:
                raise
            hint = f"{error.hint}; call it from the folder of the config that names the pair"
            raise UserError(error.rule, value=error.value, hint=hint) from None
    pairs = tuple(pair.model_copy(update={"code": located[pair.name].code}) for pair in plan.pairs)
    return Planned(plan.model_copy(update={"pairs": pairs}), located, config)


def with_data(planned: Planned, loaded: Mapping[str, Dataset]) -> Planned:
    """The same with the data's fingerprints in the plan."""
    fingerprints = {name: dataset.fingerprint for name, dataset in loaded.items()}
    return replace(planned, plan=planned.plan.with_data(fingerprints))


def datasets(planned: Planned) -> dict[str, Dataset]:
    """Load each pair's data from the source that the plan names.

    Raises:
        UserError: a package or a file is missing; it names what to install or to write.
    """
    plan = planned.plan
    path = None if plan.data_path is None else Path(plan.data_path)
    found: dict[str, Dataset] = {}
    for name, located in planned.pairs.items():
        source = next(s for s in located.pair.sources if s.kind == SourceKind(plan.data_source))
        try:
            found[name] = source.load(path)
        except UserError as error:
            raise planned.config.error(
                ("data", "source"), f"pair '{name}' {error.rule}", error.value, error.hint
            ) from error
    return found
