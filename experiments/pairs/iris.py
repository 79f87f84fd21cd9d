"""Iris: does a short cut from the inputs to the softmax help a small dense network?

The task   150 flowers of three species; four lengths in centimetres tell them apart.
The stack  features -> hidden -> hidden -> softmax.
The graph  the same, but the features also skip past the hidden layers, straight to the softmax:

           features -+-> hidden -> hidden -+-> softmax
                     +---------------------+

The graph is "wide and deep" (Cheng et al. 2016): what is linear in the data goes the wide way and
leaves the hidden layers to learn the rest. Both models get the same number of parameters, so the
short cut pays for its 12 weights with a little of the width.
"""

from __future__ import annotations

from typing import Any

from experiments.baselines import majority_class
from experiments.data.scaling import standardise
from experiments.data.splits import stratified
from experiments.data.tabular import iris_csv, iris_packaged
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

FEATURES = 4
SPECIES = 3


def sequential(hyperparameters: Hyperparameters) -> Any:
    """The straight stack: `depth` hidden layers of `width` units, then the softmax."""
    from keras import Input, Sequential, layers

    depth, width = int(hyperparameters["depth"]), int(hyperparameters["width"])
    return Sequential(
        [
            Input((FEATURES,), name="features"),
            *(layers.Dense(width, activation="relu") for _ in range(depth)),
            layers.Dense(SPECIES, activation="softmax", name="species"),
        ]
    )


def functional(hyperparameters: Hyperparameters) -> Any:
    """The graph: the softmax sees the last hidden layer and the features themselves."""
    from keras import Input, Model, layers

    depth, width = int(hyperparameters["depth"]), int(hyperparameters["width"])
    features = Input((FEATURES,), name="features")
    hidden = features
    for _ in range(depth):
        hidden = layers.Dense(width, activation="relu")(hidden)
    wide_and_deep = layers.Concatenate()([features, hidden])
    species = layers.Dense(SPECIES, activation="softmax", name="species")(wide_and_deep)
    return Model(features, species)


PAIR = Pair(
    name="iris",
    title="Iris: multilayer perceptron against wide and deep",
    question=(
        "On a small, almost linear table, does it help to lead the raw features past the hidden "
        "layers to the softmax, at the same number of parameters?"
    ),
    sources=(
        Source(
            name="scikit-learn load_iris",
            kind=SourceKind.PACKAGED,
            load=iris_packaged,
            licence="CC BY 4.0; R. A. Fisher 1936, UCI Machine Learning Repository",
        ),
        Source(name="Iris from a CSV file", kind=SourceKind.PATH, load=iris_csv),
    ),
    # 90 flowers train, 30 guide the search, 30 are held back: a new draw in every repetition.
    split=stratified("species", train=0.6, validation=0.2, test=0.2),
    prepare=standardise("features"),
    metric=accuracy("species"),
    # One flower of 30 is 3.3 points; an average over repetitions resolves two.
    margin=0.02,
    epochs=30,
    loss="sparse_categorical_crossentropy",
    variants=(Variant("sequential", sequential), Variant("functional", functional)),
    shared_space={
        "learning_rate": Real(3e-3, 1e-1, log=True),
        "batch_size": Choice(16, 32),
        "depth": Choice(1, 2),
    },
    # With 1,050 parameters whole-number widths bring any two models of the space within 1.2%.
    capacity=Capacity("width", budget=1_050, choices=(8, 16, 32, 64), low=2, high=512),
    baseline=majority_class("species", SPECIES),
    why_not_sequential=(
        "The features have two readers, the first hidden layer and the softmax; a Sequential hands "
        "each layer's output to the next layer alone."
    ),
    published=Published(
        finding=(
            "Wide and deep gained 3.9% app acquisitions over the wide model in production, the "
            "deep model alone 2.9% (another task, sizes not matched)."
        ),
        source="Cheng et al. 2016, Wide & Deep Learning for Recommender Systems, table 1",
    ),
)
