"""The models that workers write are what MLflow would have written, and MLflow loads them."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.contracts.trial import Runtime
from service.training import runtime
from service.training.export import mlflow_model


@pytest.fixture(scope="module")
def keras() -> Any:
    return runtime.prepare(Runtime())


def two_in_two_out(keras: Any) -> Any:
    left, right = keras.Input((3,), name="left"), keras.Input((2, 2), name="right")
    together = keras.layers.Concatenate()([left, keras.layers.Flatten()(right)])
    outputs = {name: keras.layers.Dense(size, name=name)(together) for name, size in TWO.items()}
    return keras.Model({"left": left, "right": right}, outputs)


TWO = {"up": 1, "down": 4}


def one_in_one_out(keras: Any) -> Any:
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])


def examples(*names: str) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    shapes = {"left": (5, 3), "right": (5, 2, 2)}
    return {name: rng.normal(size=shapes[name]).astype(np.float32) for name in names}


def exported(keras: Any, kind: str) -> tuple[Any, dict[str, Any], dict[str, Any], bytes]:
    if kind == "one":
        model, inputs = one_in_one_out(keras), examples("left")
        outputs = {"y": np.asarray(model(inputs["left"]))}
    else:
        model, inputs = two_in_two_out(keras), examples("left", "right")
        outputs = {name: np.asarray(value) for name, value in model(inputs).items()}
    return model, inputs, outputs, mlflow_model(model, inputs, outputs)


@pytest.mark.parametrize("kind", ["one", "two"])
def test_an_exported_model_loads_with_keras_alone(keras: Any, kind: str, tmp_path: Path) -> None:
    _, inputs, outputs, content = exported(keras, kind)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(tmp_path)
    loaded = keras.models.load_model(tmp_path / "data" / "model.keras")
    answers = loaded(inputs["left"]) if kind == "one" else loaded(inputs)
    found = {"y": answers} if kind == "one" else answers
    for name, expected in outputs.items():
        assert np.array_equal(np.asarray(found[name]), expected)


def test_a_worker_that_exports_does_not_import_mlflow() -> None:
    code = """
import sys
import numpy as np
from service.contracts.trial import Runtime
from service.training import runtime
keras = runtime.prepare(Runtime())
from service.training.export import mlflow_model
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
x = np.zeros((3, 3), np.float32)
assert mlflow_model(model, {"x": x}, {"y": np.asarray(model(x))})
assert "mlflow" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["one", "two"])
def test_mlflow_would_have_written_the_same_and_loads_it(
    keras: Any, kind: str, tmp_path: Path
) -> None:
    import mlflow.keras
    import mlflow.pyfunc
    from mlflow.models import Model, infer_signature

    from service.training.packing import packed

    model, inputs, outputs, content = exported(keras, kind)
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(ours)
    signature = infer_signature(packed(inputs), packed(outputs))
    theirs.mkdir()  # MLflow writes the example before it makes the folder.
    mlflow.keras.save_model(
        model,
        str(theirs),
        signature=signature,
        input_example=packed(inputs),
        pip_requirements=["keras"],
    )
    one, other = Model.load(str(ours)), Model.load(str(theirs))
    assert one.flavors == other.flavors
    assert one.signature == other.signature
    assert {p.relative_to(ours) for p in ours.rglob("*")} == {
        p.relative_to(theirs) for p in theirs.rglob("*")
    }
    assert json.loads((ours / "python_env.yaml").read_text())["dependencies"]
    found = mlflow.keras.load_model(str(ours)).predict(packed(inputs))
    for name, expected in outputs.items():
        answer = found if kind == "one" else found[name]
        np.testing.assert_allclose(np.asarray(answer), expected, rtol=1e-6)
    if kind == "one":  # MLflow's own wrapper cannot return several outputs.
        answer = mlflow.pyfunc.load_model(str(ours)).predict(packed(inputs))
        np.testing.assert_allclose(answer, outputs["y"], rtol=1e-6)
