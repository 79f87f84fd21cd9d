"""An application in this process, and clients of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.api.service_rig import CONFIG, Rig

Submit = Callable[..., str]


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    """A service over an empty database."""
    return Rig(tmp_path / "service")


@pytest.fixture
def client(rig: Rig) -> Iterator[TestClient]:
    """Asks it, without a token unless one is given."""
    with TestClient(rig.app, follow_redirects=False) as made:
        yield made


@pytest.fixture
def submit(rig: Rig, client: TestClient) -> Submit:
    """Submits an experiment that nobody submitted before; gives its id."""
    numbers = iter(range(1000))

    def call(user: str = "sam", **more: object) -> str:
        body = {"config": CONFIG, "overrides": [f"design.seed={next(numbers)}"], **more}
        answer = client.post("/v1/experiments", json=body, headers=rig.bearer(user))
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    return call
