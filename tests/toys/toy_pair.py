"""A pair that trains in milliseconds and can be told to misbehave: the tests' own."""

import os
import time
from pathlib import Path

import numpy as np

from service.contracts import (
    Baseline,
    Capacity,
    Choice,
    Dataset,
    Examples,
    Metric,
    Pair,
    Real,
    Source,
    SourceKind,
    Split,
    Variant,
)

BALLAST: list[np.ndarray] = []


def load(path):
    rng = np.random.default_rng(7)
    x = rng.normal(size=(120, 4)).astype(np.float32)
    y = (x[:, 0] + x[:, 1] ** 2 > 0.8).astype(np.int32)
    return Dataset(Examples({"x": x}, {"y": y}), facts={"classes": "2"})


def split(dataset, rng):
    order = rng.permutation(len(dataset))
    return Split(order[:64], order[64:92], order[92:])


def accuracy(targets, predictions):
    return float((predictions["y"].argmax(axis=-1) == targets["y"]).mean())


def majority(train, inputs):
    share = np.bincount(train.targets["y"], minlength=2) / len(train)
    return {"y": np.tile(share, (len(inputs["x"]), 1))}


def misbehave(mode):
    kind, _, argument = str(mode).partition(":")
    if kind == "raise":
        raise ValueError("the builder was told to raise")
    if kind == "memory":
        raise MemoryError("the builder was told to run out of memory")
    if kind == "hang":
        time.sleep(600)
    if kind == "die":
        os._exit(13)
    if kind == "die-once" and not Path(argument).exists():
        Path(argument).touch()
        os._exit(13)
    if kind == "hang-once" and not Path(argument).exists():
        Path(f"{argument}.part").write_text(str(os.getpid()))
        Path(f"{argument}.part").rename(argument)
        time.sleep(600)
    if kind == "grow" and not BALLAST:
        BALLAST.append(np.ones(int(argument) // 8))


def stack(hyperparameters):
    from keras import Input, Sequential, initializers, layers

    mode = hyperparameters.get("mode", "ok")
    misbehave(mode)
    last = initializers.Constant(float("nan")) if mode == "nan" else "glorot_uniform"
    return Sequential(
        [
            Input((4,), name="x"),
            layers.Dense(hyperparameters["width"], activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(hyperparameters["dropout"]),
            layers.Dense(2, activation="softmax", kernel_initializer=last),
        ]
    )


def graph(hyperparameters):
    from keras import Input, Model, layers

    misbehave(hyperparameters.get("mode", "ok"))
    x = Input((4,), name="x")
    hidden = layers.Dense(hyperparameters["width"], activation="relu")(x)
    hidden = layers.Dropout(hyperparameters["dropout"])(hidden)
    return Model(x, layers.Dense(2, activation="softmax")(layers.Concatenate()([x, hidden])))


PAIR = Pair(
    name="toy",
    title="Toy",
    question="Does the test pass?",
    sources=(Source("made up", SourceKind.PACKAGED, load),),
    split=split,
    metric=Metric("accuracy", "maximize", "fraction", accuracy),
    margin=0.05,
    loss="sparse_categorical_crossentropy",
    variants=(Variant("sequential", stack), Variant("functional", graph)),
    shared_space={
        "learning_rate": Real(1e-3, 1e-1, log=True),
        "batch_size": Choice(16, 32),
        "dropout": Choice(0.0, 0.3),
    },
    capacity=Capacity("width", budget=400, choices=(8, 16)),
    baseline=Baseline("the most frequent class", majority),
)
