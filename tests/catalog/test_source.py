"""The recorded code of builders: what they use of their file, and nothing else."""

from __future__ import annotations

from functools import partial

from service import catalog
from service.catalog.source import builders, text_of


def test_every_pair_tells_the_code_of_both_builders():
    for name in catalog.names():
        pair = catalog.locate(name).pair
        found = builders(pair)
        assert list(found) == [variant.name for variant in pair.variants]
        for text in found.values():
            compile(text, name, "exec")
            assert "PAIR =" not in text


def test_helpers_come_along():
    found = builders(catalog.locate("resnet").pair)
    assert "def _block(" in found["functional"]
    assert "MOMENTUM = 0.9" in found["functional"]
    assert "def sequential(" not in found["functional"]


def test_a_partial_is_its_function_and_a_callable_object_has_no_text():
    def build(hyperparameters, size):
        return size

    assert text_of(partial(build, size=3)) is None  # not of a module's top level
    assert text_of(len) is None
