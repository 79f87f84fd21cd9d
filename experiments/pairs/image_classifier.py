"""Image classifier: should the softmax see every scale of an image, or the last one only?

The task   garments of ten classes, 28 x 28 grey pixels (Fashion-MNIST).
The stack  a stem (a 3x3 convolution of stride 2), then two stages of one or two 3x3 convolutions
           and a 2x2 max-pooling, then the softmax: it sees a 3 x 3 grid of the last maps.
The graph  the same, but the stem's and the first stage's maps skip ahead to the softmax, each
           averaged down to the same 3 x 3 grid:

           image -> stem -+-> stage -+-> stage -+-> softmax
                          |          +----------+
                          +---------------------+

What tells a shirt from a coat is partly texture, which early maps show and later ones have pooled
away. Both models get the same number of parameters: the wider softmax is paid for with channels.
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
    """The graph: the softmax sees the maps of the stem and of both stages."""
    from keras import Input, Model, layers

    depth, width = int(hyperparameters["depth"]), int(hyperparameters["width"])
    image = Input((SIDE, SIDE, 1), name="image")
    maps = layers.Conv2D(width, 3, strides=2, padding="same", activation="relu")(image)
    # 14 x 14 and 7 x 7 maps become 3 x 3, as two and one max-poolings would make them.
    scales = [layers.AveragePooling2D(4)(maps)]
    for stage in range(STAGES):
        for _ in range(depth):
            maps = layers.Conv2D(width, 3, padding="same", activation="relu")(maps)
        maps = layers.MaxPooling2D(2)(maps)
        scales.append(maps if stage else layers.AveragePooling2D(2)(maps))
    flat = layers.Flatten()(layers.Concatenate()(scales))
    flat = layers.Dropout(float(hyperparameters["dropout"]))(flat)
    garment = layers.Dense(len(GARMENTS), activation="softmax", name="garment")(flat)
    return Model(image, garment)


PAIR = Pair(
    name="image_classifier",
    title="Fashion-MNIST: the last scale against all scales at the softmax",
    question=(
        "At the same number of parameters, does an image classifier gain when the maps of its "
        "early stages skip ahead to the softmax?"
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
    # With 11,000 parameters whole-number widths bring any two models within 1.4%.
    capacity=Capacity("width", budget=11_000, choices=(8, 12, 18, 24), low=2, high=256),
    baseline=majority_class("garment", len(GARMENTS)),
    why_not_sequential=(
        "The stem and the first stage each have two readers, the next stage and the softmax, and "
        "three branches meet before the softmax; a Sequential hands each layer's output to the "
        "next layer alone."
    ),
    published=Published(
        finding=(
            "A two-stage network whose classifier sees both stages reached 98.97% on German "
            "traffic signs, second of the competition and above the human 98.81% (another task, "
            "sizes not matched)."
        ),
        source=(
            "Sermanet and LeCun 2011, Traffic Sign Recognition with Multi-Scale Convolutional "
            "Networks, abstract"
        ),
    ),
)
