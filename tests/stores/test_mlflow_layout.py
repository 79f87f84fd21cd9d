import pytest

from service.contracts.plan import MetricPlan
from service.contracts.results import Curve
from service.contracts.trial import Status
from service.stores.mlflow_client import redacted
from service.stores.mlflow_layout import clipped, key, milliseconds, trial_run
from service.stores.protocol_diff import differences
from tests.stores.store_factories import a_pair, a_plan, a_result


def points(document):
    return {(p.key, p.step): p.value for p in (*document.curve, *document.scalars)}


def test_a_retrained_winner_in_full():
    result = a_result(3, stage="retrain", rep=2)
    document = trial_run(result, a_pair(), "")
    assert document.name == "sequential r02 retrain 03"
    assert document.status == "FINISHED"
    assert document.end == milliseconds(result.finished_at)
    assert document.end - document.start == 1750
    assert document.params == {
        "epochs": "3",
        "parameter_budget": "400",
        "learning_rate": str(result.hyperparameters["learning_rate"]),
        "batch_size": str(result.hyperparameters["batch_size"]),
        "width": "17",
    }
    wanted = {
        "archduel.trial": result.spec.id,
        "variant": "sequential",
        "stage": "retrain",
        "repetition": "2",
        "number": "3",
        "status": "ok",
        "seed.weights": str(2**60 + 3),
    }
    assert wanted.items() <= document.tags.items()
    assert points(document) == {
        ("loss", 1): 1.0,
        ("loss", 2): 0.5,
        ("loss", 3): 0.25,
        **{("validation_accuracy", i + 1): v for i, v in enumerate(result.curve.validation)},
        ("test_accuracy", 0): result.test_score,
        ("baseline_accuracy", 0): 0.3,
        ("parameters", 0): 398.0,
        ("flops", 0): 800.0,
        ("train_seconds", 0): 0.05,
        ("compile_seconds", 0): 1.5,
        ("latency_ms", 0): 2.0,
        ("peak_memory_mb", 0): 300.0,
    }
    times = [p.timestamp for p in document.curve if p.key == "loss"]
    assert times == sorted(times)
    assert times[-1] == document.end
    assert document == trial_run(result, a_pair(), "")


@pytest.mark.parametrize("status", list(Status))
def test_every_status_ends_a_run(status):
    document = trial_run(a_result(0, status=status.value), a_pair(), "")
    assert document.status in {"FINISHED", "FAILED", "KILLED"}
    assert (document.status == "FINISHED") == (status is Status.OK)
    assert document.tags["status"] == status.value
    assert document.tags.get("reason") == (
        None if status is Status.OK else f"it was {status.value}"
    )


def test_a_failure_without_numbers():
    result = a_result(0, status="lost").model_copy(
        update={"curve": Curve(), "epochs": 0, "finished_at": "", "parameters": None, "flops": None}
    )
    document = trial_run(result, a_pair(), "2026-01-01T00:00:00+00:00")
    assert document.end == milliseconds("2026-01-01T00:00:00")
    assert {key for key, _ in points(document)} == {
        "train_seconds",
        "compile_seconds",
        "peak_memory_mb",
    }


def test_a_score_without_a_curve_is_at_the_last_epoch():
    result = a_result(0).model_copy(update={"curve": Curve()})
    assert points(trial_run(result, a_pair(), ""))["validation_accuracy", 3] == result.score


def test_further_metrics_are_points_too():
    result = a_result(0, stage="retrain").model_copy(update={"also": {"macro F1": 0.75}})
    document = points(trial_run(result, a_pair(), ""))
    assert document["test_macro_f1", 0] == 0.75
    assert document["test_accuracy", 0] == result.test_score


def test_names():
    metric = MetricPlan(name="Mean absolute error (°C)", direction="minimize", unit="°C")
    assert key(metric.name) == "mean_absolute_error_c"
    assert len(clipped("x" * 9_000)) == 7_900
    assert redacted("http://me:secret@host:5000/p") == "http://host:5000/p"
    assert redacted("sqlite:////a/b.db") == "sqlite:////a/b.db"


def test_plans_that_differ_in_nothing_but_the_protocol_hash():
    document = a_plan().model_dump(mode="json")
    assert differences(document, document) == []
    assert differences(document, a_plan(mlflow="x", config="y").model_dump(mode="json")) == []
