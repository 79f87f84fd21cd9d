"""Translation: must a sentence pass through one vector?

The task   JupyterLab's messages, 2 to 5 words of English; write them in French, word by word.
The stack  embedding -> LSTM -> its last state repeated for every French word -> LSTM -> softmax.
           One vector holds the sentence, and all French words are written at once: none knows
           which words were chosen before it.
The graph  an encoder and a decoder with attention. The decoder reads the French words so far,
           beginning with the encoder's last state; for every French word its state is compared with
           all states of the encoder (Luong et al. 2015, dot product), and the English words with
           their states, weighted by that, say what comes next:

           English -> LSTM -+-> words and states -+
                            +-> last state        |
                                    |             v
           French before -----> LSTM -----> attention -> hidden -> softmax

In training the decoder reads the true French words (teacher forcing). Its answer is decoded
greedily: it reads the words that it chose itself, one after the other, and never the translation.

The vocabulary is made of training sentences alone: the 397 most frequent words of each language.
Another word is unknown: no variant can write it, and where a translation asks for it, it is wrong.
Both models get the same number of parameters.
"""

from __future__ import annotations

from typing import Any

from experiments.data.splits import shuffled
from experiments.data.text import (
    END,
    ENGLISH_WORDS,
    STEPS,
    translation_file,
    translation_online,
    translation_packaged,
)
from experiments.translating import (
    best_words,
    bleu,
    chrf,
    frequent_words,
    greedy,
    likeliest_by_place,
    token_accuracy,
)
from service.contracts import (
    Arrays,
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

VOCABULARY = 400
EMBEDDING = 32
"""Numbers that describe a word."""


def english_alone(inputs: Arrays) -> Arrays:
    """The straight stack has one input, and no use for the French words before."""
    return {"english": inputs["english"]}


def sequential(hyperparameters: Hyperparameters) -> Any:
    """The straight stack: the sentence becomes one vector, the vector a sentence."""
    from keras import Input, Sequential, layers

    width, dropout = int(hyperparameters["width"]), float(hyperparameters["dropout"])
    return Sequential(
        [
            Input((ENGLISH_WORDS,), name="english"),
            layers.Embedding(VOCABULARY, EMBEDDING),
            layers.LSTM(width),
            layers.RepeatVector(STEPS),
            layers.LSTM(width, return_sequences=True),
            layers.Dropout(dropout),
            layers.Dense(VOCABULARY, activation="softmax", name="french"),
        ]
    )


def functional(hyperparameters: Hyperparameters) -> Any:
    """The graph: an encoder, and a decoder that looks back at all its states."""
    from keras import Input, Model, layers

    width, dropout = int(hyperparameters["width"]), float(hyperparameters["dropout"])
    english = Input((ENGLISH_WORDS,), name="english")
    before = Input((STEPS,), name="before")
    source = layers.Embedding(VOCABULARY, EMBEDDING)(english)
    read, state, cell = layers.LSTM(width, return_sequences=True, return_state=True)(source)
    written = layers.LSTM(width, return_sequences=True)(
        layers.Embedding(VOCABULARY, EMBEDDING)(before), initial_state=[state, cell]
    )
    # Compared are states with states; what is handed on is the English words too.
    words_and_states = layers.Concatenate()([source, read])
    context = layers.Attention()([written, words_and_states, read])
    hidden = layers.Dense(width, activation="tanh")(layers.Concatenate()([context, written]))
    french = layers.Dense(VOCABULARY, activation="softmax", name="french")
    return Model({"english": english, "before": before}, french(layers.Dropout(dropout)(hidden)))


PAIR = Pair(
    name="translation",
    title="Translation: one vector against encoder-decoder with attention",
    question=(
        "To translate short sentences, how much is gained by a decoder that knows its own words and "
        "attends to all of the source, at the same number of parameters?"
    ),
    sources=(
        Source(
            name="jupyterlab-language-pack-fr-FR (short messages)",
            kind=SourceKind.PACKAGED,
            load=translation_packaged,
            licence="BSD-3-Clause; Project Jupyter contributors",
        ),
        Source(
            name="Tatoeba's sentences, prepared for Anki",
            kind=SourceKind.ONLINE,
            load=translation_online,
            licence="CC BY 2.0 FR; Tatoeba.org and its contributors, C. Kelly",
        ),
        Source(
            name="sentences from a tab-separated file", kind=SourceKind.PATH, load=translation_file
        ),
    ),
    # Each English sentence is there once, whatever its case: 1,133 train, 243 guide the search, 243
    # are held back.
    split=shuffled(train=0.7, validation=0.15, test=0.15),
    prepare=frequent_words("english", "before", "french", VOCABULARY),
    metric=token_accuracy("french"),
    also=(bleu("french"), chrf("french")),
    margin=0.01,
    # Attention must first learn where to look: before some ten epochs it seems to have no use.
    epochs=20,
    loss="sparse_categorical_crossentropy",
    variants=(
        Variant("sequential", sequential, view=english_alone),
        Variant("functional", functional, answer=greedy("english", "before", "french")),
    ),
    shared_space={
        "learning_rate": Real(5e-3, 2e-2, log=True),
        "batch_size": Choice(32, 64),
        "dropout": Choice(0.0, 0.3),
    },
    # With 94,590 parameters whole-number widths bring any two models of the space within 0.1%.
    capacity=Capacity("width", budget=94_590, choices=(24, 48, 64, 96), low=2, high=512),
    baseline=likeliest_by_place("french", VOCABULARY),
    why_not_sequential=(
        "The graph has two inputs, hands two states of the encoder to the decoder, and joins both "
        "in its attention; a Sequential has one input and hands on one output at a time."
    ),
    published=Published(
        finding=(
            "English to French, BLEU without and with attention: 13.93 and 21.50 (trained on "
            "sentences of up to 30 words), 17.82 and 26.75 (up to 50)."
        ),
        source="Bahdanau et al. 2014, Neural Machine Translation by Jointly Learning to Align and "
        "Translate, table 1",
    ),
    show={
        "english": Display("words", end=END),
        "before": Display("hidden"),
        "french": Display("words", end=END, choose=best_words),
    },
)
