"""A pair: one use case, its data, its metric, and the two variants that compete on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from service.contracts.data import Arrays, Examples, Source, Splitter
from service.contracts.display import Display
from service.contracts.errors import UserError
from service.contracts.metric import Metric

Scalar = bool | int | float | str
Hyperparameters = Mapping[str, Scalar]

CONTROL = "control"
"""The reserved variant name of the sequential variant rebuilt through the Functional API."""


@dataclass(frozen=True)
class Choice:
    """A categorical hyperparameter. Shape-changing ones should be choices: programs stay few."""

    values: tuple[Scalar, ...]

    def __init__(self, *values: Scalar) -> None:
        if not values:
            raise UserError("a Choice must offer at least one value")
        object.__setattr__(self, "values", values)


@dataclass(frozen=True)
class Real:
    """A real hyperparameter in [low, high], searched on a log scale if `log`."""

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        _check_range(self.low, self.high, self.log)


@dataclass(frozen=True)
class Whole:
    """An integer hyperparameter in [low, high], searched on a log scale if `log`."""

    low: int
    high: int
    log: bool = False

    def __post_init__(self) -> None:
        _check_range(self.low, self.high, self.log)


def _check_range(low: float, high: float, log: bool) -> None:
    if not low <= high:
        raise UserError("low <= high must hold", value=(low, high))
    if log and low <= 0:
        raise UserError("a log range must start above 0", value=low)


Range = Choice | Real | Whole
Space = Mapping[str, Range]


@dataclass(frozen=True)
class Variant:
    """One architecture.

    Args:
        name: "sequential", "functional", or a user's own name; never "control".
        build: hyperparameters -> an uncompiled Keras model. It gets all but `learning_rate`,
            `weight_decay` and `batch_size`, which a compiled model takes from each trial anew. It
            imports Keras inside, so that planning never loads a backend. Input names are the data set's; a model of several
            outputs returns a dict by target name.
        space: hyperparameters that only this variant has, beside the pair's shared ones.
        view: the data set's inputs -> this variant's inputs (for example two images stacked as
            channels of one); None where the model takes them as they are.
        answer: (the model's forward pass, inputs) -> predictions, where one forward pass is not an
            answer (greedy decoding); the forward pass is arrays by name to arrays by target name.
    """

    name: str
    build: Callable[[Hyperparameters], Any]
    space: Space = field(default_factory=dict)
    view: Callable[[Arrays], Arrays] | None = None
    answer: Callable[[Callable[[Arrays], Arrays], Arrays], Arrays] | None = None


@dataclass(frozen=True)
class Capacity:
    """The hyperparameter that sets a model's size.

    With `match: parameters` it is not searched: for every trial it is solved so that the model's
    parameter count comes as near `budget` as whole numbers allow; so both variants are of one size.
    With `match: none` it is searched over `choices`.

    Args:
        name: the hyperparameter ("width"); the parameter count must grow with it.
        budget: parameters each model is matched to.
        choices: the values searched when sizes are not matched.
        low, high: the integers between which the solution is looked for.
    """

    name: str
    budget: int
    choices: tuple[int, ...]
    low: int = 2
    high: int = 1024


@dataclass(frozen=True)
class Baseline:
    """The trivial answer that both variants must beat.

    Args:
        name: what it does ("always the most frequent class").
        predict: (training examples, inputs to answer) -> predictions by target name, shaped as the
            model's outputs are.
    """

    name: str
    predict: Callable[[Examples, Arrays], Arrays]


@dataclass(frozen=True)
class Published:
    """A published result that the finding can be held against."""

    finding: str
    source: str


@dataclass(frozen=True)
class Pair:
    """One use case, ready to be run: see any file in `experiments/pairs`.

    Args:
        name: a word, unique among pairs.
        title: one line for tables and headings.
        question: what this pair finds out, in a sentence or two.
        sources: where its data can come from; the first packaged one is the default.
        split: draws train, validation and test positions; time and identity are its business.
        metric: the primary metric; the verdict is about it alone.
        loss: a Keras loss by name, or by target name where there are several targets.
        variants: the reference (a straight stack) and the challenger (a graph), in this order: a
            positive difference means that the second is better.
        shared_space: hyperparameters both variants have, with identical ranges. `learning_rate`
            and `batch_size` must be among them; the optimizer is Adam, with decoupled weight decay
            where `weight_decay` is among them.
        epochs: the most epochs of a training, where a config does not say another number.
        capacity: the size hyperparameter, or None where `match: parameters` cannot apply.
        baseline: the trivial answer that both variants must beat.
        margin: the smallest difference that matters, in the metric's unit; a config may set its own.
        also: further metrics, read with the test split; nothing is decided by them.
        references: further trivial answers, shown beside the baseline; nothing is decided by them.
        loss_weights: hyperparameters, as a builder gets them -> each target's weight in the loss, where there are several.
        prepare: training examples -> a transformation applied to every split. It is fitted on
            training examples alone, so that nothing leaks. Where it keeps how many examples there
            are, it keeps their order.
        why_not_sequential: what makes the challenger impossible as a straight stack, or None.
        published: a published result to hold the finding against.
        unmatched_because: why the sizes are not matched by default, where they are not.
        show: by input or target name, how a report shows it where its shape does not say it.
    """

    name: str
    title: str
    question: str
    sources: tuple[Source, ...]
    split: Splitter
    metric: Metric
    loss: str | Mapping[str, str]
    variants: tuple[Variant, Variant]
    shared_space: Space
    baseline: Baseline
    margin: float
    epochs: int = 10
    capacity: Capacity | None = None
    also: tuple[Metric, ...] = ()
    references: tuple[Baseline, ...] = ()
    loss_weights: Callable[[Hyperparameters], Mapping[str, float]] | None = None
    prepare: Callable[[Examples], Callable[[Examples], Examples]] | None = None
    why_not_sequential: str | None = None
    published: Published | None = None
    unmatched_because: str | None = None
    show: Mapping[str, Display] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = [variant.name for variant in self.variants]
        if len(set(names)) != 2 or CONTROL in names:
            raise UserError(
                f"pair '{self.name}': the two variants need different names, none of them '{CONTROL}'",
                value=names,
            )
        for key in ("learning_rate", "batch_size"):
            if key not in self.shared_space:
                raise UserError(f"pair '{self.name}': shared_space must hold '{key}'")
        for variant in self.variants:
            twice = set(variant.space) & set(self.shared_space)
            if twice:
                raise UserError(
                    f"pair '{self.name}': a hyperparameter of '{variant.name}' is shared already",
                    value=sorted(twice),
                )

    @property
    def reference(self) -> Variant:
        """The first variant, the straight stack."""
        return self.variants[0]

    @property
    def challenger(self) -> Variant:
        """The second variant, the graph."""
        return self.variants[1]

    def variant(self, name: str) -> Variant:
        """The variant of this name; the control is built from the reference."""
        for variant in self.variants:
            if variant.name == name:
                return variant
        if name == CONTROL:
            return self.reference
        raise UserError(f"pair '{self.name}' has no variant", value=name)

    def space(self, variant: Variant, *, matched: bool) -> dict[str, Range]:
        """What is searched for this variant: shared, its own, and the size unless it is matched."""
        space: dict[str, Range] = {**self.shared_space, **variant.space}
        if self.capacity is not None and not matched:
            space[self.capacity.name] = Choice(*self.capacity.choices)
        return space


@dataclass(frozen=True)
class LocatedPair:
    """A pair together with what a worker needs to find the same one.

    Args:
        pair: the pair itself.
        reference: where it was found: a name, "./file.py:PAIR" or "package.module:PAIR".
        code: digest of its code and of all the code its results depend on.
        text: the file's text where it came from a file outside any package: it travels as text.
    """

    pair: Pair
    reference: str
    code: str
    text: str | None = None
