"""The config: every key with its meaning, its rule and its default; unknown keys are refused."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from service.contracts.plan import Backend
from service.contracts.strategy import STRATEGIES
from service.plan.values import (
    Address,
    Duration,
    Gpus,
    Looks,
    Name,
    Narrowed,
    Parallel,
    References,
    Section,
)


class SearchConfig(Section):
    """How hyperparameters are searched: the same for both variants."""

    trials: int = Field(
        default=8, ge=1, le=100_000, description="Trials per variant and repetition."
    )
    sampler: Literal["tpe", "random"] = Field(
        default="tpe",
        description="How trials are proposed: tpe learns from earlier batches, random does not.",
    )
    pruner: Literal["none", "median"] = Field(
        default="none",
        description="Which trials stop early: none, or those worse than the median of the earlier "
        "batches at the same epoch.",
    )
    epochs: int | None = Field(
        default=None,
        ge=1,
        le=100_000,
        description="The most epochs of a trial. Default: each pair's own.",
    )
    batch: int = Field(
        default=4,
        ge=1,
        le=100_000,
        description="Trials proposed at once. It is fixed here, so that proposals depend on "
        "neither the number of workers nor their speed.",
    )
    space: dict[str, Narrowed] = Field(
        default_factory=dict,
        description="Ranges that replace the pairs' own, by hyperparameter: a list of values, or "
        "{low, high, log}.",
    )


class DesignConfig(Section):
    """The statistics, fixed before the first trial."""

    repetitions: Looks = Field(
        default=[5],
        description="Looks: cumulative numbers of repetitions after which a verdict may be given, "
        "increasing. One number is one look.",
    )
    retrain: int = Field(
        default=2, ge=1, le=1_000, description="Fresh trainings of each study's winner."
    )
    margin: float | None = Field(
        default=None,
        gt=0,
        description="The smallest difference that matters, in the metric's unit (0.02 is 2 points "
        "of accuracy). Default: the pair's own.",
    )
    confidence: float = Field(
        default=0.95, gt=0.5, lt=1, description="Confidence of the intervals, 1 - alpha."
    )
    anew: Literal["split", "search", "seeds"] = Field(
        default="split",
        description="What each repetition draws anew: split (and with it search and seeds); search "
        "(and seeds, on one fixed split); or seeds alone (one split, one search). The verdict of the "
        "last two is labelled as conditional on what is fixed.",
    )
    noise_floor: bool = Field(
        default=False,
        description="Also tune and retrain the control, which is the reference's architecture, with "
        "seeds of its own: what two equal models differ by is shown beside the effect. It costs half "
        "as many trainings again.",
    )
    reserve: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="The share of alpha that is kept for `archduel extend`: with 0.5, the looks "
        "spend half of it, and extensions keep the error rate below it. With 0, an extension "
        "raises the error rate, to less than twice alpha.",
    )
    seed: int = Field(default=0, ge=0, le=2**63 - 1, description="The root of every random draw.")


class TrainingConfig(Section):
    """How trainings are computed; it changes how fast they are, and the last bits of results."""

    strategy: str = Field(
        default="auto",
        description="auto: measured for each pair, once, and kept; or "
        + "; ".join(f"{name}: {what}" for name, what in STRATEGIES.items())
        + ".",
    )


class ResourcesConfig(Section):
    """What a trial gets, and how many run at once."""

    cpus_per_trial: int = Field(
        default=1,
        ge=1,
        le=1_024,
        description="CPU threads per trial. They decide the last bits of a result.",
    )
    gpus_per_trial: Gpus = Field(
        default=0, description="GPUs per trial; a fraction shares one GPU."
    )
    max_parallel: Parallel = Field(
        default="auto", description="The most trials that run at once; auto is all that fit."
    )
    trial_timeout: Duration = Field(
        default=1800.0,
        description="The longest a trial may take: 90s, 30m, 1h30m, or a number of seconds.",
    )


class DataConfig(Section):
    """Where the data comes from."""

    source: Literal["packaged", "online", "path"] = Field(
        default="packaged",
        description="packaged: an installed package, no network; online: downloaded; path: your "
        "own files.",
    )
    path: Annotated[str, Field(min_length=1)] | None = Field(
        default=None,
        description="The file or folder for `source: path`, relative to this config's folder.",
    )


class TrackingConfig(Section):
    """Where MLflow keeps its copy of the results."""

    mlflow: Address = Field(
        default="auto",
        description="auto: SQLite and files under the home folder; or an http, https, file or "
        "sqlite address.",
    )


class Config(Section):
    """An experiment of archduel: which pairs compete, on what budget, and what decides."""

    model_config = ConfigDict(title="archduel experiment")

    experiment: Name = Field(
        description="Its name: lower-case letters, digits, '.', '_' and '-'; at most 63."
    )
    pairs: References = Field(
        description="What is compared: names of built-in pairs, ./file.py:PAIR, "
        "package.module:PAIR, or all."
    )
    backend: Backend = Field(default="tensorflow", description="The Keras backend.")
    search: SearchConfig = Field(default_factory=SearchConfig)
    design: DesignConfig = Field(default_factory=DesignConfig)
    match: Literal["parameters", "none"] | None = Field(
        default=None,
        description="parameters: both variants are solved to within 5% of one parameter count; "
        "none: each variant's size is searched. Default: parameters, but for pairs that say why "
        "not.",
    )
    training: TrainingConfig = Field(default_factory=TrainingConfig)
    resources: ResourcesConfig = Field(default_factory=ResourcesConfig)
    data: DataConfig = Field(default_factory=DataConfig)
    tracking: TrackingConfig = Field(default_factory=TrackingConfig)


def json_schema() -> str:
    """The JSON Schema that editors check a config with, as the text of a file."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Config.model_json_schema(),
    }
    return json.dumps(schema, indent=2) + "\n"


def main(arguments: list[str]) -> None:
    """Write the JSON Schema to the file named first, or to configs/archduel.schema.json."""
    target = Path(arguments[0] if arguments else "configs/archduel.schema.json")
    target.write_text(json_schema(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
