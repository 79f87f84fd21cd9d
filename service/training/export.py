"""A trained model as a zipped MLflow model, made where Keras is loaded already."""

from __future__ import annotations

import io
import os
import tempfile
import zipfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

from service.contracts.data import Arrays
from service.training.packing import packed


def mlflow_model(model: Any, inputs: Arrays, outputs: Arrays) -> bytes:
    """Zip an MLflow model (Keras flavour) with its signature.

    Args:
        model: the trained model.
        inputs: a few examples of its inputs, by name.
        outputs: what the model answers to them, by target name.

    Returns:
        The zip file's bytes; its root is the MLflow model directory.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    import keras
    import mlflow.keras
    from mlflow.models import infer_signature

    backend = keras.backend.backend()
    package = "tensorflow-cpu" if _installed("tensorflow-cpu") else backend
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        mlflow.keras.save_model(
            model,
            str(path),
            signature=infer_signature(packed(inputs), packed(outputs)),
            # Given, because finding them out starts another process for each model.
            pip_requirements=[f"keras=={version('keras')}", f"{package}=={version(package)}"],
        )
        _add_example(path, packed(inputs))
        return _zipped(path)


def _add_example(path: Path, inputs: Any) -> None:
    """Keep the inputs with the model: MLflow shows them and checks requests against them.

    `mlflow.keras.save_model` would do it, but writes them into a folder that it makes only later.
    """
    from mlflow.models import Model
    from mlflow.models.utils import _save_example

    description = Model.load(str(path))
    _save_example(description, inputs, str(path))
    description.save(str(path / "MLmodel"))


def _installed(package: str) -> bool:
    from importlib.metadata import PackageNotFoundError

    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True


def _zipped(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder))
    return buffer.getvalue()
