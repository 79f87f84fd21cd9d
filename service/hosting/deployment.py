"""Is a deployed service sound? Ray's dashboard or the API from outside, the service's parts from inside."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import Any

from service.app.machine import Check
from service.app.tracking_server import answers
from service.contracts.errors import ArchduelError
from service.database import migrate
from service.database.engine import Database
from service.execution.ray_jobs import token_headers
from service.hosting import settings
from service.hosting.blobs import Blobs

ANSWER_SECONDS = 10.0
TOKEN = settings.PREFIX + "TOKEN"
_JOBS = "/api/jobs/"
_LISTED = "/v1/experiments?limit=1"

Headers = Mapping[str, str]


def outside(address: str) -> Iterator[Check]:
    """What answers at an address, whether it asks for a token, and whether it takes ours.

    Args:
        address: of Ray's dashboard or of the API, such as "http://127.0.0.1:8265".

    Yields:
        Checks; Ray's token is taken from Ray's own variables, the API's from ARCHDUEL_TOKEN.
    """
    url = address.rstrip("/")
    try:
        if _ask(f"{url}/api/gcs_healthz")[0] == 200:
            yield Check("Ray", "ok", f"answers at {url}")
            yield from _ray(url)
        elif _ask(f"{url}/healthz")[0] == 200:
            yield Check("API", "ok", f"answers at {url}")
            yield from _api(url)
        else:
            told = f"{url} is neither Ray's dashboard nor the API"
            yield Check("address", "broken", told, "Ray's dashboard has port 8265, the API 8700")
    except OSError as error:
        reason = getattr(error, "reason", error)
        yield Check(
            "address", "broken", f"{url}: {reason}", "is there a port-forward? kubectl port-forward"
        )


def inside(environment: Mapping[str, str] = os.environ) -> Iterator[Check]:
    """Database, object store and MLflow as a service's own environment names them.

    Args:
        environment: of the API's pod, or of the Ray head.
    """
    if not environment.get(settings.PREFIX + "DATABASE_URL"):
        return
    try:
        found = settings.load(environment=environment)
    except ArchduelError as error:
        yield Check("settings", "broken", str(error))
        return
    yield _database(found.database)
    try:
        Blobs(found.store, found.s3_endpoint_url).check()
        yield Check("object store", "ok", "an object can be written and read")
    except ArchduelError as error:
        yield Check("object store", "broken", str(error))
    if found.mlflow_uri is not None:
        if answers(found.mlflow_uri):
            yield Check("MLflow", "ok", f"answers at {found.mlflow_uri}")
        else:
            told = f"{found.mlflow_uri} does not answer; what it misses is sent later"
            yield Check("MLflow", "warning", told)


def _database(url: str) -> Check:
    database = Database(url)
    try:
        revision = migrate.found(database)
    except ArchduelError as error:
        return Check("database", "broken", str(error))
    finally:
        database.close()
    if revision != migrate.HEAD:
        told = f"{database.place} has revision {revision}, and this archduel needs {migrate.HEAD}"
        return Check("database", "broken", told, "archduel service migrate")
    return Check("database", "ok", f"{database.place}, revision {revision}")


def _ray(url: str) -> Iterator[Check]:
    status, _ = _ask(url + _JOBS)
    if status == 200:
        told = "whoever reaches it runs code there: it asks for no token"
        yield Check("Ray's token", "broken", told, "start Ray with RAY_AUTH_MODE=token")
        headers: Headers = {}
    else:
        yield Check("Ray's token", "ok", f"nobody gets in without one (status {status})")
        try:
            headers = token_headers()
        except ArchduelError as error:
            yield Check("Ray's token", "broken", str(error))
            return
        if not headers:
            remedy = "set RAY_AUTH_TOKEN to try one"
            yield Check("Ray's token", "warning", "there is none here", remedy)
            return
        status, _ = _ask(url + _JOBS, headers)
        if status != 200:
            told = f"the one of RAY_AUTH_TOKEN is refused (status {status})"
            yield Check("Ray's token", "broken", told)
            return
        yield Check("Ray's token", "ok", "the one of RAY_AUTH_TOKEN is taken")
    yield _version(_ask(f"{url}/api/version", headers)[1])
    yield _nodes(_ask(f"{url}/nodes?view=summary", headers)[1])


def _version(answer: Any) -> Check:
    there, here = answer.get("ray_version", "unknown"), version("ray")
    if there == here:
        return Check("Ray's version", "ok", f"{there}, as here")
    return Check("Ray's version", "warning", f"{there} there, {here} here", "use one image for all")


def _nodes(answer: Any) -> Check:
    listed = answer.get("data", {}).get("summary", [])
    alive = [one["raylet"] for one in listed if one.get("raylet", {}).get("state") == "ALIVE"]
    amounts = [one.get("resourcesTotal", {}) for one in alive]
    cpus, gpus = (sum(one.get(key, 0) for one in amounts) for key in ("CPU", "GPU"))
    detail = f"{len(alive)}, with {cpus:g} CPUs and {gpus:g} GPUs for trials"
    if cpus:
        return Check("Ray's nodes", "ok", detail)
    return Check("Ray's nodes", "warning", detail, "workers come as trials wait, or none is there")


def _api(url: str) -> Iterator[Check]:
    status, _ = _ask(f"{url}/readyz")
    if status == 200:
        yield Check("API ready", "ok", "it can take experiments")
    else:
        yield Check("API ready", "broken", "its database or its object store does not answer")
    status, _ = _ask(url + _LISTED)
    if status == 200:
        yield Check("API's token", "broken", "it asks for none (ARCHDUEL_INSECURE_LOCAL)")
        return
    yield Check("API's token", "ok", f"nobody gets in without one (status {status})")
    token = os.environ.get(TOKEN)
    if not token:
        yield Check("API's token", "warning", "there is none here", f"set {TOKEN} to try one")
        return
    status, answer = _ask(f"{url}/v1/ready", {"Authorization": f"Bearer {token}"})
    if status != 200:
        yield Check("API's token", "broken", f"the one of {TOKEN} is refused (status {status})")
        return
    yield Check("API's token", "ok", f"the one of {TOKEN} is taken")
    for part, told in answer.get("checks", {}).items():
        yield Check(f"API's {part}", "ok" if told == "ok" else "broken", told)


def _ask(url: str, headers: Headers | None = None) -> tuple[int, Any]:
    """The status and the JSON of an answer ({} where it is none).

    Raises:
        OSError: nothing answers.
    """
    request = urllib.request.Request(url, headers=dict(headers or {}))
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:
            status, text = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, text = error.code, b""
    try:
        found = json.loads(text)
    except ValueError:
        found = {}
    return status, found if isinstance(found, dict) else {}
