"""Rules of ours that no schema knows: limits, security, and that every reference leads somewhere."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from ray._private import ray_constants

from tests.helm.manifests import Pod, environment, pods, secret_keys, selects
from tests.helm.rendering import CASES, Case, Rendered, render

DRAIN = "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S"
GIVEN = {
    "production": {
        ("archduel-database", "password"),
        ("archduel-s3", "accessKey"),
        ("archduel-s3", "secretKey"),
        ("archduel-admin", "token"),
        ("archduel-ray", "auth_token"),
        ("archduel-redis", "password"),
        ("archduel-redis", "user"),
        ("viewer", "token"),
    },
    "secrets of theirs": {
        ("db", "pgpass"),
        ("bucket", "id"),
        ("bucket", "secret"),
        ("admin", "first"),
        ("ray", "auth_token"),
    },
}
"""Secrets that a case's values name, as (secret, key)."""


def test_every_container_is_bounded_and_locked_up(rendered: Rendered) -> None:
    for pod in pods(rendered):
        security = pod.spec["securityContext"]
        assert security["runAsNonRoot"] is True, pod.owner
        assert security["runAsUser"] > 0, pod.owner
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}, pod.owner
        assert pod.spec["automountServiceAccountToken"] is False, pod.owner
        # A Service named archduel would set ARCHDUEL_PORT to an address.
        assert pod.spec["enableServiceLinks"] is False, pod.owner
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.spec.keys(), pod.owner
        for container in pod.containers:
            _locked_up(pod, container)


def _locked_up(pod: Pod, container: dict[str, Any]) -> None:
    where = f"{pod.owner}: {container['name']}"
    resources, security = container["resources"], container["securityContext"]
    assert {"cpu", "memory"} <= resources["limits"].keys(), where
    assert {"cpu", "memory"} <= resources["requests"].keys(), where
    assert security["allowPrivilegeEscalation"] is False, where
    assert security["readOnlyRootFilesystem"] is True, where
    assert security["capabilities"] == {"drop": ["ALL"]}, where
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}, where
    assert "privileged" not in security, where
    if pod.lasting and container in pod.spec["containers"]:
        assert {"startupProbe", "livenessProbe", "readinessProbe"} <= container.keys(), where


def test_the_autoscaler_is_locked_up_too(rendered: Rendered) -> None:
    (cluster,) = rendered.of("RayCluster")
    if cluster["spec"]["enableInTreeAutoscaling"]:
        options = cluster["spec"]["autoscalerOptions"]
        assert options["version"] == "v2"
        assert options["securityContext"]["readOnlyRootFilesystem"] is True
        assert {"cpu", "memory"} <= options["resources"]["limits"].keys()
        # The one who may change the cluster is the autoscaler, and not the driver beside it.
        token = "/var/run/secrets/kubernetes.io/serviceaccount"
        (head,) = cluster["spec"]["headGroupSpec"]["template"]["spec"]["containers"]
        assert token in [mount["mountPath"] for mount in options["volumeMounts"]]
        assert token not in [mount["mountPath"] for mount in head["volumeMounts"]]


def test_the_autoscaler_alone_counts_the_nodes(rendered: Rendered) -> None:
    """Helm applies on the server: a number of ours would fight the autoscaler's at each upgrade."""
    (cluster,) = rendered.of("RayCluster")
    scaled = cluster["spec"]["enableInTreeAutoscaling"]
    for group in cluster["spec"]["workerGroupSpecs"]:
        assert ("replicas" in group) is not scaled, group["groupName"]


