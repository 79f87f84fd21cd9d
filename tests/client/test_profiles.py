"""Profiles: which service is meant, and that a token stays secret on the way there."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from service.client.profiles import Profile, check_url, choose, load, save
from service.contracts.errors import UserError

SECRET = "adl_secret"
HERE = "http://127.0.0.1:8700"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A profile file of two services; the last saved is the default."""
    path = tmp_path / "deep" / "profiles.toml"
    save(Profile("here", HERE, SECRET), path)
    save(Profile('te"am', "https://team.example/archduel", "other"), path)
    return path


def test_what_is_saved_is_loaded_and_the_last_login_counts(file: Path) -> None:
    profiles, default = load(file)
    assert profiles["here"] == Profile("here", HERE, SECRET)
    assert default == 'te"am'
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    save(Profile("third", HERE), file, default=False)
    assert load(file)[1] == 'te"am'
    assert list(file.parent.iterdir()) == [file]


def test_the_name_beats_the_environment_and_that_the_default(file: Path, tmp_path: Path) -> None:
    known = {"ARCHDUEL_PROFILES": str(file)}
    address = {**known, "ARCHDUEL_URL": "https://x.example/", "ARCHDUEL_TOKEN": "t"}
    assert choose(None, known).name == 'te"am'
    assert choose(None, {**known, "ARCHDUEL_PROFILE": "here"}).name == "here"
    assert choose("here", address).name == "here"
    assert choose(None, address) == Profile("ARCHDUEL_URL", "https://x.example", "t")
    (tmp_path / "token").write_text("from a file\n")
    from_file = choose(None, {**address, "ARCHDUEL_TOKEN_FILE": str(tmp_path / "token")})
    assert from_file.token == "from a file"


def test_what_is_missing_says_what_to_do(file: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no service is known here; archduel serve starts one"):
        choose(None, {"ARCHDUEL_PROFILES": str(tmp_path / "none")})
    with pytest.raises(UserError, match="no profile 'hree'; did you mean 'here'"):
        choose("hree", {"ARCHDUEL_PROFILES": str(file)})


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
def test_a_file_that_others_can_read_is_refused(file: Path) -> None:
    file.chmod(0o644)
    with pytest.raises(UserError, match="can be read by others; chmod 600"):
        load(file)


@pytest.mark.parametrize(
    "text", ["default = 1", "profiles = 3", "[profiles.a]\nurl = 3", "[profiles.a", "[profiles.a]"]
)
def test_a_broken_file_is_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "profiles.toml"
    path.touch(0o600)
    path.write_text(text)
    with pytest.raises(UserError):
        load(path)


@pytest.mark.parametrize("url", ["http://team.example", "http://10.0.0.1:8700", "http://127.1"])
def test_a_token_never_travels_in_the_clear(url: str) -> None:
    with pytest.raises(UserError, match="in the clear"):
        check_url(url, SECRET, "URL")
    assert check_url(url, None, "URL") == url


@pytest.mark.parametrize(
    "url", ["team.example", "ftp://x", "http://", "http://h:port", "https://u:p@h", "https://h?a=b"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(UserError):
        check_url(url, None, "URL")


def test_a_profile_does_not_show_its_secret() -> None:
    assert SECRET not in repr(Profile("here", HERE, SECRET))
