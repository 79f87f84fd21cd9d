"""The initial state of a model for any seed, without building the model again.

Building a Keras model costs 50 ms and more, drawing its weights one or two. Keras gives every
initializer and every generator (dropout) a seed of its own, drawn from Python's generator in the
order in which they are made. So a blueprint builds the model once, finds out which draw each of
them got, and then redraws for another seed. Whether that equals a new build, bit for bit, is not
believed but tried, once for each blueprint; where it does not (a builder that draws by itself, or
asks for values in a way that is not seen here), the model is built anew for each seed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.training.program import values, variables
from service.training.seeding import seed_builders

State = list[NDArray[Any]]

TEMPLATE_SEED = 20_260_101
TRIED_SEED = 7
DRAWS_PER_VARIABLE = 4
"""Draws looked through for a variable's seed: layers make initializers that end up unused, too."""


@dataclass(frozen=True)
class _Drawn:
    """A variable whose values an initializer draws with the seed of the `draw`-th draw."""

    initializer: Any
    shape: tuple[int, ...]
    dtype: str
    draw: int

    def value(self, draws: list[int]) -> NDArray[Any]:
        import keras

        own = self.initializer.seed
        self.initializer.seed = draws[self.draw]
        try:
            drawn = self.initializer(self.shape, dtype=self.dtype)
        finally:
            self.initializer.seed = own
        return np.asarray(keras.ops.convert_to_numpy(drawn))


@dataclass(frozen=True)
class _Generator:
    """The state of a random generator that was seeded by the `draw`-th draw."""

    fresh: NDArray[Any]
    draw: int

    def value(self, draws: list[int]) -> NDArray[Any]:
        state = self.fresh.copy()
        state[0] = draws[self.draw]
        return state


@dataclass(frozen=True)
class _Constant:
    fresh: NDArray[Any]

    def value(self, draws: list[int]) -> NDArray[Any]:
        return self.fresh


class Blueprint:
    """A model, and its initial state for any seed.

    Args:
        build: makes a model; all that it draws comes from `seed_builders`.
        wrap: makes of it the model that is trained: one with the same variables' values, in the
            same order.
        tried: the first values of a model built with `TRIED_SEED`, where one was built before.

    Attributes:
        model: the wrapped first model, to be trained by a program.
        redraws: whether states are drawn without a build.
    """

    def __init__(
        self,
        build: Callable[[], Any],
        wrap: Callable[[Any], Any] = lambda model: model,
        tried: State | None = None,
    ) -> None:
        self._build = build
        seed_builders(TEMPLATE_SEED)
        with _initializers() as found:
            first = build()
        self.model = wrap(first)
        own = variables(first)
        fresh = values(own)
        count = DRAWS_PER_VARIABLE * (len(own) + 8)
        places = {draw: place for place, draw in enumerate(_draws(TEMPLATE_SEED, count))}
        self._count = count
        self._sources = [
            _source(variable, value, found.get(id(variable)), places)
            for variable, value in zip(own, fresh, strict=True)
        ]
        self.redraws = self._redraws_truly(self._built(TRIED_SEED) if tried is None else tried)

    def state(self, seed: int, build: Callable[[], Any] | None = None) -> State:
        """The values that the variables of a model built with this seed would have.

        Args:
            seed: for `seed_builders`.
            build: makes the model, where it is another one that is like this blueprint's.
        """
        return self._redrawn(seed) if self.redraws else self._built(seed, build)

    def _redrawn(self, seed: int) -> State:
        draws = _draws(seed, self._count)
        return [source.value(draws) for source in self._sources]

    def _built(self, seed: int, build: Callable[[], Any] | None = None) -> State:
        seed_builders(seed)
        return values(variables((build or self._build)()))

    def _redraws_truly(self, built: State) -> bool:
        redrawn = self._redrawn(TRIED_SEED)
        return all(
            one.dtype == other.dtype and np.array_equal(one, other)
            for one, other in zip(built, redrawn, strict=True)
        )


def _source(
    variable: Any, fresh: NDArray[Any], initializer: Any, places: dict[int, int]
) -> _Drawn | _Generator | _Constant:
    seed = getattr(initializer, "seed", None)
    if isinstance(seed, int) and seed in places:
        return _Drawn(initializer, tuple(variable.shape), variable.dtype, places[seed])
    if fresh.shape == (2,) and fresh.dtype.kind in "iu" and int(fresh[0]) in places:
        return _Generator(fresh, places[int(fresh[0])])
    return _Constant(fresh)


def _draws(seed: int, count: int) -> list[int]:
    """The seeds that Keras draws after `seed_builders(seed)`: `make_default_seed`, in order."""
    generator = random.Random(seed)
    return [generator.randint(1, int(1e9)) for _ in range(count)]


@contextmanager
def _initializers() -> Iterator[dict[int, Any]]:
    """See which initializer each variable that is made meanwhile got, by the variable's id."""
    found: dict[int, Any] = {}

    def seen(initialize: Any, variable: Any, initializer: Any) -> None:
        found[id(variable)] = initializer
        initialize(variable, initializer)

    with _initializing(seen):
        yield found


@contextmanager
def unfilled() -> Iterator[None]:
    """Variables that are made meanwhile are zero: JAX compiles a draw for every new shape.

    For models whose shapes alone are asked for.
    """

    def zero(initialize: Any, variable: Any, initializer: Any) -> None:
        variable._initialize(np.zeros(variable._shape, variable.dtype))

    with _initializing(zero):
        yield


@contextmanager
def _initializing(replaced: Callable[[Any, Any, Any], None]) -> Iterator[None]:
    """Give variables their first values by `replaced`: (Keras' own way, variable, initializer)."""
    import keras

    kind = keras.Variable
    initialize = kind._initialize_with_initializer

    def own(variable: Any, initializer: Any) -> None:
        replaced(initialize, variable, initializer)

    kind._initialize_with_initializer = own
    try:
        yield
    finally:
        kind._initialize_with_initializer = initialize
