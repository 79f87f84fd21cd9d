"""Seeds: stable, in range, and different wherever their parts are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from service.plan.seeds import derive

PART = st.one_of(st.text(), st.integers())


def test_the_values_never_change() -> None:
    # A change here changes every result ever recorded.
    assert derive(0) == 751966864
    assert derive(0, "iris", 3, "weights") == 2050990064


@given(root=st.integers(), parts=st.lists(PART))
def test_they_suit_every_library(root: int, parts: list[str | int]) -> None:
    assert 0 <= derive(root, *parts) < 2**31


@given(first=st.lists(PART, max_size=4), second=st.lists(PART, max_size=4))
def test_other_parts_give_another_seed(first: list[str | int], second: list[str | int]) -> None:
    assert (derive(0, *first) == derive(0, *second)) == (first == second)


def test_parts_do_not_run_together() -> None:
    seeds = [
        derive(1, "ab", "c"),
        derive(1, "a", "bc"),
        derive(1, "abc"),
        derive(1, "1", 2),
        derive(1, 1, "2"),
        derive(1, 12),
        derive(11, 2),
        derive(1, "", "12"),
    ]
    assert len(set(seeds)) == len(seeds)
