"""Autoencoder: do skips help an autoencoder take noise off an image?

The task   garments of 28 x 28 grey pixels (Fashion-MNIST) with noise on them; give them back clean.
The stack  an encoder of two convolutions of stride 2, perhaps one more at the bottom, where the
           maps are 7 x 7, and a decoder of two transposed convolutions and a last convolution.
The graph  the same, but the decoder also sees what the encoder saw at the same resolution, the
           noisy image included:

           noisy -+-> 14 x 14 -+-> 7 x 7 -> bottom -> 14 x 14 -+-> 28 x 28 -+-> clean
                  |            +-------------------------------+            |
                  +---------------------------------------------------------+

The stack must write down at 7 x 7 places where every edge lies, and read it back. The skips lead
edges past the bottom as sharp as they are, but the noise with them, and the decoder must learn
which is which. Both models get the same number of parameters.
"""

from __future__ import annotations

from typing import Any

from experiments.baselines import pixelwise_line
from experiments.data.fashion import LICENCE, noisy_folder, noisy_online, noisy_packaged
from experiments.data.images import SIDE
from experiments.data.splits import shuffled
from experiments.measures import peak_signal_to_noise, root_mean_squared_error
from service.contracts import (
    Capacity,
    Choice,
    Display,
    Hyperparameters,
    Pair,
    Published,
    Real,
    Source,
    SourceKind,
    Variant,
)


def sequential(hyperparameters: Hyperparameters) -> Any:
    """The straight stack: all that reaches the decoder has passed through the bottom."""
    from keras import Input, Sequential, layers

    depth, width = int(hyperparameters["depth"]), int(hyperparameters["width"])
    same: dict[str, Any] = {"padding": "same", "activation": "relu"}
    return Sequential(
        [
            Input((SIDE, SIDE, 1), name="noisy"),
            layers.Conv2D(width, 3, strides=2, **same),
            layers.Conv2D(width, 3, strides=2, **same),
            *(layers.Conv2D(width, 3, **same) for _ in range(depth)),
            layers.Conv2DTranspose(width, 3, strides=2, **same),
            layers.Conv2DTranspose(width, 3, strides=2, **same),
            layers.Conv2D(1, 3, padding="same", activation="sigmoid", name="clean"),
        ]
    )


def functional(hyperparameters: Hyperparameters) -> Any:
    """The graph: at 14 x 14 and at 28 x 28 the decoder sees the encoder's side too."""
    from keras import Input, Model, layers

    depth, width = int(hyperparameters["depth"]), int(hyperparameters["width"])
    same: dict[str, Any] = {"padding": "same", "activation": "relu"}
    noisy = Input((SIDE, SIDE, 1), name="noisy")
    half = layers.Conv2D(width, 3, strides=2, **same)(noisy)
    maps = layers.Conv2D(width, 3, strides=2, **same)(half)
    for _ in range(depth):
        maps = layers.Conv2D(width, 3, **same)(maps)
    maps = layers.Conv2DTranspose(width, 3, strides=2, **same)(maps)
    maps = layers.Concatenate()([half, maps])
    maps = layers.Conv2DTranspose(width, 3, strides=2, **same)(maps)
    maps = layers.Concatenate()([noisy, maps])
    clean = layers.Conv2D(1, 3, padding="same", activation="sigmoid", name="clean")
    return Model(noisy, clean(maps))


PAIR = Pair(
    name="autoencoder",
    title="Denoising autoencoder without and with skips",
    question=(
        "At the same number of parameters, does a denoising autoencoder come nearer to the clean "
        "image when its decoder sees the encoder's maps as well?"
    ),
    sources=(
        Source(
            name="Debian dataset-fashion-mnist (5,000 garments)",
            kind=SourceKind.PACKAGED,
            load=noisy_packaged,
            licence=LICENCE,
        ),
        Source(
            name="keras.datasets.fashion_mnist (70,000 garments)",
            kind=SourceKind.ONLINE,
            load=noisy_online,
            licence=LICENCE,
        ),
        Source(
            name="Fashion-MNIST from a folder of IDX files",
            kind=SourceKind.PATH,
            load=noisy_folder,
            licence=LICENCE,
        ),
    ),
    # Of the 5,000 garments 3,000 train, 1,000 guide the search and 1,000 are held back.
    split=shuffled(train=0.6, validation=0.2, test=0.2),
    metric=root_mean_squared_error("clean", "of range"),
    also=(peak_signal_to_noise("clean"),),
    # Pixels range from 0 to 1: half a grey level of 255, where the noise has 76.
    margin=0.002,
    epochs=4,
    loss="mean_squared_error",
    variants=(Variant("sequential", sequential), Variant("functional", functional)),
    shared_space={
        "learning_rate": Real(1e-3, 1e-2, log=True),
        "batch_size": Choice(32, 64),
        "depth": Choice(0, 1),
    },
    # With 13,500 parameters whole-number widths bring any two models within 1.1%.
    capacity=Capacity("width", budget=13_500, choices=(8, 12, 16, 24), low=2, high=256),
    baseline=pixelwise_line("noisy", "clean"),
    why_not_sequential=(
        "The noisy image and the encoder's first maps have two readers each, and the decoder "
        "merges two inputs at two places; a Sequential hands each layer's output to the next layer "
        "alone."
    ),
    published=Published(
        finding=(
            "With skips between convolutional and deconvolutional layers, training for image "
            "restoration converges much faster and attains a higher-quality local optimum (deeper "
            "networks, additions in the place of concatenations)."
        ),
        source=(
            "Mao, Shen and Yang 2016, Image Restoration Using Very Deep Convolutional "
            "Encoder-Decoder Networks with Symmetric Skip Connections, abstract"
        ),
    ),
    show={"noisy": Display("picture", low=0, high=1)},
)
