"""Stock prices: should each series have a tower of its own before they meet?

The task   Apple, IBM and Microsoft: from four weeks of daily log returns and price ranges of all
           three, the log return of each on the next day.
The stack  everything flattened into one vector -> hidden layers -> three returns.
The graph  three inputs, a tower of hidden layers for each; what they found is joined by one more
           hidden layer:

           Apple     -> tower -+
           IBM       -> tower -+-> hidden -> three returns
           Microsoft -> tower -+

Both models get the same number of parameters. A tower looks at 40 numbers where the stack looks at
120, so the graph affords wider layers; in exchange no unit of a tower sees two stocks at once.

What a reader should expect. The baseline is persistence: tomorrow's return is today's. Any model
beats it by a quarter or more, because returns do not persist. The bar that nobody is known to clear with
prices alone is the random walk, "no change": the further metric `error relative to no change` is 1
for it. Expect both variants within a percent of 1, and a direction accuracy near one half.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from experiments.data.series import STOCK_FEATURES, STOCKS, WINDOW, stocks_csv, stocks_packaged
from experiments.data.splits import by_time
from experiments.measures import direction_accuracy, mean_absolute_error, relative_to_no_change
from service.contracts import (
    Arrays,
    Baseline,
    Capacity,
    Choice,
    Display,
    Examples,
    Hyperparameters,
    Pair,
    Real,
    Source,
    SourceKind,
    Variant,
)

FEATURES = len(STOCK_FEATURES)


def side_by_side(inputs: Arrays) -> Arrays:
    """The three series as columns of one, since a straight stack has one input."""
    return {"stocks": np.concatenate([inputs[stock] for stock in STOCKS], axis=2)}


def sequential(hyperparameters: Hyperparameters) -> Any:
    """The straight stack: `depth` hidden layers and one more, as many in a row as the graph has."""
    from keras import Input, Sequential, layers

    depth, width = int(hyperparameters["depth"]), int(hyperparameters["width"])
    model = Sequential([Input((WINDOW, len(STOCKS) * FEATURES), name="stocks"), layers.Flatten()])
    for _ in range(depth + 1):
        model.add(layers.Dense(width, activation="relu"))
        model.add(layers.Dropout(float(hyperparameters["dropout"])))
    model.add(layers.Dense(len(STOCKS), name="returns"))
    return model


def functional(hyperparameters: Hyperparameters) -> Any:
    """The graph: a tower of `depth` hidden layers per stock, then one hidden layer for all."""
    from keras import Input, Model, layers

    depth, width = int(hyperparameters["depth"]), int(hyperparameters["width"])
    dropout = float(hyperparameters["dropout"])

    def hidden(tensor: Any) -> Any:
        return layers.Dropout(dropout)(layers.Dense(width, activation="relu")(tensor))

    inputs = {stock: Input((WINDOW, FEATURES), name=stock) for stock in STOCKS}
    towers = []
    for stock in STOCKS:
        tower = layers.Flatten()(inputs[stock])
        for _ in range(depth):
            tower = hidden(tower)
        towers.append(tower)
    together = hidden(layers.Concatenate()(towers))
    return Model(inputs, layers.Dense(len(STOCKS), name="returns")(together))


def persistence(train: Examples, inputs: Arrays) -> Arrays:
    """Each stock returns tomorrow what it returned today: the last day's first feature."""
    return {"returns": np.stack([inputs[stock][:, -1, 0] for stock in STOCKS], axis=1)}


PAIR = Pair(
    name="stock_prices",
    title="Stock prices: one network for all series against a tower for each",
    question=(
        "To forecast the next day's returns of three stocks, is it better to let every unit see all "
        "three series, or to read each series apart and join what was found, at the same number of "
        "parameters?"
    ),
    sources=(
        Source(
            name="bokeh-sampledata stocks (AAPL, IBM, MSFT, daily 2000-2013)",
            kind=SourceKind.PACKAGED,
            load=stocks_packaged,
            licence="public domain; Quandl WIKI Prices",
        ),
        Source(name="three stocks from a CSV file", kind=SourceKind.PATH, load=stocks_csv),
    ),
    # Train on the past, search on what follows, test on what follows that. Every repetition takes
    # another stretch of ten years out of the thirteen, and the gap keeps a day that one part looks
    # at or forecasts out of the others.
    split=by_time(train=0.6, validation=0.2, test=0.2, span=0.8, gap=WINDOW),
    metric=mean_absolute_error("returns", "percent"),
    also=(direction_accuracy("returns"), relative_to_no_change("returns")),
    # A hundredth of a percent of return, about 0.7% of the error.
    margin=0.01,
    epochs=15,
    # The metric itself: one crash must not outweigh a quiet year.
    loss="mean_absolute_error",
    variants=(
        Variant("sequential", sequential, view=side_by_side),
        Variant("functional", functional),
    ),
    shared_space={
        "learning_rate": Real(1e-4, 3e-3, log=True),
        "batch_size": Choice(32, 64),
        "depth": Choice(1, 2),
        "dropout": Choice(0.0, 0.3),
    },
    # With 7,430 parameters whole-number widths bring any two models of the space within 0.8%.
    capacity=Capacity("width", budget=7_430, choices=(8, 16, 32, 64), low=2, high=512),
    baseline=Baseline("tomorrow's return is today's (persistence)", persistence),
    why_not_sequential=(
        "The graph has three inputs and a layer that joins three towers; a Sequential has one input, "
        "and each of its layers reads the layer before alone."
    ),
    show={"returns": Display("numbers", unit="%")},
)
