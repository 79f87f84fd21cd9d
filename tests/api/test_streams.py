"""Events as they happen: nothing is lost or told twice, and a stream goes on where it broke."""

from __future__ import annotations

import httpx

from service.api import streams
from service.api.limits import Places
from service.client.api import Api, End
from service.client.http import Http
from service.client.profiles import Profile
from service.queue.reports import DriverDesk
from tests.api.live_server import LiveServer
from tests.api.service_rig import Rig


def told(text: str) -> list[tuple[str, str]]:
    """The id and the kind of each event."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "event" in fields:
            found.append((fields.get("id", ""), fields["event"]))
    return found


def test_a_stream_goes_on_after_the_last_event_id(rig: Rig, client, submit) -> None:
    identity = submit()
    rig.drive(identity)
    url, viewer = f"/v1/experiments/{identity}/stream", rig.bearer("vera")
    answer = client.get(url, headers=viewer)
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    whole = told(answer.text)
    assert [kind for _, kind in whole] == [
        "state", "state", "state", "line", "progress", "state", "end",
    ]  # fmt: skip
    third = whole[2][0]
    resumed = client.get(url, headers={**viewer, "Last-Event-ID": third}).text
    assert told(resumed) == whole[3:]
    assert told(client.get(f"{url}?after={third}", headers=viewer).text) == whole[3:]
    beats = client.get(f"{url}?after=1", headers={**viewer, "Last-Event-ID": third}).text
    assert told(beats) == whole[3:]
    for wrong in ("x", "-1", "9" * 40, "1; drop"):
        refused = client.get(url, headers={**viewer, "Last-Event-ID": wrong})
        assert refused.status_code == 422
    assert rig.service.streams.enter("vera")


def test_what_happens_is_told_at_once_and_the_end_ends_it(rig: Rig, client, submit) -> None:
    identity = submit()
    profile = Profile("t", "http://127.0.0.1", rig.token["vera"])
    with LiveServer(rig.app) as server, Http(Profile("t", server.url, profile.token)) as http:
        heard = Api(http).follow(identity)
        assert next(heard).data["state"] == "queued"
        entry = rig.queue.claim("here")
        assert next(heard).data["state"] == "starting"
        desk = DriverDesk(rig.database, identity, entry.attempt)
        desk.begin()
        assert next(heard).data["state"] == "running"
        desk.say("loading data")
        assert next(heard).data == {"text": "loading data"}
        assert (
            "archduel_streams 1.0"
            in httpx.get(f"{server.url}/metrics", headers=rig.bearer("vera")).text
        )
        desk.done({"iris": "better"}, None)
        assert [each.state if isinstance(each, End) else each.data["state"]
                for each in heard] == ["done", "done"]  # fmt: skip


def test_a_deleted_experiment_ends_its_stream(rig: Rig, client, submit) -> None:
    identity = submit()
    with LiveServer(rig.app) as server, Http(Profile("t", server.url, rig.token["sam"])) as http:
        heard = Api(http).follow(identity)
        next(heard)
        rig.queue.cancel(identity)
        rig.queue.delete(identity)
        assert list(heard)[-1] in (End("deleted"), End("cancelled"))


def test_too_many_streams_of_one_user_are_refused(rig: Rig, client, submit, monkeypatch) -> None:
    identity = submit()
    rig.queue.cancel(identity)
    for _ in range(20):
        assert rig.service.streams.enter("vera")
    url = f"/v1/experiments/{identity}/stream"
    assert client.get(url, headers=rig.bearer("vera")).status_code == 429
    for _ in range(30):  # each gives its place back
        assert client.get(url, headers=rig.bearer("sue")).status_code == 200


def test_places_are_few_for_each_and_for_all() -> None:
    places = Places(each=2, together=3)
    assert [places.enter(name) for name in ("a", "a", "a", "b", "b")] == [
        True, True, False, True, False,
    ]  # fmt: skip
    places.leave("a")
    assert places.enter("b")


def test_a_stream_lives_while_the_database_is_away(rig: Rig, client, submit, monkeypatch) -> None:
    from service.contracts.errors import ArchduelError

    identity = submit()
    rig.queue.cancel(identity)
    monkeypatch.setattr(streams, "PAUSE", 0.0)
    events, faults = rig.queue.events, [ArchduelError("away"), ArchduelError("away")]

    def faulty(*given):
        if faults:
            raise faults.pop()
        return events(*given)

    monkeypatch.setattr(rig.queue, "events", faulty)
    answer = client.get(f"/v1/experiments/{identity}/stream", headers=rig.bearer("vera"))
    assert [kind for _, kind in told(answer.text)] == ["state", "state", "end"]
