"""Around every request: its size, its origin, its headers, and a log without secrets."""

from __future__ import annotations

import logging

import pytest
from fastapi.testclient import TestClient

from service.api.guard import HEADERS, MAX_BODY
from service.api.limits import Allowance
from service.api.sandbox import policy_of
from service.contracts.wire import Limits
from tests.api.service_rig import CONFIG, Rig, sha256

PATHS = ("/healthz", "/login", "/", "/v1/me", "/v1/experiments", "/static/style.css", "/nowhere")


def test_every_answer_has_the_headers_that_protect_it(rig: Rig, client: TestClient) -> None:
    for path in PATHS:
        for headers in ({}, rig.bearer("sam"), {"Cookie": f"archduel={rig.token['sam']}"}):
            answer = client.get(path, headers=headers)
            for name, value in HEADERS.items():
                if name != "Cache-Control" or not path.startswith("/static"):
                    assert answer.headers[name] == value, (path, name)


def test_no_page_has_anything_inline(rig: Rig, client: TestClient, submit) -> None:
    identity = submit()
    client.cookies.set("archduel", rig.token["sam"])
    unknown = "/experiments/x0123456789abcdef"
    for path in ("/", "/login", f"/experiments/{identity}", unknown):
        answer = client.get(path)
        assert answer.status_code == (404 if path == unknown else 200)
        text = answer.text
        assert "<script>" not in text
        assert "<style" not in text
        assert "style=" not in text
        assert " on" not in "".join(
            part.split(">")[0] for part in text.split("<")[1:] if "=" in part
        )


def test_a_report_is_shown_in_a_sandbox_under_its_own_policy() -> None:
    hostile = '<meta http-equiv="Content-Security-Policy" content="a;\r\nX-Evil: 1&quot;">'
    assert "\n" not in policy_of(hostile)
    assert policy_of("<html>no policy").startswith("default-src 'none'; base-uri 'none'")
    late = " " * 5000 + hostile
    assert policy_of(late).startswith("default-src 'none'")
    for page in (hostile, late, ""):
        assert policy_of(page).endswith("sandbox allow-scripts allow-downloads")


