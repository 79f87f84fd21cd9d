"""A command line that is wrong is one line, too."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from service.cli.application import app


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("frobnicate", "archduel: No such command 'frobnicate'; archduel -h tells more"),
        ("runn x", "Did you mean 'run', 'runs'?; archduel -h tells more"),
        ("run --nope", "archduel run: No such option: --nope"),
        ("--nope", "archduel: No such option: --nope; archduel -h tells more"),
        ("cancel", "archduel cancel: Missing argument 'RUN...'; archduel cancel -h tells more"),
        ("run a b", "archduel run: Got unexpected extra argument(s) (b)"),
        ("service toke", "Did you mean 'token'?; archduel service -h tells more"),
        ("report --format docx", "archduel report: Invalid value for '--format'"),
    ],
)
def test_what_is_wrong_with_a_command_line(line, told):
    done = CliRunner().invoke(app, line.split(), prog_name="archduel")
    assert done.exit_code == 2
    assert done.stdout == ""
    (said,) = done.stderr.splitlines()
    assert said.startswith("error: ")
    assert told in said


def test_help_is_no_mistake():
    done = CliRunner().invoke(app, ["run", "-h"], prog_name="archduel")
    assert done.exit_code == 0
    assert "Usage" in done.stdout
