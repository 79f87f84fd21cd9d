"""`archduel cancel`, `delete`, and `extend` and `set-parallel` at a service."""

from __future__ import annotations

import sys

import typer
from rich.text import Text

from service.cli.remote import connected, state
from service.cli.screen import advise, errors, plural, results, write_json
from service.cli.session import Session
from service.contracts.entry import EntryState
from service.contracts.errors import UserError
from service.contracts.wire import Experiment


def cancel(session: Session, profile: str | None, runs: list[str], *, as_json: bool) -> None:
    """Cancel experiments.

    Raises:
        UserError: there is no such one, it has ended, or it is another user's; those before it in the
            list are cancelled.
    """
    with connected(session, profile) as api:
        changed = [api.cancel(api.find(run).id) for run in runs]
    if as_json:
        write_json([each.model_dump(mode="json") for each in changed])
        return
    for each in changed:
        _tell(each)
    going = [each for each in changed if each.state is EntryState.CANCELLING]
    if going:
        advise(session, (("wait", going[0].id), "until everything that it started has stopped"))
    else:
        advise(session, (("delete", *(each.id for each in changed)), "forget it altogether"))


def delete(
    session: Session, profile: str | None, runs: list[str], *, yes: bool, as_json: bool
) -> None:
    """Delete experiments, after asking.

    Raises:
        UserError: there is no such one, it has not ended, or it is another user's; or nobody can be
            asked.
    """
    with connected(session, profile) as api:
        found = [api.find(run) for run in runs]
        if not yes:
            _ask(found)
        for each in found:
            api.delete(each.id)
            if not as_json:
                results().print(f"deleted '{each.name}' ({each.id})", soft_wrap=True)
    if as_json:
        write_json({"deleted": [each.id for each in found]})
    else:
        advise(session, (("list",), "what is left"))


def _ask(found: list[Experiment]) -> None:
    names = ", ".join(f"'{each.name}' ({each.id})" for each in found)
    if not sys.stdin.isatty():
        raise UserError("deletes for good and must be told --yes", key="delete", value=names)
    errors().print(f"{names}: results and reports are gone then", soft_wrap=True)
    if not typer.confirm(f"delete {plural(len(found), 'experiment')}?", err=True):
        raise typer.Exit(1)


def extend(
    session: Session, profile: str | None, run: str | None, repetitions: int, *, as_json: bool
) -> None:
    """Have the service go on with an experiment that is done.

    Raises:
        UserError: there is no such one, it is not done, or it is another user's.
    """
    with connected(session, profile) as api:
        experiment = api.extend(api.find(run).id, repetitions)
    if as_json:
        write_json(experiment.model_dump(mode="json"))
        return
    _tell(experiment)
    advise(session, (("logs", "-f", experiment.id), "follow it"))


def set_parallel(
    session: Session, profile: str | None, run: str, most: int | None, *, as_json: bool
) -> None:
    """Limit how many trials of an experiment run at once.

    Raises:
        UserError: there is no such one, or it is another user's.
    """
    with connected(session, profile) as api:
        experiment = api.set_parallel(api.find(run).id, most)
    if as_json:
        write_json(experiment.model_dump(mode="json"))
        return
    limit = "as its config says" if most is None else f"at most {plural(most, 'trial')} at once"
    results().print(f"'{experiment.name}' ({experiment.id}): {limit}", soft_wrap=True)
    advise(session, (("status", experiment.id), "how it stands"))


def _tell(experiment: Experiment) -> None:
    said = Text.assemble(f"'{experiment.name}' ({experiment.id}) is ", state(experiment))
    if experiment.reason:
        said.append(f": {experiment.reason}")
    results().print(said, soft_wrap=True)
