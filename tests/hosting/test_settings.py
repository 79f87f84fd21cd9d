"""The service's settings: where they come from, and what their mistakes say."""

from pathlib import Path

import pytest

from service.hosting.settings import SettingsError, load, table

DOCUMENT = Path(__file__).parents[2] / "docs" / "service.md"


def mistakes(environment, file=None):
    with pytest.raises(SettingsError) as caught:
        load(file, environment)
    return caught.value.lines


def test_nothing_set_is_a_laptop(tmp_path):
    settings = load(environment={"ARCHDUEL_HOME": str(tmp_path)})
    assert settings.database == f"sqlite:///{tmp_path}/ledger.db"
    assert settings.store == f"file://{tmp_path}/store"
    assert (settings.host, settings.port) == ("127.0.0.1", 8700)


def test_the_environment_goes_before_the_file_and_options_before_both(tmp_path):
    file = tmp_path / "archduel.yaml"
    file.write_text("port: 1\nmax_running: 2\nuser_running: 3\n")
    environment = {"ARCHDUEL_SETTINGS": str(file), "ARCHDUEL_PORT": "5", "ARCHDUEL_MLFLOW_URI": ""}
    settings = load(None, {**environment, "ARCHDUEL_MAX_RUNNING": "7"}, port=9)
    assert (settings.port, settings.max_running, settings.user_running) == (9, 7, 3)
    assert settings.mlflow_uri is None


def test_a_secret_may_lie_in_a_file_and_is_never_printed(tmp_path):
    secret = tmp_path / "url"
    secret.write_text("postgresql://me:hidden@host/db\n")
    settings = load(environment={"ARCHDUEL_DATABASE_URL_FILE": str(secret)})
    assert settings.database == "postgresql://me:hidden@host/db"
    assert "hidden" not in repr(settings)
    secret.write_text("mysql://me:hidden@host/db\n")
    (line,) = mistakes({"ARCHDUEL_DATABASE_URL_FILE": str(secret)})
    assert line == "ARCHDUEL_DATABASE_URL_FILE: must begin with sqlite:/// or postgresql://"


def test_every_mistake_is_one_line_with_its_place(tmp_path):
    file = tmp_path / "archduel.yaml"
    file.write_text("host: localhost\nmax_runing: 3\nport: 0\n")
    lines = mistakes(
        {
            "ARCHDUEL_PROT": "1",
            "ARCHDUEL_LEASE_SECONDS": "soon",
            "ARCHDUEL_RAY_ADDRESS": "head:8265",
            "ARCHDUEL_ADMIN_TOKEN": "short",
            "ARCHDUEL_STORE_URL_FILE": str(tmp_path / "none"),
            "ARCHDUEL_URL": "http://localhost:8700",
        },
        file,
    )
    assert sorted(lines) == sorted(
        [
            "ARCHDUEL_PROT: unknown setting; did you mean 'ARCHDUEL_PORT'?",
            "ARCHDUEL_STORE_URL_FILE: the file cannot be read (No such file or directory)",
            f"{file}:2: max_runing: unknown setting; did you mean 'max_running'?",
            f"{file}:3: port: must be at least 1, but got 0",
            "ARCHDUEL_LEASE_SECONDS: must be a number, but got 'soon'",
            "ARCHDUEL_RAY_ADDRESS: must begin with http:// or https://, but got 'head:8265'",
            "ARCHDUEL_ADMIN_TOKEN: must have at least 32 characters",
        ]
    )


def test_no_token_is_for_loopback_alone():
    load(environment={"ARCHDUEL_INSECURE_LOCAL": "true"})
    environment = {"ARCHDUEL_INSECURE_LOCAL": "true", "ARCHDUEL_HOST": "0.0.0.0"}
    (line,) = mistakes(environment)
    assert "only where ARCHDUEL_HOST is 127.0.0.1" in line


def test_folders_are_absolute():
    assert load(environment={"ARCHDUEL_HOME": "~/x"}).home == Path("~/x").expanduser()


def test_the_document_has_the_table_of_the_settings():
    text = DOCUMENT.read_text()
    shown = text.partition("test_settings.py -->\n")[2].partition("\n<!-- end")[0]
    assert shown == table(), "python -m service.hosting.settings prints it"


def test_groups_of_nodes_are_json():
    text = '[{"cpus": 8, "gpus": 1, "most": 4}]'
    (group,) = load(environment={"ARCHDUEL_RAY_GROUPS": text}).ray_groups
    assert (group.cpus, group.gpus, group.most) == (8, 1, 4)


@pytest.mark.parametrize("text", ["8", "nodes", '[{"cpu": 8}]', '[{"cpus": -1, "most": 1}]'])
def test_groups_that_are_none_are_one_line(text):
    with pytest.raises(SettingsError) as caught:
        load(environment={"ARCHDUEL_RAY_GROUPS": text})
    (line,) = caught.value.lines
    assert line.startswith('ARCHDUEL_RAY_GROUPS: must be a list such as [{"cpus": 8')
