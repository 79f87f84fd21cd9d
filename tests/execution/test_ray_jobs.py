"""Ray's job server over REST, with answers as Ray 2.60 gives them."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from service.contracts.driver_host import Job, JobState
from service.contracts.errors import ArchduelError, Unavailable
from service.execution.ray_jobs import RayJobs, token_headers


class Server:
    """Answers as it is told, and remembers what it was asked."""

    def __init__(self):
        self.asked: list[tuple[str, str, dict[str, Any]]] = []
        self.answers: dict[tuple[str, str], httpx.Response] = {}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content) if request.content else {}
        self.asked.append((request.method, request.url.path, body))
        answer = self.answers.get((request.method, request.url.path))
        if isinstance(answer, Exception):
            raise answer
        return answer or httpx.Response(404, text="Job does not exist.")


@pytest.fixture
def server():
    return Server()


@pytest.fixture
def jobs(server):
    jobs = RayJobs("http://head:8265", ["python", "-m", "driving"], {"Authorization": "Bearer t"})
    jobs._http = httpx.Client(base_url=jobs.address, transport=httpx.MockTransport(server))
    return jobs


def test_a_driver_is_started_by_name_and_nothing_secret_is_told(jobs, server):
    server.answers["POST", "/api/jobs/"] = httpx.Response(200, json={})
    jobs.start("x1-2", "x1", 2)
    (asked,) = server.asked
    assert asked[2] == {
        "entrypoint": "python -m driving x1 2",
        "submission_id": "x1-2",
        "metadata": {"archduel": "x1"},
    }


def test_a_job_that_is_known_already_is_left_as_it_is(jobs, server):
    server.answers["POST", "/api/jobs/"] = httpx.Response(500, text="ValueError: already exists")
    server.answers["GET", "/api/jobs/x1-1"] = httpx.Response(200, json={"status": "RUNNING"})
    jobs.start("x1-1", "x1", 1)
    with pytest.raises(Unavailable, match="already exists"):
        jobs.start("x1-2", "x1", 2)


def test_only_an_id_comes_into_the_command_line(jobs):
    with pytest.raises(ArchduelError):
        jobs.start("x-1", "x; rm -rf /", 1)


@pytest.mark.parametrize(
    ("told", "state"),
    [("PENDING", JobState.WAITING), ("STOPPED", JobState.STOPPED), ("FAILED", JobState.FAILED)],
)
def test_states(jobs, server, told, state):
    answer = {"status": told, "message": "a\n  reason"}
    server.answers["GET", "/api/jobs/x"] = httpx.Response(200, json=answer)
    assert jobs.status("x") == Job(state, "a reason")
    assert jobs.status("other") is None


def test_of_a_job_that_failed_the_last_line_is_told(jobs, server):
    message = (
        "Job entrypoint command failed with exit code 1, last available logs (truncated to "
        "20,000 chars):\nTraceback ...\n  in writing\nledger.db: the disk is full\n"
    )
    answer = {"status": "FAILED", "message": message}
    server.answers["GET", "/api/jobs/x"] = httpx.Response(200, json=answer)
    expected = "Job entrypoint command failed with exit code 1: ledger.db: the disk is full"
    assert jobs.status("x") == Job(JobState.FAILED, expected)


def test_what_does_not_answer_is_unavailable(jobs, server):
    for method, path in (
        ("GET", "/api/jobs/x"),
        ("POST", "/api/jobs/x/stop"),
        ("GET", "/api/version"),
    ):
        server.answers[method, path] = httpx.ConnectError("refused")
    for call in (lambda: jobs.status("x"), lambda: jobs.stop("x"), jobs.check):
        with pytest.raises(Unavailable, match="does not answer"):
            call()
    server.answers["GET", "/api/version"] = httpx.Response(401)
    with pytest.raises(Unavailable, match="RAY_AUTH_TOKEN"):
        jobs.check()


def test_stopping_what_is_gone_is_fine(jobs):
    jobs.stop("x")
    jobs.forget("x")
    assert jobs.logs("x") == ""


def test_the_token_is_found_as_ray_finds_it(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert token_headers({}) == {}
    with pytest.raises(ArchduelError, match="cannot be read"):
        token_headers({"RAY_AUTH_MODE": "token"})
    file = tmp_path / ".ray" / "auth_token"
    file.parent.mkdir()
    file.write_text("kept\n")
    assert token_headers({}) == {"Authorization": "Bearer kept"}
    assert token_headers({"RAY_AUTH_TOKEN": "t"}) == {"Authorization": "Bearer t"}
    assert token_headers({"RAY_AUTH_MODE": "disabled", "RAY_AUTH_TOKEN": "t"}) == {}
