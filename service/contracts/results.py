"""What a worker sends back, and what the ledger keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import Field

from service.contracts.by_example import ExampleScores
from service.contracts.pair import Scalar
from service.contracts.samples import Sample
from service.contracts.structure import Structure
from service.contracts.trial import Frozen, Status, TrialSpec


class Curve(Frozen):
    """What was seen after each epoch; the tuples have one value an epoch.

    Args:
        loss: mean training loss of the epoch.
        validation: the primary metric on the validation split.
    """

    loss: tuple[float, ...] = ()
    validation: tuple[float, ...] = ()


class Cost(Frozen):
    """What a trial cost; these fields, and no others, may differ between two runs of one plan.

    Args:
        train_seconds: the epochs alone, programs already compiled. Of a trial that went on from a
            checkpoint, those of the epochs before it are counted in, as the lost worker told them;
            what was trained after the checkpoint and lost is not.
        compile_seconds: building, matching and tracing what was not there yet.
        total_seconds: from the spec's arrival to the result, of the last attempt alone.
        latency_seconds: one example through the model, median; retrained winners only.
        peak_memory_bytes: the worker's highest resident memory during the trial.
        worker: host and process that ran it.
        attempt: which try this was, from 1; more where workers were lost.
        reused_program: whether the training program was compiled already.
        resumed_epochs: epochs that an earlier attempt had trained, found in its checkpoint.
    """

    train_seconds: float = 0.0
    compile_seconds: float = 0.0
    total_seconds: float = 0.0
    latency_seconds: float | None = None
    peak_memory_bytes: int | None = None
    worker: str = ""
    attempt: int = 1
    reused_program: bool = False
    resumed_epochs: int = 0


class TrialResult(Frozen):
    """The outcome of one trial.

    Args:
        spec: what was asked for.
        status: how it ended.
        reason: why it did not end ok, in one line.
        score: the primary metric on the validation split after the last epoch.
        test_score: the primary metric on the test split; retrained winners only.
        baseline_score: the trivial baseline on the same test split.
        also: the pair's further metrics on the test split, by name.
        reference_scores: the primary metric of the pair's further trivial answers on it, by name.
        curve: what was seen after each epoch.
        epochs: how many were trained.
        hyperparameters: all the builder got, the solved size included.
        parameters: trainable and non-trainable weights of the model.
        flops: floating-point operations of one example's forward pass, None where a layer has no
            formula.
        weights_digest: hash of the final weights.
        examples: how many examples trained, validated and tested.
        by_example: the test score of each example, where the metric is a mean over examples and the
            examples belong to no groups; retrained winners only.
        samples: a few test examples and what was answered; the first retrained winner of the first
            repetition only.
        structure: the model's graph; the first retrained winner of each repetition only.
        cost: timings and such.
        finished_at: when, in UTC, ISO 8601.
    """

    spec: TrialSpec
    status: Status
    reason: str | None = None
    score: float | None = None
    test_score: float | None = None
    baseline_score: float | None = None
    also: dict[str, float] = Field(default_factory=dict)
    reference_scores: dict[str, float] = Field(default_factory=dict)
    curve: Curve = Curve()
    epochs: int = 0
    hyperparameters: dict[str, Scalar] = Field(default_factory=dict)
    parameters: int | None = None
    flops: int | None = None
    weights_digest: str | None = None
    examples: tuple[int, int, int] | None = None
    by_example: ExampleScores | None = None
    samples: tuple[Sample, ...] = ()
    structure: Structure | None = None
    cost: Cost = Cost()
    finished_at: str = ""

    @property
    def ok(self) -> bool:
        """Whether the trial ended as planned."""
        return self.status is Status.OK

    def numbers(self) -> dict[str, Any]:
        """Everything that the plan and the seeds decide: equal for equal plans, bit for bit."""
        return self.model_dump(mode="json", exclude={"cost", "finished_at"})


@dataclass(frozen=True)
class Outcome:
    """A result, with the trained model where it is worth keeping.

    Args:
        result: what the ledger records.
        model: a zipped MLflow model, for the first retrained winner of a repetition.
        note: something for people to hear that changes nothing, in one line.
    """

    result: TrialResult
    model: bytes | None = None
    note: str | None = None
