"""What a reader is shown of a few test examples."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from service.contracts.data import Dataset, Examples, Split
from service.contracts.display import Display
from service.contracts.pair import LocatedPair
from service.contracts.samples import Line, Picture, Text
from service.contracts.trial import Runtime, Stage, TrialSpec
from service.training import exhibits
from service.training.material import Materials
from service.training.samples import BYTES, FEWEST, MOST, chosen, samples
from service.training.worker import Worker


def pixels(picture: Any) -> np.ndarray:
    assert isinstance(picture, Picture)
    with Image.open(io.BytesIO(base64.b64decode(picture.png))) as image:
        assert image.size == (picture.width, picture.height)
        return np.asarray(image)


def kind(array: np.ndarray, loss: str | None = None) -> str:
    return exhibits.by_default(array, loss).kind


def test_shape_and_loss_tell_how_a_users_own_data_is_shown() -> None:
    assert kind(np.zeros((5, 28, 28, 1))) == "picture"
    assert kind(np.zeros((5, 16, 16))) == "picture"
    assert kind(np.zeros(5, np.int32)) == "class"
    assert kind(np.zeros((5, 9), np.int32)) == "words"
    assert kind(np.zeros((5, 4))) == "numbers"
    assert kind(np.zeros((5, 60))) == "line"
    assert kind(np.zeros((5, 20, 2))) == "line"
    assert kind(np.zeros((5, 1)), "binary_crossentropy") == "class"
    assert kind(np.zeros((5, 3)), "categorical_crossentropy") == "class"
    assert kind(np.zeros((5, 1)), "mean_squared_error") == "numbers"
    assert kind(np.zeros((5, 3, 4, 5, 6))) == "hidden"


def test_a_class_is_named_with_its_probability_and_whether_it_is_right() -> None:
    names = ("cat", "dog")
    shown = exhibits.answered(Display("class"), np.array([0.2, 0.8]), np.array(1), names)
    assert shown == Text(text="dog (80%)", right=True)
    shown = exhibits.answered(Display("class"), np.array([0.8]), np.array([0.0]), names)
    assert shown == Text(text="dog (80%)", right=False)
    # Scores that are no probabilities are not told as such, and an unknown class has its number.
    shown = exhibits.answered(Display("class"), np.array([3.0, -1.0, 9.0]), np.array(2), names)
    assert shown == Text(text="2", right=True)


def test_a_sentence_ends_where_it_ends() -> None:
    display, names = Display("words", end=0), ("", "?", "a", "bird")
    assert exhibits.given(display, np.array([2, 3, 0, 3]), names) == Text(text="a bird")
    assert exhibits.given(display, np.array([0, 0, 2, 3.0]), names) == Text(text="a bird")
    likely = np.eye(4)[[2, 3, 0, 3]]
    assert exhibits.answered(display, likely, np.zeros(4, np.int32), names) == Text(text="a bird")


def test_a_picture_keeps_its_shades_and_a_large_one_is_made_smaller() -> None:
    shades = np.linspace(0, 1, 12).reshape(3, 4, 1)
    assert (
        pixels(exhibits.given(Display("picture"), shades, ())) == shades[..., 0] * 255 // 1
    ).mean() > 0.5
    # An answer is held against the truth's scale, and cut where it leaves it.
    shown = pixels(exhibits.answered(Display("picture"), shades * 2, shades, ()))
    assert shown.max() == 255
    assert shown[0, 1] == round(255 * 2 / 11)
    large = pixels(exhibits.given(Display("picture"), np.full((200, 100, 3), 128, np.uint8), ()))
    assert large.shape == (exhibits.SIDE, exhibits.SIDE // 2, 3)
    assert (large == 128).all()


def test_columns_are_named_and_a_course_is_a_line() -> None:
    numbers = exhibits.given(Display("numbers", unit="cm"), np.array([1.5, 2.0]), ("a", "b"))
    assert numbers == Text(text="a 1.5 cm, b 2 cm")
    assert exhibits.given(Display("line"), np.array([[1, 9], [2, 9.0]]), ()) == Line(values=(1, 2))
    assert exhibits.given(Display("hidden"), np.zeros(3), ()) is None
    bag = exhibits.given(Display("bag"), np.array([1, 0, 1]), ("is", "it", "red"))
    assert bag == Text(text="is, red")


def test_which_examples_follows_from_the_split_and_the_shapes_alone() -> None:
    assert chosen(100, 7, 0).tolist() == chosen(100, 7, 0).tolist()
    assert chosen(100, 7, 0).tolist() != chosen(100, 8, 0).tolist()
    assert len(chosen(100, 7, 0)) == len(chosen(100, 7, BYTES // MOST)) == MOST
    assert len(chosen(100, 7, BYTES)) == FEWEST
    assert chosen(3, 7, 0).tolist() == [0, 1, 2]


def test_inputs_are_shown_as_they_were_and_targets_as_they_were_asked(toy: LocatedPair) -> None:
    def prepare(train: Examples) -> Callable[[Examples], Examples]:
        return lambda given: replace(given, inputs={"x": given.inputs["x"] / 10})

    x = np.arange(40, dtype=np.float32).reshape(10, 4)
    data = Dataset(Examples({"x": x}, {"y": np.arange(10) % 2}, {"y": ("no", "yes")}))
    order = np.arange(10)
    pair = replace(
        toy.pair, prepare=prepare, split=lambda *_: Split(order[:3], order[3:6], order[6:])
    )
    answers = {"y": np.tile([0.1, 0.9], (4, 1))}
    found = samples(pair, 1, Materials(pair, data).get(1), answers)
    assert [sample.place for sample in found] == [0, 1, 2, 3]
    assert found[0].given == {"x": Text(text="24, 25, 26, 27")}
    assert [sample.truth["y"] for sample in found[:2]] == [Text(text="no"), Text(text="yes")]
    assert found[0].answer == {"y": Text(text="yes (90%)", right=False)}


def test_the_first_retrained_winner_keeps_them_and_both_variants_the_same_ones(
    toy: LocatedPair, toy_data: Dataset, toy_spec: Callable[..., TrialSpec]
) -> None:
    worker = Worker({"toy": toy}, {"toy": toy_data}, Runtime(), timeout=60)
    sides = [
        worker.run(toy_spec(stage=Stage.RETRAIN, variant=variant)).result.samples
        for variant in ("sequential", "functional")
    ]
    assert len(sides[0]) == MOST
    ours, theirs = ([(s.place, s.given, s.truth) for s in side] for side in sides)
    assert ours == theirs
    assert worker.run(toy_spec()).result.samples == ()
    assert worker.run(toy_spec(stage=Stage.RETRAIN, repetition=1)).result.samples == ()


@pytest.mark.parametrize("kind", ["picture", "line"])
def test_a_display_that_does_not_fit_costs_a_good_look_and_never_the_trial(
    toy: LocatedPair, toy_data: Dataset, kind: Any
) -> None:
    pair = replace(toy.pair, show={"x": Display(kind), "y": Display(kind)})
    answers = {"y": np.full((28, 2), np.nan)}
    found = samples(pair, 1, Materials(pair, toy_data).get(1), answers)
    assert len(found) == MOST
    shown = found[0].answer["y"]
    assert isinstance(shown, Text)
    assert shown.text.startswith(f"(cannot be shown as {kind}: ")
