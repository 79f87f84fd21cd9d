"""`archduel logs` and `archduel wait`: what happens to an experiment, and its end."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.status import Status
from rich.text import Text

from service.cli.group import Stopped
from service.cli.remote import connected, state
from service.cli.screen import advise, errors, results
from service.cli.session import Session
from service.client.api import Api, End
from service.contracts.entry import ENDED, EntryState
from service.contracts.wire import Experiment, Happening

TIMED_OUT = 124
"""As timeout(1) has it."""

_EVERY = 10.0
"""Seconds between two lines of progress where there is no terminal to show it in."""


def logs(
    session: Session, profile: str | None, run: str | None,
    *, follow: bool, driver: bool, as_json: bool,
) -> None:  # fmt: skip
    """Print what happened, and with `follow` what happens.

    Raises:
        UserError: there is no such experiment.
        typer.Exit: with 1, if it was followed and did not end well.
        Stopped: Ctrl-C; the experiment goes on.
    """
    with connected(session, profile) as api:
        experiment = api.find(run)
        if driver:
            sys.stdout.write(api.log(experiment.id))
        elif follow:
            until_the_end(session, api, experiment, as_json=as_json)
        else:
            for happening in api.events(experiment.id):
                _print(happening, as_json)
            if not as_json:
                advise_on(session, experiment)


def wait(
    session: Session, profile: str | None, run: str | None, timeout: float | None, *, as_json: bool
) -> None:
    """Wait for the end.

    Raises:
        UserError: there is no such experiment.
        typer.Exit: with 1 if it did not end well, 124 if it did not end in time.
        Stopped: Ctrl-C; the experiment goes on.
    """
    deadline = None if timeout is None else time.monotonic() + timeout
    with connected(session, profile) as api:
        experiment = api.find(run)
        with _going_on(session, experiment):
            while (now := api.get(experiment.id)).state not in ENDED:
                if deadline is not None and time.monotonic() > deadline:
                    errors().print(f"{now.id} is still {now.state}", soft_wrap=True)
                    raise typer.Exit(TIMED_OUT)
                time.sleep(1.0 if deadline is None else min(1.0, max(0.05, timeout or 0.0)))
        _end(session, now, as_json=as_json)


def until_the_end(session: Session, api: Api, experiment: Experiment, *, as_json: bool) -> None:
    """Print what happens until the end; with a terminal its progress is one line that changes.

    Raises:
        typer.Exit: with 1, if it did not end well.
        Stopped: Ctrl-C; the experiment goes on.
    """
    console = errors()
    status = console.status("") if console.is_terminal and not as_json else None
    if status is not None:
        status.start()
    try:
        with _going_on(session, experiment):
            _follow(api, experiment, console, status, as_json)
    finally:
        if status is not None:
            status.stop()
    _end(session, api.get(experiment.id), as_json=as_json)


def _follow(
    api: Api, experiment: Experiment, console: Console, status: Status | None, as_json: bool
) -> None:
    told = 0.0
    for happening in api.follow(experiment.id, waiting=lambda why: console.print(why, style="dim")):
        if isinstance(happening, End):
            return
        if as_json:
            _print(happening, as_json)
        elif happening.kind != "progress":
            console.print(_line(happening), soft_wrap=True)
        elif status is not None:
            status.update(_text(happening))
        elif time.monotonic() - told > _EVERY:
            told = time.monotonic()
            console.print(_line(happening), soft_wrap=True)


@contextmanager
def _going_on(session: Session, experiment: Experiment) -> Iterator[None]:
    """Ctrl-C ends the looking, not what is looked at."""
    try:
        yield
    except KeyboardInterrupt:
        again = session.command("logs", "-f", experiment.id)
        raise Stopped(f"the experiment goes on; {again} follows it again") from None


def _end(session: Session, experiment: Experiment, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(experiment.model_dump(mode="json")) + "\n")
    else:
        console = results()
        said = Text.assemble(f"'{experiment.name}' is ", state(experiment))
        if experiment.reason:
            said.append(f": {experiment.reason}")
        console.print(said, soft_wrap=True)
        for pair, sentence in experiment.verdicts.items():
            about = "" if pair == experiment.name else f"{pair}: "
            console.print(Text.assemble((about, "bold"), sentence), soft_wrap=True)
        advise_on(session, experiment)
    if experiment.state is not EntryState.DONE:
        raise typer.Exit(1)


def advise_on(session: Session, experiment: Experiment) -> None:
    """Say what to do next with an experiment as it stands."""
    identity = experiment.id
    if experiment.state is EntryState.DONE:
        steps: list[tuple[tuple[str, ...], str]] = [
            (("report", identity), "its report"),
            (("report", identity, "--format", "md"), "the same as text"),
        ]
        if any("inconclusive" in each.lower() for each in experiment.verdicts.values()):
            steps.append((("extend", identity, "--repetitions", "12"), "go on with it"))
        advise(session, *steps)
    elif experiment.state is EntryState.CANCELLED:
        advise(session, (("delete", identity), "forget it altogether"))
    elif experiment.state in ENDED:
        advise(session, (("logs", "--driver", identity), "what its driver's process wrote"))
    else:
        advise(session, (("logs", "-f", identity), "follow it"), (("cancel", identity), "stop it"))


def _print(happening: Happening, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(happening.model_dump()) + "\n")
        sys.stdout.flush()
    else:
        results().print(_line(happening), soft_wrap=True)


def _line(happening: Happening) -> Text:
    return Text.assemble((f"{happening.at[11:19]}  ", "dim"), _text(happening))


def _text(happening: Happening) -> str:
    data = happening.data
    if happening.kind == "progress":
        return f"{data['done']:,} of at most {data['planned']:,} trainings"
    if happening.kind == "state":
        reason = data.get("reason")
        return f"{data['state']}: {reason}" if reason else str(data["state"])
    return str(data.get("text", ""))
