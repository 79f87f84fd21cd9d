"""From a spec to the program that trains it and the state that its training starts from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from service.contracts.data import Examples
from service.contracts.pair import CONTROL, Hyperparameters, Pair, Scalar
from service.contracts.strategy import INPUTS_OF_A_PROGRAM, RATES_AS_CONSTANTS
from service.contracts.trial import TrialSpec, content_hash
from service.training import control, matching, strategies
from service.training.anatomy import parameters
from service.training.cache import ProgramCache, Ready
from service.training.initial import Blueprint, State, unfilled
from service.training.likeness import Likeness, likeness
from service.training.program import Objective
from service.training.rates import Rates


@dataclass(frozen=True)
class Start:
    """All that one training is given besides its examples.

    Args:
        ready: the program.
        state: the first values of its variables.
        rates: what else differs between trainings of this program.
    """

    ready: Ready
    state: State
    rates: Rates


class Models:
    """The models of one pair: their sizes, what each is like, and the programs that train them.

    Args:
        pair: whose models.
        programs: the process's cache, shared by all its pairs.
    """

    def __init__(self, pair: Pair, programs: ProgramCache) -> None:
        self.programs = programs
        self._pair = pair
        self._sizes: dict[str, int] = {}
        self._likeness: dict[str, Likeness] = {}

    def start(self, spec: TrialSpec, hyperparameters: Hyperparameters, train: Examples) -> Start:
        """The program and the start of this spec's training.

        A program takes any batch size, number of examples, learning rate and weight decay, and the
        dropout rates of all models that are alike.

        Args:
            spec: what is trained.
            hyperparameters: what `resolved` made of its own.
            train: the training examples.
        """
        given = _of_the_model(hyperparameters)
        decay = (
            float(hyperparameters["weight_decay"]) if "weight_decay" in hyperparameters else None
        )
        constants = spec.strategy in RATES_AS_CONSTANTS
        weights = None if self._pair.loss_weights is None else self._pair.loss_weights(given)
        objective = Objective(self._pair.loss, tuple(sorted(train.targets)), weights, decay)
        build = partial(self._pair.variant(spec.variant).build, given)
        wrap = control.rebuild if spec.variant == CONTROL else _as_it_is
        of = [spec.pair, spec.code, spec.data, spec.variant, spec.strategy]
        known, tried = None, None
        if not constants:
            known, tried = self._known(content_hash([*of, given]), lambda: wrap(build()))
        key = content_hash(
            [
                *of,
                given if known is None or known.digest is None else known.digest,
                None if weights is None else dict(weights),
                decay if constants else decay is None,
            ]
        )

        def compile_() -> Ready:
            blueprint = Blueprint(build, wrap, tried)
            return Ready(strategies.program(spec.strategy, blueprint.model, objective), blueprint)

        ready, _ = self.programs.get(key, compile_)
        return Start(
            ready,
            ready.blueprint.state(spec.seeds.weights, build),
            Rates(
                learning=float(hyperparameters["learning_rate"]),
                decay=decay or 0.0,
                dropout=None if known is None else known.dropout,
            ),
        )

    def _known(self, key: str, build: Callable[[], Any]) -> tuple[Likeness, State | None]:
        """What a model is like, and its first values where it was built to find out."""
        if key in self._likeness:
            return self._likeness[key], None
        self._likeness[key], tried = likeness(build)
        return self._likeness[key], tried

    def resolved(self, spec: TrialSpec) -> dict[str, Scalar]:
        """The spec's hyperparameters with the size solved where it is matched."""
        given = dict(spec.hyperparameters)
        capacity = self._pair.capacity
        if spec.budget is None or capacity is None:
            return given
        shape = _of_the_model(given)
        key = content_hash([self._pair.variant(spec.variant).name, spec.budget, shape])
        if key not in self._sizes:
            build = self._pair.variant(spec.variant).build

            def count(size: int) -> int:
                with unfilled():
                    return parameters(build({**shape, capacity.name: size}))

            self._sizes[key] = matching.solve(
                count, spec.budget, low=capacity.low, high=capacity.high
            )
        return {**given, capacity.name: self._sizes[key]}


def _of_the_model(hyperparameters: Hyperparameters) -> dict[str, Scalar]:
    """What a builder gets: without what concerns the optimizer and the order of the examples."""
    return {k: v for k, v in hyperparameters.items() if k not in INPUTS_OF_A_PROGRAM}


def _as_it_is(model: Any) -> Any:
    return model
