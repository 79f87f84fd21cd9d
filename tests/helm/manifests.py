"""Pods, containers and references in rendered documents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.helm.rendering import Rendered


@dataclass(frozen=True)
class Pod:
    """A pod that something will start.

    Args:
        owner: kind and name of what starts it.
        labels: its labels, with those that KubeRay adds.
        spec: its spec.
        lasting: whether it runs until it is stopped.
    """

    owner: str
    labels: dict[str, str]
    spec: dict[str, Any]
    lasting: bool

    @property
    def containers(self) -> list[dict[str, Any]]:
        """All of them, those before the start included."""
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]


def pods(rendered: Rendered) -> list[Pod]:
    """Every pod of a rendering."""
    return [pod for document in rendered.documents for pod in _pods(document)]


def _pods(document: dict[str, Any]) -> Iterator[Pod]:
    kind, name = document["kind"], document["metadata"]["name"]
    if kind in ("Deployment", "StatefulSet", "Job"):
        yield _of(f"{kind} {name}", document["spec"]["template"], lasting=kind != "Job")
    elif kind == "Pod":
        yield _of(f"{kind} {name}", document, lasting=False)
    elif kind == "RayCluster":
        head = document["spec"]["headGroupSpec"]["template"]
        yield _of(f"{name} head", head, cluster=name, node="head", group="headgroup")
        for one in document["spec"]["workerGroupSpecs"]:
            group = one["groupName"]
            yield _of(f"{name} {group}", one["template"], cluster=name, node="worker", group=group)


def _of(owner: str, template: dict[str, Any], lasting: bool = True, **ray: str) -> Pod:
    # KubeRay sets these on its pods, and selects them by it.
    added = (
        {
            "ray.io/cluster": ray["cluster"],
            "ray.io/node-type": ray["node"],
            "ray.io/group": ray["group"],
            "app.kubernetes.io/name": "kuberay",
        }
        if ray
        else {}
    )
    labels = template["metadata"].get("labels", {})
    assert not added.keys() & labels.keys(), f"{owner}: KubeRay owns {added.keys() & labels.keys()}"
    return Pod(owner, {**labels, **added}, template["spec"], lasting)


def selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    """Whether a selector takes a pod with these labels."""
    for key, value in selector.get("matchLabels", {}).items():
        if labels.get(key) != value:
            return False
    for one in selector.get("matchExpressions", []):
        assert one["operator"] == "In", one
        if labels.get(one["key"]) not in one["values"]:
            return False
    return True


def environment(container: dict[str, Any]) -> dict[str, Any]:
    """The variables of a container, each as its value or its source; none is set twice."""
    found = container.get("env", [])
    names = [one["name"] for one in found]
    assert len(names) == len(set(names)), f"{container['name']}: set twice in {sorted(names)}"
    return {one["name"]: one.get("value", one.get("valueFrom")) for one in found}


def secret_keys(value: Any) -> Iterator[tuple[str, str]]:
    """Every (secret, key) that something refers to, wherever it stands."""
    if isinstance(value, list):
        for one in value:
            yield from secret_keys(one)
    elif isinstance(value, dict):
        if isinstance(value.get("secretKeyRef"), dict):
            yield value["secretKeyRef"]["name"], value["secretKeyRef"]["key"]
        if isinstance(value.get("credentials"), dict):
            yield value["credentials"]["name"], value["credentials"]["key"]
        if isinstance(value.get("authOptions"), dict):
            yield value["authOptions"]["secretName"], "auth_token"
        for one in value.values():
            yield from secret_keys(one)
