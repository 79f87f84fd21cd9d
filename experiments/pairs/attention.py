"""Attention: is the last state of a recurrent network enough, or should the output see all of them?

The task   the first 16 letters of a message, without case and accents: English or French? The label
           is certain (each message comes with its translation), the classes are equal, and what
           gives a language away ("ou", "the", "-tion d") can stand anywhere: a real sequence task
           of the kind that attention was made for, small enough for a laptop.
The stack  embedding -> LSTM (-> LSTM) -> softmax; the softmax sees the state after the last letter.
The graph  the same layers, and attention over all states (Raffel and Ellis 2015): a small network
           rates each state, the ratings become weights by a softmax over the letters, and the
           softmax sees the weighted mean beside the last state:

           letters -> LSTM (-> LSTM) -+-> all states -> ratings -> weights -+
                                      |        +---------------------------+-> mean -+
                                      +-> last state --------------------------------+-> softmax

Both models get the same number of parameters: what the ratings cost is taken from the width.
"""

from __future__ import annotations

from typing import Any

from experiments.baselines import majority_class
from experiments.data.splits import by_group
from experiments.data.text import (
    ALPHABET,
    LANGUAGES,
    LETTERS,
    languages_file,
    languages_online,
    languages_packaged,
)
from experiments.measures import accuracy
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

EMBEDDING = 8
"""Numbers that describe a letter."""


def sequential(hyperparameters: Hyperparameters) -> Any:
    """The straight stack: `depth` LSTM layers; only the last state is read."""
    from keras import Input, Sequential, layers

    depth, width = int(hyperparameters["depth"]), int(hyperparameters["width"])
    model = Sequential(
        [Input((LETTERS,), name="letters"), layers.Embedding(len(ALPHABET), EMBEDDING)]
    )
    for _ in range(depth - 1):
        model.add(layers.LSTM(width, return_sequences=True))
    model.add(layers.LSTM(width))
    model.add(layers.Dense(len(LANGUAGES), activation="softmax", name="language"))
    return model


def functional(hyperparameters: Hyperparameters) -> Any:
    """The graph: the softmax sees the last state and a weighted mean of all states."""
    from keras import Input, Model, layers

    depth, width = int(hyperparameters["depth"]), int(hyperparameters["width"])
    letters = Input((LETTERS,), name="letters")
    states = layers.Embedding(len(ALPHABET), EMBEDDING)(letters)
    for _ in range(depth):
        states, last_state, _cell = layers.LSTM(width, return_sequences=True, return_state=True)(
            states
        )
    ratings = layers.Dense(1)(layers.Dense(width, activation="tanh")(states))
    weights = layers.Softmax(axis=1)(ratings)
    mean = layers.Flatten()(layers.Dot(axes=1)([states, weights]))
    seen = layers.Concatenate()([mean, last_state])
    return Model(letters, layers.Dense(len(LANGUAGES), activation="softmax", name="language")(seen))


PAIR = Pair(
    name="attention",
    title="Attention: last state against all states",
    question=(
        "To tell a language by a few letters, does a recurrent network gain by attention over all "
        "its states, at the same number of parameters?"
    ),
    sources=(
        Source(
            name="jupyterlab-language-pack-fr-FR (beginnings of messages)",
            kind=SourceKind.PACKAGED,
            load=languages_packaged,
            licence="BSD-3-Clause; Project Jupyter contributors",
        ),
        Source(
            name="Tatoeba's sentences, prepared for Anki",
            kind=SourceKind.ONLINE,
            load=languages_online,
            licence="CC BY 2.0 FR; Tatoeba.org and its contributors, C. Kelly",
        ),
        Source(
            name="sentences from a tab-separated file", kind=SourceKind.PATH, load=languages_file
        ),
    ),
    # By message: a text and its translation are in one part.
    split=by_group(train=0.6, validation=0.2, test=0.2),
    metric=accuracy("language"),
    margin=0.01,
    epochs=10,
    loss="sparse_categorical_crossentropy",
    variants=(Variant("sequential", sequential), Variant("functional", functional)),
    shared_space={
        "learning_rate": Real(3e-3, 3e-2, log=True),
        "batch_size": Choice(32, 64),
        "depth": Choice(1, 2),
    },
    # With 8,200 parameters whole-number widths bring any two models of the space within 1%.
    capacity=Capacity("width", budget=8_200, choices=(8, 12, 16, 24), low=2, high=256),
    baseline=majority_class("language", len(LANGUAGES)),
    why_not_sequential=(
        "All states are read twice, by the ratings and by the weighted mean that the ratings make of "
        "them; a Sequential hands each layer's output to the next layer alone."
    ),
    show={"letters": Display("words", separator="")},
)
