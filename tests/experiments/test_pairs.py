"""What every pair must be: its data, its split, its baseline and its text."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from service.contracts import Arrays, Dataset, Examples, Metric, Pair, SourceKind

# Fingerprint of the packaged data, and how many examples train, validate and test. A fingerprint
# that changes is another experiment: bump nothing here without knowing why.
PINNED = {
    "autoencoder": ("bf3bbad01a55d66e", (3_000, 1_000, 1_000)),
    "densenet": ("304ed699d9990e91", (3_000, 1_000, 1_000)),
    "image_classifier": ("304ed699d9990e91", (3_000, 1_000, 1_000)),
    "inception": ("304ed699d9990e91", (3_000, 1_000, 1_000)),
    "iris": ("693f599509cec10c", (90, 30, 30)),
    "attention": ("ed36e9466077424d", (1_714, 572, 570)),
    "face_verification": ("a57e8bd2963dda37", (240, 80, 80)),
    "lstm_stack": ("92193d328b89e1ec", (4_577, 1_526, 1_525)),
    "mnist": ("e345c1aee1f41937", (3_000, 1_000, 1_000)),
    "multi_task": ("62b9fe3d05895b3b", (3_000, 1_000, 1_000)),
    "multimodal": ("ab3e7745cb8ecb4b", (6_000, 2_000, 2_000)),
    "regression": ("602deeeafbbe7d06", (265, 89, 88)),
    "resnet": ("30b17aa015bfd143", (3_000, 1_000, 1_000)),
    "translation": ("1f67c46a8b1d121c", (1_133, 243, 243)),
    "stock_prices": ("092146568975e7fa", (1_535, 512, 512)),
    "unet": ("2e3d20924747a28d", (792, 253, 282)),
}

# Preparation forms pairs of examples, within each part; it fits nothing.
PAIRED = {"face_verification"}

# Preparation makes a vocabulary of training sentences: words it lacks can never be right.
UNKNOWN_WORDS = {"translation"}

# A split by time covers a stretch of the data set, with gaps; its examples are not all in one draw.
BY_TIME = {"lstm_stack", "stock_prices"}

# Groups of unequal sizes stay whole, so the parts' sizes differ from draw to draw.
UNEQUAL_GROUPS = {"unet"}

# Flowers, and hours and a half of glucose, that were measured twice with one outcome.
TWINS = {"iris": 1, "lstm_stack": 1}

# Trivial answers that look at the inputs, each example by itself (persistence, a colour threshold).
READS_INPUTS = {"multimodal", "autoencoder", "stock_prices", "unet"}


def ideal(pair: Pair, targets: Arrays, shapes: dict[str, tuple[int, ...]]) -> Arrays:
    """Perfect predictions, in the shapes of the baseline's: one-hot where targets are classes."""
    return {
        name: truth.astype(np.float32)
        if truth.shape == shapes[name]
        else np.eye(shapes[name][-1], dtype=np.float32)[truth]
        for name, truth in targets.items()
    }


def test_file_and_pair_have_one_name(pair: Pair) -> None:
    assert sys.modules[f"experiments.pairs.{pair.name}"].PAIR is pair


def test_default_data_are_the_documented_ones(pair: Pair, dataset: Dataset) -> None:
    fingerprint, counts = PINNED[pair.name]
    split = pair.split(dataset, np.random.default_rng(0))
    assert dataset.fingerprint == fingerprint
    assert (len(split.train), len(split.validation), len(split.test)) == counts
    assert sum(counts) == len(dataset) or pair.name in BY_TIME


def test_default_source_is_packaged_and_its_terms_are_told(pair: Pair) -> None:
    assert pair.sources[0].kind is SourceKind.PACKAGED
    assert pair.sources[0].licence
    assert len({source.kind for source in pair.sources}) == len(pair.sources)


