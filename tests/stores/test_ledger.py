import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from service.contracts.errors import ArchduelError, UserError
from service.contracts.plan import DesignPlan, MetricPlan, SearchPlan
from service.contracts.results import Outcome, TrialResult
from service.contracts.trial import Status
from service.database.engine import place
from service.stores import ledger_tables as db
from service.stores.ledger import LedgerStore
from tests.stores.store_factories import a_pair, a_plan, a_result, outcomes


def test_what_is_recorded_comes_back_equal_and_in_order(store, url):
    ledger = store.open_experiment(a_plan(), {"host": "a"})
    given = [
        *outcomes(3),
        *[Outcome(a_result(10 + i, status=s.value)) for i, s in enumerate(Status)],
        Outcome(a_result(0, stage="retrain"), model=b"zip"),
    ]
    ledger.record(given[:2])
    assert list(ledger.results()) == [o.result.spec.id for o in given[:2]]
    ledger.record(given[2:])

    again = LedgerStore(url).experiment("iris")
    for results in (ledger.results(), again.results()):
        assert list(results.values()) == [outcome.result for outcome in given]
    [(trial, path)] = again.models(again.results()).items()
    assert trial == given[-1].result.spec.id
    assert path.read_bytes() == b"zip"
    assert [p for p in path.parent.iterdir() if p != path] == []


