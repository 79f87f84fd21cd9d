"""Arrays that are kept where a backend computes, so that trainings on the same data share them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

HELD_BYTES = 2 * 1024**3


class Resident:
    """Tensors by the arrays they were made from; the least recently used go when there is too much.

    Args:
        convert: array -> tensor.
        held: bytes of all arrays kept together; the newest is kept however large it is.
    """

    def __init__(self, convert: Callable[[NDArray[Any]], Any], held: int = HELD_BYTES) -> None:
        self._convert = convert
        self._held = held
        self._kept: OrderedDict[int, tuple[NDArray[Any], Any]] = OrderedDict()

    def of(self, array: NDArray[Any]) -> Any:
        """The tensor of this very array (the object, not its values)."""
        key = id(array)  # It stays this array's own for as long as the array is kept here.
        if key not in self._kept:
            self._kept[key] = array, self._convert(array)
            while len(self._kept) > 1 and self._bytes() > self._held:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key][1]

    def _bytes(self) -> int:
        return sum(array.nbytes for array, _ in self._kept.values())
