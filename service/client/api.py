"""What one can ask of a service."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from service.client.given import given
from service.client.http import Away, Http, Missing, Unsent
from service.client.sse import Message, messages
from service.contracts.entry import EntryState
from service.contracts.errors import UserError, did_you_mean
from service.contracts.wire import (
    ID,
    Experiment,
    ExperimentInFull,
    GivenExperiment,
    GivenExtension,
    GivenParallel,
    Happening,
    Me,
    Page,
)

PATIENCE = 600.0
"""Seconds that following waits for a service that has gone away, before it gives up."""

_LONGEST_PAUSE = 10.0


@dataclass(frozen=True)
class End:
    """The last thing that following tells.

    Args:
        state: how the experiment ended; "deleted" where it was forgotten meanwhile.
    """

    state: str


class Api:
    """A service's experiments.

    Args:
        http: the connection; closed by whoever made it.
    """

    def __init__(self, http: Http) -> None:
        self.http = http

    def me(self) -> Me:
        """Who I am there, and what I may."""
        return self.http.get("/v1/me", Me)

    def submit(
        self, wanted: GivenExperiment, files: Mapping[str, Path]
    ) -> tuple[ExperimentInFull, bool]:
        """Submit an experiment; its files are sent where the service does not have them yet.

        Args:
            wanted: the submission.
            files: by SHA-256, where they lie here.

        Returns:
            The experiment, and whether it was made now.
        """
        if wanted.anew and wanted.key is None:  # sent twice it must still be one
            wanted = wanted.model_copy(update={"key": uuid.uuid4().hex})
        for _ in range(2):
            try:
                body = wanted.model_dump(mode="json")
                answer = self.http.ask("POST", "/v1/experiments", json=body)
            except Unsent as unsent:
                for sha256 in unsent.hashes:
                    self.http.put(f"/v1/blobs/{sha256}", files[sha256])
            else:
                made = answer.status_code == 201
                return ExperimentInFull.model_validate_json(answer.content), made
        raise UserError("a file was changed while it was being sent; submit it again")

    def get(self, identity: str) -> ExperimentInFull:
        """One experiment."""
        return self.http.get(f"/v1/experiments/{identity}", ExperimentInFull)

    def page(
        self,
        *,
        state: EntryState | None = None,
        owner: str | None = None,
        limit: int = 50,
        before: str | None = None,
    ) -> Page:
        """Experiments, the latest first."""
        where = state and state.value
        return self.http.get(
            "/v1/experiments", Page, state=where, owner=owner, limit=limit, before=before
        )

    def find(self, run: str | None) -> Experiment:
        """The experiment that is meant: by its id or the beginning of it, by its name (the latest
        of mine, else the latest), or the one of mine that was submitted last.

        Raises:
            UserError: there is none; the nearest name is told.
        """
        if run is not None and ID.fullmatch(run):
            return self.get(run)
        mine = self.page(owner=self.me().user, limit=500).experiments
        if run is None:
            if not mine:
                raise UserError(
                    f"nothing of yours is known at {self.http.profile.url}",
                    hint="archduel submit CONFIG",
                )
            return mine[0]
        others = self.page(limit=500).experiments
        known = [*mine, *others]
        found = next((one for one in known if run in (one.name, one.id)), None)
        starts = {one.id: one for one in known if len(run) > 3 and one.id.startswith(run)}
        if found is None and len(starts) == 1:
            (found,) = starts.values()
        if found is None:
            names = {one.name for one in known}
            hint = did_you_mean(run, names) if names else "archduel submit CONFIG"
            raise Missing(f"no experiment '{run}' at {self.http.profile.url}", hint=hint)
        return found

    def cancel(self, identity: str) -> Experiment:
        """Stop everything that it started."""
        return self.http.send("POST", f"/v1/experiments/{identity}/cancel", Experiment, None)

    def extend(self, identity: str, repetitions: int) -> Experiment:
        """Go on with one that is done."""
        body = given(GivenExtension, repetitions=repetitions)
        return self.http.send("POST", f"/v1/experiments/{identity}/extend", Experiment, body)

    def set_parallel(self, identity: str, most: int | None) -> Experiment:
        """Limit its trials at once."""
        body = given(GivenParallel, max_parallel=most)
        return self.http.send("PUT", f"/v1/experiments/{identity}/parallel", Experiment, body)

    def delete(self, identity: str) -> None:
        """Forget one that has ended."""
        self.http.ask("DELETE", f"/v1/experiments/{identity}")

    def report(self, identity: str, form: str) -> str:
        """Its report."""
        path = f"/v1/experiments/{identity}/report"
        return self.http.ask("GET", path, params={"format": form}).text

    def log(self, identity: str) -> str:
        """What its driver's process wrote."""
        return self.http.ask("GET", f"/v1/experiments/{identity}/log").text

    def events(self, identity: str) -> Iterator[Happening]:
        """All that happened so far."""
        after, path = 0, f"/v1/experiments/{identity}/events"
        while found := self.http.many(path, Happening, after=after, limit=1000):
            yield from found
            after = found[-1].id

    def follow(
        self, identity: str, *, after: int = 0, waiting: Callable[[str], None] = lambda text: None
    ) -> Iterator[Happening | End]:
        """What happened and happens, until it has ended; a service that goes away is waited for.

        Args:
            identity: the experiment.
            after: the last event that is known already.
            waiting: hears once why nothing comes.

        Raises:
            Away: it was away for `PATIENCE` seconds.
        """
        heard, pause, told = time.monotonic(), 0.5, False
        while True:
            try:
                headers = {"Last-Event-ID": str(after)} if after else {}
                path = f"/v1/experiments/{identity}/stream"
                for message in messages(self.http.lines(path, headers)):
                    heard, pause, told = time.monotonic(), 0.5, False
                    if message.kind == "end":
                        yield End(str(message.json()["state"]))
                        return
                    happening = _happening(message)
                    yield happening
                    after = happening.id
            except Away as away:
                if time.monotonic() - heard > PATIENCE:
                    raise
                if not told:
                    waiting(str(away))
                    told = True
            self.http.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)


def _happening(message: Message) -> Happening:
    return Happening.model_validate(message.json())