@given(score=st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_survives_bit_for_bit(score):
    result = a_result(0).model_copy(update={"score": score})
    back = TrialResult.model_validate_json(result.model_dump_json())
    assert back.score is not None
    assert back.score.hex() == score.hex()


def test_recording_again_changes_nothing(store):
    ledger = store.open_experiment(a_plan(), {})
    first = Outcome(a_result(0, stage="retrain"), model=b"first")
    ledger.record([first])
    other = Outcome(first.result.model_copy(update={"score": 0.0}), model=b"second")
    ledger.record([other, *outcomes(1), *outcomes(1)])
    assert list(ledger.results().values()) == [first.result, a_result(0)]
    assert ledger.models(ledger.results())[first.result.spec.id].read_bytes() == b"first"


def test_the_same_trial_twice_in_one_batch_keeps_the_first(store):
    ledger = store.open_experiment(a_plan(), {})
    other = Outcome(a_result(0).model_copy(update={"score": 0.0}))
    ledger.record([*outcomes(1), other])
    assert list(ledger.results().values()) == [a_result(0)]


def test_reopening_keeps_the_first_facts_and_appends_a_session(store, url):
    first = store.open_experiment(a_plan(), {"host": "a", "command": "run 1"})
    first.record(outcomes(2))
    first.set_state("interrupted")
    plan = a_plan(mlflow="http://127.0.0.1:5000", config="name: iris # moved")
    again = LedgerStore(url).open_experiment(
        plan, {"host": "b", "command": "run 2", "versions": {"keras": "3"}}
    )
    assert (again.key, again.generation, again.state) == ("iris", 1, "running")
    assert again.facts == {"host": "a", "command": "run 1"}
    assert [session.command for session in again.sessions] == ["run 1", "run 2"]
    assert again.sessions[1].versions == {"keras": "3"}
    assert again.plan == plan
    assert len(again.results()) == 2


def test_a_changed_protocol_is_refused_showing_every_difference(store):
    store.open_experiment(a_plan(), {}).record(outcomes(1))
    changed = a_plan(
        pairs=(a_pair(margin=0.02, metric=MetricPlan(name="f1", direction="maximize", unit="")),),
        search=SearchPlan(trials=16, sampler="tpe", pruner="none", batch=2),
        design=DesignPlan(looks=(2, 4), retrain=1, confidence=0.95, seed=7),
    )
    with pytest.raises(UserError) as caught:
        store.open_experiment(changed, {})
    text = str(caught.value)
    for difference in (
        "'iris'",
        "pairs.iris.margin 0.01 -> 0.02",
        'pairs.iris.metric.name "accuracy" -> "f1"',
        "search.trials 4 -> 16",
        "design.looks [2] -> [2, 4]",
        "--fresh",
    ):
        assert difference in text
    assert "\n" not in text
    assert len(store.experiments()) == 1


def test_threads_are_protocol_but_parallelism_is_not(store):
    plan = a_plan()
    store.open_experiment(plan, {})
    resources = plan.resources.model_copy(update={"max_parallel": 9})
    store.open_experiment(plan.model_copy(update={"resources": resources}), {})
    resources = plan.resources.model_copy(update={"cpus_per_trial": 2})
    with pytest.raises(UserError, match=r"resources\.cpus_per_trial 1 -> 2"):
        store.open_experiment(plan.model_copy(update={"resources": resources}), {})


def test_a_pair_that_was_added_is_shown(store):
    store.open_experiment(a_plan(), {})
    with pytest.raises(UserError, match=r'pairs\.wine\.name \(absent\) -> "wine"'):
        store.open_experiment(a_plan(pairs=(a_pair(), a_pair("wine"))), {})


def test_fresh_starts_a_new_generation_and_keeps_the_old(store):
    old = store.open_experiment(a_plan(), {})
    old.record(outcomes(3))
    old.set_verdicts({"iris": {"decision": "equivalent", "sentence": "They are equal."}})
    new = store.open_experiment(a_plan(data_source="online"), {}, fresh=True)
    assert (new.key, new.generation, dict(new.results())) == ("iris.2", 2, {})
    new.record(outcomes(1))
    new.set_state("finished")
    rows = store.experiments()
    assert [(r.key, r.state, r.done, r.planned) for r in rows] == [
        ("iris.2", "finished", 1, 22),
        ("iris", "superseded", 3, 22),
    ]
    assert rows[1].verdicts == {"iris": "They are equal."}
    assert len(old.results()) == 3
    assert store.experiment("iris").key == "iris.2"
    assert store.experiment("iris.2").key == "iris.2"


def test_keys_are_unique_even_for_clashing_names(store):
    store.open_experiment(a_plan("iris.2"), {})
    store.open_experiment(a_plan("iris"), {})
    keys = {store.open_experiment(a_plan("iris"), {}, fresh=True).key}
    assert keys == {"iris.3"}


def test_an_unknown_experiment_names_the_nearest(store):
    with pytest.raises(UserError, match="nothing was run yet"):
        store.experiment("iris")
    store.open_experiment(a_plan(), {})
    with pytest.raises(UserError, match="did you mean 'iris'"):
        store.experiment("irs")


def test_two_writers_lose_nothing(store, url):
    ledgers = [LedgerStore(url).open_experiment(a_plan(), {}) for _ in range(2)]

    def write(ledger, start):
        for number in range(start, start + 40, 2):  # half of these, the other writes as well
            ledger.record(outcomes(2, start=number))

    threads = [threading.Thread(target=write, args=(ledgers[i], 20 * i)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = {a_result(number).spec.id for number in range(60)}
    for ledger in ledgers:
        assert set(ledger.results()) == expected


def test_kill_9_while_recording_loses_nothing_that_was_durable(tmp_path, url):
    told = 0
    for delay in (0.02, 0.11, 0.05):
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.stores.record_until_killed", url],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout.readline()
        time.sleep(delay)
        os.kill(process.pid, signal.SIGKILL)
        lines = process.stdout.read().split("\n")
        process.wait()
        told = max([told, *(int(line) for line in lines[:-1] if line)])
        ledger = LedgerStore(url).experiment("iris")
        results = list(ledger.results().values())
        assert len(results) >= told
        assert len(results) % 3 == 0, "a batch is recorded as a whole"
        assert results == [a_result(number) for number in range(len(results))]
        for path in ledger.models(ledger.results()).values():
            assert path.read_bytes() == b"model" * 1000
    assert told > 0
    with sqlite3.connect(tmp_path / "ledger.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_durability_settings_are_on(store):
    with store.database.reading() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_a_newer_schema_is_refused(store, url, tmp_path):
    with store.database.writing() as connection:
        connection.exec_driver_sql("UPDATE archduel_version SET version_num = '0099'")
    with pytest.raises(UserError, match=r"ledger\.db.*newer archduel.*revision 0099.*upgrade"):
        LedgerStore(url)


def test_a_locked_ledger_says_so(store, url):
    ledger = LedgerStore(url, busy_seconds=0.05).open_experiment(a_plan(), {})
    with store.database.writing(), pytest.raises(ArchduelError) as caught:
        ledger.record(outcomes(1))
    assert "ledger.db" in str(caught.value)
    assert "another process keeps the database locked" in str(caught.value)
    ledger.record(outcomes(1))
    assert len(ledger.results()) == 1


def test_a_full_disk_says_so_and_keeps_what_was_recorded(store):
    ledger = store.open_experiment(a_plan(), {})
    ledger.record(outcomes(1))

    def small(connection, record):  # SQLite itself then answers "database or disk is full"
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages}")

    store.database.engine.dispose()
    sa.event.listen(store.database.engine, "connect", small)
    with pytest.raises(ArchduelError, match=r"ledger\.db: the disk is full.*free some space"):
        ledger.record(outcomes(200, start=1))
    assert len(ledger.results()) == 1


def test_a_model_that_cannot_be_written_says_so_and_records_nothing(store, tmp_path):
    ledger = store.open_experiment(a_plan(), {})
    (tmp_path / "models").write_text("a file in the folder's place")
    with pytest.raises(ArchduelError, match="the model could not be kept"):
        ledger.record([Outcome(a_result(0), model=b"zip")])
    assert dict(ledger.results()) == {}


def test_a_damaged_file_says_so(tmp_path):
    file = tmp_path / "ledger.db"
    file.write_bytes(b"this is not a database" * 100)
    with pytest.raises(ArchduelError, match=r"ledger\.db: the file is damaged"):
        LedgerStore(f"sqlite:///{file}")


def test_a_damaged_result_names_its_trial(store):
    ledger = store.open_experiment(a_plan(), {})
    ledger.record(outcomes(1))
    with store.database.writing() as connection:
        connection.execute(sa.update(db.trial).values(result='{"half": '))
    with pytest.raises(ArchduelError, match=a_result(0).spec.id):
        ledger.results()
    newer = a_result(0).model_dump_json().replace("{", '{"not_yet_known": 1, ', 1)
    with store.database.writing() as connection:
        connection.execute(sa.update(db.trial).values(result=newer))
    with pytest.raises(ArchduelError, match="another version of archduel wrote it"):
        ledger.results()


def test_a_folder_that_cannot_be_made_says_so(tmp_path):
    (tmp_path / "home").write_text("")
    with pytest.raises(ArchduelError, match="choose another home folder"):
        LedgerStore(f"sqlite:///{tmp_path}/home/ledger.db")


@pytest.mark.parametrize("url", ["sqlite://", "mysql://host/db", "not an address"])
def test_addresses_that_cannot_be_a_ledger(url):
    with pytest.raises(UserError):
        LedgerStore(url)


def test_a_password_is_not_printed():
    url = sa.make_url("postgresql://me:secret@host/db")
    assert place(url) == "postgresql://me:***@host/db"


def test_statements_compile_for_postgresql():
    from sqlalchemy.dialects import postgresql
    from sqlalchemy.schema import CreateTable

    for table in db.metadata.sorted_tables:
        text = str(CreateTable(table).compile(dialect=postgresql.dialect()))
        assert table.name in text
    assert "SERIAL" in str(CreateTable(db.trial).compile(dialect=postgresql.dialect()))
