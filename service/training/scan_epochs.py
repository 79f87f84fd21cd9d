"""Epochs of training as one pure function of arrays, for JAX to compile, vectorise and shard.

Keras' own stateless training step does the work: loss, gradients, optimizer, batch normalisation,
and dropout, whose generators' states are among the variables that no gradient changes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from service.contracts.data import Arrays, Examples
from service.training.packing import named, packed
from service.training.rates import RateInputs
from service.training.resident import Resident

MOST_EPOCHS = 64
"""The most epochs in a call."""

ORDER_BYTES = 4 * 1024**2
"""The most that the orders of a call's epochs may take, for each training in it."""

State = list[Any]
"""Values of the variables that `variables` lists, in its order, and then the vector of rates (see
`service.training.rates.RateInputs`), which nothing changes."""


def variables(model: Any) -> list[Any]:
    """What a training changes: trainable variables, then the others, then the optimizer's."""
    return [
        *model.trainable_variables,
        *model.non_trainable_variables,
        *model.optimizer.variables,
    ]


def forward(model: Any, targets: list[str]) -> Callable[[State, Any], dict[str, Any]]:
    """(state, inputs by name) -> outputs by target name."""
    trainable = len(model.trainable_variables)
    end = trainable + len(model.non_trainable_variables)

    def answer(state: State, inputs: Any) -> dict[str, Any]:
        weights, others = state[:trainable], state[trainable:end]
        outputs, _ = model.stateless_call(weights, others, packed(inputs), training=False)
        return named(outputs, targets)

    return answer


def epochs(
    model: Any, targets: list[str], rates: RateInputs, window: int
) -> Callable[..., tuple[State, Any, dict[str, Any]]]:
    """The function that trains this model.

    It takes a state, the training examples (inputs and targets by name), the watched inputs or
    None, orders of shape (most epochs, most steps, batch size), and how many of these epochs and
    steps to train: inputs and no shapes, so that chunks of any length share one compilation. It
    returns the new state, losses of shape (most epochs,) and answers, each of shape (most epochs,
    examples, ...); what lies behind the epochs trained means nothing.

    Args:
        model: compiled, and built by `build`.
        targets: the targets' names.
        rates: where the model reads its rates.
        window: watched examples that are answered at once.
    """
    import jax
    import jax.numpy as jnp

    forwards = forward(model, targets)
    spread = _spread()
    cuts = _cuts(model)
    unused = [jnp.zeros(variable.shape, variable.dtype) for variable in model.metrics_variables]

    def answer(state: State, watched: Any) -> dict[str, Any]:
        examples = len(next(iter(watched.values())))
        if examples <= window:
            return forwards(state, watched)
        rounds = -(-examples // window)
        positions = jnp.arange(rounds * window).reshape(rounds, window) % examples
        parts = jax.lax.map(
            lambda part: forwards(state, {name: all[part] for name, all in watched.items()}),
            positions,
        )
        return {name: part.reshape(-1, *part.shape[2:])[:examples] for name, part in parts.items()}

    def epoch(state: State, examples: Any, order: Any, steps: Any) -> tuple[State, Any]:
        def step(at: Any, carry: Any) -> Any:
            parts, _ = carry
            positions = order[at]
            inputs, outputs = jax.tree.map(lambda array: spread(array[positions]), examples)
            with rates.traced(state[-1]):
                logs, parts = model.train_step(parts, (packed(inputs), packed(outputs)))
            return list(parts), logs["loss"]  # Keras' loss is the mean of the epoch so far.

        parts = [*(state[start:end] for start, end in cuts), unused]
        parts, loss = jax.lax.fori_loop(0, steps, step, (parts, jnp.float32(0)))
        return [*(value for part in parts[:3] for value in part), state[-1]], loss

    def run(
        state: State, examples: Any, watched: Any, orders: Any, epochs: Any, steps: Any
    ) -> tuple[State, Any, dict[str, Any]]:
        most = len(orders)
        shapes = {} if watched is None else jax.eval_shape(answer, state, watched)
        losses = jnp.zeros(most, jnp.float32)
        answers = jax.tree.map(lambda one: jnp.zeros((most, *one.shape), one.dtype), shapes)

        def one(at: Any, carry: Any) -> Any:
            state, losses, answers = carry
            state, loss = epoch(state, examples, orders[at], steps)
            if watched is not None:
                given = answer(state, watched)
                answers = jax.tree.map(lambda all, now: all.at[at].set(now), answers, given)
            return state, losses.at[at].set(loss), answers

        state, losses, answers = jax.lax.fori_loop(0, epochs, one, (state, losses, answers))
        return state, losses, answers

    return run


def _spread() -> Callable[[Any], Any]:
    """Lays a batch over the devices of a trial, where it has several that divide it evenly."""
    import jax
    import keras

    distribution = keras.distribution.distribution()
    if distribution is None:
        return lambda batch: batch
    devices = distribution.device_mesh.devices.size

    def spread(batch: Any) -> Any:
        if batch.shape[0] % devices:
            return batch
        layout = distribution.get_data_layout(batch.shape).backend_layout
        return jax.lax.with_sharding_constraint(batch, layout)

    return spread


def _cuts(model: Any) -> list[tuple[int, int]]:
    """Where a state's trainable variables, its others and its optimizer's begin and end."""
    sizes = [
        len(model.trainable_variables),
        len(model.non_trainable_variables),
        len(model.optimizer.variables),
    ]
    ends = [sum(sizes[: place + 1]) for place in range(3)]
    return list(zip([0, *ends[:2]], ends, strict=True))


def build(model: Any, train: Examples) -> None:
    """Make the variables that Keras makes when it first sees data: the trackers of losses."""
    one = train.take(np.arange(1))
    model._symbolic_build(data_batch=(packed(one.inputs), packed(one.targets)))


def capacity(steps: int, batch: int, answers: int, most_answers: int) -> int:
    """How many epochs a call may have.

    Args:
        steps, batch: of an epoch.
        answers: bytes of the answers after one epoch.
        most_answers: bytes that the answers of a call may take.
    """
    by_orders = ORDER_BYTES // (4 * steps * batch)
    by_answers = most_answers // max(1, answers)
    return max(1, min(MOST_EPOCHS, by_orders, by_answers))


@cache
def resident() -> Resident:
    """Where this process keeps its data on the device."""
    import jax.numpy as jnp

    return Resident(jnp.asarray)


def on_device(arrays: Arrays) -> dict[str, Any]:
    """These arrays where JAX computes, by name."""
    return {name: resident().of(array) for name, array in arrays.items()}
