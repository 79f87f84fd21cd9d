"""What a training that ended well is asked: its latency, and a winner for the test split, once."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from service.contracts.pair import CONTROL, Baseline
from service.contracts.trial import Stage, TrialSpec
from service.training import by_example, stopwatch
from service.training.export import mlflow_model
from service.training.fault import planted
from service.training.material import Material
from service.training.packing import viewed
from service.training.samples import samples
from service.training.structure import structure
from service.training.trainer import Trainer, Training

SIGNATURE_EXAMPLES = 3


@dataclass
class Examination:
    """What was found.

    Args:
        latency_seconds: one example through the model, median.
        fields: of the trial's result; empty where the test split was not read.
        model: a zipped MLflow model, where it is worth keeping.
    """

    latency_seconds: float
    fields: dict[str, Any] = field(default_factory=dict)
    model: bytes | None = None


def examine(
    trainer: Trainer, spec: TrialSpec, training: Training, material: Material
) -> Examination:
    """Measure latency, and read the test split where the training is a retrained winner's.

    Args:
        trainer: the pair's.
        spec: what was trained.
        training: what it left behind.
        material: the data of its split.

    Raises:
        ValueError: the test score is no number.
    """
    pair = trainer.pair
    view = pair.variant(spec.variant).view
    few = viewed({k: v[:SIGNATURE_EXAMPLES] for k, v in material.validation.inputs.items()}, view)
    one = {name: array[:1] for name, array in few.items()}
    latency = stopwatch.latency(lambda: trainer.answers(spec, training.program, one))
    if spec.stage is not Stage.RETRAIN:
        return Examination(latency)
    test = material.read_test()
    predictions = trainer.answers(spec, training.program, viewed(test.inputs, view))
    score = pair.metric.over(test, predictions)
    if not math.isfinite(score):
        raise ValueError(f"the test {pair.metric.name} is {score}")
    also = {metric.name: metric.over(test, predictions) for metric in pair.also}

    def trivial(answer: Baseline) -> float:
        return pair.metric.over(test, answer.predict(material.train, test.inputs))

    baseline = trivial(pair.baseline)
    found = Examination(
        latency,
        {
            "test_score": score,
            "also": _finite(also),
            "by_example": by_example.packed(pair.metric, material, predictions, score),
            "baseline_score": baseline if math.isfinite(baseline) else None,
            "reference_scores": _finite({one.name: trivial(one) for one in pair.references}),
        },
    )
    if spec.number or spec.variant == CONTROL:
        return found
    graph = structure(training.program.model)
    if spec.repetition == 0:
        graph = graph.model_copy(update={"fault": planted(training.program.model)})
        found.fields["samples"] = samples(pair, spec.seeds.split, material, predictions)
    found.fields["structure"] = graph
    found.model = mlflow_model(training.program.model, few, training.program.predict(few))
    return found


def _finite(scores: dict[str, float]) -> dict[str, float]:
    return {name: score for name, score in scores.items() if math.isfinite(score)}
