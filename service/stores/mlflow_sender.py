"""Writing results to MLflow so that each arrives once, whatever breaks in between."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from service.contracts.errors import ArchduelError
from service.contracts.results import TrialResult
from service.contracts.trial import Stage
from service.stores.experiment_ledger import ExperimentLedger
from service.stores.mlflow_client import is_remote, open_client, sqlite_file
from service.stores.mlflow_experiment import adopted, artifact_location, find_or_create
from service.stores.mlflow_layout import (
    PARENT_TAG,
    TRIAL_TAG,
    Point,
    RunDocument,
    is_acceptable,
    trial_run,
)
from service.stores.mlflow_models import log_model
from service.stores.mlflow_parents import Parents
from service.stores.mlflow_registry import register
from service.stores.mlflow_rows import RowWriter
from service.stores.outbox_log import OutboxLog

_REFUSED = ("INVALID_PARAMETER_VALUE", "BAD_REQUEST", "MALFORMED_REQUEST")


class Sender:
    """A connection to one tracking server for one experiment; after an error, make a new one.

    Args:
        ledger: the source.
        log: what has been sent.
        tracking_uri: MLflow's address.
        artifact_root: where artifacts go if the address is a database; a server decides itself.
        say: hears of models that could not be sent.
        begin: whether a run goes on, so that parent runs are shown as running.
    """

    def __init__(
        self,
        ledger: ExperimentLedger,
        log: OutboxLog,
        tracking_uri: str,
        artifact_root: str | Path | None,
        say: Callable[[str], None],
        *,
        begin: bool,
    ) -> None:
        self._ledger = ledger
        self._log = log
        self._say = say
        self._client = open_client(tracking_uri)
        # A server is mostly waited for; a database takes one writer at a time.
        self._remote = is_remote(tracking_uri)
        self._lanes = 4 if self._remote else 1
        location = artifact_location(tracking_uri, artifact_root, ledger.key)
        self.experiment_id = find_or_create(self._client, ledger, log, location)
        # Runs that are there although the log does not know of them, by trial.
        self._adopted = adopted(self._client, self.experiment_id) if log.is_empty() else {}
        self.parents = Parents(self._client, self.experiment_id, ledger, begin=begin)
        self._models: dict[str, Path] = {}
        local = sqlite_file(tracking_uri) is not None
        self._rows = RowWriter(tracking_uri, self.experiment_id) if local else None

    def send(
        self, results: Mapping[str, TrialResult], late: Callable[[], bool] = lambda: False
    ) -> dict[str, str]:
        """Send trials and record them as sent.

        Args:
            results: by trial id.
            late: whether to begin no further one.

        Returns:
            Why MLflow refused a trial, by trial id; the others were sent.

        Raises:
            Exception: whatever MLflow raises when it does not answer. Trials that were complete by
                then are recorded as sent.
        """
        from mlflow.exceptions import MlflowException

        claimed_before = self._log.claim(results)
        self._models = self._ledger.models(results)
        for pair, data in {(r.spec.pair, r.spec.data) for r in results.values()}:
            self.parents.describe_data(pair, data)
        new = {trial: one for trial, one in results.items() if trial not in claimed_before}
        sent = self._write_rows(new)
        refused: dict[str, str] = {}
        failures: list[Exception] = []
        todo = deque(trial for trial in results if trial not in sent)

        def lane() -> None:
            while todo and not failures and not late():
                try:
                    trial = todo.popleft()
                except IndexError:  # another lane took the last one
                    return
                try:
                    sent[trial] = self._send(trial, results[trial], look=trial in claimed_before)
                except MlflowException as error:
                    if error.error_code in _REFUSED:
                        refused[trial] = _one_line(error)
                    else:
                        failures.append(error)
                except Exception as error:  # raised below, when what was complete is recorded
                    failures.append(error)

        # Daemons, unlike a pool's threads: a silent server must not hold up the end of the process.
        others = [threading.Thread(target=lane, daemon=True) for _ in range(self._lanes - 1)]
        for other in others:
            other.start()
        lane()
        for other in others:
            other.join()
        self._log.mark_synced(sent)
        if failures:
            raise failures[0]
        return refused

    def register(self) -> None:
        """Register the models of the pairs that have a verdict.

        A server that keeps no models is told once and does not hold up the rest.
        """
        from mlflow.exceptions import MlflowException

        try:
            register(self._client, self._ledger, self.experiment_id, remote=self._remote)
        except MlflowException as error:
            if error.error_code not in (*_REFUSED, "FEATURE_DISABLED", "NOT_IMPLEMENTED"):
                raise
            self._say(f"the winners could not be registered in MLflow: {_one_line(error)}")

    def remove_twins(self, trials: Mapping[str, str]) -> None:
        """Delete all runs of these trials but the given ones.

        A creation that seemed lost may still be carried out by a slow server after it was repeated.

        Args:
            trials: the run id to keep, by trial id.
        """
        for trial, keep in trials.items():
            for run in self._search(trial):
                if run.info.run_id != keep:
                    self._client.delete_run(run.info.run_id)

    def _write_rows(self, results: Mapping[str, TrialResult]) -> dict[str, str]:
        """Write those of these new trials that are numbers only; returns their run ids."""
        if self._rows is None:
            return {}
        documents = {
            trial: document
            for trial, result in results.items()
            # A retrained winner also names its data set and may bring a model.
            if result.spec.stage is not Stage.RETRAIN and trial not in self._adopted
            # What MLflow would refuse, its client is to refuse: it says why.
            if is_acceptable(document := self._document(result))
        }
        if not documents:
            return {}
        try:
            return self._rows.write(documents)
        except SQLAlchemyError:
            self._rows = None  # the client tries the same, and can say what is wrong
            return {}

    def _document(self, result: TrialResult) -> RunDocument:
        pair = self.parents.pair(result.spec.pair)
        document = trial_run(result, pair, self._ledger.started)
        return replace(document, tags={**document.tags, PARENT_TAG: self.parents.ids[pair.name]})

    def _send(self, trial: str, result: TrialResult, *, look: bool) -> str:
        from mlflow.entities import Metric, Param, RunTag

        document = self._document(result)
        tags = dict(document.tags)
        run = self._existing(trial, look)
        again = run is not None
        if run is None:
            run = self._client.create_run(
                self.experiment_id, start_time=document.start, tags=tags, run_name=document.name
            )
        run_id = str(run.info.run_id)
        if result.spec.stage is Stage.RETRAIN:
            data = self.parents.dataset(result.spec.pair, result.spec.data)
            self._client.log_inputs(run_id, datasets=[data])
        model_id = self._send_model(trial, result, run_id, document.params)

        def metric(point: Point, model_id: str | None = None) -> Any:
            return Metric(
                point.key,
                point.value,
                point.timestamp,
                point.step,
                model_id=model_id,
                run_id=run_id,
            )

        self._client.log_batch(
            run_id,
            metrics=[
                *(metric(point) for point in document.curve),
                *(metric(point, model_id) for point in document.scalars),
            ],
            params=[Param(name, value) for name, value in document.params.items()],
            tags=[RunTag(name, value) for name, value in tags.items()] if again else [],
            synchronous=True,
        )
        self._client.set_terminated(run_id, document.status, document.end)
        return run_id

    def _send_model(
        self, trial: str, result: TrialResult, run_id: str, params: Mapping[str, str]
    ) -> str | None:
        archive = self._models.get(trial)
        if archive is None:
            return None
        spec = result.spec
        try:
            return log_model(
                self._client,
                experiment_id=self.experiment_id,
                run_id=run_id,
                trial=trial,
                name=f"{spec.pair}-{spec.variant}-r{spec.repetition:02d}",
                params=params,
                archive=archive,
            )
        except ArchduelError as error:  # the numbers matter more than a damaged file
            self._say(str(error))
            return None

    def _existing(self, trial: str, look: bool) -> Any | None:
        """The run of a trial that may have been sent before; a second one is deleted."""
        runs = self._adopted.pop(trial, None) or (self._search(trial) if look else [])
        for twin in runs[1:]:
            self._client.delete_run(twin.info.run_id)
        return runs[0] if runs else None

    def _search(self, trial: str) -> list[Any]:
        runs = self._client.search_runs([self.experiment_id], f"tags.`{TRIAL_TAG}` = '{trial}'")
        return sorted(runs, key=lambda run: str(run.info.run_id))


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
