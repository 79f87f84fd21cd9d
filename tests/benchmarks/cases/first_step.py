"""From submitting an experiment to its first training step, the service cold and warm."""

from __future__ import annotations

import os
import secrets
import statistics
import tempfile
import time
from datetime import datetime
from pathlib import Path

from service.contracts.entry import ENDED, EntryState
from service.contracts.wire import GivenExperiment
from service.stores.ledger import LedgerStore
from tests.benchmarks.case import Result, Row, Size
from tests.soak.rig import Service

CONFIG = """\
experiment: first-step
pairs: [iris]
search: {trials: 2, epochs: 3}
design: {repetitions: [2], retrain: 1}
training: {strategy: graph}
"""
LOOK_EVERY = 0.2


def measure(size: Size) -> Result:
    """`archduel serve` with a Ray and an MLflow of its own; a client submits one small experiment
    after the other. Cold: the first, once every part answers; warm: the next ones, while the workers
    of the one before wait. A first step is told by the end of a training less the seconds of its
    epochs, and so rather too late than too early."""
    with tempfile.TemporaryDirectory() as folder:
        token = secrets.token_urlsafe(32)
        kept = {name: value for name, value in os.environ.items() if "ARCHDUEL" not in name}
        service = Service(Path(folder), {**kept, "ARCHDUEL_ADMIN_TOKEN": token}, token)
        try:
            begun = time.perf_counter()
            service.keep_up()
            while not service.ready():
                time.sleep(LOOK_EVERY)
            started = time.perf_counter() - begun
            cold = _first_step(service, 0)
            warm = [_first_step(service, number) for number in range(1, 1 + max(3, size.rounds))]
        finally:
            service.close()
    told = ", ".join(f"{seconds:.1f}" for seconds in warm)
    return [
        Row("`archduel serve` until every part answers", started, None, "Ray, MLflow and their "
            "imports", at_least=False, unit="s"),
        Row("From submission to the first training step, cold", cold, None, "workers start",
            at_least=False, unit="s"),
        Row("From submission to the first training step, warm", statistics.median(warm), 5,
            f"each after the other: {told} s", at_least=False, unit="s"),
    ]  # fmt: skip


def _first_step(service: Service, seed: int) -> float:
    """Submit one and wait for its end; the seconds from submission to its first training step."""
    with service.client().http as http:
        submitted = time.time()
        given = GivenExperiment(config=CONFIG, overrides=[f"design.seed={seed}"])
        answer = http.ask("POST", "/v1/experiments", json=given.model_dump(mode="json"))
        identity = answer.json()["id"]

        while (entry := http.ask("GET", f"/v1/experiments/{identity}").json())[
            "state"
        ] not in ENDED:
            time.sleep(LOOK_EVERY)
    if entry["state"] != EntryState.DONE:
        raise RuntimeError(f"{identity} is {entry['state']}: {entry['reason']}")
    store = LedgerStore(f"sqlite:///{service.home / 'ledger.db'}", service.home)
    try:
        results = store.experiment(entry["ledger"]).results().values()
    finally:
        store.close()
    steps = (
        datetime.fromisoformat(result.finished_at).timestamp() - result.cost.train_seconds
        for result in results
    )
    return min(steps) - submitted
