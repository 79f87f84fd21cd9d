"""Who reaches whom under the NetworkPolicies, as Kubernetes would decide it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.helm.manifests import Pod, pods, selects
from tests.helm.rendering import CASES, Rendered, render

STRANGER = Pod("a stranger", {"app": "stranger"}, {}, True)
NEEDED = (
    ("api", "head", 8265),
    ("api", "mlflow", 5000),
    ("api", "postgresql", 5432),
    ("api", "s3", 8333),
    ("head", "mlflow", 5000),
    ("head", "postgresql", 5432),
    ("head", "s3", 8333),
    ("head", "worker", 10002),
    ("worker", "head", 6379),
    ("worker", "worker", 20000),
    ("mlflow", "postgresql", 5432),
    ("mlflow", "s3", 8333),
    ("migration", "postgresql", 5432),
    ("test", "api", 8700),
    ("test", "mlflow", 5000),
    ("test", "head", 8265),
    ("test", "s3", 8333),
    ("stranger", "api", 8700),
)
CLOSED = (
    ("stranger", "head", 8265),
    ("stranger", "head", 6379),
    ("stranger", "head", 10001),
    ("stranger", "worker", 52365),
    ("stranger", "mlflow", 5000),
    ("stranger", "postgresql", 5432),
    ("stranger", "s3", 8333),
    ("api", "head", 10001),
    ("api", "head", 6379),
    ("api", "worker", 52365),
    ("mlflow", "head", 8265),
    ("mlflow", "api", 8700),
    ("worker", "postgresql", 5432),
    ("worker", "s3", 8333),
    ("worker", "mlflow", 5000),
    ("worker", "api", 8700),
    ("test", "postgresql", 5432),
    ("postgresql", "api", 8700),
    ("api", "stranger", 443),
    ("worker", "stranger", 443),
    ("migration", "stranger", 443),
)


@pytest.fixture(scope="module")
def cast(laptop: Rendered) -> dict[str, Pod]:
    """One pod of each part."""
    component = "app.kubernetes.io/component"
    found = {pod.labels[component].removeprefix("ray-"): pod for pod in pods(laptop)}
    return {**found, "stranger": STRANGER}


@pytest.mark.parametrize(("source", "target", "port"), NEEDED)
def test_what_is_needed_is_open(
    laptop: Rendered, cast: dict[str, Pod], source: str, target: str, port: int
) -> None:
    assert reaches(laptop, cast[source], cast[target], port)


@pytest.mark.parametrize(("source", "target", "port"), CLOSED)
def test_everything_else_is_closed(
    laptop: Rendered, cast: dict[str, Pod], source: str, target: str, port: int
) -> None:
    assert not reaches(laptop, cast[source], cast[target], port)


def test_every_pod_is_under_a_policy_in_both_directions(rendered: Rendered) -> None:
    policies = rendered.of("NetworkPolicy")
    for pod in pods(rendered) if policies else []:
        covered = {
            way
            for policy in policies
            if selects(policy["spec"]["podSelector"], pod.labels)
            for way in policy["spec"]["policyTypes"]
        }
        assert covered == {"Ingress", "Egress"}, pod.owner


def test_every_pod_may_ask_the_dns(rendered: Rendered) -> None:
    for policy in rendered.of("NetworkPolicy", "-dns"):
        for pod in pods(rendered):
            assert selects(policy["spec"]["podSelector"], pod.labels), pod.owner


def test_only_the_autoscaler_reaches_the_kubernetes_api(helm: Path) -> None:
    (scaled,) = [case for case in CASES if case.name == "autoscaling, a group less"]
    rendered = render(helm, scaled)
    reaching = [pod.owner for pod in pods(rendered) if reaches(rendered, pod, STRANGER, 6443)]
    assert reaching == ["try-archduel-ray head"]


def reaches(rendered: Rendered, source: Pod, target: Pod, port: int) -> bool:
    """Whether both ends let a connection through."""
    return _allows(rendered, source, target, port, "Egress") and _allows(
        rendered, target, source, port, "Ingress"
    )


def _allows(rendered: Rendered, pod: Pod, other: Pod, port: int, way: str) -> bool:
    mine = [
        policy["spec"]
        for policy in rendered.of("NetworkPolicy")
        if way in policy["spec"]["policyTypes"]
        and selects(policy["spec"]["podSelector"], pod.labels)
    ]
    if not mine:
        return True
    rules = [rule for spec in mine for rule in spec.get(way.lower(), [])]
    return any(_fits(rule, other, port, "to" if way == "Egress" else "from") for rule in rules)


def _fits(rule: dict[str, Any], other: Pod, port: int, side: str) -> bool:
    ports = rule.get("ports")
    if ports is not None and port not in [one["port"] for one in ports]:
        return False
    peers = rule.get(side)
    return peers is None or any(
        "podSelector" in peer
        and "namespaceSelector" not in peer
        and selects(peer["podSelector"], other.labels)
        for peer in peers
    )
