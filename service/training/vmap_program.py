"""Many trainings of one program at once, vectorised by JAX over a fixed number of slots.

The width is part of the strategy's name, so that the bits of a training do not depend on how many
happened to be waiting: a batch with fewer members repeats its last one, whose numbers are dropped.
Nor do they depend on who else is in the batch, or on the place in it; a test holds that on a CPU.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.contracts.data import Arrays, Examples
from service.training import scan_epochs, vmap_memory
from service.training.program import Chunk, Objective
from service.training.rates import Rates
from service.training.scan_program import ScanProgram

STACKED_BYTES = 256 * 1024**2
"""The most that the data of all slots may take for each to have its own; beyond, they share it."""

ANSWER_BYTES = 64 * 1024**2
"""The most that the answers of all slots in one call may take."""

WATCHED_AT_ONCE = 4096
"""Watched examples answered at once, over all slots."""


class Member:
    """One training of a group, between its chunks and after its last.

    Args:
        program: what it is trained by.
        values: of the variables, in the program's order, and the vector of its rates.
        rates: those.
        train: its training examples.
        watched: inputs to be answered after each epoch, or None.
    """

    def __init__(
        self,
        program: VmapProgram,
        values: list[NDArray[Any]],
        rates: Rates,
        train: Examples,
        watched: Arrays | None,
    ) -> None:
        self._program = program
        self._values = values
        self._batch: Batch | None = None
        self._place = 0
        self.rates = rates
        self.train = train
        self.watched = watched

    @property
    def values(self) -> list[NDArray[Any]]:
        """Of the variables, as its training has left them."""
        return self._values if self._batch is None else self._batch.values(self._place)

    def joins(self, batch: Batch, place: int) -> None:
        """From here on its values are what the batch has in this place."""
        self._batch, self._place = batch, place

    @property
    def model(self) -> Any:
        """The program's model with this member's weights, until another's are asked for."""
        return self._program.loaded(self).model

    @property
    def architecture(self) -> Any:
        """The program's model, whoever's weights it has now."""
        self._program.show(self.rates)
        return self._program.model

    def weights(self) -> list[NDArray[Any]]:
        """As `service.training.program.Trained.weights`, without loading them into the model."""
        mine = self.values
        return [np.array(mine[place]) for place in self._program.weights]

    def predict(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        """The model's outputs by target name, each of shape (examples, ...)."""
        return self._program.loaded(self).predict(inputs)

    def capture(self) -> list[NDArray[Any]]:
        """As `service.training.program.Program.capture`."""
        return self._program.loaded(self).capture()


class VmapProgram:
    """A model's training, for `width` trainings at once.

    Args:
        model: what is trained.
        objective: what it minimises.
        width: how many slots there are.
    """

    most_watched = ScanProgram.most_watched

    def __init__(self, model: Any, objective: Objective, width: int) -> None:
        self.width = width
        self.model = model
        self._single = ScanProgram(model, objective)
        self._loaded: Member | None = None
        self._compiled: dict[str, Any] = {}
        places = {id(one): at for at, one in enumerate(scan_epochs.variables(model))}
        self.weights = [places[id(weight)] for weight in model.weights]

    def member(
        self,
        state: list[NDArray[Any]],
        rates: Rates,
        train: Examples,
        watched: Arrays | None,
    ) -> Member:
        """A new training; see `service.training.program.Program.start`."""
        return Member(self, self._single.initial(state, rates), rates, train, watched)

    def shares(self, train: Examples) -> bool:
        """Whether the members of a batch must have the same examples: they are too large to stack."""
        arrays = [*train.inputs.values(), *train.targets.values()]
        return self.width * sum(array.nbytes for array in arrays) > STACKED_BYTES

    def batch(self, members: Sequence[Member]) -> Batch:
        """Members that train together: at most `width`, with equally many examples of each kind."""
        return Batch(self, members)

    def loaded(self, member: Member) -> ScanProgram:
        """The program of one training, with this member's values."""
        if self._loaded is not member:
            self._single.load(member.values)
            self._loaded = member
        self.show(member.rates)
        return self._single

    def show(self, rates: Rates) -> None:
        """Have the model tell these rates, whoever's weights it has now."""
        self._single.show(rates)

    def trained(self) -> None:
        """What is loaded has been trained further meanwhile."""
        self._loaded = None

    def release(self) -> None:
        """Let go of the training that is loaded, and of its examples."""
        self._loaded = None
        self._single.release()

    def shape(self, member: Member, batch: int) -> tuple[int, int, int]:
        """The most epochs and steps that a call may have, with the size of a batch."""
        steps = len(member.train) // batch
        watched = member.watched
        examples = 0 if watched is None else len(next(iter(watched.values())))
        answers = self.width * examples * self._single.answer_bytes
        return scan_epochs.capacity(steps, batch, answers, ANSWER_BYTES), steps, batch

    def compiled(self, train: Examples, *arguments: Any) -> Any:
        """The compiled function for arguments of these shapes.

        Raises:
            MemoryError: so many slots do not fit.
        """
        import jax

        shapes = jax.tree.map(lambda array: (array.shape, str(array.dtype)), arguments[1:])
        key = str(shapes)
        if key not in self._compiled:
            scan_epochs.build(self.model, train)
            window = max(1, WATCHED_AT_ONCE // self.width)
            run = scan_epochs.epochs(self.model, self._single.targets, self._single.rates, window)
            data = None if self.shares(train) else 0
            many = jax.vmap(run, in_axes=(0, data, data, 0, None, None))
            ready = jax.jit(many, donate_argnums=0).lower(*arguments).compile()
            vmap_memory.check_fits(ready, self.width)
            self._compiled[key] = ready
        return self._compiled[key]


class Batch:
    """Members that train together; one that leaves keeps the values it had then.

    Args:
        program: what trains them.
        members: at most as many as the program has slots.
    """

    def __init__(self, program: VmapProgram, members: Sequence[Member]) -> None:
        self.members = list(members)
        self._program = program
        slots = [*members, *[members[-1]] * (program.width - len(members))]
        self._state = [np.stack(parts) for parts in zip(*(s.values for s in slots), strict=True)]
        self._host: list[NDArray[Any]] | None = None
        train, watched = slots[0].train, slots[0].watched
        if program.shares(train):
            self._examples = (
                scan_epochs.on_device(train.inputs),
                scan_epochs.on_device(train.targets),
            )
            self._watched = None if watched is None else scan_epochs.on_device(watched)
        else:
            self._examples = (
                _stacked([slot.train.inputs for slot in slots]),
                _stacked([slot.train.targets for slot in slots]),
            )
            self._watched = (
                None if watched is None else _stacked([slot.watched or {} for slot in slots])
            )
        for place, member in enumerate(members):
            member.joins(self, place)

    def values(self, place: int) -> list[NDArray[Any]]:
        """The values of the member in this place."""
        if self._host is None:
            self._host = [np.asarray(array) for array in self._state]
        return [array[place] for array in self._host]

    def prepare(self, batch: int) -> None:
        """Compile what training with batches of this many examples needs.

        Raises:
            MemoryError: so many slots do not fit.
        """
        self._compiled(self._padded(np.zeros((self._program.width, 0, 0, batch), np.int32)))

    def train(self, orders: Sequence[NDArray[np.int32]]) -> list[Chunk]:
        """Train for some epochs; how they are cut into chunks changes no number.

        Args:
            orders: for each member, shape (epochs, steps, batch size).

        Returns:
            What each member's epochs showed, its answers to its watched inputs included.
        """
        slots = np.stack([*orders, *[orders[-1]] * (self._program.width - len(orders))])
        most = self._program.shape(self.members[0], slots.shape[3])[0]
        parts = [self._call(slots[:, at : at + most]) for at in range(0, slots.shape[1], most)]
        self._host = None
        self._program.trained()
        losses = np.concatenate([losses for losses, _ in parts], axis=1).astype(np.float64)
        answers = {
            name: np.concatenate([part[name] for _, part in parts], axis=1) for name in parts[0][1]
        }
        return [
            Chunk(
                losses[place],
                {name: value[place] for name, value in answers.items()} if answers else None,
            )
            for place in range(len(self.members))
        ]

    def _call(self, orders: NDArray[np.int32]) -> tuple[NDArray[Any], dict[str, NDArray[Any]]]:
        _, epochs, steps, _ = orders.shape
        padded = self._padded(orders)
        self._state, losses, answers = self._compiled(padded)(
            self._state,
            self._examples,
            self._watched,
            padded,
            np.int32(epochs),
            np.int32(steps),
        )
        here = {name: np.asarray(value)[:, :epochs] for name, value in answers.items()}
        return np.asarray(losses)[:, :epochs], here

    def _padded(self, orders: NDArray[np.int32]) -> NDArray[np.int32]:
        """These orders in the shape that a call takes."""
        slots, epochs, steps, batch = orders.shape
        shape = self._program.shape(self.members[0], batch)
        padded = np.zeros((slots, *shape), np.int32)
        padded[:, :epochs, :steps] = orders
        return padded

    def _compiled(self, orders: NDArray[np.int32]) -> Any:
        return self._program.compiled(
            self.members[0].train,
            self._state,
            self._examples,
            self._watched,
            orders,
            np.int32(0),
            np.int32(0),
        )


def _stacked(slots: list[Arrays]) -> dict[str, Any]:
    """Each slot's own arrays, by name, with the slots as the first axis."""
    import jax.numpy as jnp

    return {name: jnp.asarray(np.stack([slot[name] for slot in slots])) for name in slots[0]}
