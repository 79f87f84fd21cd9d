"""Questions about images: can a straight stack answer, if it gets both in one tensor?

The task   an image with one coloured shape, and a question: "what color is the circle?", "is there
           not a red shape?" The answer is one of 13: a colour, a shape, yes or no.
The stack  one tensor through a straight convolutional network. A Sequential has one input, so the
           question becomes a punch card: a fourth channel beside red, green and blue, on which
           every word of the vocabulary has a tile of 4 x 4 pixels, lit where the question has it.
The graph  a convolutional tower for the image, a dense layer for the words; the two descriptions
           are multiplied, so that the question selects what matters in the image:

           image    -> convolutions -> hidden -+
                                               +-> a * b -> hidden -> softmax
           question -> hidden -----------------+

The baseline is the best that text alone can do: the most frequent answer to the very question. It is
right about every other time, because nearly nine colours in ten are not the one asked about. Image
alone is shown beside it: the answers that were right about the most similar images. It does worse,
because an image without its question tells nothing of what is asked.

Both models get the same number of parameters.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from experiments.data.scaling import standardise
from experiments.data.splits import by_group
from experiments.data.vqa import ANSWERS, SIDE, WORDS, vqa_folder, vqa_packaged
from experiments.measures import accuracy
from service.contracts import (
    Arrays,
    Baseline,
    Capacity,
    Choice,
    Display,
    Examples,
    Hyperparameters,
    Pair,
    Published,
    Real,
    Source,
    SourceKind,
    Variant,
)

TILE = 4
"""Pixels of a word's tile on the punch card; a 24 x 24 card has 6 x 6 tiles for 26 words."""


def punch_card(inputs: Arrays) -> Arrays:
    """The image with the question as a fourth channel: one tensor for a straight stack."""
    tiles = SIDE // TILE
    words = np.zeros((len(inputs["question"]), tiles * tiles), np.float32)
    words[:, : len(WORDS)] = inputs["question"]
    card = words.reshape(-1, tiles, tiles).repeat(TILE, axis=1).repeat(TILE, axis=2)
    return {"page": np.concatenate([inputs["image"], card[..., np.newaxis]], axis=-1)}


def _convolutions(width: int) -> list[Any]:
    """What both variants look at images with: 24 x 24 pixels become 3 x 3 maps."""
    from keras import layers

    return [
        layers.Conv2D(width, 3, strides=2, padding="same", activation="relu"),
        layers.Conv2D(width, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(width, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
    ]


def sequential(hyperparameters: Hyperparameters) -> Any:
    """The straight stack: image and punch card through the same convolutions, two hidden layers."""
    from keras import Input, Sequential, layers

    hidden = int(hyperparameters["hidden"])
    return Sequential(
        [
            Input((SIDE, SIDE, 4), name="page"),
            *_convolutions(int(hyperparameters["width"])),
            layers.Dense(hidden, activation="relu"),
            layers.Dense(hidden, activation="relu"),
            layers.Dense(len(ANSWERS), activation="softmax", name="answer"),
        ]
    )


def functional(hyperparameters: Hyperparameters) -> Any:
    """The graph: a tower for each input, their descriptions multiplied."""
    from keras import Input, Model, layers

    hidden = int(hyperparameters["hidden"])
    image = Input((SIDE, SIDE, 3), name="image")
    question = Input((len(WORDS),), name="question")
    maps = image
    for layer in _convolutions(int(hyperparameters["width"])):
        maps = layer(maps)
    seen = layers.Dense(hidden, activation="relu")(maps)
    asked = layers.Dense(hidden, activation="tanh")(question)
    both = layers.Dense(hidden, activation="relu")(layers.Multiply()([seen, asked]))
    answer = layers.Dense(len(ANSWERS), activation="softmax", name="answer")(both)
    return Model({"image": image, "question": question}, answer)


def text_alone(train: Examples, inputs: Arrays) -> Arrays:
    """The shares of the answers to the same question in training; to a new question, of all."""
    everything = np.bincount(train.targets["answer"], minlength=len(ANSWERS))
    counts: dict[bytes, Any] = {}
    for question, answer in zip(train.inputs["question"], train.targets["answer"], strict=True):
        counts.setdefault(question.tobytes(), np.zeros(len(ANSWERS)))[answer] += 1
    found = np.stack(
        [counts.get(question.tobytes(), everything) for question in inputs["question"]]
    )
    return {"answer": (found / found.sum(axis=1, keepdims=True)).astype(np.float32)}


NEAREST = 20
"""Training examples whose answers `image_alone` counts."""


def image_alone(train: Examples, inputs: Arrays) -> Arrays:
    """The shares of the answers about the most similar images in training, by squared distance."""
    known, asked = (
        images.reshape(len(images), -1) for images in (train.inputs["image"], inputs["image"])
    )
    # |a - b|^2 without |b|^2, which is the same for all that b is compared with.
    distance = np.square(known).sum(axis=1) - 2 * asked @ known.T
    nearest = np.argpartition(distance, NEAREST, axis=1)[:, :NEAREST]
    answers = np.eye(len(ANSWERS), dtype=np.float32)[train.targets["answer"][nearest]]
    return {"answer": answers.mean(axis=1)}


PAIR = Pair(
    name="multimodal",
    title="Questions about images: one packed tensor against two towers",
    question=(
        "To answer a question about an image, is it enough to pack both into one tensor for a "
        "straight network, or does a tower for each and a product of the two answer better, at the "
        "same number of parameters?"
    ),
    sources=(
        Source(
            name="easy-vqa (5,000 images, two questions each)",
            kind=SourceKind.PACKAGED,
            load=vqa_packaged,
            licence="MIT; V. Zhou, easy-VQA",
        ),
        Source(name="a folder in easy-VQA's layout", kind=SourceKind.PATH, load=vqa_folder),
    ),
    # By image: 6,000 questions train, 2,000 guide the search, 2,000 are held back, and no image is
    # seen in two parts.
    split=by_group(train=0.6, validation=0.2, test=0.2),
    # Pixel by pixel: the background is light everywhere, what differs from it is the shape.
    prepare=standardise("image"),
    metric=accuracy("answer"),
    margin=0.01,
    epochs=6,
    loss="sparse_categorical_crossentropy",
    variants=(
        Variant("sequential", sequential, view=punch_card),
        Variant("functional", functional),
    ),
    shared_space={
        "learning_rate": Real(5e-4, 1e-2, log=True),
        "batch_size": Choice(32, 64),
        "hidden": Choice(32, 48),
    },
    # With 16,136 parameters whole-number widths bring any two models of the space within 2.5%.
    capacity=Capacity("width", budget=16_136, choices=(8, 12, 16, 24), low=3, high=256),
    baseline=Baseline("the most frequent answer to the question (text alone)", text_alone),
    references=(Baseline("the answers about the nearest images (image alone)", image_alone),),
    why_not_sequential=(
        "The graph has two inputs and a product of what they become; a Sequential has one input, "
        "and each of its layers reads the layer before alone."
    ),
    published=Published(
        finding=(
            "Sort-of-CLEVR, relational questions: a plain network on image and question reached 63% "
            "accuracy, one built around relations more than 94% (another task)."
        ),
        source="Santoro et al. 2017, A simple neural network module for relational reasoning",
    ),
    show={"question": Display("bag")},
)
