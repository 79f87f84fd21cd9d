"""The ways to run a training: what a plan may choose from, a worker carries out, a report shows."""

from __future__ import annotations

from service.contracts.trial import (
    OF_THE_OPTIMIZER,
    Frozen,
    TrialSpec,
    content_hash,
    group_key,
    shape,
)

STRATEGIES = {
    "fit": "Keras' own fit, an epoch at a time; every backend has it",
    "graph": "whole epochs as one TensorFlow graph",
    "xla": "the same graph compiled by XLA",
    "scan": "whole epochs as one JAX program",
    "vmap/8": "the same for 8 trainings at once",
    "vmap/32": "the same for 32 trainings at once",
    "vmap/128": "the same for 128 trainings at once",
}
"""Every strategy by name, with what it does."""

OF_BACKEND = {
    "tensorflow": ("graph", "xla", "fit"),
    "jax": ("scan", "fit", "vmap/8", "vmap/32", "vmap/128"),
    "torch": ("fit",),
}
"""What each backend can do; the first is taken where nothing was measured."""


def described(strategy: str) -> str:
    """What a strategy does, in words."""
    return STRATEGIES.get(strategy, "")


def width(strategy: str) -> int:
    """How many trials of one `service.contracts.trial.group_key` this strategy trains at once."""
    name, _, number = strategy.partition("/")
    return int(number) if name == "vmap" else 1


INPUTS_OF_A_PROGRAM = OF_THE_OPTIMIZER | {"batch_size"}
"""Hyperparameters that no builder gets: the model is the same for all values."""

RATES_AS_CONSTANTS = frozenset({"fit"})
"""Strategies that compile a program for each dropout rate and weight decay."""


ANY_BATCH = frozenset({"fit", "graph"})
"""Strategies whose programs serve any batch size and number of epochs."""


def program_key(spec: TrialSpec) -> str:
    """What trials share that one compiled program serves, as far as can be told without building.

    The same for trials of other studies, repetitions and seeds; who has compiled a program for one
    of them should train the others. It is a belief (see `service.contracts.trial.shape`): the
    worker builds the models and knows; where the belief is wrong time is lost, and nothing else.
    """
    if spec.strategy not in ANY_BATCH:
        return group_key(spec)
    own = spec.hyperparameters
    given = {n: own[n] for n in own if n not in ("learning_rate", "batch_size")}
    if spec.strategy not in RATES_AS_CONSTANTS:
        given = shape(given)
    return content_hash([spec.pair, spec.code, spec.variant, spec.budget, spec.strategy, given])


class Timing(Frozen):
    """What one strategy took for one variant, measured on one of the experiment's workers.

    Args:
        variant: whose model it was; its hyperparameters were in the middle of the ranges.
        strategy: how it was computed.
        compile_seconds: from nothing to a program that was run once.
        epoch_seconds: a warm epoch of one training, with the answers that score it.
        error: why it could not be measured, in one line; the seconds mean nothing then.
    """

    variant: str
    strategy: str
    compile_seconds: float = 0.0
    epoch_seconds: float = 0.0
    error: str | None = None


class StrategyChoice(Frozen):
    """How a pair's trainings are computed: the same for both variants, chosen once, kept on resume.

    Args:
        strategy: its name.
        reason: why this one, in a sentence.
        timings: what was measured, nothing where the config says which or where no measurement
            could pay.
    """

    strategy: str
    reason: str
    timings: tuple[Timing, ...] = ()
