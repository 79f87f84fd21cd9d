"""What travels to a worker: a small frozen spec with names in it, whose hash is its identity."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from service.contracts.pair import Scalar

_UNKNOWN: set[str] = set()


class Frozen(BaseModel):
    """An immutable record that refuses unknown fields and values that are not finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def model_post_init(self, context: Any, /) -> None:
        """Forget which fields were given and which are defaults: nothing here asks.

        Each record would keep a set of names of its own, a third of the memory of a trial's result,
        and a driver holds thousands of those.
        """
        object.__setattr__(self, "__pydantic_fields_set__", _UNKNOWN)


def content_hash(document: Any, length: int = 24) -> str:
    """The SHA-256 of a JSON document in canonical form, `length` hexadecimal digits of it."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:length]


class Stage(StrEnum):
    """Why a trial is run."""

    SEARCH = "search"
    """One of a study's trials: scored on the validation split."""
    RETRAIN = "retrain"
    """A study's winner with fresh seeds: scored once on the test split."""
    CONTROL = "control"
    """The reference rebuilt through the Functional API: it must end with the same weights."""


class Status(StrEnum):
    """How a trial ended. Missing is a status, never a number."""

    OK = "ok"
    PRUNED = "pruned"
    FAILED = "failed"
    DIVERGED = "diverged"
    OUT_OF_MEMORY = "out of memory"
    TIMED_OUT = "timed out"
    LOST = "lost"


class Seeds(Frozen):
    """The seeds of one trial, each derived from named parts of the plan.

    Args:
        split: draws train, validation and test; shared by everything in a repetition.
        weights: initial weights and dropout.
        order: the order of the training examples in each epoch.
    """

    split: int
    weights: int
    order: int


class Runtime(Frozen):
    """What of the machine decides the bits of a result.

    Args:
        backend: tensorflow, jax or torch.
        threads: CPU threads per trial.
        gpus: GPUs per trial; a fraction shares one.
    """

    backend: str = "tensorflow"
    threads: int = Field(default=1, ge=1)
    gpus: float = Field(default=0.0, ge=0)


class TrialSpec(Frozen):
    """One training of one variant, told completely.

    Args:
        pair: the pair's name.
        code: digest of the code that decides the result (the pair's, its data's, the trainer's).
        data: fingerprint of the data set.
        variant: the variant's name, or "control".
        stage: why it is run.
        repetition: which paired replicate it belongs to, from 0.
        number: its place within its study and stage, from 0.
        hyperparameters: what the builder gets, but for the size when that is matched.
        budget: parameters the model is matched to, or None.
        epochs: the most epochs it may train.
        seeds: every random draw comes from these.
        runtime: what of the machine decides the bits.
        strategy: how it is computed (`service.contracts.strategy`); that decides the last bits.
        prune_at: per epoch the validation score below (or, to be minimised, above) which the trial
            stops; empty where nothing is pruned.
    """

    pair: str
    code: str
    data: str
    variant: str
    stage: Stage
    repetition: int
    number: int
    hyperparameters: dict[str, Scalar]
    budget: int | None
    epochs: int
    seeds: Seeds
    runtime: Runtime
    strategy: str = "graph"
    prune_at: tuple[float | None, ...] = ()

    @cached_property
    def id(self) -> str:
        """The content hash of everything above: the same trial has the same identity anywhere."""
        return content_hash(self.model_dump(mode="json"))


OF_THE_OPTIMIZER = frozenset({"learning_rate", "weight_decay"})
"""Hyperparameters that have no part in a model."""


def shape(hyperparameters: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """What of these is believed to decide the shapes of a model.

    A number that need not be whole is taken for the rate of a dropout, which matters only in
    whether it is 0: then there is nothing to draw.
    """
    return {
        name: value != 0 if isinstance(value, float) else value
        for name, value in hyperparameters.items()
        if name not in OF_THE_OPTIMIZER
    }


def group_key(spec: TrialSpec) -> str:
    """What trials must share to be sent to train together (see `service.contracts.strategy.width`).

    They may differ in seeds, stage, pruning and rates: one compiled program serves them, unless the
    belief of `shape` is wrong; then the worker parts them.
    """
    shared = spec.model_dump(
        mode="json",
        include={"pair", "code", "data", "variant", "budget", "epochs", "runtime", "strategy"},
    )
    return content_hash([shared, shape(spec.hyperparameters)])