@pytest.mark.parametrize("path", ["/v1/experiments", "/v1/blobs/" + "0" * 64, "/login"])
def test_a_body_that_is_too_large_is_refused_whatever_it_says(rig: Rig, client, path: str) -> None:
    most = 100_000 if "blobs" in path else MAX_BODY
    method = "PUT" if "blobs" in path else "POST"
    told = client.request(method, path, content=b"x" * (most + 1), headers=rig.bearer("sam"))
    assert told.status_code == 413

    def chunks():
        for _ in range(most // 1000 + 2):
            yield b"x" * 1000

    silent = client.request(
        method, path, content=chunks(), headers={**rig.bearer("sam"), "Origin": "http://testserver",
        "Content-Type": "application/x-www-form-urlencoded" if path == "/login" else "text/json"},
    )  # fmt: skip
    assert silent.status_code in (413, 422)
    assert not list(rig.files.path.iterdir())


def test_a_page_of_another_origin_changes_nothing(rig: Rig, client: TestClient, submit) -> None:
    identity = submit()
    cookie = {"Cookie": f"archduel={rig.token['sam']}"}
    for origin in ("https://evil.example", "null", "http://testserver.evil.example"):
        for path in (f"/experiments/{identity}/cancel", "/login", "/logout"):
            answer = client.post(path, headers={**cookie, "Origin": origin}, data={"token": "x"})
            assert answer.status_code == 403, (origin, path)
        api = client.post(
            f"/v1/experiments/{identity}/cancel", headers={**rig.bearer("sam"), "Origin": origin}
        )
        assert api.status_code == 403
    silent = client.post(f"/experiments/{identity}/cancel", headers=cookie)
    assert silent.status_code == 403
    crossing = {**cookie, "Origin": "http://testserver", "Sec-Fetch-Site": "cross-site"}
    assert client.post(f"/experiments/{identity}/cancel", headers=crossing).status_code == 403
    assert rig.queue.get(identity).state == "queued"
    ours = {**cookie, "Origin": "http://testserver"}
    assert client.post(f"/experiments/{identity}/cancel", headers=ours).status_code == 303
    assert rig.queue.get(identity).state == "cancelled"


def test_behind_a_proxy_the_public_origin_is_ours(tmp_path) -> None:
    rig = Rig(tmp_path / "proxied", public="https://archduel.example/")
    with TestClient(rig.app, follow_redirects=False) as client:
        for origin, status in (("https://archduel.example", 303), ("https://evil.example", 403)):
            form = {"token": rig.token["sam"]}
            answer = client.post("/login", data=form, headers={"Origin": origin})
            assert answer.status_code == status


def test_without_tokens_only_this_machines_name_is_answered_to(tmp_path) -> None:
    rig = Rig(tmp_path / "open", insecure_local=True)
    with TestClient(rig.app, base_url="http://localhost:8700") as client:
        assert client.get("/v1/me").json()["role"] == "admin"
        made = client.post("/v1/experiments", json={"config": CONFIG})
        assert made.json()["owner"] == "local"
        assert client.get("/").status_code == 200
        for host in ("evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8700", ""):
            assert client.get("/v1/me", headers={"Host": host}).status_code == 403
        for host in ("127.0.0.1:1", "[::1]:8700", "localhost"):
            assert client.get("/v1/me", headers={"Host": host}).status_code == 200


def test_who_asks_too_often_waits(tmp_path) -> None:
    limits = Limits(upload_bytes=1000, queued=10, per_minute=3)
    rig = Rig(tmp_path / "slow", limits=limits, strangers=Allowance(2))
    with TestClient(rig.app) as client:
        codes = [client.get("/v1/me", headers=rig.bearer("sam")).status_code for _ in range(5)]
        assert codes == [200, 200, 200, 429, 429]
        assert client.get("/v1/me", headers=rig.bearer("sue")).status_code == 200
        late = client.get("/v1/me", headers=rig.bearer("sam"))
        assert 1 <= int(late.headers["Retry-After"]) <= 20
        assert [client.get("/v1/me").status_code for _ in range(3)] == [401, 401, 429]


def test_an_allowance_fills_again() -> None:
    clock = [0.0]
    allowance = Allowance(60, lambda: clock[0])
    assert all(allowance.take("a") == 0 for _ in range(60))
    assert allowance.take("a") == pytest.approx(1.0)
    clock[0] = 1.5
    assert allowance.take("a") == 0
    assert allowance.take("a") == pytest.approx(0.5)


def test_a_fault_says_nothing_of_the_inside_and_is_logged(rig: Rig, client, monkeypatch, caplog):
    def fail(*given: object) -> None:
        raise KeyError("postgresql://user:password@host")

    monkeypatch.setattr(rig.queue, "counts", fail)
    answer = client.get("/v1/counts", headers=rig.bearer("vera"))
    assert answer.status_code == 500
    assert answer.json()["detail"] == "the service failed to answer; its log says why"
    assert "GET /v1/counts failed" in caplog.text


def test_no_secret_is_ever_logged_or_told(rig: Rig, client: TestClient, submit, caplog) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # the test's own client
    identity, told = submit(), ""
    secrets = [*rig.token.values(), "adu_" + "w" * 43]
    for secret in secrets:
        bearer, cookie = {"Authorization": f"Bearer {secret}"}, {"Cookie": f"archduel={secret}"}
        for path in (
            "/v1/me",
            "/",
            f"/v1/experiments/{identity}",
            "/metrics",
            "/v1/audit",
            "/v1/x",
        ):
            for headers in (bearer, cookie):
                answer = client.get(path, headers=headers)
                told += answer.text + str(answer.headers)
        form = client.post(
            "/login", data={"token": secret, "next": "/"}, headers={"Origin": "http://testserver"}
        )
        told += form.text
        told += client.post("/v1/experiments", content=secret, headers=bearer).text
    for secret in secrets:
        assert secret not in caplog.text
        assert secret not in told
        assert sha256(secret.encode()) not in caplog.text + told
    assert 'sam "GET /v1/me" 200' in caplog.text


@pytest.mark.parametrize(
    "path", ["/%0d%0aX", "/a%00b", "/" + "a" * 5000, "/%ff%fe", "/x//y", "/../x"]
)
def test_a_strange_path_is_one_line_in_the_log(rig: Rig, client, caplog, path: str) -> None:
    caplog.set_level(logging.INFO, logger="archduel.access")
    assert client.get(path).status_code == 404
    (record,) = [record for record in caplog.records if record.name == "archduel.access"]
    assert "\n" not in record.getMessage()
    assert "\r" not in record.getMessage()
    assert len(record.getMessage()) < 300
