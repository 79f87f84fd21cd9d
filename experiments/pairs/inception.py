"""Inception: are 1x1 reductions and four parallel branches worth more than plain convolutions?

The task   garments of ten classes, 28 x 28 grey pixels (Fashion-MNIST).
The stack  a stem (a 3x3 convolution of stride 2), then two stages of one or two 3x3 convolutions
           and a 2x2 max-pooling, then the softmax.
The graph  every convolution of the stages is an Inception module with dimension reductions
           (Szegedy et al. 2015, figure 2b):

                    +-> 1x1 ------------+
                    +-> 1x1 -> 3x3 -----+
           maps ----+-> 1x1 -> 5x5 -----+-> maps
                    +-> 3x3 pool -> 1x1 +

The pair `mnist` asks about the naive module, where every branch is paid for in full. Here 1x1
convolutions thin out the maps first, so that a module has less than a third of the weights of a 3x3
convolution of as many channels. Both models get the same number of parameters: the graph spends
what it saves on about 1.6 times the channels.
"""

from __future__ import annotations

from typing import Any

from experiments.baselines import majority_class
from experiments.data.fashion import (
    GARMENTS,
    LICENCE,
    fashion_folder,
    fashion_online,
    fashion_packaged,
)
from experiments.data.images import SIDE
from experiments.data.splits import stratified
from experiments.measures import accuracy
from service.contracts import (
    Capacity,
    Choice,
    Hyperparameters,
    Pair,
    Published,
    Real,
    Source,
    SourceKind,
    Variant,
)

STAGES = 2

# GoogLeNet's first module has 64, 128, 32 and 32 channels: of eight channels 2, 4, 1 and 1. Dealt
# out one by one in this order, every width has its share and no branch ever shrinks as it grows.
DEAL = ("3x3", "1x1", "5x5", "pool", "3x3", "1x1", "3x3", "3x3")


def sequential(hyperparameters: Hyperparameters) -> Any:
    """The straight stack: the stem, then two stages of `depth` 3x3 convolutions each."""
    from keras import Input, Sequential, layers

    depth, width = int(hyperparameters["depth"]), int(hyperparameters["width"])
    model = Sequential([Input((SIDE, SIDE, 1), name="image")])
    model.add(layers.Conv2D(width, 3, strides=2, padding="same", activation="relu"))
    for _ in range(STAGES):
        for _ in range(depth):
            model.add(layers.Conv2D(width, 3, padding="same", activation="relu"))
        model.add(layers.MaxPooling2D(2))
    model.add(layers.Flatten())
    model.add(layers.Dropout(float(hyperparameters["dropout"])))
    model.add(layers.Dense(len(GARMENTS), activation="softmax", name="garment"))
    return model


def functional(hyperparameters: Hyperparameters) -> Any:
    """The graph: the stem, then two stages of `depth` Inception modules each."""
    from keras import Input, Model, layers

    depth, width = int(hyperparameters["depth"]), int(hyperparameters["width"])
    image = Input((SIDE, SIDE, 1), name="image")
    maps = layers.Conv2D(width, 3, strides=2, padding="same", activation="relu")(image)
    for _ in range(STAGES):
        for _ in range(depth):
            maps = _module(maps, width)
        maps = layers.MaxPooling2D(2)(maps)
    flat = layers.Dropout(float(hyperparameters["dropout"]))(layers.Flatten()(maps))
    return Model(image, layers.Dense(len(GARMENTS), activation="softmax", name="garment")(flat))


def _module(maps: Any, width: int) -> Any:
    """An Inception module from maps of `width` channels to as many."""
    from keras import layers

    def convolution(channels: int, size: int) -> Any:
        return layers.Conv2D(channels, size, padding="same", activation="relu")

    hand = [DEAL[card % len(DEAL)] for card in range(width)]
    # GoogLeNet's first module thins out 192 channels to 96 for the 3x3 and to 16 for the 5x5
    # kernels, and has 256 at its end: 3/8 and 1/16 of these.
    thin, thinner = -(-3 * width // 8), -(-width // 16)
    pooled = layers.MaxPooling2D(3, strides=1, padding="same")(maps)
    return layers.Concatenate()(
        [
            convolution(hand.count("1x1"), 1)(maps),
            convolution(hand.count("3x3"), 3)(convolution(thin, 1)(maps)),
            convolution(hand.count("5x5"), 5)(convolution(thinner, 1)(maps)),
            convolution(hand.count("pool"), 1)(pooled),
        ]
    )


PAIR = Pair(
    name="inception",
    title="Straight convolutions against Inception modules",
    question=(
        "At the same number of parameters, do Inception modules, thinned out by 1x1 convolutions "
        "and so 1.6 times as wide, classify images better than plain 3x3 convolutions?"
    ),
    sources=(
        Source(
            name="Debian dataset-fashion-mnist (5,000 garments)",
            kind=SourceKind.PACKAGED,
            load=fashion_packaged,
            licence=LICENCE,
        ),
        Source(
            name="keras.datasets.fashion_mnist (70,000 garments)",
            kind=SourceKind.ONLINE,
            load=fashion_online,
            licence=LICENCE,
        ),
        Source(
            name="Fashion-MNIST from a folder of IDX files",
            kind=SourceKind.PATH,
            load=fashion_folder,
            licence=LICENCE,
        ),
    ),
    # Of the 5,000 garments 3,000 train, 1,000 guide the search and 1,000 are held back.
    split=stratified("garment", train=0.6, validation=0.2, test=0.2),
    metric=accuracy("garment"),
    # Ten garments of 1,000.
    margin=0.01,
    epochs=6,
    loss="sparse_categorical_crossentropy",
    variants=(Variant("sequential", sequential), Variant("functional", functional)),
    shared_space={
        "learning_rate": Real(1e-3, 1e-2, log=True),
        "batch_size": Choice(32, 64),
        "depth": Choice(1, 2),
        "dropout": Choice(0.0, 0.3),
    },
    # With 8,500 parameters whole-number widths bring any two models within 0.9%.
    # From 4 channels on, every branch has at least one.
    capacity=Capacity("width", budget=8_500, choices=(8, 16, 24, 32), low=4, high=256),
    baseline=majority_class("garment", len(GARMENTS)),
    why_not_sequential=(
        "Four branches read the same maps and one layer joins what they find; a Sequential has one "
        "input and one output per layer."
    ),
    published=Published(
        finding=(
            "GoogLeNet, built of these modules, won ILSVRC 2014 with 6.67% top-5 error; VGG, a "
            "straight stack of 3x3 kernels, had 7.32% (sizes and depths not matched)."
        ),
        source="Szegedy et al. 2015, Going Deeper with Convolutions, table 2",
    ),
)
