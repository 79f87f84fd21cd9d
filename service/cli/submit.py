"""`archduel submit`: hand an experiment to a service."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from service.cli.following import until_the_end
from service.cli.remote import connected
from service.cli.screen import advise, errors, plural, results, write_json
from service.cli.session import Session
from service.client.given import given
from service.contracts.entry import EntryState
from service.contracts.wire import ExperimentInFull, GivenExperiment, GivenFile
from service.hosting.packing import Parcel, pack


def submit(
    session: Session,
    profile: str | None,
    config: Path,
    overrides: Sequence[str],
    pair_files: Sequence[str],
    *,
    name: str | None,
    priority: int,
    parallel: int | None,
    anew: bool,
    follow: bool,
    as_json: bool,
) -> None:
    """Check it here, send what travels with it, and print its id.

    Raises:
        UserError: the config or a pair has a mistake, or the service refuses it.
        typer.Exit: with 1, if it was followed and did not end well.
    """
    with connected(session, profile) as api:
        most = api.me().limits.upload_bytes
        named = [] if name is None else [f"experiment={name}"]
        parcel = pack(config, [*overrides, *named], pair_files, most)
        wanted = given(
            GivenExperiment,
            config=parcel.config,
            overrides=list(parcel.overrides),
            files=[
                GivenFile(path=path, sha256=each.sha256) for path, each in parcel.pieces.items()
            ],
            priority=priority,
            max_parallel=parallel,
            anew=anew,
        )
        files = {piece.sha256: piece.file for piece in parcel.pieces.values()}
        experiment, made = api.submit(wanted, files)
        if as_json and not follow:
            write_json({**experiment.model_dump(mode="json"), "made": made})
            return
        _tell(experiment, made, parcel)
        if follow:
            until_the_end(session, api, experiment, as_json=as_json)
            return
        results().print(experiment.id, soft_wrap=True)
        if experiment.state is EntryState.DONE:
            advise(session, (("report", experiment.id), "its report"))
            return
        advise(
            session,
            (("logs", "-f", experiment.id), "follow it"),
            (("status", experiment.id), "how it stands"),
            (("cancel", experiment.id), "stop it"),
        )


def _tell(experiment: ExperimentInFull, made: bool, parcel: Parcel) -> None:
    size = sum(piece.size for piece in parcel.pieces.values())
    with_it = f", with {plural(len(parcel.pieces), 'file')} ({_bytes(size)})" if size else ""
    said = (
        f"submitted '{experiment.name}'{with_it}"
        if made
        else f"'{experiment.name}' was submitted before and is {experiment.state}; "
        "--anew runs it again"
    )
    errors().print(said, soft_wrap=True)


def _bytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"
