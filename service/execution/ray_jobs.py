"""Drivers as jobs of a Ray cluster, through the REST interface of Ray's job server
(https://docs.ray.io/en/latest/cluster/running-applications/job-submission/rest.html).

Ray's own client asks the same, but without a time limit, and it loads all of Ray into whoever asks.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from service.contracts.driver_host import Job, JobState
from service.contracts.errors import ArchduelError, Unavailable

ANSWER_SECONDS = 20.0
_NAME = re.compile(r"[a-z0-9-]+")
_STATES = {
    "PENDING": JobState.WAITING,
    "RUNNING": JobState.RUNNING,
    "SUCCEEDED": JobState.SUCCEEDED,
    "FAILED": JobState.FAILED,
    "STOPPED": JobState.STOPPED,
}


class RayJobs:
    """A `contracts.driver_host.DriverHost` over Ray's job server.

    Ray refuses a second job of one name, so that no attempt is ever started twice.

    Args:
        address: the dashboard's, "http://head:8265".
        command: the driver's command line, to which the entry's id and the attempt are added. What
            a driver must know otherwise it has from its environment, which is that of the head:
            arguments and Ray's runtime environments can be read by everyone on the cluster.
        headers: to be sent with every request, such as Ray's token.
    """

    def __init__(
        self, address: str, command: Sequence[str], headers: Mapping[str, str] | None = None
    ) -> None:
        self.address = address
        self._command = list(command)
        self._http = httpx.Client(
            base_url=address, headers=dict(headers or {}), timeout=ANSWER_SECONDS, trust_env=False
        )

    def start(self, job: str, entry: str, attempt: int) -> None:
        """Start a driver; a job of this name that Ray knows is left as it is."""
        if _NAME.fullmatch(entry) is None:
            raise ArchduelError(f"{entry!r} is not the id of an experiment")
        body = {
            "entrypoint": shlex.join([*self._command, entry, str(attempt)]),
            "submission_id": job,
            "metadata": {"archduel": entry},
        }
        answer = self._ask("POST", "/api/jobs/", body)
        if answer.is_success:
            return
        # An error may come after the job was made: a second request, or an answer that got lost.
        if self.status(job) is None:
            raise Unavailable(f"Ray took no job: {_last_line(answer.text)}")

    def status(self, job: str) -> Job | None:
        """How a job stands; None where Ray does not know it, as after a new start of its head."""
        answer = self._ask("GET", f"/api/jobs/{job}")
        if answer.status_code == 404:
            return None
        if not answer.is_success:
            raise Unavailable(f"Ray cannot tell of a job: {_last_line(answer.text)}")
        found = answer.json()
        told, _, log = str(found.get("message") or "").partition(", last available logs")
        if log:  # all of it, in Ray's words about an entrypoint that failed
            told = f"{told}: {_last_line(log)}"
        return Job(_STATES[found["status"]], " ".join(told.split())[:300])

    def stop(self, job: str) -> None:
        """Send SIGTERM to a job's processes and, three seconds later, SIGKILL."""
        answer = self._ask("POST", f"/api/jobs/{job}/stop")
        if not (answer.is_success or answer.status_code == 404):
            raise Unavailable(f"Ray did not stop a job: {_last_line(answer.text)}")

    def forget(self, job: str) -> None:
        """Drop what Ray keeps of a job that has ended."""
        self._ask("DELETE", f"/api/jobs/{job}")

    def logs(self, job: str) -> str:
        """What a job wrote so far."""
        answer = self._ask("GET", f"/api/jobs/{job}/logs")
        return str(answer.json().get("logs") or "") if answer.is_success else ""

    def check(self) -> None:
        """See whether Ray answers.

        Raises:
            Unavailable: it does not.
        """
        answer = self._ask("GET", "/api/version")
        if not answer.is_success:
            raise Unavailable(f"Ray at {self.address} answers {answer.status_code}")

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        try:
            answer = self._http.request(method, path, json=body)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise Unavailable(f"Ray at {self.address} does not answer ({reason})") from error
        if answer.status_code in (401, 403):
            raise Unavailable(
                f"Ray at {self.address} wants another token: see RAY_AUTH_MODE and RAY_AUTH_TOKEN"
            )
        return answer


def token_headers(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Ray's token as a header, found as Ray finds it; none where there is none.

    Args:
        environment: os.environ, if it is not given.

    Raises:
        ArchduelError: RAY_AUTH_MODE wants a token, and it cannot be read.
    """
    environment = os.environ if environment is None else environment
    if environment.get("RAY_AUTH_MODE") == "disabled":
        return {}
    token = environment.get("RAY_AUTH_TOKEN", "")
    named = environment.get("RAY_AUTH_TOKEN_PATH")
    file = Path(named) if named else Path.home() / ".ray" / "auth_token"
    if not token:
        try:
            token = file.read_text(encoding="utf-8").strip()
        except OSError as error:
            if named or environment.get("RAY_AUTH_MODE") == "token":
                reason = error.strerror
                raise ArchduelError(f"{file}: Ray's token cannot be read ({reason})") from error
            return {}
    return {"Authorization": f"Bearer {token}"}


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "no reason was given"