def test_arrays_have_the_types_that_programs_expect(dataset: Dataset) -> None:
    assert {array.dtype for array in dataset.examples.inputs.values()} <= {np.dtype(np.float32)}
    types = {array.dtype for array in dataset.examples.targets.values()}
    assert types <= {np.dtype(np.int32), np.dtype(np.float32)}
    for array in (*dataset.examples.inputs.values(), *dataset.examples.targets.values()):
        assert len(array) == len(dataset)
        assert np.isfinite(array).all()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_no_example_is_in_two_parts(pair: Pair, dataset: Dataset, seed: int) -> None:
    """Not under another position either: a copy in train would give the answer in test away."""
    inputs = dataset.examples.inputs.values()
    flat = np.concatenate([array.reshape(len(dataset), -1) for array in inputs], axis=1)
    split = pair.split(dataset, np.random.default_rng(seed))
    parts = [
        {row.tobytes() for row in flat[at]} for at in (split.train, split.validation, split.test)
    ]
    copies = sum(len(one & other) for one, other in combinations(parts, 2))
    assert copies <= TWINS.get(pair.name, 0)


def test_splits_are_disjoint_complete_and_drawn_from_the_seed(pair: Pair, dataset: Dataset) -> None:
    first, again, other = (pair.split(dataset, np.random.default_rng(s)) for s in (1, 1, 2))
    together = np.concatenate([first.train, first.validation, first.test])
    assert len(np.unique(together)) == len(together)
    if pair.name not in BY_TIME:
        assert np.array_equal(np.sort(together), np.arange(len(dataset)))
    for part in ("train", "validation", "test"):
        assert np.array_equal(getattr(first, part), getattr(again, part))
        if pair.name not in UNEQUAL_GROUPS:
            assert len(getattr(first, part)) == len(getattr(other, part))
        assert not np.array_equal(getattr(first, part), getattr(other, part))


def test_classes_have_equal_shares_in_every_part(pair: Pair, dataset: Dataset) -> None:
    if dataset.groups is not None:
        pytest.skip("groups stay whole, whatever classes they hold")
    split = pair.split(dataset, np.random.default_rng(3))
    for name, truth in dataset.examples.targets.items():
        if not np.issubdtype(truth.dtype, np.integer) or truth.ndim > 1:
            continue
        shares = np.bincount(truth) / len(truth)
        for part in (split.train, split.validation, split.test):
            found = np.bincount(truth[part], minlength=len(shares)) / len(part)
            assert np.abs(found - shares).max() < 1 / len(part), name


def test_preparation_learns_from_training_examples_alone(pair: Pair, dataset: Dataset) -> None:
    if pair.prepare is None:
        pytest.skip("nothing is fitted")
    split = pair.split(dataset, np.random.default_rng(0))
    held_back = np.concatenate([split.validation, split.test])
    spoilt = {name: array.copy() for name, array in dataset.examples.inputs.items()}
    for array in spoilt.values():
        array[held_back] = array[held_back] * 1_000 + 7
    changed = replace(dataset, examples=Examples(spoilt, dataset.examples.targets))

    train, train_too = (d.examples.take(split.train) for d in (dataset, changed))
    transform, transform_too = pair.prepare(train), pair.prepare(train_too)
    probe = dataset.examples.take(split.test)
    prepared, prepared_too = transform(probe), transform_too(probe)
    for name in prepared.inputs:
        assert np.array_equal(transform(train).inputs[name], transform_too(train_too).inputs[name])
        assert np.array_equal(prepared.inputs[name], prepared_too.inputs[name])
        assert prepared.inputs[name].dtype == np.float32
    for name in prepared.targets:
        assert np.array_equal(prepared.targets[name], prepared_too.targets[name])
    if pair.name in PAIRED:
        return
    # Each example is transformed alone: its neighbours in the split tell it nothing.
    one = transform(probe.take(np.array([5])))
    for name in prepared.inputs:
        assert np.array_equal(one.inputs[name], prepared.inputs[name][5:6])
    for name in prepared.targets:
        assert np.array_equal(one.targets[name], prepared.targets[name][5:6])
        if pair.name not in UNKNOWN_WORDS:
            assert np.array_equal(prepared.targets[name], probe.targets[name])


