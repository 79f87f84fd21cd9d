"""The MLflow experiment that stands for one experiment of the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from service.contracts.errors import ArchduelError
from service.stores.experiment_ledger import ExperimentLedger
from service.stores.mlflow_client import is_remote, sqlite_file
from service.stores.mlflow_layout import LEDGER_TAG, TRIAL_TAG, key
from service.stores.mlflow_views import view_tags
from service.stores.outbox_log import OutboxLog


def find_or_create(
    client: Any, ledger: ExperimentLedger, log: OutboxLog, location: str | None
) -> str:
    """MLflow's id of the experiment "archduel/<key>".

    Where another ledger has an experiment of that name there, part of this one's identity is added
    to it, so that two people's results never mix. Where it is not there, the log forgets what it
    sent: the store was emptied.

    Args:
        client: an `MlflowClient`.
        ledger: the source.
        log: what has been sent.
        location: where a new experiment keeps its artifacts; None leaves it to the server.

    Raises:
        ArchduelError: the experiment was deleted in MLflow.
    """
    plain = f"archduel/{ledger.key}"
    for name in (plain, f"{plain} {ledger.uuid[:8]}"):
        found = client.get_experiment_by_name(name)
        if found is None:
            # First: after a crash right here the log must not tell of runs that are gone.
            log.forget()
            return str(
                client.create_experiment(name, artifact_location=location, tags=_tags(ledger))
            )
        if found.tags.get(LEDGER_TAG) != ledger.uuid:
            continue
        if found.lifecycle_stage != "active":
            raise ArchduelError(
                f"MLflow's experiment '{name}' was deleted there; restore it (mlflow experiments "
                f"restore --experiment-id {found.experiment_id}) or remove it for good (mlflow gc), "
                "then archduel sync"
            )
        for tag, value in _tags(ledger).items():
            if tag not in found.tags:  # an older archduel made it
                client.set_experiment_tag(found.experiment_id, tag, value)
        return str(found.experiment_id)
    raise ArchduelError(f"MLflow has another ledger's experiment '{plain}'; rename one of them")


def _tags(ledger: ExperimentLedger) -> dict[str, str]:
    """What makes MLflow show the experiment as training runs, with its primary metric and views."""
    plan = ledger.plan
    tags = {LEDGER_TAG: ledger.uuid, "mlflow.experimentKind": "custom_model_development"}
    tags |= view_tags(plan, ledger.started)
    metrics = {(pair.metric.name, pair.metric.direction) for pair in plan.pairs}
    if len(metrics) == 1:
        ((name, direction),) = metrics
        tags["mlflow.experiment.primaryMetric.name"] = f"test_{key(name)}"
        tags["mlflow.experiment.primaryMetric.greaterIsBetter"] = str(direction == "maximize")
    return tags


def adopted(client: Any, experiment_id: str) -> dict[str, list[Any]]:
    """The runs of every trial that is there, by trial id: for a log that knows of none.

    So it is when the same store is reached under another address.
    """
    runs: dict[str, list[Any]] = {}
    token: str | None = None
    while True:
        page = client.search_runs(
            [experiment_id], f"tags.`{TRIAL_TAG}` LIKE '%'", max_results=1000, page_token=token
        )
        for run in page:
            runs.setdefault(run.data.tags[TRIAL_TAG], []).append(run)
        token = page.token
        if not token:
            return runs


def artifact_location(tracking_uri: str, root: str | Path | None, key: str) -> str | None:
    """Where the experiment keeps its artifacts: a server decides itself, a database cannot.

    Args:
        tracking_uri: MLflow's address.
        root: a folder or an address; "artifacts" beside a SQLite file when it is not given.
        key: the experiment's.
    """
    if is_remote(tracking_uri):
        return None
    file = sqlite_file(tracking_uri)
    root = root or (None if file is None else file.parent / "artifacts")
    if root is None:
        return None
    return (
        (root.resolve() / key).as_uri() if isinstance(root, Path) else f"{root.rstrip('/')}/{key}"
    )
