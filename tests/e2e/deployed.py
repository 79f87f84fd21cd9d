"""The chart's deployment as processes, in a network of its own: run by test_deployed.py.

PostgreSQL, S3, MLflow and Ray are real; KubeRay's part (`ray start` with the rendered parameters and the
token) and that of Services and the kubelet are played here.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.e2e.containers import Container, secret_values, serve_port
from tests.helm.rendering import CHART, Rendered, case, render
from tests.toys.postgres import binaries

ROOT = CHART.parents[1]
TESTS = ("api", "mlflow", "s3", "ray")
PASSWORD = "pass:word/with@all"
"""Every letter here would break an address that held it."""

pytestmark = pytest.mark.timeout(1500)


class Deployment:
    """A release of the chart on this machine.

    Args:
        rendered: its documents.
        secrets: values by (secret, key).
        folder: for everything that is written.
    """

    def __init__(
        self, rendered: Rendered, secrets: dict[tuple[str, str], str], folder: Path
    ) -> None:
        self.rendered, self.secrets, self.folder = rendered, secrets, folder
        self.started: list[Container] = []

    def container(self, kind: str, name: str, container: str, **more: str) -> Container:
        """A container of a pod."""
        (document,) = self.rendered.of(kind, name)
        spec = document["spec"] if kind == "Pod" else document["spec"]["template"]["spec"]
        return self._of(spec, container, f"{kind}-{name}", more)

    def ray(self, group: str | None) -> Container:
        """The container of the Ray head, or of a group of workers, with what KubeRay adds."""
        (cluster,) = self.rendered.of("RayCluster")
        groups = {one["groupName"]: one for one in cluster["spec"]["workerGroupSpecs"]}
        chosen = cluster["spec"]["headGroupSpec"] if group is None else groups[group]
        options = dict(chosen["rayStartParams"])
        more = {
            "RAY_AUTH_MODE": cluster["spec"]["authOptions"]["mode"],
            "RAY_AUTH_TOKEN": self.secrets[
                cluster["spec"]["authOptions"]["secretName"], "auth_token"
            ],
            "RAY_TMPDIR": str(self.folder / "ray"),
        }
        name = "ray-head" if group is None else "ray-worker"
        found = self._of(chosen["template"]["spec"], name, f"ray-{group}", more)
        where = ["--head", "--port=6379"] if group is None else ["--address=127.0.0.1:6379"]
        if group is not None:  # a second node on this machine
            options |= {"metrics-export-port": "8081", "dashboard-agent-listen-port": "52366"}
            options["num-cpus"] = chosen["template"]["spec"]["containers"][0]["resources"][
                "limits"
            ]["cpu"]
        flags = [f"--{key}={value}" for key, value in options.items()]
        found.spec = {**found.spec, "command": ["ray", "start", "--block", *where, *flags]}
        return found

    def start(self, container: Container) -> Container:
        container.start()
        self.started.append(container)
        return container

    def close(self) -> None:
        """The API is asked to end; the others are not given the time in which they would drain."""
        for container in reversed(self.started):
            ends = container.spec["name"] == "api"
            container.stop(signal.SIGTERM if ends else signal.SIGKILL)

    def _of(self, spec: dict[str, Any], name: str, place: str, more: dict[str, str]) -> Container:
        every = [*spec.get("initContainers", []), *spec["containers"]]
        (found,) = [one for one in every if one["name"] == name]
        folder = self.folder / place
        folder.mkdir(exist_ok=True)
        return Container(found, self.secrets, folder, more)


@pytest.fixture(scope="module")
def deployment(postgres: Any) -> Iterator[Deployment]:
    """Everything is up, migrated by the rendered Job."""
    url = postgres.url.replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"ALTER USER archduel PASSWORD '{PASSWORD}'")
        for name in ("archduel", "mlflow"):
            connection.execute(f"CREATE DATABASE {name}")
        (rules,) = connection.execute("SHOW hba_file").fetchone() or ("",)
        Path(rules).write_text("host all all 127.0.0.1/32 scram-sha-256\n")
        connection.execute("SELECT pg_reload_conf()")
    helm = ROOT / ".tools" / "helm"
    made = case(
        "as processes",
        bundled={"postgresql": {"enabled": False}},
        database={"host": "127.0.0.1", "port": postgres.port, "sslmode": "disable",
                  "existingSecret": "database"},
        api={"maxRunning": 2},
    )  # fmt: skip
    rendered = render(helm, made)
    secrets = {**secret_values(rendered.documents), ("database", "password"): PASSWORD}
    folder = Path(tempfile.mkdtemp(prefix="duel-"))
    found = Deployment(rendered, secrets, folder)
    try:
        _bring_up(found)
        yield found
    finally:
        found.close()
        if not os.environ.get("KEEP"):
            shutil.rmtree(folder, ignore_errors=True)


def _bring_up(deployment: Deployment) -> None:
    for service in deployment.rendered.of("Service"):
        for port in service["spec"]["ports"]:
            if service["metadata"]["name"].endswith("-api"):
                serve_port(port["port"], 8700)
    s3 = deployment.start(deployment.container("StatefulSet", "-s3", "s3"))
    s3.wait_until("readinessProbe")
    for name in ("mlflow", "migrate"):
        done = deployment.container("Job", "-migration", name).run()
        assert done.returncode == 0, done.stderr
    mlflow = deployment.start(deployment.container("Deployment", "-mlflow", "mlflow"))
    head = deployment.start(deployment.ray(None))
    head.wait_until("readinessProbe")
    worker = deployment.start(deployment.ray("cpu"))
    mlflow.wait_until("readinessProbe")
    waited = deployment.container("Deployment", "-api", "wait-for-schema").run()
    assert waited.returncode == 0, waited.stderr
    api = deployment.start(deployment.container("Deployment", "-api", "api"))
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        api.wait_until(probe)
    worker.spec["readinessProbe"]["httpGet"]["port"] = 52366
    worker.wait_until("readinessProbe")


def test_migrating_again_changes_nothing(deployment: Deployment) -> None:
    for name in ("mlflow", "migrate"):
        done = deployment.container("Job", "-migration", name).run()
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", TESTS)
def test_the_scripts_of_helm_test_pass(deployment: Deployment, name: str) -> None:
    done = _script(deployment, name).run()
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("name", "variable", "told"),
    [
        ("api", "API_TOKEN", "answered 401 and not 200"),
        ("s3", "AWS_SECRET_ACCESS_KEY", "Forbidden|SignatureDoesNotMatch|Access"),
        ("ray", "RAY_TOKEN", "its token: 403"),
    ],
)
def test_they_fail_with_a_wrong_secret(
    deployment: Deployment, name: str, variable: str, told: str
) -> None:
    done = _script(deployment, name).run(**{variable: "wrong" * 8})
    assert done.returncode != 0
    assert any(one in done.stderr for one in told.split("|")), done.stderr


def _script(deployment: Deployment, name: str) -> Container:
    found = deployment.container("Pod", f"-test-{name}", "test")
    shutil.copytree(CHART / "files" / "tests", found.folder / "tests", dirs_exist_ok=True)
    return found


def test_the_doctor_finds_all_well_from_inside_and_out(deployment: Deployment) -> None:
    api = deployment.container("Deployment", "-api", "api")
    for address in (api.environment["ARCHDUEL_RAY_ADDRESS"], "http://try-archduel-api"):
        token = deployment.secrets["try-archduel-admin", "token"]
        done = subprocess.run(
            ["archduel", "doctor", "--address", address, "--json"],
            env={**api.environment, "ARCHDUEL_TOKEN": token}, cwd=api.folder,
            capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        checks = {one["name"]: one for one in json.loads(done.stdout)["checks"]}
        looked_at = {"database", "object store", "MLflow"}
        looked_at |= {"Ray's token", "Ray's nodes", "Ray's version"} if ":8265" in address else {
            "API's token", "API ready", "API's ray"
        }  # fmt: skip
        assert {checks[name]["state"] for name in looked_at} == {"ok"}, checks


def test_an_experiment_submitted_by_the_command_line_ends_with_its_report(
    deployment: Deployment,
) -> None:
    home = deployment.folder / "laptop"
    home.mkdir()
    config = home / "config.yaml"
    config.write_text(
        "experiment: deployed\npairs: [iris]\nsearch: {trials: 3, epochs: 3, batch: 3}\n"
        "design: {repetitions: [3], retrain: 1, seed: 5}\n"
    )
    token = deployment.secrets["try-archduel-admin", "token"]
    environment = {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "HOME": str(home),
        "ARCHDUEL_URL": "http://127.0.0.1",
        "ARCHDUEL_TOKEN": token,
    }

    def archduel(*arguments: str) -> str:
        done = subprocess.run(
            ["archduel", *arguments], env=environment, cwd=home, capture_output=True, text=True,
            timeout=900,
        )  # fmt: skip
        assert done.returncode == 0, f"{arguments}: {done.stdout}\n{done.stderr}"
        return done.stdout

    told = json.loads(archduel("submit", str(config), "--json"))
    archduel("wait", told["id"])
    assert json.loads(archduel("status", told["id"], "--json"))["state"] == "done"
    report = archduel("report", told["id"], "--format", "md")
    assert "deployed" in report
    _everything_is_where_it_belongs(deployment)


def _everything_is_where_it_belongs(deployment: Deployment) -> None:
    """Runs in MLflow, its artifacts and the report in S3; nothing secret in a log or a command."""
    from mlflow import MlflowClient

    deadline = time.monotonic() + 60
    client = MlflowClient("http://127.0.0.1:5000")
    while not [
        one for one in client.search_experiments() if "deployed" in str(one.tags) + one.name
    ]:
        assert time.monotonic() < deadline
        time.sleep(0.5)
    logs = "".join(file.read_text(errors="replace") for file in deployment.folder.rglob("*.log"))
    for (name, key), value in deployment.secrets.items():
        if key != "accessKey":
            assert value not in logs, f"{name}: {key} stands in a log"
    commands = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
    for value in deployment.secrets.values():
        assert value not in commands


def test_a_backup_holds_everything(deployment: Deployment, postgres: Any) -> None:
    """The lines of docs/cluster.md: a dump of each database, restored into an empty one."""
    for name, table in (("archduel", "archduel_trial"), ("mlflow", "runs")):
        address = f"postgresql://archduel@127.0.0.1:{postgres.port}"
        dump = deployment.folder / f"{name}.dump"
        for program, *options in (
            ("pg_dump", "--format=custom", f"--file={dump}", f"{address}/{name}"),
            ("createdb", f"--maintenance-db={address}/postgres", f"{name}_restored"),
            ("pg_restore", "--clean", "--if-exists", f"--dbname={address}/{name}_restored", dump),
        ):
            done = subprocess.run(
                [binaries() / program, *options],
                env={"PGPASSWORD": PASSWORD}, capture_output=True, text=True, timeout=120,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
        found = []
        for database in (name, f"{name}_restored"):
            with psycopg.connect(f"{address}/{database}", password=PASSWORD) as connection:
                row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
                found.append(row[0] if row else None)
        assert found[0] == found[1]
        assert found[0]