def test_preparation_depends_on_its_training_examples(pair: Pair, dataset: Dataset) -> None:
    if pair.prepare is None or pair.name in PAIRED:
        pytest.skip("nothing is fitted")
    half = np.arange(len(dataset) // 2)
    whole, part = (pair.prepare(e) for e in (dataset.examples, dataset.examples.take(half)))
    name = next(iter(dataset.examples.inputs))
    assert not np.allclose(
        whole(dataset.examples).inputs[name], part(dataset.examples).inputs[name]
    )


def test_perfect_predictions_score_best_and_beat_the_baseline(
    pair: Pair, parts: dict[str, Examples]
) -> None:
    metric, test = pair.metric, parts["test"]
    trivial = pair.baseline.predict(parts["train"], test.inputs)
    assert set(trivial) == set(test.targets)
    shapes = {name: array.shape for name, array in trivial.items()}
    perfect = ideal(pair, test.targets, shapes)
    best, base = metric.score(test.targets, perfect), metric.score(test.targets, trivial)
    assert isinstance(best, float)
    assert np.isfinite(base)
    assert metric.better(best, base)
    wrong = {name: 1 - array for name, array in perfect.items()}
    assert metric.better(best, metric.score(test.targets, wrong))
    if pair.name in UNKNOWN_WORDS:
        assert 0.8 < best < 1.0
    else:
        assert best == (1.0 if metric.unit == "fraction" else 0.0)


def test_baseline_answers_from_training_targets_alone(
    pair: Pair, parts: dict[str, Examples]
) -> None:
    test = parts["test"]
    answer = pair.baseline.predict(parts["train"], test.inputs)
    noise = {name: np.zeros_like(array) for name, array in test.inputs.items()}
    blind = pair.baseline.predict(parts["train"], noise)
    one = pair.baseline.predict(parts["train"], test.take(np.array([5])).inputs)
    for name, predicted in answer.items():
        assert np.array_equal(predicted, blind[name]) == (pair.name not in READS_INPUTS)
        assert np.array_equal(predicted[5:6], one[name])
        assert predicted.dtype == np.float32
        assert len(predicted) == len(test)


def test_margin_is_smaller_than_what_a_model_can_gain(pair: Pair) -> None:
    assert 0 < pair.margin < (0.1 if pair.metric.unit == "fraction" else np.inf)


def test_both_variants_search_equal_shared_ranges(pair: Pair) -> None:
    reference, challenger = (pair.space(variant, matched=True) for variant in pair.variants)
    for name in pair.shared_space:
        assert reference[name] is challenger[name]
    assert pair.capacity is None or pair.capacity.name not in {**reference, **challenger}


def test_the_challenger_says_why_it_is_a_graph(pair: Pair) -> None:
    assert pair.why_not_sequential
    assert pair.question.endswith("?")


def test_planning_and_reading_packaged_data_import_nothing_heavy(pair: Pair) -> None:
    script = f"""
import sys
from experiments.pairs.{pair.name} import PAIR
PAIR.space(PAIR.reference, matched=True)
planned = set(sys.modules)
PAIR.sources[0].load(None)
heavy = {{"keras", "tensorflow", "jax", "torch", "sklearn", "mlxtend", "pandas", "scipy", "ray"}}
print(sorted(heavy & planned), sorted(heavy & set(sys.modules)))
"""
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120
    )
    assert run.stdout.split() == ["[]", "[]"]


def test_a_metric_of_predictions_that_are_not_finite_is_not_a_number(
    pair: Pair, parts: dict[str, Examples]
) -> None:
    metric: Metric = pair.metric
    trivial = pair.baseline.predict(parts["train"], parts["test"].inputs)
    broken: dict[str, Any] = {name: array.copy() for name, array in trivial.items()}
    next(iter(broken.values())).flat[-1] = np.nan
    assert np.isnan(metric.score(parts["test"].targets, broken))
