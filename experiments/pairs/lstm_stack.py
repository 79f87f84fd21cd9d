"""LSTM stack: should every layer of a recurrent network see the inputs, and be seen by the output?

The task   a person's blood glucose, measured every five minutes: from the last hour and a half, how
           far will it have moved half an hour from now?
The stack  LSTM -> LSTM (-> LSTM) -> a number; the last layer hands on its state after the last step.
The graph  the same layers with Graves' skip connections (2013): the readings go into every layer
           beside what the layer below says, and the output sees the last state of all layers:

           readings -> LSTM ---+-> LSTM ---+-> LSTM
               |        |      |    |      |    |
               +--------|------+----|------+    |
                        +-----------+-----------+-> a number

A skip makes the way from the readings to the output as short as one layer, however deep the stack
is. Both models get the same number of parameters, so the graph's layers are a little narrower.

The baseline is persistence: in half an hour glucose will be what it is now, a change of 0.
"""

from __future__ import annotations

from typing import Any

from experiments.baselines import constant
from experiments.data.scaling import standardise
from experiments.data.series import GLUCOSE_GAP, READINGS, glucose_csv, glucose_packaged
from experiments.data.splits import by_time
from experiments.measures import mean_absolute_error, root_mean_squared_error
from service.contracts import (
    Capacity,
    Choice,
    Display,
    Hyperparameters,
    Pair,
    Real,
    Source,
    SourceKind,
    Variant,
)

# A round constant, not fitted to anything: half an hour moves glucose by some 20 mg/dL, and a fresh
# network's outputs are of the order of one.
SCALE = 20.0


def sequential(hyperparameters: Hyperparameters) -> Any:
    """The straight stack: `depth` LSTM layers of `width` units; only the last one's end is read."""
    from keras import Input, Sequential, layers

    depth, width = int(hyperparameters["depth"]), int(hyperparameters["width"])
    model = Sequential([Input((READINGS, 1), name="glucose")])
    for _ in range(depth - 1):
        model.add(layers.LSTM(width, return_sequences=True))
    model.add(layers.LSTM(width))
    model.add(layers.Dense(1))
    model.add(layers.Rescaling(SCALE, name="change"))
    return model


def functional(hyperparameters: Hyperparameters) -> Any:
    """The graph: every layer reads the glucose too, and the output reads every layer's last state."""
    from keras import Input, Model, layers

    depth, width = int(hyperparameters["depth"]), int(hyperparameters["width"])
    glucose = Input((READINGS, 1), name="glucose")
    read, last_states = glucose, []
    for _ in range(depth):
        states, last_state, _cell = layers.LSTM(width, return_sequences=True, return_state=True)(
            read
        )
        read = layers.Concatenate()([glucose, states])
        last_states.append(last_state)
    change = layers.Dense(1)(layers.Concatenate()(last_states))
    return Model(glucose, layers.Rescaling(SCALE, name="change")(change))


PAIR = Pair(
    name="lstm_stack",
    title="LSTM stack: plain against skip connections",
    question=(
        "To forecast glucose from its recent course, does a stack of LSTM layers gain by skip "
        "connections from the inputs to every layer and from every layer to the output, at the "
        "same number of parameters?"
    ),
    sources=(
        Source(
            name="bokeh-sampledata glucose (one person, 2010)",
            kind=SourceKind.PACKAGED,
            load=glucose_packaged,
            licence="public domain; given to Bokeh's maintainers",
        ),
        Source(name="glucose from a CSV file", kind=SourceKind.PATH, load=glucose_csv),
    ),
    # Train on the past, search on what follows, test on what follows that. Every repetition takes
    # another stretch, four fifths of all; the gap keeps each reading out of all parts but one.
    split=by_time(train=0.6, validation=0.2, test=0.2, span=0.8, gap=GLUCOSE_GAP),
    prepare=standardise("glucose"),
    metric=mean_absolute_error("change", "mg/dL"),
    also=(root_mean_squared_error("change", "mg/dL"),),
    # Persistence is off by about 18 mg/dL, a linear model by about 16.
    margin=0.2,
    epochs=6,
    loss="mean_absolute_error",
    variants=(Variant("sequential", sequential), Variant("functional", functional)),
    shared_space={
        "learning_rate": Real(1e-3, 3e-2, log=True),
        "batch_size": Choice(64, 128),
        "depth": Choice(2, 3),
    },
    # With 6,155 parameters whole-number widths bring any two models of the space within 2.9%.
    capacity=Capacity("width", budget=6_155, choices=(8, 12, 16, 24), low=2, high=256),
    baseline=constant("change", 0.0, "it stays as it is (persistence)"),
    why_not_sequential=(
        "The readings and each layer's states have several readers, and what skips is joined to "
        "what does not; a Sequential hands each layer's output to the next layer alone."
    ),
    show={"change": Display("numbers", unit="mg/dL")},
)
