"""What the doctor says of a deployment, which a small server plays here."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from service.app.machine import Check
from service.database.engine import Database
from service.database.migrate import migrate
from service.hosting import deployment

TOKEN = "t" * 43
WORKERS = [
    {"raylet": {"state": "ALIVE", "resourcesTotal": {"CPU": 4.0, "GPU": 1.0}}},
    {"raylet": {"state": "DEAD", "resourcesTotal": {"CPU": 64.0}}},
]
RAY = {
    "/api/gcs_healthz": (200, {}),
    "/api/jobs/": (200, {}),
    "/api/version": (200, {"ray_version": version("ray")}),
    "/nodes?view=summary": (200, {"data": {"summary": WORKERS}}),
}
API = {
    "/healthz": (200, {}),
    "/readyz": (200, {}),
    "/v1/experiments?limit=1": (200, {}),
    "/v1/ready": (200, {"checks": {"database": "ok", "ray": "does not answer"}}),
}
OPEN = {"/api/gcs_healthz", "/healthz", "/readyz"}

Serve = Callable[..., str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server with these answers; returns its address."""
    servers = []

    def start(answers: dict[str, tuple[int, Any]], token: str | None = TOKEN) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = answers.get(self.path, (404, {}))
                given = self.headers.get("Authorization")
                if token is not None and self.path not in OPEN and given != f"Bearer {token}":
                    status, body = (401 if given is None else 403), {}
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

            def log_message(self, *_: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def states(checks: Iterator[Check]) -> list[tuple[str, str]]:
    return [(check.name, check.state) for check in checks]


def test_a_ray_that_asks_for_its_token_and_takes_it(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", TOKEN)
    checks = list(deployment.outside(serve(RAY)))
    assert {check.state for check in checks} == {"ok"}
    assert checks[-1].detail == "1, with 4 CPUs and 1 GPUs for trials"
    monkeypatch.setenv("RAY_AUTH_TOKEN", "another")
    assert states(deployment.outside(serve(RAY)))[-1] == ("Ray's token", "broken")
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))  # where Ray keeps a token of its own
    assert states(deployment.outside(serve(RAY)))[-1] == ("Ray's token", "warning")


def test_a_ray_without_a_token_is_broken(serve: Serve) -> None:
    checks = {check.name: check for check in deployment.outside(serve(RAY, None))}
    assert checks["Ray's token"].state == "broken"
    assert "whoever reaches it runs code there" in checks["Ray's token"].detail
    assert checks["Ray's nodes"].state == "ok"


def test_another_ray_and_no_nodes_are_warnings(serve: Serve) -> None:
    answers = {
        **RAY,
        "/api/version": (200, {"ray_version": "1.0.0"}),
        "/nodes?view=summary": (200, {"data": {"summary": []}}),
    }
    checks = {check.name: check for check in deployment.outside(serve(answers, None))}
    assert checks["Ray's version"].state == "warning"
    assert checks["Ray's nodes"].detail == "0, with 0 CPUs and 0 GPUs for trials"


def test_the_api_tells_its_parts_to_who_has_a_token(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(deployment.TOKEN, raising=False)
    url = serve(API)
    assert states(deployment.outside(url))[-1] == ("API's token", "warning")
    monkeypatch.setenv(deployment.TOKEN, TOKEN)
    found = dict(states(deployment.outside(url)))
    assert (found["API's database"], found["API's ray"]) == ("ok", "broken")
    monkeypatch.setenv(deployment.TOKEN, "another")
    assert states(deployment.outside(url))[-1] == ("API's token", "broken")
    assert states(deployment.outside(serve(API, None)))[-1] == ("API's token", "broken")
    not_ready = {**API, "/readyz": (503, {})}
    assert ("API ready", "broken") in states(deployment.outside(serve(not_ready)))


def test_nothing_and_something_else_are_told_apart(serve: Serve) -> None:
    (check,) = deployment.outside(serve({}))
    assert "is neither Ray's dashboard nor the API" in check.detail
    (check,) = deployment.outside("http://127.0.0.1:9")
    assert "Connection refused" in check.detail


def test_from_inside_each_part_is_tried(serve: Serve, tmp_path: Path) -> None:
    assert list(deployment.inside({})) == []
    environment = {
        "ARCHDUEL_DATABASE_URL": f"sqlite:///{tmp_path}/ledger.db",
        "ARCHDUEL_STORE_URL": (tmp_path / "store").as_uri(),
        "ARCHDUEL_MLFLOW_URI": serve({"/health": (200, {})}, None),
    }
    database, store, _ = deployment.inside(environment)
    assert (database.state, database.remedy) == ("broken", "archduel service migrate")
    assert store.state == "ok"
    migrate(Database(environment["ARCHDUEL_DATABASE_URL"]))
    assert states(deployment.inside(environment))[0] == ("database", "ok")
    environment["ARCHDUEL_MLFLOW_URI"] = "http://127.0.0.1:9"
    assert states(deployment.inside(environment))[-1] == ("MLflow", "warning")
    (check,) = deployment.inside({**environment, "ARCHDUEL_PORT": "none"})
    assert check.detail.startswith("ARCHDUEL_PORT: must be a whole number")
