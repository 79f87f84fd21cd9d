"""One service over HTTP; whatever goes wrong is one line."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel, TypeAdapter, ValidationError

from service.client.profiles import LOOPBACK, Profile
from service.contracts.errors import ArchduelError, UserError
from service.contracts.wire import Problem

Model = TypeVar("Model", bound=BaseModel)
Value = TypeVar("Value")

TIMEOUT = httpx.Timeout(60.0, connect=10.0)
PATIENCE = 120.0
"""Seconds that a request waits in all for a service that does not answer or has too much to do."""


AWAY = (502, 503, 504)
"""What is answered in place of a service, or by one, that cannot answer now."""


class Away(UserError):
    """The service does not answer, or cannot now."""


class Missing(UserError):
    """There is no such thing."""


class Unsent(UserError):
    """Files have to be sent first.

    Args:
        hashes: their SHA-256.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.hashes = tuple(problem.missing)


class Http:
    """Requests with a token, answers as models.

    Args:
        profile: where and who.
        transport: instead of the network, for tests.
        sleep: waits so many seconds.
    """

    def __init__(
        self,
        profile: Profile,
        *,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.profile = profile
        self.sleep = sleep
        headers = {"Authorization": f"Bearer {profile.token}"} if profile.token else {}
        # A proxy of the environment is not for this machine, and would see the token.
        proxies = urlsplit(profile.url).hostname not in LOOPBACK
        self._client = httpx.Client(
            base_url=profile.url, headers=headers, timeout=TIMEOUT, trust_env=proxies,
            transport=transport,
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def get(self, path: str, model: type[Model], **query: Any) -> Model:
        """What a route tells, as a model."""
        return self._read(self.ask("GET", path, params=_given(query)), model)

    def many(self, path: str, model: type[Model], **query: Any) -> list[Model]:
        """What a route tells, as a list of models."""
        answer = self.ask("GET", path, params=_given(query))
        adapter = TypeAdapter(list[model])  # type: ignore[valid-type]
        return self._valid(lambda: adapter.validate_json(answer.content))

    def send(self, method: str, path: str, model: type[Model], body: BaseModel | None) -> Model:
        """What a route answers to a body."""
        return self._read(self.ask(method, path, json=body and body.model_dump()), model)

    def put(self, path: str, file: Path) -> None:
        """Send a file's bytes."""
        with file.open("rb") as content:
            self.ask("PUT", path, content=content, headers={"Content-Length": str(_size(file))})

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One request, again where the service has too much to do.

        Every request may be sent twice without harm: a submission is known by its key or content.

        Raises:
            Away: it does not answer within `PATIENCE`.
            UserError: it refused, and says why.
            ArchduelError: it failed.
        """
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                answer = self._client.request(method, path, **options)
            except httpx.HTTPError as error:
                raise self.away(error) from error
            after = answer.headers.get("Retry-After", "")
            wait = int(after) if after.isdigit() and len(after) < 4 else None
            if answer.is_success:
                return answer
            if answer.status_code != 429 or wait is None or time.monotonic() + wait > deadline:
                raise self.refusal(answer)
            self.sleep(wait)

    def lines(self, path: str, headers: Mapping[str, str]) -> Iterator[str]:
        """The lines of a stream, until it ends or breaks.

        Raises:
            Away: it broke.
            UserError: it was refused.
        """
        timeout = httpx.Timeout(60.0, connect=10.0)
        try:
            with self._client.stream("GET", path, headers=headers, timeout=timeout) as answer:
                if not answer.is_success:
                    answer.read()
                    raise self.refusal(answer)
                yield from answer.iter_lines()
        except httpx.HTTPError as error:
            raise self.away(error) from error

    def away(self, error: Exception) -> Away:
        """The error for a service that does not answer."""
        about = str(error) or type(error).__name__
        return Away(
            f"the service does not answer at {self.profile.url} ({about})",
            hint="is archduel serve running there?",
        )

    def refusal(self, answer: httpx.Response) -> ArchduelError:
        """The error that an answer stands for."""
        status = answer.status_code
        try:
            problem = Problem.model_validate_json(answer.content)
        except ValidationError:
            problem = Problem(detail=f"{self.profile.url} answered {status}, and is no archduel")
        if status == 401:
            hint = f"archduel login {self.profile.url}"
            return UserError(problem.detail.partition(":")[0], key=self.profile.name, hint=hint)
        if problem.missing:
            return Unsent(problem)
        if status in AWAY:
            return Away(problem.detail)
        if status == 404:
            return Missing(problem.detail)
        return ArchduelError(problem.detail) if status >= 500 else UserError(problem.detail)

    def _read(self, answer: httpx.Response, model: type[Model]) -> Model:
        return self._valid(lambda: model.model_validate_json(answer.content))

    def _valid(self, read: Callable[[], Value]) -> Value:
        try:
            return read()
        except ValidationError as error:
            raise UserError(
                f"{self.profile.url} answers, but is no archduel of this version ({error.title})"
            ) from None


def _given(query: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value is not None}


def _size(file: Path) -> int:
    return file.stat().st_size
