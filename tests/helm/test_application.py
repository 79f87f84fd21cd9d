"""The chart against the application: its settings, its libraries' settings and its image."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
from mlflow import environment_variables as mlflow_variables

from service.hosting import settings
from tests.helm.manifests import Pod, environment, pods
from tests.helm.rendering import CASES, CHART, Rendered, render

LIBPQ = {"PGPASSWORD", "PGSSLROOTCERT"}
AWS = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"}
DRAIN = "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S"
RAY = {"RAY_AUTH_MODE", "RAY_AUTH_TOKEN", DRAIN}
SYSTEM = {"HOME", "XDG_CACHE_HOME"}
SERVER = {"MLFLOW_BACKEND_STORE_URI", "MLFLOW_ARTIFACTS_DESTINATION", "MLFLOW_S3_ENDPOINT_URL"}
"""MLflow's command line reads the first two; its S3 client the third."""

THEIRS = {"TZ", "A"}
"""Set by the cases themselves."""


def ours(rendered: Rendered) -> list[tuple[Pod, dict[str, Any]]]:
    """Every container of archduel's own image with its variables."""
    return [
        (pod, container)
        for pod in pods(rendered)
        if not re.search(r"-(postgresql|s3)$", pod.owner) or "test" in pod.owner
        for container in pod.containers
    ]


def test_every_setting_is_one_of_the_applications(rendered: Rendered, tmp_path: Path) -> None:
    for pod, container in ours(rendered):
        given = {
            name: value if isinstance(value, str) else "x" * 43
            for name, value in environment(container).items()
        }
        if pod.labels["app.kubernetes.io/component"] != "test":
            for name in [one for one in given if one.endswith("_FILE")]:
                given[name] = str(mounted(rendered, pod, container, given[name], tmp_path))
            settings.load(environment=given)


def mounted(
    rendered: Rendered, pod: Pod, container: dict[str, Any], path: str, folder: Path
) -> Path:
    """A file that a container finds at a path, from the ConfigMap that is mounted there."""
    (mount,) = [one for one in container["volumeMounts"] if path.startswith(one["mountPath"] + "/")]
    (volume,) = [one for one in pod.spec["volumes"] if one["name"] == mount["name"]]
    (found,) = rendered.of("ConfigMap", volume["configMap"]["name"])
    file = folder / Path(path).name
    file.write_text(found["data"][file.name])
    return file


def test_drivers_know_what_the_autoscaler_may_add(helm: Path) -> None:
    for chosen in CASES:
        rendered = render(helm, chosen)
        (cluster,) = rendered.of("RayCluster")
        found = rendered.of("ConfigMap", "-ray-groups")
        assert bool(found) is cluster["spec"]["enableInTreeAutoscaling"]
        if found:
            groups = settings.load(
                environment={"ARCHDUEL_RAY_GROUPS": found[0]["data"]["groups.json"]}
            ).ray_groups
            workers = cluster["spec"]["workerGroupSpecs"]
            assert [group.most for group in groups] == [one["maxReplicas"] for one in workers]
            for group, worker in zip(groups, workers, strict=True):
                limits = worker["template"]["spec"]["containers"][0]["resources"]["limits"]
                assert group.cpus == float(limits["cpu"])
                assert group.gpus == limits.get("nvidia.com/gpu", 0)


def test_every_other_variable_is_known(rendered: Rendered) -> None:
    of_mlflow = {name for name in dir(mlflow_variables) if name.startswith("MLFLOW_")} | SERVER
    scripts = "".join(file.read_text() for file in (CHART / "files" / "tests").glob("*.py"))
    for pod, container in ours(rendered):
        for name in environment(container):
            known = LIBPQ | AWS | RAY | SYSTEM | THEIRS | of_mlflow
            if pod.labels["app.kubernetes.io/component"] == "test":
                assert name in known or name in scripts, name
            else:
                assert name in known or name.startswith(settings.PREFIX), f"{pod.owner}: {name}"


def test_the_drivers_and_the_api_agree(rendered: Rendered) -> None:
    """What both read is the same, and the drivers get no more than that."""
    by_name = {container["name"]: environment(container) for _, container in ours(rendered)}
    api, head = by_name["api"], by_name["ray-head"]
    assert {name: api[name] for name in head if name in api} == {
        name: value
        for name, value in head.items()
        if name not in THEIRS | {DRAIN, "ARCHDUEL_RAY_GROUPS_FILE"}
    }
    assert "ARCHDUEL_ADMIN_TOKEN" not in head
    worker = by_name.get("ray-worker", {})
    assert worker.keys() <= SYSTEM | THEIRS | {DRAIN}, "trials are other people's code"


@pytest.mark.parametrize(
    "file", sorted((CHART / "files" / "tests").glob("*.py")), ids=lambda f: f.stem
)
def test_the_scripts_of_helm_test_read_what_they_are_given(laptop: Rendered, file: object) -> None:
    text = file.read_text()  # type: ignore[attr-defined]
    read = {
        node.slice.value
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant)
        and ast.unparse(node.value) == "os.environ"
    }  # fmt: skip
    (pod,) = laptop.of("Pod", f"-test-{file.stem}")  # type: ignore[attr-defined]
    (container,) = pod["spec"]["containers"]
    assert read <= environment(container).keys()
