"""The Dockerfile without Docker: what it copies is there, its stages fit, its commands are known."""

from __future__ import annotations

import json
import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCKERFILE = ROOT / "docker" / "Dockerfile"
FLAVOURS = ("cpu", "gpu")


def instructions() -> list[tuple[str, str]]:
    """Every instruction with its arguments, lines joined and comments left out."""
    lines = DOCKERFILE.read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n\s*", " ", text)
    return [
        (found[1], found[2].strip())
        for line in joined.splitlines()
        if (found := re.fullmatch(r"([A-Z]+)\s+(.+)", line))
    ]


def stages() -> list[tuple[str, list[tuple[str, str]]]]:
    """Each stage's name ("" for the last) with its instructions."""
    found: list[tuple[str, list[tuple[str, str]]]] = []
    for word, rest in instructions():
        if word == "FROM":
            _, _, name = rest.partition(" AS ")
            found.append((name, []))
        elif found:
            found[-1][1].append((word, rest))
    return found


def copied() -> list[str]:
    """What is copied from the repository, for each flavour."""
    return [
        source.replace("${FLAVOUR}", flavour)
        for _, body in stages()
        for word, rest in body
        if word == "COPY" and "--from" not in rest
        for source in rest.split()[:-1]
        for flavour in FLAVOURS
    ]


def test_what_is_copied_is_there_and_not_ignored() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    kept = [line.removeprefix("!") for line in ignored if line.startswith("!")]
    assert copied()
    for source in copied():
        assert (ROOT / source).exists(), source
        assert any(fnmatch(source, one) for one in kept), f"{source} is ignored"


def test_stages_copy_from_stages_before_them() -> None:
    names: list[str] = []
    for name, body in stages():
        for word, rest in body:
            if word == "COPY" and (source := re.match(r"--from=(\w+)", rest)):
                assert source[1] in names
        names.append(name)
    assert names == ["libraries", "application", ""]


def test_the_image_is_nobodys_and_has_a_health_check() -> None:
    last = dict(stages()[-1][1])
    assert last["USER"] == "10001:10001"
    assert "HEALTHCHECK" in last
    assert json.loads(last["CMD"]) == ["archduel", "serve", "--host", "0.0.0.0"]


def test_it_is_the_chart_s_user_and_home() -> None:
    values = (ROOT / "helm" / "archduel" / "values.yaml").read_text(encoding="utf-8")
    assert "runAsUser: 10001" in values
    environment = (ROOT / "helm" / "archduel" / "templates" / "_environment.tpl").read_text()
    assert "value: /var/lib/archduel" in environment
    assert "ARCHDUEL_HOME=/var/lib/archduel" in dict(stages()[-1][1])["ENV"]


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_every_line_of_a_lock_has_its_hashes(flavour: str) -> None:
    text = (ROOT / "docker" / f"{flavour}.lock").read_text(encoding="utf-8")
    pinned = re.findall(
        r"^([a-zA-Z0-9._-]+)(?:\[.*?\])?==.*\\\n    --hash=sha256:", text, re.MULTILINE
    )
    assert len(pinned) == len(re.findall(r"^\w", text, re.MULTILINE))
    assert ("nvidia-cudnn-cu12" in pinned) is (flavour == "gpu")
    assert "pytest" not in pinned


def test_both_flavours_and_the_tests_have_the_same_versions() -> None:
    """What the tests prove is what the images run; TensorFlow's CPU build has a name of its own."""
    found = []
    for file in (
        ROOT / "requirements.lock",
        *(ROOT / "docker" / f"{one}.lock" for one in FLAVOURS),
    ):
        text = file.read_text(encoding="utf-8")
        found.append(dict(re.findall(r"^([a-zA-Z0-9._-]+)==([^ ;]+)", text, re.MULTILINE)))
    tested, *images = found
    for image in images:
        shared = tested.keys() & image.keys()
        assert len(shared) > 100
        assert {name: image[name] for name in shared} == {name: tested[name] for name in shared}


def test_the_base_has_a_python_that_the_project_takes() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    base = re.search(r"^ARG BASE=python:3\.(\d+)-", DOCKERFILE.read_text(), re.MULTILINE)
    assert base is not None
    assert project["requires-python"] == f">=3.{base[1]}"
