"""Experiments over HTTP: submitted once, followed, changed by their owner, forgotten."""

from __future__ import annotations

import json

import pytest
from fastapi.testclient import TestClient

from service.contracts.entry import EntryState
from tests.api.service_rig import CONFIG, PAGE, Rig, sha256


def post(client: TestClient, rig: Rig, body: object, user: str = "sam", **headers: str):
    return client.post("/v1/experiments", json=body, headers={**rig.bearer(user), **headers})


def test_the_same_again_is_the_same_experiment(rig: Rig, client: TestClient) -> None:
    first = post(client, rig, {"config": CONFIG})
    assert first.status_code == 201
    again = post(client, rig, {"config": CONFIG})
    assert again.status_code == 200
    assert again.json() == first.json()
    assert first.headers["Location"] == f"/v1/experiments/{first.json()['id']}"
    assert post(client, rig, {"config": CONFIG, "anew": True}).status_code == 201
    assert post(client, rig, {"config": CONFIG}, user="sue").status_code == 201
    assert [row.action for row in rig.audit.page()] == ["submit"] * 3


def test_a_key_is_one_experiment_and_never_another(rig: Rig, client: TestClient) -> None:
    made = post(client, rig, {"config": CONFIG, "key": "k1", "anew": True})
    header = post(client, rig, {"config": CONFIG, "anew": True}, **{"Idempotency-Key": "k1"})
    assert header.json()["id"] == made.json()["id"]
    other = post(client, rig, {"config": CONFIG + "# more\n", "key": "k1"})
    assert other.status_code == 409
    assert "was used for experiment" in other.json()["detail"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (
            {"config": "experiment: x\npairs: [irs]\n"},
            "config:2: pairs[0]: unknown pair 'irs'; did",
        ),
        ({"config": "a: &a [1]\nb: *a\n"}, "config:1: a: anchors and aliases are not supported"),
        ({"config": "x: [" * 3000}, "config"),
        ({"config": CONFIG, "overrides": ["search.trails=3"]}, "did you mean 'trials'"),
        ({"config": CONFIG, "overrides": ["search.trials=-1"]}, "search.trials"),
        ({"config": CONFIG, "priority": 11}, "priority: Input should be less than 11"),
        ({"config": CONFIG, "priority": "1"}, "priority: Input should be a valid integer"),
        ({"config": CONFIG, "prio": 1}, "prio: Extra inputs are not permitted"),
        ({"config": CONFIG, "max_parallel": 0}, "max_parallel"),
        ({"config": "x" * 70_000}, "config: String should have at most 65536 characters"),
        ({"config": "experiment: x\0\n"}, "config: String should match pattern"),
        ({"config": CONFIG.replace("iris", "./mine.py")}, "config:2: pairs[0]: the file did not"),
        ({"config": CONFIG + "data: {source: path, path: d}\n"}, "nothing of this path came"),
        ({}, "config: Field required"),
        ([], "Input should be"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_kept(rig: Rig, client, body, told: str) -> None:
    answer = post(client, rig, body)
    assert answer.status_code == 422, answer.text
    assert told in answer.json()["detail"]
    assert "\n" not in answer.json()["detail"]
    assert rig.queue.page() == []


def test_a_pair_file_of_a_submitter_is_not_run_here(rig: Rig, client: TestClient, tmp_path) -> None:
    trap = tmp_path / "trap"
    code = f"open({str(trap)!r}, 'w')\n".encode()
    body = {
        "config": CONFIG.replace("iris", "./mine.py:PAIR"),
        "files": [{"path": "mine.py", "sha256": sha256(code)}],
    }
    missing = post(client, rig, body)
    assert missing.status_code == 409
    assert missing.json()["missing"] == [sha256(code)]
    sent = client.put(f"/v1/blobs/{sha256(code)}", content=code, headers=rig.bearer("sam"))
    assert sent.status_code == 204
    made = post(client, rig, body)
    assert made.status_code == 201
    assert made.json()["files"] == [{**body["files"][0], "size": len(code)}]
    assert not trap.exists()


@pytest.mark.parametrize("module", ["antigravity:X", "os:PAIR", "service.api.html:PAIR", "a.b"])
def test_no_module_is_imported_because_a_config_names_it(rig: Rig, client, module: str) -> None:
    answer = post(client, rig, {"config": f"experiment: x\npairs: ['{module}']\n"})
    assert answer.status_code == 201  # the driver tells what is wrong with it


@pytest.mark.parametrize("path", ["../x.py", "/etc/passwd", "a\\b", ".ssh/x", "a//b", "x\u0000"])
def test_a_path_that_leaves_its_folder_is_refused(rig: Rig, client, path: str) -> None:
    body = {"config": CONFIG, "files": [{"path": path, "sha256": sha256(b"x")}]}
    answer = post(client, rig, body)
    assert answer.status_code == 422
    assert "files" in answer.json()["detail"]


def test_what_is_asked_is_told_page_by_page(rig: Rig, client: TestClient, submit) -> None:
    made = [submit() for _ in range(5)]
    url: str | None = "/v1/experiments?limit=2"
    seen = []
    while url:
        found = client.get(url, headers=rig.bearer("vera")).json()
        seen += [each["id"] for each in found["experiments"]]
        before = found["before"]
        url = f"/v1/experiments?limit=2&before={before}" if before else None
    assert seen == made[::-1]
    nobody = client.get("/v1/experiments?owner=nobody", headers=rig.bearer("vera")).json()
    assert nobody == {"experiments": [], "before": None}
    counts = client.get("/v1/counts", headers=rig.bearer("vera")).json()["states"]
    assert counts["queued"] == 5
    assert set(counts) == {state.value for state in EntryState}


def test_a_parameter_that_would_be_ignored_is_a_mistake(rig: Rig, client: TestClient) -> None:
    answer = client.get("/v1/experiments?limt=3", headers=rig.bearer("vera"))
    assert answer.status_code == 422
    assert answer.json()["detail"] == "unknown parameter 'limt'; did you mean 'limit'?"
    assert client.get("/v1/me?x=1", headers=rig.bearer("vera")).status_code == 422


def test_from_submission_to_report(rig: Rig, client: TestClient, submit) -> None:
    identity, viewer = submit(priority=3), rig.bearer("vera")
    early = client.get(f"/v1/experiments/{identity}/report", headers=viewer)
    assert early.status_code == 404
    assert "has no report yet: it is queued" in early.json()["detail"]
    rig.drive(identity)
    found = client.get(f"/v1/experiments/{identity}", headers=viewer).json()
    assert found["state"] == "done"
    assert (found["done"], found["planned"], found["priority"]) == (3, 5, 3)
    assert found["verdicts"] == {"iris": "functional is better by 2 points"}
    page = client.get(f"/v1/experiments/{identity}/report", headers=viewer)
    assert page.text == PAGE
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'sha256-x'; ")
    assert policy.endswith("sandbox allow-scripts allow-downloads")
    text = client.get(f"/v1/experiments/{identity}/report?format=md", headers=viewer)
    assert text.headers["Content-Type"] == "text/markdown; charset=utf-8"
    assert client.get(f"/v1/experiments/{identity}/log", headers=viewer).text.startswith("log of")
    events = client.get(f"/v1/experiments/{identity}/events", headers=viewer).json()
    assert [event["data"].get("state") for event in events if event["kind"] == "state"] == [
        "queued", "starting", "running", "done",
    ]  # fmt: skip
    rest = client.get(
        f"/v1/experiments/{identity}/events?after={events[1]['id']}", headers=viewer
    ).json()
    assert rest == events[2:]


def test_an_owner_changes_it_along_legal_moves_only(rig: Rig, client: TestClient, submit) -> None:
    identity, sam = submit(), rig.bearer("sam")
    base = f"/v1/experiments/{identity}"
    early = client.post(f"{base}/extend", json={"repetitions": 4}, headers=sam)
    assert early.status_code == 409
    assert client.delete(base, headers=sam).status_code == 409
    limited = client.put(f"{base}/parallel", json={"max_parallel": 2}, headers=sam)
    assert limited.json()["max_parallel"] == 2
    free = client.put(f"{base}/parallel", json={"max_parallel": None}, headers=sam)
    assert free.json()["max_parallel"] is None
    rig.drive(identity)
    assert client.post(f"{base}/cancel", headers=sam).status_code == 409
    assert client.post(f"{base}/extend", json={"repetitions": 1}, headers=sam).status_code == 422
    more = client.post(f"{base}/extend", json={"repetitions": 4}, headers=sam)
    assert more.json()["state"] == "queued"
    assert client.post(f"{base}/cancel", headers=sam).json()["state"] == "cancelled"
    assert client.delete(base, headers=sam).status_code == 204
    assert client.get(base, headers=sam).status_code == 404
    assert rig.results.forgotten == [identity]
    told = [row["action"] for row in client.get("/v1/audit", headers=rig.bearer("ada")).json()]
    assert told == ["delete", "cancel", "extend", "set-parallel", "set-parallel", "submit"]


def test_an_unknown_experiment_is_told_as_such(rig: Rig, client: TestClient) -> None:
    answer = client.get("/v1/experiments/x0123456789abcdef", headers=rig.bearer("vera"))
    assert answer.status_code == 404
    assert answer.json()["detail"].startswith("there is no experiment of this id")


def test_figures_for_prometheus(rig: Rig, client: TestClient, submit) -> None:
    submit()
    client.get("/v1/me")
    text = client.get("/metrics", headers=rig.bearer("vera")).text
    assert 'archduel_experiments{state="queued"} 1.0' in text
    assert "archduel_database_up 1.0" in text
    assert 'archduel_submissions_total{known="no"} 1.0' in text
    assert 'archduel_refusals_total{why="missing"} 1.0' in text
    assert 'route="/v1/experiments",status="201"' in text
    assert json.dumps(rig.token) not in text


def test_who_asks_is_told_what_they_may(rig: Rig, client: TestClient) -> None:
    told = client.get("/v1/me", headers=rig.bearer("sam")).json()
    assert (told["user"], told["role"]) == ("sam", "submitter")
    assert told["limits"] == {"upload_bytes": 100_000, "queued": 1000, "per_minute": 100_000}
