"""A connection to a service for one command, and how an experiment there is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.text import Text

from service.cli.session import Session
from service.client.api import Api
from service.client.http import Http
from service.client.profiles import choose
from service.contracts.entry import EntryState
from service.contracts.wire import Experiment

STYLES = {
    EntryState.QUEUED: "dim",
    EntryState.STARTING: "cyan",
    EntryState.RUNNING: "cyan",
    EntryState.CANCELLING: "yellow",
    EntryState.DONE: "green",
    EntryState.FAILED: "red",
    EntryState.CANCELLED: "yellow",
}


@contextmanager
def connected(session: Session, profile: str | None) -> Iterator[Api]:
    """The service that is meant.

    Raises:
        UserError: none is known, or not this one.
    """
    session.profile = profile
    with Http(choose(profile)) as http:
        yield Api(http)


def state(experiment: Experiment) -> Text:
    """Its state in its colour."""
    return Text(experiment.state.value, style=STYLES[experiment.state])


def trainings(experiment: Experiment) -> str:
    """How far it came: "3/40"."""
    return f"{experiment.done:,}/{experiment.planned:,}" if experiment.planned else ""


def moment(at: str) -> str:
    """A time for people: "2026-11-22 13:45"."""
    return at[:16].replace("T", " ")


def page_of(api: Api, experiment: Experiment) -> str:
    """Its page in the browser."""
    return f"{api.http.profile.url}/experiments/{experiment.id}"
