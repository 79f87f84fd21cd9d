"""The client against the real application, without a network between them."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient

from service.client.api import Api, End
from service.client.http import Away, Http, Missing
from service.client.profiles import Profile
from service.client.sse import Message, messages
from service.contracts.errors import ArchduelError, UserError
from service.contracts.wire import GivenExperiment, GivenFile
from tests.api import service_rig

URL = "http://testserver"


@pytest.fixture
def rig(tmp_path: Path):
    return service_rig.Rig(tmp_path / "service")


@pytest.fixture
def api(rig):
    """Sam's connection."""
    with TestClient(rig.app) as server:
        profile = Profile("test", URL, rig.token["sam"])
        with Http(profile, transport=server._transport, sleep=lambda seconds: None) as http:
            yield Api(http)


def faulty(answers: list[object], sleeps: list[float] | None = None) -> Api:
    """A connection whose answers are planned: each is one, or the error instead of it."""

    def answer(request: httpx.Request) -> httpx.Response:
        planned = answers.pop(0)
        if isinstance(planned, Exception):
            raise planned
        assert isinstance(planned, httpx.Response)
        return planned

    sleep = (sleeps if sleeps is not None else []).append
    return Api(Http(Profile("t", URL, None), transport=httpx.MockTransport(answer), sleep=sleep))


def given(number: int = 0, **more: object) -> GivenExperiment:
    return GivenExperiment(config=service_rig.CONFIG, overrides=[f"design.seed={number}"], **more)


def test_files_are_sent_once(rig, api: Api, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("PAIR = 1\n")
    sha256 = service_rig.sha256(file.read_bytes())
    files = [GivenFile(path="mine.py", sha256=sha256)]
    config = service_rig.CONFIG.replace("iris", "./mine.py:PAIR")
    wanted = GivenExperiment(config=config, files=files)
    made, new = api.submit(wanted, {sha256: file})
    assert new
    assert rig.files.size(sha256) == 9
    file.unlink()
    again, new = api.submit(wanted, {sha256: file})
    assert (again.id, new) == (made.id, False)


def test_a_file_that_changed_on_the_way_is_told(rig, api: Api, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("other\n")
    files = [GivenFile(path="mine.py", sha256="0" * 64)]
    with pytest.raises(UserError, match="the bytes have the hash"):
        api.submit(GivenExperiment(config=service_rig.CONFIG, files=files), {"0" * 64: file})


def test_anew_is_one_experiment_however_often_it_is_sent(api: Api) -> None:
    first, _ = api.submit(given(), {})
    other, new = api.submit(given(anew=True), {})
    assert new
    assert first.id != other.id


def test_a_run_is_found_by_id_beginning_or_name(rig, api: Api) -> None:
    with pytest.raises(UserError, match="nothing of yours"):
        api.find(None)
    first, _ = api.submit(given(1), {})
    second, _ = api.submit(given(2), {})
    assert api.find(None).id == second.id
    assert api.find(first.id).id == first.id
    assert api.find(first.id[:-1] if first.id[:-1] != second.id[:-1] else first.id).id == first.id
    assert api.find("tiny").id == second.id
    with pytest.raises(Missing, match=r"no experiment 'tny' .*did you mean 'tiny'"):
        api.find("tny")


def test_following_tells_everything_once_and_goes_on_after_a_break(rig, api: Api) -> None:
    made, _ = api.submit(given(), {})
    rig.drive(made.id)
    told = list(api.follow(made.id))
    assert told[-1] == End("done")
    assert told[:-1] == list(api.events(made.id))
    assert list(api.follow(made.id, after=told[2].id)) == told[3:]


def test_a_break_loses_and_repeats_nothing() -> None:
    def event(number: int) -> str:
        data = f'{{"id": {number}, "attempt": 1, "at": "", "kind": "line", "data": {{}}}}'
        return f"id: {number}\nevent: line\ndata: {data}\n\n"

    streams = [
        httpx.Response(200, text="retry: 1000\n\n" + event(1) + event(2) + event(3)[:20]),
        httpx.ConnectError("refused"),
        httpx.Response(503, json={"detail": "the database is away"}),
        httpx.Response(200, text=": still here\n\n" + event(3)),
        httpx.Response(200, text='event: end\ndata: {"state": "done"}\n\n'),
    ]
    waits: list[str] = []
    api = faulty(list(streams))
    told = list(api.follow("x", waiting=waits.append))
    assert [each.id for each in told[:-1]] == [1, 2, 3]
    assert told[-1] == End("done")
    assert len(waits) == 1
    assert "does not answer at http://testserver (refused)" in waits[0]


def test_a_service_with_too_much_to_do_is_asked_again() -> None:
    sleeps: list[float] = []
    busy = httpx.Response(429, json={"detail": "too many"}, headers={"Retry-After": "7"})
    me = {"user": "sam", "role": "viewer", "version": "1", "limits":
          {"upload_bytes": 1, "queued": 1, "per_minute": 1}}  # fmt: skip
    api = faulty([busy, httpx.Response(200, json=me)], sleeps)
    assert api.me().user == "sam"
    assert sleeps == [7]


@pytest.mark.parametrize(
    ("answer", "kind", "told"),
    [
        (httpx.ConnectError("refused"), Away, "does not answer at http://testserver"),
        (httpx.ReadTimeout(""), Away, "ReadTimeout"),
        (httpx.Response(401, json={"detail": "needs a token: send"}), UserError, "archduel login"),
        (httpx.Response(403, json={"detail": "no"}), UserError, "^no$"),
        (httpx.Response(429, json={"detail": "too many wait"}), UserError, "too many wait"),
        (httpx.Response(500, json={"detail": "broken"}), ArchduelError, "broken"),
        (
            httpx.Response(502, text="<html>nginx"),
            ArchduelError,
            "answered 502, and is no archduel",
        ),
        (httpx.Response(200, text="<html>hello"), UserError, "is no archduel of this version"),
        (httpx.Response(302, headers={"Location": "/x"}), UserError, "answered 302"),
    ],
)
def test_whatever_goes_wrong_is_one_line(answer: object, kind: type, told: str) -> None:
    with pytest.raises(kind, match=told) as raised:
        faulty([answer]).me()
    assert "\n" not in str(raised.value)


def test_a_wrong_token_says_what_to_do(rig) -> None:
    with TestClient(rig.app) as server:
        profile = Profile("team", URL, "adu_wrong")
        with (
            Http(profile, transport=server._transport) as http,
            pytest.raises(
                UserError, match=r"team: the token is not known, .*archduel login"
            ) as told,
        ):
            Api(http).me()
    assert "adu_wrong" not in str(told.value)


def test_lines_become_messages() -> None:
    lines = ["retry: 5", "", ": beat", "", "event: a", "data: 1", "data:2", "", "data: cut off"]
    assert list(messages(lines)) == [Message("a", "1\n2")]
