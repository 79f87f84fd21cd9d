"""The parent run of each pair: its note, its data set, its reports, and how it stands."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from service.contracts.plan import PairPlan, Plan
from service.stores.experiment_ledger import ExperimentLedger
from service.stores.ledger import sentences
from service.stores.mlflow_layout import NOTE_TAG, PAIR_TAG, Point, clipped, milliseconds

_BATCH = 1_000  # metrics that MLflow takes in one request

_STATUS = {
    "finished": "FINISHED",
    "failed": "FAILED",
    "interrupted": "KILLED",
    # Whoever ran it is gone: no one settles a run that goes on.
    "running": "KILLED",
}


class Parents:
    """The parent runs of one MLflow experiment.

    Args:
        client: an `MlflowClient`.
        experiment_id: MLflow's.
        ledger: what they stand for.
        begin: whether a run goes on now, so that they are shown as running.
    """

    def __init__(
        self, client: Any, experiment_id: str, ledger: ExperimentLedger, *, begin: bool
    ) -> None:
        self._client = client
        self._experiment_id = experiment_id
        self._ledger = ledger
        self._plan: Plan = ledger.plan
        self._facts = ledger.facts
        self._described: set[str] = set()
        self._uploaded: dict[tuple[str, str], tuple[int, int]] = {}
        self.ids = {pair.name: self._find_or_create(pair, begin) for pair in self._plan.pairs}

    def pair(self, name: str) -> PairPlan:
        """The plan of this pair."""
        return self._plan.pair(name)

    def describe_data(self, pair: str, fingerprint: str) -> None:
        """Name the pair's data set as an input of its run; cheap when it was done before."""
        if pair not in self._described:
            self._client.log_inputs(self.ids[pair], datasets=[self.dataset(pair, fingerprint)])
            self._described.add(pair)

    def dataset(self, pair: str, fingerprint: str) -> Any:
        """The pair's data set as MLflow knows data sets: the source's name and the fingerprint."""
        from mlflow.entities import Dataset, DatasetInput, InputTag

        plan = self.pair(pair)
        told = self._facts.get("data")
        profile = told.get(pair) if isinstance(told, Mapping) else None
        source = {"source": plan.source, "licence": plan.licence, "kind": self._plan.data_source}
        return DatasetInput(
            Dataset(
                name=plan.source[:500],
                digest=fingerprint[:36],
                source_type=self._plan.data_source,
                source=json.dumps(source),
                profile=None if profile is None else json.dumps(profile, default=str),
            ),
            tags=[InputTag("mlflow.data.context", "training")],
        )

    def log(self, points: Sequence[Point]) -> None:
        """Add points to the run of every pair."""
        from mlflow.entities import Metric

        for first in range(0, len(points), _BATCH):
            batch = [
                Metric(point.key, point.value, point.timestamp, point.step)
                for point in points[first : first + _BATCH]
            ]
            for run_id in self.ids.values():
                self._client.log_batch(run_id, metrics=batch)

    def annotate(self, notes: Mapping[str, str]) -> None:
        """Set the note of each pair's run (markdown, shown as its description)."""
        for pair, note in notes.items():
            if pair in self.ids:
                self._client.set_tag(self.ids[pair], NOTE_TAG, clipped(note))

    def attach(self, files: Mapping[str, Path]) -> None:
        """Log files to the pairs' runs; one that did not change is not sent again.

        Args:
            files: by name. One named "PAIR/FOLDER/FILE" goes to that pair's run alone, into the
                folder; the others go to all.
        """
        for name, path in files.items():
            if not path.is_file():
                continue
            stamp = (path.stat().st_mtime_ns, path.stat().st_size)
            owner, _, rest = name.partition("/")
            folder = rest.rpartition("/")[0] or None
            for pair, run_id in self.ids.items():
                if (rest and pair != owner) or self._uploaded.get((pair, name)) == stamp:
                    continue
                self._client.log_artifact(run_id, str(path), folder)
                self._uploaded[pair, name] = stamp

    def settle(self) -> None:
        """Give every run the state and the verdict that the ledger has, and an end."""
        state = self._ledger.state
        verdicts = self._ledger.verdicts
        told = sentences(verdicts)
        end = milliseconds(self._ledger.updated)
        for pair, run_id in self.ids.items():
            if pair in told:
                self._client.set_tag(run_id, "verdict", clipped(told[pair]))
                self._client.log_batch(run_id, metrics=_figures(verdicts[pair], end))
            self._client.set_terminated(run_id, _STATUS[state], end)

    def _find_or_create(self, pair: PairPlan, begin: bool) -> str:
        found = self._client.search_runs(
            [self._experiment_id], f"tags.`{PAIR_TAG}` = '{pair.name}'", order_by=["start_time ASC"]
        )
        if not found:
            found = [
                self._client.create_run(
                    self._experiment_id,
                    start_time=milliseconds(self._ledger.started),
                    tags=self._tags(pair),
                    run_name=pair.name,
                )
            ]
        for extra in _run_ids(found[1:]):
            self._client.delete_run(extra)
        run_id = _run_ids(found)[0]
        if begin:
            self._client.update_run(run_id, status="RUNNING")
        return run_id

    def _tags(self, pair: PairPlan) -> dict[str, str]:
        tags = {
            PAIR_TAG: pair.name,
            "pair": pair.name,
            "title": pair.title,
            "metric": f"{pair.metric.name} ({pair.metric.direction})",
            "margin": str(pair.margin),
            "code": pair.code,
            "protocol": self._plan.protocol_hash,
            "mlflow.source.name": "archduel",
            "mlflow.source.type": "JOB",
        }
        return {name: clipped(value) for name, value in tags.items()}


def _figures(verdict: Any, timestamp: int) -> list[Any]:
    """The verdict's numbers as MLflow metrics; a missing one is left out."""
    from mlflow.entities import Metric

    numbers = verdict.get("verdict", {}) if isinstance(verdict, Mapping) else {}
    interval = numbers.get("interval") or (None, None)
    figures = {
        "difference": numbers.get("mean_difference"),
        "difference_low": interval[0],
        "difference_high": interval[1],
        "probability_of_improvement": numbers.get("improvement"),
        "repetitions": numbers.get("n_ok"),
    }
    return [
        Metric(name, float(value), timestamp, 0)
        for name, value in figures.items()
        if value is not None
    ]


def _run_ids(runs: Iterable[Any]) -> list[str]:
    return [str(run.info.run_id) for run in runs]
