"""A trained model as a zipped MLflow model, written where Keras is loaded and MLflow is not.

`mlflow.keras.save_model` would do the same, but importing it takes each worker seconds for each
run. The format is MLflow's own (https://mlflow.org/docs/latest/ml/model/, "Storage format"): a
folder with an `MLmodel` file, the environment, and Keras' file under `data`. A test holds it
against what MLflow writes, and loads it with MLflow.
"""

from __future__ import annotations

import io
import json
import platform
import tempfile
import zipfile
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from uuid import uuid4

from service.contracts.data import Arrays
from service.training.packing import packed


def mlflow_model(model: Any, inputs: Arrays, outputs: Arrays) -> bytes:
    """Zip an MLflow model (Keras flavour) with its signature and an example of its inputs.

    Args:
        model: the trained model.
        inputs: a few examples of its inputs, by name.
        outputs: what the model answers to them, by target name.

    Returns:
        The zip file's bytes; its root is the MLflow model directory.
    """
    import keras

    backend = keras.backend.backend()
    kept = _keras_file(model)
    needs = [f"mlflow=={version('mlflow')}", f"keras=={version('keras')}", _requirement(backend)]
    python = platform.python_version()
    document = {
        "flavors": {
            "keras": {
                "data": "data",
                "keras_backend": backend,
                "keras_version": keras.__version__,
                "save_exported_model": False,
            },
            "python_function": {
                "env": {"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
                "loader_module": "mlflow.keras",
                "python_version": python,
            },
        },
        "mlflow_version": version("mlflow"),
        "model_size_bytes": len(kept),
        "model_uuid": uuid4().hex,
        "saved_input_example_info": {
            "artifact_path": "input_example.json",
            "serving_input_path": "serving_input_example.json",
            "type": "ndarray",
        },
        "signature": {"inputs": _schema(inputs), "outputs": _schema(outputs), "params": None},
        "utc_time_created": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f"),
    }
    conda = {
        "name": "mlflow-env",
        "channels": ["conda-forge"],
        "dependencies": [f"python={python}", "pip", {"pip": needs}],
    }
    environment = {"python": python, "dependencies": ["-r requirements.txt"]}
    example = packed({name: array.tolist() for name, array in inputs.items()})
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        # JSON is YAML.
        archive.writestr("MLmodel", json.dumps(document, indent=2))
        archive.writestr("conda.yaml", json.dumps(conda, indent=2))
        archive.writestr("python_env.yaml", json.dumps(environment, indent=2))
        archive.writestr("requirements.txt", "\n".join(needs))
        archive.writestr("input_example.json", json.dumps(example))
        archive.writestr("serving_input_example.json", json.dumps({"inputs": example}, indent=2))
        archive.writestr("data/keras_module.txt", "keras")
        archive.writestr("data/model.keras", kept)
    return buffer.getvalue()


def _keras_file(model: Any) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        return path.read_bytes()


def _schema(arrays: Arrays) -> str:
    """The types of some named arrays, as MLflow writes them; a single one has no name."""
    specs = [
        {
            "type": "tensor",
            **({"name": name} if len(arrays) > 1 else {}),
            "tensor-spec": {"dtype": str(array.dtype), "shape": [-1, *array.shape[1:]]},
        }
        for name, array in arrays.items()
    ]
    return json.dumps(specs)


def _requirement(backend: str) -> str:
    for package in (f"{backend}-cpu", backend):
        try:
            return f"{package}=={version(package)}"
        except PackageNotFoundError:
            continue
    return backend
