"""The commands that talk to a service, against the real application without a network between."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from service.cli import following, login, remote
from service.client.http import Http
from service.client.profiles import Profile, load, save
from tests.api import service_rig
from tests.cli.cli_calls import TINY, Invoke

URL = "http://127.0.0.1:8700"


@pytest.fixture
def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A service where sam is logged in; commands are called from another folder."""
    made = service_rig.Rig(tmp_path / "service")
    for name in ("URL", "TOKEN", "TOKEN_FILE", "PROFILE"):
        monkeypatch.delenv(f"ARCHDUEL_{name}", raising=False)
    profiles = tmp_path / "profiles.toml"
    monkeypatch.setenv("ARCHDUEL_PROFILES", str(profiles))
    save(Profile("ada", URL, made.token["ada"]), profiles)
    save(Profile("sam", URL, made.token["sam"]), profiles)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "token").write_text(made.token["sam"])
    monkeypatch.chdir(tmp_path / "elsewhere")
    with TestClient(made.app, base_url=URL) as server:

        def connect(profile: Profile) -> Http:
            return Http(profile, transport=server._transport, sleep=lambda seconds: None)

        monkeypatch.setattr(remote, "Http", connect)
        monkeypatch.setattr(login, "Http", connect)
        yield made


@pytest.fixture
def submitted(rig: Any, invoke: Invoke, config: Path) -> str:
    """The id of an experiment that waits."""
    return str(invoke("submit", config).stdout.strip())


def test_submit_prints_the_id_and_what_to_do_next(rig, invoke: Invoke, config: Path) -> None:
    done = invoke("submit", config, "--priority", 3, "--name", "mine", "--set", "search.trials=2")
    assert done.exit_code == 0, done.stderr
    entry = rig.queue.get(done.stdout.strip())
    assert (entry.owner, entry.name, entry.priority) == ("sam", "mine", 3)
    assert entry.overrides == ("search.trials=2", "experiment=mine")
    assert "submitted 'mine'" in done.stderr
    assert f"archduel logs -f {entry.id}" in done.stderr
    again = invoke("submit", config, "--name", "mine", "--set", "search.trials=2")
    assert again.stdout == done.stdout
    assert "was submitted before and is queued; --anew runs it again" in again.stderr
    other = invoke("submit", config, "--name", "mine", "--set", "search.trials=2", "--anew")
    assert other.stdout != done.stdout


