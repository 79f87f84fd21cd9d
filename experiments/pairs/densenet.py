"""DenseNet: is it better for every layer to see all layers before it, at a few channels each?

The task   garments of ten classes, 28 x 28 grey pixels (Fashion-MNIST).
The stack  a stem, then two blocks of `depth` 3x3 convolutions of `width` channels, between them a
           transition (1x1 convolution, 2x2 mean), then the mean of every map and the softmax.
The graph  the same, but the blocks are dense (Huang et al. 2017, figure 1): each convolution sees
           the block's input and all that was found before it, and its maps are put beside them:

           maps -+-> conv -+-> conv -+-> ... -> maps of the whole block
                 |         |         |
                 +---------+---------+--> (all put side by side)

In a stack each layer must carry along by hand whatever a later one may need. In a dense block what
was found stays where it is, so that a layer can be narrow: it adds a few channels, the growth rate.
Both models get the same number of parameters. `width` is a layer's channels in the stack, and in
the graph the channels that all layers of a block add together.
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

MOMENTUM = 0.9
"""Of the running means: Keras' 0.99 needs more steps than a short training has."""


def sequential(hyperparameters: Hyperparameters) -> Any:
    """The straight stack: each convolution sees the one before it."""
    from keras import Input, Sequential, layers

    depth, width = int(hyperparameters["depth"]), int(hyperparameters["width"])
    return Sequential(
        [
            Input((SIDE, SIDE, 1), name="image"),
            *_stem(width),
            *(layer for _ in range(depth) for layer in _normalised(width, 3)),
            *_normalised(width, 1),
            layers.AveragePooling2D(2),
            *(layer for _ in range(depth) for layer in _normalised(width, 3)),
            *_head(),
        ]
    )


def functional(hyperparameters: Hyperparameters) -> Any:
    """The graph: each convolution sees all before it in its block."""
    from keras import Input, Model, layers

    depth, width = int(hyperparameters["depth"]), int(hyperparameters["width"])
    image = Input((SIDE, SIDE, 1), name="image")
    maps = _dense_block(_through(_stem(width), image), depth, width)
    # As in DenseNet-BC a transition halves the maps.
    maps = _through(_normalised(maps.shape[-1] // 2, 1), maps)
    maps = _dense_block(layers.AveragePooling2D(2)(maps), depth, width)
    return Model(image, _through(_head(), maps))


def _dense_block(maps: Any, depth: int, width: int) -> Any:
    """Convolutions that add `width` channels in all, dealt out as evenly as whole numbers allow."""
    from keras import layers

    for number in range(depth):
        found = _through(_normalised((width + number) // depth, 3), maps)
        maps = layers.Concatenate()([maps, found])
    return maps


def _stem(channels: int) -> list[Any]:
    """To a quarter of the height and width, as for ImageNet in Huang et al. 2017, only smaller."""
    from keras import layers

    return [
        layers.Conv2D(channels, 3, strides=2, padding="same", use_bias=False),
        layers.MaxPooling2D(2),
    ]


def _normalised(channels: int, size: int) -> list[Any]:
    """Batch normalisation, ReLU, convolution, in DenseNet's order."""
    from keras import layers

    return [
        layers.BatchNormalization(momentum=MOMENTUM),
        layers.ReLU(),
        layers.Conv2D(channels, size, padding="same", use_bias=False),
    ]


def _head() -> list[Any]:
    from keras import layers

    return [
        layers.BatchNormalization(momentum=MOMENTUM),
        layers.ReLU(),
        layers.GlobalAveragePooling2D(),
        layers.Dense(len(GARMENTS), activation="softmax", name="garment"),
    ]


def _through(stack: list[Any], maps: Any) -> Any:
    for layer in stack:
        maps = layer(maps)
    return maps


PAIR = Pair(
    name="densenet",
    title="Straight convolutions against dense blocks",
    question=(
        "At the same number of parameters and the same depth, is a network better when every "
        "convolution of a block sees all convolutions before it?"
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
        "learning_rate": Real(5e-4, 5e-3, log=True),
        "batch_size": Choice(32, 64),
        "depth": Choice(2, 5),
    },
    # With 24,100 parameters whole-number widths bring any two models within 1.6%.
    # From 5 channels on, every convolution of a dense block adds at least one.
    capacity=Capacity("width", budget=24_100, choices=(8, 12, 16, 24), low=5, high=256),
    baseline=majority_class("garment", len(GARMENTS)),
    why_not_sequential=(
        "A block's input and each of its convolutions are read by all later convolutions of the "
        "block, which merge what they read; a Sequential hands each layer's output to the next "
        "layer alone."
    ),
    published=Published(
        finding=(
            "On CIFAR-10 DenseNet-BC with 0.8 million parameters had 4.51% error, a pre-activation "
            "ResNet of 1,001 layers with 10 million 4.62% (no plain net compared)."
        ),
        source="Huang et al. 2017, Densely Connected Convolutional Networks, table 2",
    ),
)
