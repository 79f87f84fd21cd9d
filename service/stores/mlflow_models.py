"""Logging a stored model to a run, without Keras: the worker made it, signature included."""

from __future__ import annotations

import re
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from service.contracts.errors import ArchduelError
from service.stores.mlflow_layout import TRIAL_TAG


def log_model(
    client: Any,
    *,
    experiment_id: str,
    run_id: str,
    trial: str,
    name: str,
    params: Mapping[str, str],
    archive: Path,
) -> str:
    """Log a zipped MLflow model as an output of the run, as `mlflow.keras.log_model` would.

    A model that an interrupted session left half logged is completed; a complete one is left alone.

    Args:
        client: an `MlflowClient`.
        experiment_id, run_id: where it belongs.
        trial: the trial's id.
        name: shown in MLflow; letters, digits and hyphens are kept.
        params: the run's hyperparameters, shown with the model.
        archive: a zip file whose root is the MLflow model directory.

    Returns:
        MLflow's model id.

    Raises:
        ArchduelError: the archive cannot be read.
    """
    from mlflow.entities import LoggedModelOutput, LoggedModelStatus

    with tempfile.TemporaryDirectory() as folder:
        _unzip(archive, Path(folder))
        found = client.search_logged_models(
            experiment_ids=[experiment_id], filter_string=f"tags.`{TRIAL_TAG}` = '{trial}'"
        )
        model = next((one for one in found if one.source_run_id == run_id), None)
        if model is None:
            model = client.create_logged_model(
                experiment_id=experiment_id,
                name=re.sub(r"[^\w-]+", "-", name, flags=re.ASCII),
                source_run_id=run_id,
                tags={TRIAL_TAG: trial},
                params=dict(params),
                model_type="keras",
            )
        outputs = client.get_run(run_id).outputs
        linked = outputs.model_outputs if outputs is not None else []
        if all(one.model_id != model.model_id for one in linked):
            client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
        if model.status != LoggedModelStatus.READY:
            _introduce(Path(folder), model, run_id, archive)
            client.log_model_artifacts(model.model_id, folder)
            client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
    return str(model.model_id)


def _unzip(archive: Path, folder: Path) -> None:
    try:
        with zipfile.ZipFile(archive) as file:
            file.extractall(folder)
    except (OSError, zipfile.BadZipFile) as error:
        raise ArchduelError(
            f"{archive}: the stored model cannot be read ({error}); it is left out of MLflow"
        ) from error


def _introduce(folder: Path, model: Any, run_id: str, archive: Path) -> None:
    """Write into the model's own description which logged model it is, as MLflow does itself."""
    yaml = YAML()
    description = folder / "MLmodel"
    try:
        document = yaml.load(description)
        document["artifact_path"] = model.artifact_location
        document["model_id"] = document["model_uuid"] = model.model_id
        document["run_id"] = run_id
        yaml.dump(document, description)
    except (OSError, YAMLError, TypeError) as error:
        raise ArchduelError(
            f"{archive}: holds no MLflow model ({error}); it is left out of MLflow"
        ) from error
