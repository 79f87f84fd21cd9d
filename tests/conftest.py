"""What tests of several rooms share: the toy pair, its data, specs for it, and a world of fakes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from service import catalog
from service.contracts.data import Dataset
from service.contracts.pair import LocatedPair
from service.contracts.trial import Runtime, Seeds, Stage, TrialSpec
from service.database.engine import Database
from tests.toys.postgres import Postgres, binaries
from tests.toys.world import World

TOY = Path(__file__).parent / "toys" / "toy_pair.py"


@pytest.fixture(scope="session")
def toy() -> LocatedPair:
    """The toy pair, found as a user's own file is."""
    return catalog.locate(f"{TOY}:PAIR")


@pytest.fixture(scope="session")
def toy_data(toy: LocatedPair) -> Dataset:
    return toy.pair.sources[0].load(None)


@pytest.fixture(scope="session")
def toy_spec(toy: LocatedPair, toy_data: Dataset) -> Callable[..., TrialSpec]:
    """Makes specs of the toy pair; every field can be set."""

    def make(mode: str | None = None, **changes: Any) -> TrialSpec:
        hyperparameters = {"learning_rate": 0.01, "batch_size": 16, "dropout": 0.3}
        if mode is not None:
            hyperparameters["mode"] = mode
        fields: dict[str, Any] = {
            "pair": "toy",
            "code": toy.code,
            "data": toy_data.fingerprint,
            "variant": "sequential",
            "stage": Stage.SEARCH,
            "repetition": 0,
            "number": 0,
            "hyperparameters": hyperparameters,
            "budget": 400,
            "epochs": 3,
            "seeds": Seeds(split=1, weights=2, order=3),
            "runtime": Runtime(),
        }
        return TrialSpec(**{**fields, **changes})

    return make


@pytest.fixture(scope="session")
def world() -> World:
    """Fakes of everything that a campaign needs."""
    return World()


def _need_postgres() -> None:
    if binaries() is None:
        pytest.skip("no PostgreSQL server is installed here; on Debian: apt-get install postgresql")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server that the tests share; each takes a database of its own."""
    _need_postgres()
    server = Postgres()
    yield server
    server.close()


@pytest.fixture
def postgres_of_my_own() -> Iterator[Postgres]:
    """A PostgreSQL server that a test may kill."""
    _need_postgres()
    server = Postgres()
    yield server
    server.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/archduel.db"
    server: Postgres = request.getfixturevalue("postgres")
    return server.database()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An empty database, of each kind in turn, without tables."""
    database = Database(database_url)
    yield database
    database.close()
