"""`archduel list` and `archduel status`: how experiments stand at a service."""

from __future__ import annotations

from rich.text import Text

from service.cli.following import advise_on
from service.cli.remote import connected, moment, page_of, state, trainings
from service.cli.screen import advise, duration, results, table, whole, write_json
from service.cli.session import Session
from service.client.api import Api
from service.contracts.entry import ENDED, EntryState
from service.contracts.wire import ExperimentInFull


def listing(
    session: Session,
    profile: str | None,
    chosen: str | None,
    *,
    mine: bool,
    owner: str | None,
    limit: int,
    before: str | None,
    as_json: bool,
) -> None:
    """Print experiments, the latest submitted first."""
    with connected(session, profile) as api:
        wanted = EntryState(chosen) if chosen else None
        whose = api.me().user if mine else owner
        page = api.page(state=wanted, owner=whose, limit=limit, before=before)
        if as_json:
            write_json(page.model_dump(mode="json"))
            return
        if not page.experiments:
            results().print(f"no such experiments at {api.http.profile.url}", soft_wrap=True)
            advise(session, (("submit", "CONFIG"), "hand one in"))
            return
    listed = table("id", "name", "state", "trainings", "owner", "submitted (UTC)",
                   numbers=("trainings",))  # fmt: skip
    for each in page.experiments:
        listed.add_row(
            Text(each.id, style="bold"), each.name, state(each), trainings(each), each.owner,
            moment(each.created),
        )  # fmt: skip
    results().print(listed)
    first = page.experiments[0].id
    steps: list[tuple[tuple[str, ...], str]] = [(("status", first), "how it stands")]
    if page.before is not None:
        steps.append((("list", "--before", page.before), "older ones"))
    advise(session, *steps)


def status(session: Session, profile: str | None, run: str | None, *, as_json: bool) -> None:
    """Print how an experiment stands.

    Raises:
        UserError: there is no such experiment.
    """
    with connected(session, profile) as api:
        experiment = api.get(api.find(run).id)
        if as_json:
            write_json(experiment.model_dump(mode="json"))
            return
        _tell(api, experiment)
        advise_on(session, experiment)


def _tell(api: Api, experiment: ExperimentInFull) -> None:
    console = results()
    head = Text.assemble((experiment.name, "bold"), " is ", state(experiment))
    if experiment.reason:
        head.append(f": {experiment.reason}")
    console.print(head, soft_wrap=True)
    for pair, sentence in experiment.verdicts.items():
        about = "" if pair == experiment.name else f"{pair}: "
        console.print(Text.assemble((about, "bold"), sentence), soft_wrap=True)
    rows = [("id", experiment.id), ("owner", experiment.owner)]
    if experiment.planned:
        took = f", {duration(experiment.seconds)} of training" if experiment.seconds else ""
        rows.append(("trainings", f"{experiment.done:,} of at most {experiment.planned:,}{took}"))
    if experiment.line and experiment.state not in ENDED:
        rows.append(("now", experiment.line))
    rows.append(("submitted", f"{moment(experiment.created)} UTC"))
    if experiment.started:
        rows.append(("started", f"{moment(experiment.started)} UTC"))
    if experiment.ended:
        rows.append(("ended", f"{moment(experiment.ended)} UTC"))
    if experiment.priority:
        rows.append(("priority", str(experiment.priority)))
    if experiment.max_parallel:
        rows.append(("at once", f"at most {experiment.max_parallel:,}"))
    if experiment.attempt > 1:
        rows.append(("drivers", f"{experiment.attempt} were started"))
    if experiment.behind:
        rows.append(("careful", experiment.behind))
    rows.append(("page", page_of(api, experiment)))
    console.print(whole(rows), soft_wrap=True)
