"""Diabetes: the wide and deep question again, where there is a number to predict.

The task   ten measurements of 442 patients; how far has their diabetes come a year later?
The stack  features -> hidden -> hidden -> a number.
The graph  the same, but the features also skip past the hidden layers, straight to the output:

           features -+-> hidden -> hidden -+-> a number
                     +---------------------+

On these data a linear model is hard to beat: the wide way is one, inside the graph. Both models get
the same number of parameters.
"""

from __future__ import annotations

from typing import Any

from experiments.baselines import mean
from experiments.data.scaling import standardise
from experiments.data.splits import shuffled
from experiments.data.tabular import DIABETES_COLUMNS, california_online, diabetes_packaged
from experiments.measures import root_mean_squared_error
from service.contracts import (
    Capacity,
    Choice,
    Hyperparameters,
    Pair,
    Real,
    Source,
    SourceKind,
    Variant,
)

FEATURES = len(DIABETES_COLUMNS)

# The progression is a score from 25 to 346. These round constants, not fitted to anything, put a
# fresh network's outputs in the middle of it; without them the first epochs only climb there.
CENTRE, SCALE = 150.0, 100.0


def sequential(hyperparameters: Hyperparameters) -> Any:
    """The straight stack: `depth` hidden layers of `width` units, then one number."""
    from keras import Input, Sequential, layers

    depth, width = int(hyperparameters["depth"]), int(hyperparameters["width"])
    model = Sequential([Input((FEATURES,), name="features")])
    for _ in range(depth):
        model.add(layers.Dense(width, activation="relu"))
        model.add(layers.Dropout(float(hyperparameters["dropout"])))
    model.add(layers.Dense(1))
    model.add(layers.Rescaling(SCALE, CENTRE, name="progression"))
    return model


def functional(hyperparameters: Hyperparameters) -> Any:
    """The graph: the output sees the last hidden layer and the features themselves."""
    from keras import Input, Model, layers

    depth, width = int(hyperparameters["depth"]), int(hyperparameters["width"])
    features = Input((FEATURES,), name="features")
    hidden = features
    for _ in range(depth):
        hidden = layers.Dense(width, activation="relu")(hidden)
        hidden = layers.Dropout(float(hyperparameters["dropout"]))(hidden)
    wide_and_deep = layers.Concatenate()([features, hidden])
    progression = layers.Rescaling(SCALE, CENTRE, name="progression")
    return Model(features, progression(layers.Dense(1)(wide_and_deep)))


PAIR = Pair(
    name="regression",
    title="Diabetes: multilayer perceptron against wide and deep, as regression",
    question=(
        "Where a linear model is hard to beat, does a network gain by having one inside, at the "
        "same number of parameters?"
    ),
    sources=(
        Source(
            name="scikit-learn load_diabetes",
            kind=SourceKind.PACKAGED,
            load=diabetes_packaged,
            licence="free to use with credit; Efron, Hastie, Johnstone and Tibshirani 2004, "
            "Least Angle Regression",
        ),
        Source(
            name="keras.datasets.california_housing (20,640 districts)",
            kind=SourceKind.ONLINE,
            load=california_online,
            licence="no licence stated; Pace and Barry 1997, Sparse Spatial Autoregressions",
        ),
    ),
    # 265 patients train, 89 guide the search, 88 are held back: a new draw in every repetition.
    split=shuffled(train=0.6, validation=0.2, test=0.2),
    prepare=standardise("features"),
    metric=root_mean_squared_error("progression", "points"),
    # Always predicting the mean is off by about 77 points, a linear model by about 55.
    margin=1.0,
    epochs=30,
    loss="mean_squared_error",
    variants=(Variant("sequential", sequential), Variant("functional", functional)),
    shared_space={
        "learning_rate": Real(3e-4, 1e-2, log=True),
        "batch_size": Choice(16, 32),
        "depth": Choice(1, 2),
        "dropout": Choice(0.0, 0.3),
    },
    # With 1,150 parameters whole-number widths bring any two models of the space within 0.9%.
    capacity=Capacity("width", budget=1_150, choices=(8, 16, 32, 64), low=2, high=512),
    baseline=mean("progression"),
    why_not_sequential=(
        "The features have two readers, the first hidden layer and the output; a Sequential hands "
        "each layer's output to the next layer alone."
    ),
)
