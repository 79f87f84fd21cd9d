"""What a service does at its start, and where its links lead."""

from __future__ import annotations

import pytest

from service.app import tracking_server
from service.contracts.errors import Unavailable, UserError
from service.database.engine import Database
from service.database.migrate import migrate
from service.hosting import serving
from service.hosting.settings import Settings


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path, database_url="postgresql://nobody@127.0.0.1:1/nothing")


@pytest.fixture(autouse=True)
def hurried(monkeypatch):
    monkeypatch.setattr(serving, "LOOK_AGAIN", 0.01)


def test_a_database_that_does_not_answer_is_waited_for(settings, monkeypatch):
    """A real address at which nothing listens, twice; then there is a database."""
    said = []
    monkeypatch.setattr(
        serving, "migrate", lambda database: migrate(database) if len(said) < 2 else None
    )
    database = serving._opened(settings, said.append)
    assert isinstance(database, Database)
    assert len(said) == 2
    assert "trying again" in said[0]


def test_and_not_for_ever(settings, monkeypatch):
    monkeypatch.setattr(serving, "DATABASE_SECONDS", 0.0)
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1"):
        serving._opened(settings, lambda line: None)


def test_nothing_else_is_waited_for(settings, monkeypatch):
    def refuse(database):
        raise UserError("a newer archduel wrote this database")

    monkeypatch.setattr(serving, "migrate", refuse)
    with pytest.raises(UserError):
        serving._opened(settings, lambda line: pytest.fail(line))


def test_links_lead_where_people_reach_mlflow(monkeypatch):
    found = {"experiment_id": "7", "tags": []}
    monkeypatch.setattr(tracking_server, "_experiment", lambda url, uuid, seconds: found)
    inside, outside = "http://archduel-mlflow:5000", "https://mlflow.example.org"
    assert tracking_server.page(inside, "u").startswith(f"{inside}/#/experiments/7/")
    assert tracking_server.page(inside, "u", public=outside).startswith(f"{outside}/#/exper")
    assert tracking_server.page(inside, None, public=outside) == outside