def test_the_head_runs_no_trials(rendered: Rendered) -> None:
    (cluster,) = rendered.of("RayCluster")
    assert cluster["spec"]["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"


def test_ray_is_never_without_its_token(rendered: Rendered) -> None:
    (cluster,) = rendered.of("RayCluster")
    assert cluster["spec"]["authOptions"]["mode"] == "token"
    assert cluster["spec"]["authOptions"]["secretName"]


def test_shared_memory_holds_the_object_store(rendered: Rendered) -> None:
    (cluster,) = rendered.of("RayCluster")
    groups = [cluster["spec"]["headGroupSpec"], *cluster["spec"]["workerGroupSpecs"]]
    for group in groups:
        spec = group["template"]["spec"]
        (volume,) = [one for one in spec["volumes"] if one["name"] == "shared-memory"]
        (container,) = spec["containers"]
        room = _bytes(volume["emptyDir"]["sizeLimit"])
        assert int(group["rayStartParams"]["object-store-memory"]) < room
        assert room < _bytes(container["resources"]["limits"]["memory"]), "it counts as memory"


def _bytes(quantity: str) -> int:
    return int(quantity[:-2]) * {"Mi": 2**20, "Gi": 2**30}[quantity[-2:]]


def test_writable_folders_are_mounted(rendered: Rendered) -> None:
    """With a read-only root, every mount needs its volume, and /tmp has to be one."""
    for pod in pods(rendered):
        volumes = [volume["name"] for volume in pod.spec.get("volumes", [])]
        assert len(volumes) == len(set(volumes)), pod.owner
        used = set()
        for container in pod.containers:
            mounts = container.get("volumeMounts", [])
            paths = [mount["mountPath"] for mount in mounts]
            assert len(paths) == len(set(paths)), f"{pod.owner}: {container['name']}"
            assert "/tmp" in paths, f"{pod.owner}: {container['name']}"
            used |= {mount["name"] for mount in mounts}
            home = environment(container).get("ARCHDUEL_HOME")
            assert home is None or home in paths, f"{pod.owner}: {container['name']}"
        options = _autoscaler_mounts(rendered) if pod.owner.endswith(" head") else set()
        assert used | options == {*volumes, *_claims(rendered, pod)}, pod.owner


def _claims(rendered: Rendered, pod: Pod) -> list[str]:
    return [
        claim["metadata"]["name"]
        for owner in rendered.of("StatefulSet")
        if pod.owner == f"StatefulSet {owner['metadata']['name']}"
        for claim in owner["spec"]["volumeClaimTemplates"]
    ]


def _autoscaler_mounts(rendered: Rendered) -> set[str]:
    (cluster,) = rendered.of("RayCluster")
    options = cluster["spec"].get("autoscalerOptions", {})
    return {mount["name"] for mount in options.get("volumeMounts", [])}


def test_no_secret_stands_in_a_manifest(rendered: Rendered) -> None:
    for pod in pods(rendered):
        for container in pod.containers:
            for name, value in environment(container).items():
                if re.search(r"PASSWORD|SECRET|TOKEN|ACCESS_KEY", name):
                    assert isinstance(value, dict), f"{pod.owner}: {name} is written out"
                if isinstance(value, str) and "://" in value:
                    assert urlsplit(value).password is None, f"{pod.owner}: {name}"
            command = " ".join(
                [*container.get("command", []), *map(str, container.get("args", []))]
            )
            assert not re.search(r"\$\(.*(PASSWORD|SECRET|TOKEN).*\)", command), pod.owner


def test_every_secret_key_resolves(chosen: Case, rendered: Rendered) -> None:
    made = {
        (secret["metadata"]["name"], key)
        for secret in rendered.of("Secret")
        for key in secret["data"]
    }
    asked = {one for document in rendered.documents for one in secret_keys(document)}
    given = GIVEN["production"] if "production" in chosen.presets else GIVEN.get(chosen.name, set())
    assert asked - given == made, "asked for and not there, or made for nobody"


def test_given_secrets_leave_nothing_to_draw(helm: Any) -> None:
    (theirs,) = [one for one in CASES if one.name == "secrets of theirs"]
    assert render(helm, theirs).of("Secret") == []


def test_drawn_secrets_are_long(laptop: Rendered) -> None:
    lengths = {
        key: len(base64.b64decode(value))
        for secret in laptop.of("Secret")
        for key, value in secret["data"].items()
    }
    assert lengths == {
        "token": 43,
        "auth_token": 43,
        "password": 32,
        "accessKey": 20,
        "secretKey": 40,
    }


def test_every_selector_finds_its_pods(rendered: Rendered) -> None:
    all_pods = pods(rendered)
    for document in rendered.documents:
        spec = document.get("spec", {})
        if document["kind"] in ("Deployment", "StatefulSet"):
            labels = spec["template"]["metadata"]["labels"]
            assert selects(spec["selector"], labels), document["metadata"]["name"]
        if document["kind"] in ("Service", "PodDisruptionBudget", "PodMonitor"):
            found = spec["selector"]
            selector = {"matchLabels": found} if document["kind"] == "Service" else found
            taken = [pod for pod in all_pods if selects(selector, pod.labels)]
            assert taken, f"{document['kind']} {document['metadata']['name']} selects nothing"
            if document["kind"] == "Service":
                assert len(taken) == 1, [pod.owner for pod in taken]


def test_every_service_port_leads_to_a_container_port(rendered: Rendered) -> None:
    for service in rendered.of("Service"):
        selector = {"matchLabels": service["spec"]["selector"]}
        (pod,) = [pod for pod in pods(rendered) if selects(selector, pod.labels)]
        names = [port["name"] for one in pod.spec["containers"] for port in one.get("ports", [])]
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= set(names)


def test_every_probe_asks_a_port_that_is_there(rendered: Rendered) -> None:
    agent = 52365
    for pod in pods(rendered):
        for container in pod.spec["containers"]:
            named = {port["name"] for port in container.get("ports", [])}
            for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                request = container.get(probe, {}).get("httpGet")
                assert request is None or request["port"] in {*named, agent}, pod.owner


def test_every_host_of_a_url_is_a_service(rendered: Rendered) -> None:
    """Also those of `helm test`, and the one that KubeRay makes for the head."""
    (cluster,) = rendered.of("RayCluster")
    services = {
        one["metadata"]["name"]: {port["port"] for port in one["spec"]["ports"]}
        for one in rendered.of("Service")
    }
    services[f"{cluster['metadata']['name']}-head-svc"] = {8265}
    ours = {name: value for pod in pods(rendered) for one in pod.containers
            for name, value in environment(one).items()
            if isinstance(value, str) and re.match(r"(http|postgresql\+psycopg)://", value)}  # fmt: skip
    assert {"ARCHDUEL_RAY_ADDRESS", "ARCHDUEL_MLFLOW_URI", "API_URL", "RAY_URL"} <= ours.keys()
    assert ours.pop("ARCHDUEL_MLFLOW_PUBLIC_URL") == "http://localhost:5000", "for people"
    for name, value in ours.items():
        url = urlsplit(value)
        if url.hostname is not None and "." not in url.hostname:
            port = url.port or 80
            assert port in services.get(url.hostname, set()), f"{name}={value}"


def test_config_maps_and_accounts_are_there(rendered: Rendered) -> None:
    maps = {one["metadata"]["name"]: one["data"] for one in rendered.of("ConfigMap")}
    accounts = {one["metadata"]["name"] for one in rendered.of("ServiceAccount")} | {"theirs"}
    for pod in pods(rendered):
        assert pod.spec["serviceAccountName"] in accounts, pod.owner
        for volume in pod.spec.get("volumes", []):
            if "configMap" in volume:
                assert maps[volume["configMap"]["name"]], pod.owner
        for container in pod.containers:
            for word in container.get("command", []):
                if word.startswith("/tests/"):
                    scripts = maps[_config_map(pod, "tests")]
                    assert word.removeprefix("/tests/") in scripts, pod.owner


def _config_map(pod: Pod, volume: str) -> str:
    (found,) = [one for one in pod.spec["volumes"] if one["name"] == volume]
    name: str = found["configMap"]["name"]
    return name


def test_images_are_pinned(chosen: Case, rendered: Rendered) -> None:
    by_digest = "image" in chosen.values
    for pod in pods(rendered):
        for container in pod.containers:
            image = container["image"]
            assert re.search(r"@sha256:[0-9a-f]{64}$" if by_digest else r":[\w.-]+$", image)
            assert not image.endswith(":latest")
        if by_digest and "s3" not in pod.owner and "postgresql" not in pod.owner:
            assert pod.spec["imagePullSecrets"] == [{"name": "registry"}], pod.owner


def test_gpu_groups_ask_for_gpus(rendered: Rendered) -> None:
    (cluster,) = rendered.of("RayCluster")
    for group in cluster["spec"]["workerGroupSpecs"]:
        (container,) = group["template"]["spec"]["containers"]
        gpus = container["resources"]["limits"].get("nvidia.com/gpu")
        assert (gpus == 1) is group["groupName"].startswith("gpu")
        if gpus:
            assert container["image"].endswith("-gpu")
            assert group["template"]["spec"]["tolerations"]


def test_nodes_drain_before_they_go(rendered: Rendered) -> None:
    (cluster,) = rendered.of("RayCluster")
    for group in cluster["spec"]["workerGroupSpecs"]:
        spec = group["template"]["spec"]
        (container,) = spec["containers"]
        drains = int(environment(container)[DRAIN])
        assert 0 < drains < spec["terminationGracePeriodSeconds"]


def test_ray_has_the_switch_that_the_chart_turns() -> None:
    """It is Ray's own drain on SIGTERM (Ray 2.60), which its documentation does not list."""
    text = Path(ray_constants.__file__).read_text(encoding="utf-8")
    assert f'"{DRAIN}"' in text


@pytest.mark.parametrize("upgrade", [False, True])
def test_migrations_do_not_wait_for_pods_that_wait_for_them(helm: Any, upgrade: bool) -> None:
    """`helm install --wait` runs post-install hooks when all pods are ready; they wait for this."""
    (job,) = render(helm, CASES[0], upgrade=upgrade).of("Job")
    hook = job["metadata"]["annotations"].get("helm.sh/hook")
    assert hook == ("pre-upgrade" if upgrade else None)
    assert (job["spec"]["template"]["spec"]["restartPolicy"], job["spec"]["backoffLimit"]) == (
        "OnFailure",
        10,
    )
