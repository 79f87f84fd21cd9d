from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from service.training.matching import solve


@given(
    power=st.floats(0.5, 3.0),
    scale=st.floats(0.2, 50.0),
    offset=st.integers(0, 500),
    budget=st.integers(1, 5_000_000),
    low=st.integers(1, 8),
    span=st.integers(0, 400),
)
def test_it_finds_what_trying_every_size_finds(
    power: float, scale: float, offset: int, budget: int, low: int, span: int
) -> None:
    def count(size: int) -> int:
        return offset + int(scale * size**power)

    sizes = range(low, low + span + 1)
    best = min(sizes, key=lambda size: (abs(count(size) - budget), size))
    found = solve(count, budget, low=low, high=low + span)
    assert abs(count(found) - budget) == abs(count(best) - budget)


def test_it_counts_few_models() -> None:
    counted: list[int] = []

    def count(size: int) -> int:
        counted.append(size)
        return 3 * size * size + 17 * size + 3

    assert solve(count, 100_000, low=2, high=1024) == 180
    assert len(counted) <= 8
