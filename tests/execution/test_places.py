"""How many trials fit, and where the largest could be: on nodes that are there, or may come."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from service.contracts.errors import ArchduelError
from service.contracts.nodes import NodeGroup
from service.contracts.trial import Runtime
from service.execution import ray_session

GPUS_TO_COME = (NodeGroup(cpus=4, most=2), NodeGroup(cpus=8, gpus=1, most=3))


def ray(*nodes: dict[str, float]) -> Any:
    """A Ray with a head that runs no trials, and these nodes."""
    found = [{"Alive": True, "Resources": one} for one in ({}, *nodes)]
    gone = {"Alive": False, "Resources": {"CPU": 64.0, "GPU": 8.0}}
    return SimpleNamespace(nodes=lambda: [*found, gone])


def test_nodes_that_are_there_count() -> None:
    two = ray({"CPU": 4.0}, {"CPU": 3.0, "GPU": 1.0})
    assert ray_session.largest_node(two) == (4.0, 1.0)
    assert ray_session.places(two, 2, 0) == 3
    assert ray_session.places(two, 1, 0.25) == 3
    with pytest.raises(ArchduelError, match="no node of the Ray cluster has the 5 CPUs"):
        ray_session.slots(two, Runtime(threads=5))


def test_nodes_that_an_autoscaler_adds_count_too() -> None:
    """Otherwise nobody would ever wait for them, and so they would never come."""
    empty = ray()
    assert ray_session.largest_node(empty, GPUS_TO_COME) == (8, 1)
    assert ray_session.places(empty, 2, 0, GPUS_TO_COME) == 2 * 2 + 3 * 4
    assert ray_session.slots(empty, Runtime(threads=1, gpus=0.5), GPUS_TO_COME) == 6


def test_the_nodes_of_a_group_are_not_counted_twice() -> None:
    one_is_there = ray({"CPU": 8.0, "GPU": 1.0})
    assert ray_session.places(one_is_there, 8, 1, GPUS_TO_COME) == 3


def test_a_group_that_may_have_no_nodes_is_none() -> None:
    assert ray_session.largest_node(ray(), (NodeGroup(cpus=8, gpus=8, most=0),)) == (0, 0)