def test_submit_sends_the_pair_file(rig, invoke: Invoke, tmp_path: Path) -> None:
    toy = Path(__file__).parents[1] / "toys" / "toy_pair.py"
    (tmp_path / "toy_pair.py").write_bytes(toy.read_bytes())
    (tmp_path / "toy.yaml").write_text(TINY.replace("iris", "./toy_pair.py:PAIR"))
    done = invoke("submit", tmp_path / "toy.yaml", "--json")
    assert done.exit_code == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["made"]
    assert document["files"][0]["path"] == "toy_pair.py"
    assert rig.files.size(service_rig.sha256(toy.read_bytes())) == toy.stat().st_size


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("submit", "none.yaml"), "none.yaml: no such file"),
        (("submit", "CONFIG", "--set", "search.trails=3"), "did you mean 'trials'"),
        (("submit", "CONFIG", "--pair-file", "./none.py"), "no such file"),
        (("status", "x0123456789abcdef"), "there is no experiment of this id"),
        (("status", "nothing"), "no experiment 'nothing'"),
        (("status", "--profile", "sma"), "there is no profile 'sma'; did you mean 'sam'?"),
        (("logs",), "nothing of yours is known"),
        (("report", "x0123456789abcdef"), "there is no experiment of this id"),
        (("extend", "x0123456789abcdef", "--repetitions", "3"), "there is no experiment"),
        (("service", "token", "add", "x y", "--role", "viewer"), "a user's name has letters"),
        (("service", "token", "add", "x", "--role", "viewer", "--expires", "soon"), "--expires"),
        (("login", "ftp://x"), "must be an address"),
        (("login", "http://team.example", "--token-file", "token"), "in the clear"),
        (("delete", "x0123456789abcdef"), "there is no experiment of this id"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(rig, invoke, config, words, told) -> None:
    done = invoke(*(config if word == "CONFIG" else word for word in words))
    assert done.exit_code == 2, done.output
    lines = [line for line in done.stderr.splitlines() if line]
    assert len(lines) == 1
    assert lines[0].startswith("error: ")
    assert told in lines[0]
    assert done.stdout == ""


def test_list_status_logs_tell_how_it_stands(rig, invoke: Invoke, submitted: str) -> None:
    listed = invoke("ls")
    assert submitted in listed.stdout
    assert "queued" in listed.stdout
    rig.drive(submitted)
    for words in (("status",), ("status", "tiny"), ("status", submitted)):
        told = invoke(*words)
        assert "tiny is done" in told.stdout
        assert "functional is better by 2 points" in told.stdout
        assert f"archduel report {submitted}" in told.stderr
        assert f"{URL}/experiments/{submitted}" in told.stdout
    logs = invoke("logs", submitted).stdout.splitlines()
    assert [line.split("  ")[1] for line in logs] == [
        "queued", "starting", "running", "loading data", "3 of at most 5 trainings", "done",
    ]  # fmt: skip
    lines = invoke("logs", submitted, "--json").stdout.splitlines()
    assert [json.loads(line)["kind"] for line in lines].count("state") == 4
    assert invoke("logs", "--driver").stdout == f"log of {submitted}\n"
    assert json.loads(invoke("status", "--json").stdout)["state"] == "done"
    assert json.loads(invoke("list", "--state", "failed", "--json").stdout)["experiments"] == []
    assert json.loads(invoke("list", "--mine", "--json").stdout)["experiments"]


def test_following_ends_with_the_verdict(rig, invoke: Invoke, submitted: str) -> None:
    rig.drive(submitted)
    done = invoke("logs", "-f", submitted)
    assert done.exit_code == 0
    assert "loading data" in done.stderr
    assert "'tiny' is done" in done.stdout
    assert "functional is better" in done.stdout
    assert invoke("wait", submitted).exit_code == 0
    documents = [json.loads(line) for line in
                 invoke("logs", "-f", submitted, "--json").stdout.splitlines()]  # fmt: skip
    assert documents[-1]["state"] == "done"


def test_what_did_not_end_well_is_exit_code_1(rig, invoke: Invoke, submitted: str) -> None:
    assert invoke("wait", submitted, "--timeout", 0).exit_code == following.TIMED_OUT
    cancelled = invoke("cancel", submitted)
    assert cancelled.exit_code == 0
    assert "is cancelled: cancelled by sam" in cancelled.stdout
    assert invoke("wait", submitted).exit_code == 1
    assert invoke("logs", "-f", submitted).exit_code == 1


def test_ctrl_c_leaves_the_experiment_alone(rig, invoke, monkeypatch, submitted: str) -> None:
    def follow(*given: object, **more: object) -> Iterator[object]:
        raise KeyboardInterrupt

    monkeypatch.setattr("service.client.api.Api.follow", follow)
    done = invoke("logs", "-f", submitted)
    assert done.exit_code == 130
    assert f"the experiment goes on; archduel logs -f {submitted} follows it again" in done.stderr
    assert rig.queue.get(submitted).state == "queued"


def test_report_and_extend_go_to_the_service_for_its_ids(rig, invoke, submitted: str) -> None:
    assert "has no report yet: it is queued" in invoke("report", submitted).stderr
    rig.drive(submitted)
    done = invoke("report", submitted)
    assert Path(done.stdout.strip()).read_text() == service_rig.PAGE
    assert done.stdout.strip() == f"tiny-{submitted}.html"
    text = invoke("report", submitted, "--format", "md").stdout
    assert text == f"report of {submitted} as md\n"
    assert invoke("report", "tiny", "--profile", "sam", "--format", "md").stdout == text
    assert "nothing was run yet" in invoke("report", "tiny").stderr  # serverless
    few = invoke("extend", submitted, "--repetitions", 1)
    assert few.exit_code == 2
    assert few.stderr.startswith("error: repetitions: Input should be greater than or equal to 2")
    more = invoke("extend", submitted, "--repetitions", 4)
    assert "is queued: extended by 4 repetitions" in more.stdout
    assert "nothing was run yet" in invoke("extend", "tiny", "--repetitions", 4).stderr


def test_deleting_asks_first(rig, invoke: Invoke, submitted: str) -> None:
    invoke("cancel", submitted)
    refused = invoke("delete", submitted)
    assert refused.exit_code == 2
    assert "must be told --yes" in refused.stderr
    assert invoke("delete", submitted, "--yes").stdout == f"deleted 'tiny' ({submitted})\n"
    assert rig.queue.page() == []


def test_what_is_anothers_is_left_to_an_admin(
    rig, invoke: Invoke, submitted: str, tmp_path
) -> None:
    save(Profile("sue", URL, rig.token["sue"]), tmp_path / "profiles.toml")
    done = invoke("cancel", submitted)
    assert done.exit_code == 2
    assert f"experiment {submitted} is sam's; an admin may change it" in done.stderr
    limited = invoke("service", "set-parallel", submitted, 2, "--profile", "ada")
    assert "at most 2 trials at once" in limited.stdout
    assert "--profile ada" in limited.stderr
    assert rig.queue.get(submitted).max_parallel == 2


def test_login_keeps_who_one_is(rig, invoke: Invoke, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(rig.token["vera"] + "\n")
    done = invoke("login", URL, "--token-file", token, "--name", "team")
    assert done.exit_code == 0, done.stderr
    assert "as vera (viewer)" in done.stdout
    assert rig.token["vera"] not in done.output
    profiles, default = load(tmp_path / "profiles.toml")
    assert default == "team"
    assert profiles["team"].token == rig.token["vera"]
    assert json.loads(invoke("login", "--json").stdout)["user"] == "vera"
    assert invoke("login", "--show").stdout.strip() == rig.token["vera"]
    token.write_text("adu_wrong")
    wrong = invoke("login", URL, "--token-file", token)
    assert wrong.exit_code == 2
    assert "the token is not known" in wrong.stderr
    assert load(tmp_path / "profiles.toml")[1] == "team"


def test_tokens_are_made_listed_and_revoked(invoke: Invoke) -> None:
    text = invoke("service", "token", "add", "sam", "--role", "submitter", "--expires", "30d")
    assert text.exit_code == 0, text.stderr
    assert text.stdout.startswith("adu_")
    made = json.loads(invoke("service", "token", "add", "eve", "--role", "viewer", "--json").stdout)
    listed = invoke("service", "token", "list").stdout
    assert "sam" in listed
    assert text.stdout.strip() not in listed
    assert made["prefix"] in listed
    assert "revoked token 2 of eve" in invoke("service", "token", "revoke", "eve").stdout
    rows = json.loads(invoke("service", "token", "list", "--json").stdout)
    assert [row["revoked"] is None for row in rows] == [True, False]


def test_a_database_is_migrated_or_told_to_need_it(invoke: Invoke, tmp_path: Path) -> None:
    home = tmp_path / "home"
    checked = invoke("service", "migrate", "--check", "--home", home)
    assert checked.exit_code == 1
    assert "no tables of archduel" in checked.stdout
    done = json.loads(invoke("service", "migrate", "--home", home, "--json").stdout)
    assert done["before"] is None
    again = invoke("service", "migrate", "--check", "--home", home)
    assert again.exit_code == 0
    assert "up to date" in again.stdout


def test_every_mistake_in_the_settings_is_a_line(invoke: Invoke, monkeypatch) -> None:
    monkeypatch.setenv("ARCHDUEL_PORT", "99999999")
    monkeypatch.setenv("ARCHDUEL_DATABASE_ULR", "x")
    done = invoke("service", "token", "list")
    assert done.exit_code == 2
    assert len(done.stderr.splitlines()) == 2
    assert "did you mean 'ARCHDUEL_DATABASE_URL'" in done.stderr
