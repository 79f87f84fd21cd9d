"""Whole chunks of epochs as one compiled JAX program."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.contracts.data import Arrays, Examples
from service.training import scan_epochs
from service.training.program import PREDICTION_BATCH, Chunk, ModelProgram, Objective
from service.training.rates import RateInputs, Rates

ANSWER_BYTES = 8 * 1024**2
"""The most that the answers of one call may take; they come back whole, however few epochs."""


class ScanProgram(ModelProgram):
    """Some epochs, each with its answers to the watched examples, in one call of XLA's."""

    most_watched = sys.maxsize  # They are answered in windows.

    def __init__(self, model: Any, objective: Objective) -> None:
        super().__init__(model, objective)
        import jax

        self._jax = jax
        self.rates = RateInputs(model)
        self._given = self.rates.vector(Rates(learning=0.0))
        self._forward = jax.jit(scan_epochs.forward(model, self.targets))
        self._epochs: Any = None

    def start(self, state: list[NDArray[Any]], rates: Rates, train: Examples) -> None:
        self._reset(state, rates)
        self.show(rates)
        self._given = self.rates.vector(rates)
        if self._epochs is None:
            scan_epochs.build(self.model, train)
            self._epochs = self._jax.jit(
                scan_epochs.epochs(self.model, self.targets, self.rates, PREDICTION_BATCH),
                donate_argnums=0,
            )
        self._count = len(train)
        self._examples = (
            scan_epochs.on_device(train.inputs),
            scan_epochs.on_device(train.targets),
        )

    def train(self, orders: NDArray[np.int32], watched: Arrays | None) -> Chunk:
        most = self._most(orders, watched)
        parts = [
            self._call(orders[first : first + most], watched)
            for first in range(0, len(orders), most)
        ]
        losses = np.concatenate([losses for losses, _ in parts]).astype(np.float64)
        if watched is None:
            return Chunk(losses, None)
        return Chunk(
            losses,
            {name: np.concatenate([part[name] for _, part in parts]) for name in self.targets},
        )

    def _call(
        self, orders: NDArray[np.int32], watched: Arrays | None
    ) -> tuple[NDArray[Any], dict[str, NDArray[Any]]]:
        epochs, steps, batch = orders.shape
        padded = np.zeros((self._most(orders, watched), self._steps(batch), batch), np.int32)
        padded[:epochs, :steps] = orders
        seen = None if watched is None else scan_epochs.on_device(watched)
        # The old state is given away: its memory becomes the new one's.
        state, losses, answers = self._epochs(
            self._state(), self._examples, seen, padded, np.int32(epochs), np.int32(steps)
        )
        self.load(state)
        here = {name: np.asarray(answer)[:epochs] for name, answer in answers.items()}
        return np.asarray(losses)[:epochs], here

    def _most(self, orders: NDArray[np.int32], watched: Arrays | None) -> int:
        answers = 0 if watched is None else len(next(iter(watched.values()))) * self.answer_bytes
        batch = orders.shape[2]
        return scan_epochs.capacity(self._steps(batch), batch, answers, ANSWER_BYTES)

    def _steps(self, batch: int) -> int:
        """The most steps that an epoch over the examples may have."""
        return self._count // batch

    @property
    def answer_bytes(self) -> int:
        """What the model's answer to one example takes."""
        return 4 * sum(int(np.prod([n or 1 for n in o.shape[1:]])) for o in self.model.outputs)

    def initial(self, state: list[NDArray[Any]], rates: Rates) -> list[NDArray[Any]]:
        """The values that a training with this state and these rates starts from, as `load` takes them."""
        optimizer = self.model.optimizer
        values = dict(
            zip(
                map(id, [*self._variables, *optimizer.variables]),
                [*state, *self._fresh],
                strict=True,
            )
        )
        values[id(optimizer.learning_rate)] = np.array(rates.learning, np.float32)
        own = [values[id(variable)] for variable in scan_epochs.variables(self.model)]
        return [*own, self.rates.vector(rates)]

    def load(self, state: scan_epochs.State) -> None:
        """Give the model and its optimizer these values."""
        for variable, value in zip(scan_epochs.variables(self.model), state[:-1], strict=True):
            variable.assign(value)

    def show(self, rates: Rates) -> None:
        """Have the model tell these rates, as one that was built with them would."""
        self.rates.show(rates)

    def _state(self) -> scan_epochs.State:
        return [*(one.value for one in scan_epochs.variables(self.model)), self._given]

    def _predict(self, inputs: Arrays) -> Any:
        return self._forward(self._state(), inputs)
