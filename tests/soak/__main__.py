"""The soak: `python -m tests.soak --experiments 200 --rounds 20`.

Clients submit small experiments, and whenever so many more trainings are recorded something is killed
at random: the service, a driver, a worker, Ray's raylet or head, MLflow's server, PostgreSQL. In the end
every experiment must be done, its ledger must hold exactly the planned trials, once, and every number
must be that of an undisturbed run.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from service.client.http import Away
from service.contracts.entry import ENDED, EntryState
from service.contracts.errors import ArchduelError
from service.contracts.wire import GivenExperiment
from service.database.engine import Database
from service.queue.queue import Queue
from service.stores import ledger_tables
from service.stores.ledger import LedgerStore
from tests.soak.config import CONFIG, overrides
from tests.soak.rig import Rig

PAUSE = 0.5

PLANNED = 2 * (2 * 2 + 2 * 1 + 1)
"""Trainings of one: in two repetitions two variants search twice and retrain once, and a control."""


def main() -> int:
    """Run the soak; returns the exit code."""
    given = _arguments()
    with tempfile.TemporaryDirectory(prefix="archduel-soak-") as folder:
        root = Path(folder)
        print(f"the same {given.variations} experiments undisturbed ...", flush=True)
        command = [sys.executable, "-m", "tests.soak.reference", folder + "/quiet"]
        subprocess.run([*command, str(given.variations)], check=True)
        most = {"max_running": given.running, "user_running": given.running}
        rig = Rig(root / "loud", given.services, **most)
        try:
            facts = _run(rig, given)
            facts |= _compare(rig, root / "quiet", given)
        finally:
            rig.close()
    print(json.dumps(facts, indent=2))
    if given.out:
        Path(given.out).write_text(json.dumps(facts, indent=2) + "\n")
    return 1 if facts["wrong"] else 0


def _run(rig: Rig, given: argparse.Namespace) -> dict[str, Any]:
    """Submit, kill, wait."""
    rig.wait_until_ready()
    begun = time.monotonic()
    clients = [
        threading.Thread(
            target=_submit, args=(rig, range(number, given.experiments, given.clients), given)
        )
        for number in range(given.clients)
    ]
    for client in clients:
        client.start()
    chance, kills = random.Random(given.seed), rig.killed
    planned = given.experiments * PLANNED
    deadline = begun + given.minutes * 60
    while time.monotonic() < deadline:
        rig.keep_up()
        time.sleep(PAUSE)
        with suppress(ArchduelError):
            done, ended = _so_far(rig)
            if ended == given.experiments:
                break
            if kills.total() < given.rounds and done >= planned * kills.total() / (
                given.rounds + 1
            ):
                victim = rig.kill(chance)
                if victim is not None:
                    took = time.monotonic() - begun
                    print(
                        f"{took:7.1f} s: {done} trainings, {ended} ended; killed {victim}",
                        flush=True,
                    )
    for client in clients:
        client.join()
    rig.keep_up()
    return {
        "experiments": given.experiments,
        "clients": given.clients,
        "services": given.services,
        "seconds": round(time.monotonic() - begun, 1),
        "kills": dict(kills),
    }


def _submit(rig: Rig, numbers: range, given: argparse.Namespace) -> None:
    """One client: it submits its share, again and again where the service does not answer."""
    for number in numbers:
        service = rig.services[number % len(rig.services)]
        experiment = GivenExperiment(
            config=CONFIG,
            overrides=overrides(number % given.variations),
            key=f"soak-{number}",
            anew=True,
        )
        while True:
            try:
                with service.client().http as http:
                    http.ask("POST", "/v1/experiments", json=experiment.model_dump(mode="json"))
                break
            except (Away, ArchduelError):
                time.sleep(PAUSE)


def _so_far(rig: Rig) -> tuple[int, int]:
    """Trainings recorded and experiments ended."""
    database = Database(rig.database)
    try:
        counts = Queue(database).counts()
        with database.reading() as connection:
            trials = sa.select(sa.func.count()).select_from(ledger_tables.trial)
            done = connection.scalar(trials) or 0
    finally:
        database.close()
    return done, sum(counts[state] for state in ENDED)


def _compare(rig: Rig, quiet: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Every experiment's rows against those of the undisturbed run."""
    reference = LedgerStore(f"sqlite:///{quiet}/ledger.db", quiet)
    wanted = [_numbers(reference, f"seed-{seed}") for seed in range(given.variations)]
    ledger = LedgerStore(rig.database, quiet, patience_seconds=60)
    wrong: list[str] = []
    attempts = Counter[int]()
    entries = Queue(ledger.database).page(limit=500)
    if len(entries) != given.experiments:
        wrong.append(f"{len(entries)} experiments instead of {given.experiments}")
    for entry in entries:
        attempts[entry.attempt] += 1
        seed = int(str(entry.key).removeprefix("soak-")) % given.variations
        if entry.state is not EntryState.DONE:
            wrong.append(f"{entry.id} is {entry.state}: {entry.reason}")
        elif _rows(ledger, entry.ledger_name) != len(wanted[seed]):
            wrong.append(f"{entry.id} has {_rows(ledger, entry.ledger_name)} rows")
        elif _numbers(ledger, entry.ledger_name) != wanted[seed]:
            wrong.append(f"{entry.id} has other numbers than the undisturbed run")
    return {
        "trainings": sum(
            len(wanted[number % given.variations]) for number in range(given.experiments)
        ),
        "drivers": dict(sorted(attempts.items())),
        "wrong": wrong,
    }


def _numbers(store: LedgerStore, key: str) -> Mapping[str, Any]:
    """All that was recorded of each trial but what it cost and when."""
    results = store.experiment(key).results()
    return {
        name: result.model_dump(mode="json", exclude={"cost", "finished_at"})
        for name, result in results.items()
    }


def _rows(store: LedgerStore, key: str) -> int:
    experiment, trial = ledger_tables.experiment.c, ledger_tables.trial.c
    query = (
        sa.select(sa.func.count())
        .select_from(
            ledger_tables.trial.join(ledger_tables.experiment, experiment.id == trial.experiment_id)
        )
        .where(experiment.key == key)
    )
    with store.database.reading() as connection:
        return connection.scalar(query) or 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--experiments", type=int, default=200)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=21, help="kills")
    parser.add_argument(
        "--variations", type=int, default=4, help="different experiments among them"
    )
    parser.add_argument("--running", type=int, default=2, help="experiments at work at once")
    parser.add_argument(
        "--services", type=int, default=1, help="service processes, each with a Ray"
    )
    parser.add_argument("--minutes", type=float, default=240, help="after which it gives up")
    parser.add_argument("--seed", type=int, default=0, help="of what is killed")
    parser.add_argument("--out", help="a JSON file for the figures")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
