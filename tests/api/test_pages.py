"""The pages: made without scripts, behind a login, with what one needs to know."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from tests.api.service_rig import PAGE, Rig

ORIGIN = {"Origin": "http://testserver"}


@pytest.fixture
def sam(rig: Rig, client: TestClient) -> TestClient:
    """A browser in which sam is logged in."""
    client.cookies.set("archduel", rig.token["sam"])
    return client


def test_a_login_leads_back_and_its_cookie_is_out_of_reach(rig: Rig, client, submit) -> None:
    identity = submit()
    away = client.get(f"/experiments/{identity}")
    assert away.headers["Location"] == f"/login?next=/experiments/{identity}"
    assert f'value="/experiments/{identity}"' in client.get(away.headers["Location"]).text
    form = {"token": f" {rig.token['sam']}\n", "next": f"/experiments/{identity}"}
    done = client.post("/login", data=form, headers=ORIGIN)
    assert done.status_code == 303
    assert done.headers["Location"] == f"/experiments/{identity}"
    cookie = done.headers["Set-Cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "secure" not in cookie  # this one is reached without TLS
    assert client.get(f"/experiments/{identity}").status_code == 200
    out = client.post("/logout", headers=ORIGIN)
    assert 'archduel=""' in out.headers["Set-Cookie"]


def test_over_tls_the_cookie_says_so(tmp_path) -> None:
    rig = Rig(tmp_path / "tls", public="https://testserver")
    with TestClient(rig.app, base_url="https://testserver", follow_redirects=False) as client:
        headers = {"Origin": "https://testserver"}
        done = client.post("/login", data={"token": rig.token["sam"]}, headers=headers)
        assert "secure" in done.headers["Set-Cookie"].lower()


@pytest.mark.parametrize(
    "to",
    ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/v1/me",
     "/logout", "/experiments/x0123456789abcdef\nX: 1", "/experiments/../login"],
)  # fmt: skip
def test_a_login_leads_nowhere_else(rig: Rig, client: TestClient, to: str) -> None:
    assert f'value="{to}"' not in client.get("/login", params={"next": to}).text
    done = client.post("/login", data={"token": rig.token["sam"], "next": to}, headers=ORIGIN)
    assert done.headers["Location"] == "/"


def test_a_wrong_token_is_told_and_not_repeated(rig: Rig, client: TestClient) -> None:
    done = client.post("/login", data={"token": "adu_wrong"}, headers=ORIGIN)
    assert done.status_code == 401
    assert 'role="alert"' in done.text
    assert "adu_wrong" not in done.text
    assert "Set-Cookie" not in done.headers


def test_the_queue_names_every_experiment(rig: Rig, sam: TestClient, submit) -> None:
    assert "archduel submit my-config.yaml" in sam.get("/").text
    first, second = submit(), submit("sue")
    rig.drive(first)
    text = sam.get("/").text
    for identity in (first, second):
        assert f'href="/experiments/{identity}"' in text
    assert "functional is better by 2 points" in text
    assert "3 of 5" in text
    done = sam.get("/?state=done").text
    assert first in done
    assert second not in done
    assert "No experiment is failed" in sam.get("/?state=failed").text
    assert sam.get("/?state=nonsense").status_code == 404


def test_an_experiment_tells_all_that_is_known(rig: Rig, sam: TestClient, submit) -> None:
    identity = submit()
    page = sam.get(f"/experiments/{identity}").text
    assert "Cancel it" in page
    assert "Report</a>" not in page
    assert f'data-stream="/experiments/{identity}/stream?after=' in page
    rig.drive(identity)
    page = sam.get(f"/experiments/{identity}").text
    assert "Cancel it" not in page
    assert f'href="/experiments/{identity}/report"' in page
    assert "functional is better by 2 points" in page
    assert "loading data" in page
    there = sam.get(f"/experiments/{identity}/mlflow")
    assert there.headers["Location"] == "http://mlflow.example/#/experiments/1"
    assert "data-stream" not in page
    report = sam.get(f"/experiments/{identity}/report")
    assert report.text == PAGE
    assert "sandbox allow-scripts" in report.headers["Content-Security-Policy"]


def test_what_was_submitted_is_text_and_never_markup(rig: Rig, sam: TestClient, submit) -> None:
    evil = "<script>alert(1)</script>"
    identity = submit(config=f"# {evil}\nexperiment: tiny\npairs: [iris]\n")
    rig.queue.remark(identity, evil)
    for path in ("/", f"/experiments/{identity}"):
        text = sam.get(path).text
        assert evil not in text
        assert "&lt;script&gt;" in text


def test_only_who_may_is_offered_to_cancel(rig: Rig, client: TestClient, submit) -> None:
    identity = submit("sue")
    for user, offered in (("vera", False), ("sam", False), ("sue", True), ("ada", True)):
        client.cookies.set("archduel", rig.token[user])
        assert ("Cancel it" in client.get(f"/experiments/{identity}").text) == offered
    client.cookies.set("archduel", rig.token["sam"])
    refused = client.post(f"/experiments/{identity}/cancel", headers=ORIGIN)
    assert refused.status_code == 403
    assert "is sue&#39;s" in refused.text


def test_errors_are_pages_too(rig: Rig, sam: TestClient, monkeypatch) -> None:
    unknown = sam.get("/experiments/x0123456789abcdef")
    assert unknown.status_code == 404
    assert "<h1>Not found</h1>" in unknown.text
    assert sam.get("/experiments/nonsense").status_code == 404


def test_the_pages_stream_goes_on_after_a_break(rig: Rig, sam: TestClient, submit) -> None:
    identity = submit()
    rig.queue.cancel(identity)
    text = sam.get(f"/experiments/{identity}/stream").text
    assert text.count("event: state") == 2
    first = text.split("id: ")[1].split("\n")[0]
    rest = sam.get(f"/experiments/{identity}/stream", headers={"Last-Event-ID": first}).text
    assert rest.count("event: state") == 1
