"""Many finished runs written into MLflow's SQLite store in one transaction.

MLflow's client writes a run in six transactions and some thirty statements, 30 ms of processor time
for a training of thirty epochs, which may itself have taken ten. So runs that are complete and that
no one wrote before go straight into MLflow's tables, through its own table definitions. A test
holds the rows equal to those of the client; where the tables refuse them, the client is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from service.stores.mlflow_layout import Point, RunDocument


class RowWriter:
    """Writes runs of one MLflow experiment.

    Args:
        tracking_uri: MLflow's SQLite store, "sqlite:///path/mlflow.db".
        experiment_id: MLflow's.
    """

    def __init__(self, tracking_uri: str, experiment_id: str) -> None:
        self._experiment_id = int(experiment_id)
        self._engine = sa.create_engine(
            tracking_uri, connect_args={"timeout": 20}, poolclass=sa.NullPool
        )
        sa.event.listen(self._engine, "connect", _refuse_orphans)

    def write(self, documents: Mapping[str, RunDocument]) -> dict[str, str]:
        """Write runs, all or none.

        Args:
            documents: what to write, by trial id.

        Returns:
            MLflow's run id by trial id; empty where the experiment is not active.

        Raises:
            SQLAlchemyError: the store is not what this version of MLflow makes, or it is busy.
        """
        from mlflow.store.tracking.dbmodels.models import (
            SqlExperiment,
            SqlLatestMetric,
            SqlMetric,
            SqlParam,
            SqlRun,
            SqlTag,
        )

        runs = {trial: uuid4().hex for trial in documents}
        with self._engine.begin() as connection:
            experiment = connection.execute(
                sa.select(SqlExperiment.artifact_location).where(
                    SqlExperiment.experiment_id == self._experiment_id,
                    SqlExperiment.lifecycle_stage == "active",
                )
            ).first()
            if experiment is None:
                return {}
            tables: dict[Any, list[dict[str, Any]]] = {
                SqlRun: [],
                SqlTag: [],
                SqlParam: [],
                SqlMetric: [],
                SqlLatestMetric: [],
            }
            for trial, run_id in runs.items():
                document = documents[trial]
                tables[SqlRun].append(self._run(run_id, document, experiment.artifact_location))
                tags = {**document.tags, "mlflow.runName": document.name}
                tables[SqlTag] += _texts(run_id, tags)
                tables[SqlParam] += _texts(run_id, document.params)
                points = (*document.curve, *document.scalars)
                tables[SqlMetric] += [_metric(run_id, point) for point in points]
                tables[SqlLatestMetric] += [_metric(run_id, point) for point in _latest(points)]
            for table, rows in tables.items():
                if rows:
                    connection.execute(sa.insert(table.__table__), rows)
        return runs

    def _run(self, run_id: str, document: RunDocument, location: str) -> dict[str, Any]:
        """What `MlflowClient.create_run` and `set_terminated` write."""
        from mlflow.utils.uri import append_to_uri_path

        return {
            "run_uuid": run_id,
            "name": document.name,
            "source_type": "UNKNOWN",
            "source_name": "",
            "entry_point_name": "",
            "source_version": "",
            "user_id": "unknown",
            "status": document.status,
            "start_time": document.start,
            "end_time": document.end,
            "lifecycle_stage": "active",
            "artifact_uri": append_to_uri_path(location, run_id, "artifacts"),
            "experiment_id": self._experiment_id,
        }


def _texts(run_id: str, texts: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"run_uuid": run_id, "key": key, "value": value} for key, value in texts.items()]


def _metric(run_id: str, point: Point) -> dict[str, Any]:
    return {
        "run_uuid": run_id,
        "key": point.key,
        "value": point.value,
        "timestamp": point.timestamp,
        "step": point.step,
        "is_nan": False,
    }


def _latest(points: tuple[Point, ...]) -> list[Point]:
    """The last point of each metric, as MLflow compares them."""
    latest: dict[str, Point] = {}
    for point in points:
        known = latest.get(point.key)
        if known is None or _age(point) > _age(known):
            latest[point.key] = point
    return list(latest.values())


def _age(point: Point) -> tuple[int, int, float]:
    return point.step, point.timestamp, point.value


def _refuse_orphans(connection: Any, record: Any) -> None:
    connection.execute("PRAGMA foreign_keys=ON")
