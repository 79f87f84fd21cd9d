"""What a trial costs beside its training: a campaign whose executor trains nothing."""

from __future__ import annotations

import random
import tempfile
import time
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import psutil

from service.app import facts
from service.app.home import Home
from service.app.running import Nudging
from service.app.tracking import Tracking
from service.campaign import Campaign
from service.cli.board import Board
from service.cli.progress import Log
from service.contracts.results import Cost, Curve, Outcome, TrialResult
from service.contracts.trial import Stage, Status, TrialSpec
from service.stores.ledger import LedgerStore
from service.stores.mlflow_client import sqlite_file
from service.stores.optuna_search import propose
from tests.benchmarks.case import Result, Row, Size
from tests.benchmarks.trials import Bench

TRIALS, RETRAIN, EPOCHS = 16, 3, 30
PER_REPETITION = 2 * (TRIALS + RETRAIN) + 1


def measure(size: Size) -> Result:
    """Real campaign, Optuna, ledger and MLflow outbox, the last two on SQLite."""
    wanted = size.of(10_000, least=600)
    repetitions = -(-wanted // PER_REPETITION)
    bench = Bench(
        "iris",
        EPOCHS,
        [
            f"search.trials={TRIALS}",
            f"design.retrain={RETRAIN}",
            f"design.repetitions=[{repetitions}]",
        ],
    )
    process = psutil.Process()
    with tempfile.TemporaryDirectory() as folder:
        home = Home.open(Path(folder))
        store = LedgerStore(home.ledger_url, home.path)
        ledger = store.open_experiment(bench.plan, {"data": facts.data(bench.datasets)})
        tracking = Tracking.start(ledger, home, bench.plan, lambda text: None)
        _wait_for_mlflow(tracking)
        executor = Untrained()
        progress = Nudging(Log(Board(bench.plan), lambda line: None), tracking)
        campaign = Campaign(bench.plan, executor, ledger, propose, progress)
        memory, started = process.memory_info().rss, time.perf_counter()
        campaign.run()
        seconds = time.perf_counter() - started
        growth = (process.memory_info().rss - memory) / 1e6
        ledger.set_state("finished")
        state = tracking.outbox.close(timeout=3600)
        copied = time.perf_counter() - started
        tracking.searches.close(timeout=3600)
        store.close()
    if state.waiting or state.last_error:
        raise RuntimeError(f"the copy is not complete: {state}")
    count = len(executor.clock)
    part = count // 10
    first, last = (
        1000 * (clock[-1] - clock[0]) / part
        for clock in (executor.clock[: part + 1], executor.clock[-part - 1 :])
    )
    name = f"{count:,} trials, training stubbed"

    def row(what: str, found: float, target: float, unit: str, detail: str) -> Row:
        return Row(f"{name}: {what}", found, target, detail, at_least=False, unit=unit)

    return [
        row("a trial on the campaign's path", 1000 * seconds / count, 15, "ms", "MLflow beside it"),
        row(
            f"the last {part:,} against the first {part:,}",
            last / first,
            1.2,
            "x",
            f"{last:.1f} ms against {first:.1f} ms",
        ),
        row("growth of the driver's memory", growth, 50, "MB", "judgement included"),
        row("MLflow's copy complete, a trial", 1000 * copied / count, 40, "ms", "from the start"),
    ]


class Untrained:
    """An executor whose trainings take no time; see `service.contracts.ports.Executor`."""

    slots = 2

    def __init__(self) -> None:
        self._queue: deque[TrialSpec] = deque()
        self.clock: list[float] = []

    def submit(self, batch: Sequence[TrialSpec]) -> None:
        """Take trials."""
        self._queue.extend(batch)

    def collect(self) -> list[Outcome]:
        """Two at a time, as two workers give them back."""
        count = min(self.slots, len(self._queue))
        self.clock.extend([time.perf_counter()] * count)
        return [outcome(self._queue.popleft()) for _ in range(count)]

    def close(self) -> None:
        """Nothing was started."""


def outcome(spec: TrialSpec) -> Outcome:
    """A complete result with curves; the same for the same model, seeds and hyperparameters."""
    variant = "sequential" if spec.stage is Stage.CONTROL else spec.variant
    luck = random.Random(f"{variant}{spec.hyperparameters}{spec.seeds}").random()
    score = 0.8 + 0.1 * luck
    curve = tuple(score * (epoch + 1) / spec.epochs for epoch in range(spec.epochs))
    final = spec.stage is Stage.RETRAIN
    return Outcome(
        TrialResult(
            spec=spec,
            status=Status.OK,
            score=score,
            test_score=score if final else None,
            baseline_score=0.3 if final else None,
            curve=Curve(loss=tuple(1 - value for value in curve), validation=curve),
            epochs=spec.epochs,
            hyperparameters={**spec.hyperparameters, "width": 32},
            parameters=1050,
            flops=2000,
            weights_digest=f"{luck:.12f}",
            examples=(90, 30, 30),
            cost=Cost(train_seconds=0.01, total_seconds=0.01, worker="stub:1"),
            finished_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        )
    )


def _wait_for_mlflow(tracking: Tracking) -> None:
    """Let the outbox import MLflow and make its store before the clock starts."""
    file = sqlite_file(tracking.uri)
    while file is not None and not file.exists():
        time.sleep(0.2)
