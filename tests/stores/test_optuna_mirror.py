"""The journal for optuna-dashboard follows the ledger."""

import threading

import optuna
import pytest

from service.contracts.results import Outcome
from service.stores.background import Background
from service.stores.optuna_mirror import mirror
from tests.stores.store_factories import a_plan, a_result


@pytest.fixture
def ledger(store):
    return store.open_experiment(a_plan(), {})


@pytest.fixture
def file(tmp_path):
    return tmp_path / "runs" / "iris" / "optuna.journal"


def studies(file):
    backend = optuna.storages.journal.JournalFileBackend(str(file))
    storage = optuna.storages.JournalStorage(backend)
    names = [one.study_name for one in optuna.get_all_study_summaries(storage)]
    return {name: optuna.load_study(study_name=name, storage=storage) for name in names}


def record(ledger, *results):
    ledger.record([Outcome(result) for result in results])


def test_every_search_is_a_study(ledger, file):
    statuses = ["ok", "ok", "pruned", "diverged", "ok"]
    results = [
        a_result(n, variant=variant, status=status)
        for variant in ("sequential", "functional")
        for n, status in enumerate(statuses)
    ]
    record(ledger, *results, a_result(0, stage="retrain"))
    assert mirror(ledger, file) == 10
    found = studies(file)
    assert sorted(found) == ["iris/functional/00", "iris/sequential/00"]
    study = found["iris/functional/00"]
    assert study.direction is optuna.study.StudyDirection.MAXIMIZE
    states = optuna.trial.TrialState
    told = [states.COMPLETE, states.COMPLETE, states.PRUNED, states.FAIL, states.COMPLETE]
    assert [trial.state for trial in study.trials] == told
    first, wanted = study.trials[0], results[5]
    assert first.value == wanted.score
    assert first.params == wanted.spec.hyperparameters
    assert first.user_attrs["archduel.trial"] == wanted.spec.id
    assert tuple(first.intermediate_values.values()) == wanted.curve.validation
    assert first.duration.total_seconds() == pytest.approx(1.75)


def test_it_is_appended_to_in_the_order_of_the_numbers(ledger, file):
    record(ledger, a_result(0), a_result(2))
    assert mirror(ledger, file) == 1
    assert mirror(ledger, file) == 0
    record(ledger, a_result(1))
    assert mirror(ledger, file) == 2
    trials = studies(file)["iris/sequential/00"].trials
    wanted = [a_result(n).spec.id for n in range(3)]
    assert [trial.user_attrs["archduel.trial"] for trial in trials] == wanted


@pytest.mark.parametrize("harm", ["cut", "nonsense", "other", "gone"])
def test_a_file_that_does_not_fit_is_written_anew(ledger, file, harm):
    record(ledger, *(a_result(n) for n in range(3)))
    mirror(ledger, file)
    text = file.read_text()
    if harm == "cut":
        file.write_text(text[: len(text) // 2])
    elif harm == "nonsense":
        file.write_text("what is this?\n")
    elif harm == "other":
        file.write_text(text.replace(a_result(1).spec.id, "another trial"))
    else:
        file.unlink()
    mirror(ledger, file)
    trials = studies(file)["iris/sequential/00"].trials
    assert [trial.number for trial in trials] == [0, 1, 2]
    assert {t.user_attrs["archduel.trial"] for t in trials} == set(ledger.results())


def test_what_fails_in_the_background_is_said_once_and_harms_no_one():
    said, calls, called = [], [], threading.Event()

    def fail():
        calls.append(1)
        called.set()
        raise OSError("the disk is full")

    background = Background("the copy", fail, said.append)
    background.start()
    background.nudge()
    assert called.wait(10)
    background.nudge()
    background.close(10)
    assert said == ["the copy: the disk is full; the run goes on"]
    assert len(calls) == 2  # after the first news, and once more at the end
