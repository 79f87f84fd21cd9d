"""ResNet: do shortcuts help a deep network, and does the help grow with depth?

The task   garments of ten classes (Fashion-MNIST), framed to 32 x 32 pixels with three channels, so
           that the same models learn CIFAR-10 with `data.source: online`.
The stack  a stem, then `depth` blocks of two 3x3 convolutions, then the mean of every map, then the
           softmax: a plain net of 2 * depth + 2 layers with weights.
The graph  the same layers with the same weights; around every block leads a shortcut, so that the
           block learns what to add to its input and not what to make of it:

                       +----- identity -----+
           stem -> ... +-> conv -> conv -> (+) -> ... -> mean -> softmax

A shortcut has no weights. So for one depth and width both models have exactly the same parameters,
and only the addition is under test. All blocks have one width, so every shortcut is an identity.

Depth is a hyperparameter: each variant may choose its own. To see the gain grow with depth, run
the pair at one depth at a time: `--set search.space.depth=[2]`, then `[5]`, then `[9]`: nets of 6, 12 and 20 layers.
"""

from __future__ import annotations

from typing import Any

from experiments.baselines import majority_class
from experiments.data.fashion import (
    CIFAR_SIDE,
    LICENCE,
    cifar_online,
    fashion_as_cifar,
    fashion_folder_as_cifar,
)
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

CLASSES = 10


def sequential(hyperparameters: Hyperparameters) -> Any:
    """The straight stack: a plain net of `depth` blocks of two convolutions."""
    from keras import Input, Sequential, layers

    depth, width = int(hyperparameters["depth"]), int(hyperparameters["width"])
    model = Sequential([Input((CIFAR_SIDE, CIFAR_SIDE, 3), name="image")])
    for layer in _stem(width):
        model.add(layer)
    for _ in range(depth):
        for layer in _block(width):
            model.add(layer)
        model.add(layers.ReLU())
    model.add(layers.GlobalAveragePooling2D())
    model.add(layers.Dense(CLASSES, activation="softmax", name="object"))
    return model


def functional(hyperparameters: Hyperparameters) -> Any:
    """The graph: the plain net with an identity shortcut around every block."""
    from keras import Input, Model, layers

    depth, width = int(hyperparameters["depth"]), int(hyperparameters["width"])
    image = maps = Input((CIFAR_SIDE, CIFAR_SIDE, 3), name="image")
    for layer in _stem(width):
        maps = layer(maps)
    for _ in range(depth):
        change = maps
        for layer in _block(width):
            change = layer(change)
        maps = layers.ReLU()(layers.Add()([maps, change]))
    means = layers.GlobalAveragePooling2D()(maps)
    return Model(image, layers.Dense(CLASSES, activation="softmax", name="object")(means))


def _stem(width: int) -> list[Any]:
    """To a quarter of the height and width, as for ImageNet in He et al. 2015, only smaller."""
    from keras import layers

    return [
        layers.Conv2D(width, 3, strides=2, padding="same", use_bias=False),
        layers.BatchNormalization(momentum=MOMENTUM),
        layers.ReLU(),
        layers.MaxPooling2D(2),
    ]


def _block(width: int) -> list[Any]:
    """Two convolutions, each normalised; the ReLU after the second comes behind the addition."""
    from keras import layers

    return [
        layers.Conv2D(width, 3, padding="same", use_bias=False),
        layers.BatchNormalization(momentum=MOMENTUM),
        layers.ReLU(),
        layers.Conv2D(width, 3, padding="same", use_bias=False),
        layers.BatchNormalization(momentum=MOMENTUM),
    ]


MOMENTUM = 0.9
"""Of the running means: Keras' 0.99 needs more steps than a short training has."""


PAIR = Pair(
    name="resnet",
    title="Plain network against residual network, by depth",
    question=(
        "With the same layers and the same number of parameters, how much do identity shortcuts "
        "gain, and does the gain grow with depth?"
    ),
    sources=(
        Source(
            name="Debian dataset-fashion-mnist (5,000 garments)",
            kind=SourceKind.PACKAGED,
            load=fashion_as_cifar,
            licence=LICENCE,
        ),
        Source(
            name="keras.datasets.cifar10 (60,000 photographs)",
            kind=SourceKind.ONLINE,
            load=cifar_online,
            licence="no licence stated; A. Krizhevsky 2009, Learning Multiple Layers of Features "
            "from Tiny Images",
        ),
        Source(
            name="Fashion-MNIST from a folder of IDX files",
            kind=SourceKind.PATH,
            load=fashion_folder_as_cifar,
            licence=LICENCE,
        ),
    ),
    # Of the 5,000 garments 3,000 train, 1,000 guide the search and 1,000 are held back.
    split=stratified("object", train=0.6, validation=0.2, test=0.2),
    metric=accuracy("object"),
    # Ten images of 1,000.
    margin=0.01,
    epochs=6,
    loss="sparse_categorical_crossentropy",
    variants=(Variant("sequential", sequential), Variant("functional", functional)),
    shared_space={
        "learning_rate": Real(5e-4, 5e-3, log=True),
        "batch_size": Choice(32, 64),
        "depth": Choice(2, 5, 9),
    },
    # With 14,000 parameters whole-number widths bring any two models within 1.5%.
    capacity=Capacity("width", budget=14_000, choices=(6, 8, 12, 16), low=2, high=256),
    baseline=majority_class("object", CLASSES),
    why_not_sequential=(
        "The input of every block has two readers, the block and the addition behind it, which "
        "merges two inputs; a Sequential hands each layer's output to the next layer alone."
    ),
    published=Published(
        finding=(
            "On ImageNet shortcuts changed the top-1 error from 27.94% to 27.88% with 18 layers, "
            "and from 28.54% to 25.03% with 34: the gain comes with depth."
        ),
        source="He et al. 2015, Deep Residual Learning for Image Recognition, table 2",
    ),
)
