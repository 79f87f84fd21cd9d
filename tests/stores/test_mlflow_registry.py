"""The winners as registered models: a version per variant, an alias for the better one."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from service.contracts.results import Outcome
from service.stores.mlflow_client import open_client
from service.stores.mlflow_outbox import Outbox
from service.stores.mlflow_registry import best_models
from tests.stores.store_factories import a_plan, a_result

SENTENCE = "Functional is better by 2 points."


def a_model():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("MLmodel", json.dumps({"flavors": {"keras": {"data": "data"}}}))
        archive.writestr("data/model.keras", b"weights")
    return buffer.getvalue()


def winners():
    """Two repetitions of both variants; the second repetition's are better on validation data."""
    for rep, score in ((0, 0.7), (1, 0.9)):
        for variant in ("sequential", "functional"):
            found = a_result(0, stage="retrain", variant=variant, rep=rep)
            yield Outcome(found.model_copy(update={"score": score}), a_model())


def verdict(decision):
    return {"iris": {"sentence": SENTENCE, "verdict": {"decision": decision}}}


@pytest.fixture
def ledger(store):
    ledger = store.open_experiment(a_plan(), {})
    ledger.record(list(winners()))
    ledger.set_verdicts(verdict("functional_better"))
    ledger.set_state("finished")
    return ledger


def check(uri, ledger):
    client = open_client(uri)
    name = "archduel iris"
    for _ in range(2):  # sending again changes nothing
        state = Outbox(ledger, uri, say=pytest.fail).flush()
        assert (state.waiting, state.last_error) == (0, None)
        model = client.get_registered_model(name)
        assert SENTENCE in model.description
        versions = {v.version: v.tags for v in client.search_model_versions(f"name = '{name}'")}
        assert sorted(tags["variant"] for tags in versions.values()) == ["functional", "sequential"]
        assert {tags["repetition"] for tags in versions.values()} == {"1"}
        assert model.aliases["winner"] == model.aliases["functional"]
        assert model.aliases["sequential"] != model.aliases["functional"]
    ledger.set_verdicts(verdict("equivalent"))
    Outbox(ledger, uri, say=pytest.fail).flush()
    assert "winner" not in client.get_registered_model(name).aliases


def test_winners_are_registered_in_a_database(ledger, tracking):
    check(tracking, ledger)


@pytest.mark.slow
def test_winners_are_registered_at_a_server(ledger, server):
    check(server.uri, ledger)


def test_another_ledgers_model_of_the_same_name_is_left_alone(ledger, tracking):
    client = open_client(tracking)
    client.create_registered_model("archduel iris", description="someone else's")
    Outbox(ledger, tracking, say=pytest.fail).flush()
    assert client.get_registered_model("archduel iris").description == "someone else's"
    assert f"archduel iris {ledger.uuid[:8]}" in {m.name for m in client.search_registered_models()}


def test_a_pair_without_a_verdict_registers_nothing(store, tracking):
    ledger = store.open_experiment(a_plan(), {})
    ledger.record(list(winners()))
    Outbox(ledger, tracking, say=pytest.fail).flush()
    assert open_client(tracking).search_registered_models() == []


def test_validation_data_choose_the_model():
    rows = [outcome.result for outcome in winners()]
    pair = a_plan().pairs[0]
    assert {row.spec.repetition for row in best_models(pair, rows).values()} == {1}
    ties = [row.model_copy(update={"score": 0.8}) for row in rows]
    assert {row.spec.repetition for row in best_models(pair, ties[::-1]).values()} == {0}
