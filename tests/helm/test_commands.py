"""Every command line in the chart and in docs/cluster.md is one that the program takes."""

from __future__ import annotations

import functools
import re
import shlex
import warnings
from typing import Any

import pytest
import typer

from service.cli.application import app
from tests.helm.manifests import pods
from tests.helm.rendering import CHART, Rendered

REFUSED = ("UsageError", "NoSuchOption", "NoSuchCommand", "MissingParameter", "BadParameter")
"""Typer brings a click of its own, whose errors are other classes of the same names."""

PAGE = CHART.parents[1] / "docs" / "cluster.md"


@functools.cache
def program(name: str) -> Any:
    """A program's command line; some take seconds to import."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if name == "archduel":
            return typer.main.get_command(app)
        if name == "mlflow":
            import mlflow.cli

            return mlflow.cli.cli
        from ray.scripts import scripts

        return scripts.cli


@functools.cache
def parse(*words: str) -> None:
    """Parse a command line as its program does, down to its last subcommand; nothing runs."""
    command, rest, context = program(words[0]), list(words[1:]), None
    while True:
        context = command.make_context(words[0], list(rest), parent=context)
        if not hasattr(command, "resolve_command"):
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            kept = getattr(context, "protected_args", getattr(context, "_protected_args", []))
        _, command, rest = command.resolve_command(context, [*kept, *context.args])


def test_every_command_of_a_container_parses(rendered: Rendered) -> None:
    seen = set()
    for pod in pods(rendered):
        for container in pod.containers:
            words = [*container.get("command", []), *container.get("args", [])]
            if words[:2] == ["/bin/sh", "-c"]:
                words = re.findall(r"until (.*?);", words[2])[0].split()
            if words and words[0] in ("archduel", "mlflow"):
                parse(*map(str, words))
                seen.add(words[0])
    assert {"archduel", "mlflow"} <= seen


def test_what_kuberay_makes_of_the_parameters_parses(rendered: Rendered) -> None:
    (cluster,) = rendered.of("RayCluster")
    groups = [cluster["spec"]["headGroupSpec"], *cluster["spec"]["workerGroupSpecs"]]
    for group in groups:
        where = ["--address=head:6379"] if "groupName" in group else ["--head"]
        flags = [f"--{key}={value}" for key, value in group["rayStartParams"].items()]
        parse("ray", "start", "--block", *where, *flags)


def lines() -> list[str]:
    """The command lines of the page and of the notes that begin with a program of ours."""
    text = PAGE.read_text(encoding="utf-8") + (CHART / "templates" / "NOTES.txt").read_text()
    text += (CHART / "README.md").read_text(encoding="utf-8")
    found = re.findall(
        r"^ *(archduel [^#\n]+)|`(archduel [^`\n]+|ray [^`\n]+)`", text, re.MULTILINE
    )
    chosen = {(block or inline).split("  ")[0].strip() for block, inline in found}
    return sorted(line for line in chosen if "{{" not in line and not line.startswith("archduel {"))


@pytest.mark.parametrize("line", lines())
def test_every_command_that_is_written_down_parses(line: str) -> None:
    parse(*shlex.split(line))


@pytest.mark.parametrize(
    "line", ["archduel serv", "archduel service migrate --wait", "ray start --num-cpu=0"]
)
def test_a_command_that_is_none_is_seen(line: str) -> None:
    with pytest.raises(Exception, match=r"No such|Got unexpected") as caught:
        parse(*shlex.split(line))
    assert type(caught.value).__name__ in REFUSED


def test_the_image_starts_what_the_chart_starts(laptop: Rendered) -> None:
    (deployment,) = laptop.of("Deployment", "-api")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    words: list[Any] = container["command"]
    text = (CHART.parents[1] / "docker" / "Dockerfile").read_text(encoding="utf-8")
    assert 'CMD ["' + '", "'.join(words) in text
