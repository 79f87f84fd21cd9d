"""Every route refuses whoever may not, and none is forgotten here."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from service.contracts.entry import Role
from tests.api.service_rig import CONFIG, Rig, sha256

ANONYMOUS = {
    "GET /healthz", "GET /readyz", "GET /login", "POST /login", "POST /logout",
    "GET /static/style.css", "GET /static/live.js",
}  # fmt: skip
"""All that answers without a token; everything else is refused below."""

BODIES = {
    "POST /v1/experiments": {"json": {"config": CONFIG}},
    "POST /v1/experiments/{id}/extend": {"json": {"repetitions": 2}},
    "PUT /v1/experiments/{id}/parallel": {"json": {"max_parallel": 1}},
    "PUT /v1/blobs/{sha256}": {"content": b"x"},
}


def routes(router) -> list[tuple[str, APIRoute]]:
    found = []
    for route in router.routes:
        included = getattr(route, "original_router", None)
        if included is not None:
            found += routes(included)
            continue
        assert isinstance(route, APIRoute), route  # no mounts: nothing hides from this test
        found += [(f"{method} {route.path}", route) for method in sorted(route.methods)]
    return found


def call(client: TestClient, rig: Rig, name: str, identity: str, **headers: str):
    method, path = name.split(" ")
    path = path.replace("{id}", identity).replace("{sha256}", sha256(b"x"))
    return client.request(method, path, headers=headers, **BODIES.get(name, {}))


def wrong_tokens(rig: Rig) -> dict[str, dict[str, str]]:
    expired = rig.tokens.add("old", Role.ADMIN, timedelta(seconds=-1))[0]
    revoked, row = rig.tokens.add("gone", Role.ADMIN)
    rig.tokens.revoke(str(row.id))
    good = rig.token["ada"]
    flipped = good[:-1] + ("A" if good[-1] != "A" else "B")
    values = {
        "wrong": "Bearer nonsense", "flipped": f"Bearer {flipped}", "expired": f"Bearer {expired}",
        "revoked": f"Bearer {revoked}", "basic": f"Basic {good}", "bare": good, "empty": "Bearer ",
        "long": f"Bearer {good}{'x' * 5000}", "twice": f"Bearer {good} {good}",
        "another case": f"Bearer {good.swapcase()}", "prefix": f"Bearer {good[:12]}",
    }  # fmt: skip
    return {"missing": {}} | {name: {"Authorization": value} for name, value in values.items()}


def test_what_needs_no_token_is_known_by_name(rig: Rig) -> None:
    bare = {name for name, route in routes(rig.app) if not hasattr(route, "required")}
    pages = {name for name, route in routes(rig.app) if type(route).__name__ == "Paged"}
    assert bare - pages == ANONYMOUS
    assert len(routes(rig.app)) > 25


def test_without_a_valid_token_nothing_answers(rig: Rig, client: TestClient, submit) -> None:
    identity = submit()
    before = (rig.queue.get(identity), rig.audit.page())
    for kind, headers in wrong_tokens(rig).items():
        for name, route in routes(rig.app):
            if name in ANONYMOUS:
                continue
            answer = call(client, rig, name, identity, **headers)
            if hasattr(route, "required"):
                assert answer.status_code == 401, (kind, name)
                assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            else:  # a page: it looks for a cookie, and a bearer token is none
                assert answer.status_code == 303, (kind, name)
                assert answer.headers["Location"].startswith("/login?next=/")
    assert (rig.queue.get(identity), rig.audit.page()) == before


def test_a_cookie_opens_pages_only_and_a_wrong_one_none(rig: Rig, client, submit) -> None:
    identity = submit()
    for kind, headers in wrong_tokens(rig).items():
        token = headers.get("Authorization", "").removeprefix("Bearer ")
        if kind in ("bare", "basic"):
            continue
        for name, route in routes(rig.app):
            if type(route).__name__ == "Paged":
                answer = call(client, rig, name, identity, Cookie=f"archduel={token}")
                assert answer.status_code == 303, (kind, name)
                assert answer.headers["Location"].startswith("/login")
    good = f"archduel={rig.token['ada']}"
    for name, route in routes(rig.app):
        if hasattr(route, "required"):
            assert call(client, rig, name, identity, Cookie=good).status_code == 401, name


@pytest.mark.parametrize(("user", "role"), [("vera", Role.VIEWER), ("sam", Role.SUBMITTER)])
def test_a_role_opens_what_it_includes_and_no_more(
    rig: Rig, client, submit, user: str, role: Role
) -> None:
    identity = submit("sue")
    before = rig.queue.get(identity)
    refused = []
    for name, route in routes(rig.app):
        needed = getattr(route, "required", None)
        if needed is not None and not role.includes(needed):
            assert call(client, rig, name, identity, **rig.bearer(user)).status_code == 403, name
            refused.append(name)
    assert "GET /v1/audit" in refused
    assert ("POST /v1/experiments" in refused) == (role is Role.VIEWER)
    assert rig.queue.get(identity) == before


def test_what_changes_an_experiment_needs_more_than_a_viewer(rig: Rig) -> None:
    for name, route in routes(rig.app):
        needed = getattr(route, "required", None)
        if needed is Role.VIEWER:
            assert name.startswith(("GET ", "HEAD ")), name


def test_another_users_experiment_is_changed_by_nobody_but_an_admin(rig: Rig, client, submit):
    identity = submit("sue")
    own = [name for name, route in routes(rig.app)
           if getattr(route, "required", None) is Role.SUBMITTER and "{id}" in route.path]  # fmt: skip
    assert len(own) == 4
    for name in own:
        answer = call(client, rig, name, identity, **rig.bearer("sam"))
        assert answer.status_code == 403, name
        assert "is sue's" in answer.json()["detail"]
    cancelled = client.post(f"/v1/experiments/{identity}/cancel", headers=rig.bearer("ada"))
    assert cancelled.json()["reason"] == "cancelled by ada"


def test_nobody_makes_the_service_read_a_body_without_a_token(rig: Rig, client: TestClient) -> None:
    for content in (b"{not json", b'{"config": 3}', b"x" * 10_000):
        answer = client.post(
            "/v1/experiments", content=content, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == 401
        assert answer.json()["detail"].startswith("needs a token")


def test_the_ready_route_tells_strangers_no_more_than_yes_or_no(rig: Rig, client) -> None:
    rig.state["database"] = "postgresql://secret-host does not answer"
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"ready": False, "checks": {}}
    told = client.get("/v1/ready", headers=rig.bearer("vera")).json()
    assert told["checks"] == rig.state
