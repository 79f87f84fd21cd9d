"""What is rendered is what Kubernetes and KubeRay know, in three versions of Kubernetes."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest

from tests.helm.rendering import CASES, CHART, KUBERNETES, Case, Rendered, render, run

PLAIN = {"RayCluster", "ServiceMonitor", "PodMonitor", "HTTPRoute"}
"""Kinds that are not Kubernetes' own."""


@pytest.fixture(scope="module", autouse=True)
def _read_once() -> Iterator[None]:
    """The schemas of one Kubernetes are one file of megabytes, otherwise read for each document."""
    with pytest.MonkeyPatch.context() as patch:
        read = kubernetes_validate.utils.schema_contents
        patch.setattr(kubernetes_validate.utils, "schema_contents", functools.cache(read))
        yield


@functools.cache
def valid(document: str, version: str) -> None:
    """Check one document, the same one only once.

    Args:
        document: as JSON.
        version: of Kubernetes, such as "1.34".
    """
    kubernetes_validate.validate(json.loads(document), version, strict=True)


@pytest.mark.parametrize("presets", [("laptop",), ("production",), ("production", "gpu")])
def test_lint_has_nothing_to_say(helm: Path, presets: tuple[str, ...]) -> None:
    files = [f"--values={CHART / f'values-{preset}.yaml'}" for preset in presets]
    done = run(helm, "lint", "--strict", str(CHART), *files)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[WARNING]" not in done.stdout


@pytest.mark.parametrize("version", KUBERNETES)
def test_every_document_is_valid(helm: Path, chosen: Case, version: str) -> None:
    found = render(helm, chosen, version)
    for document in found.documents:
        if document["kind"] not in PLAIN:
            valid(json.dumps(document), version.rsplit(".", 1)[0])


def test_the_upgrade_is_valid_too(helm: Path) -> None:
    found = render(helm, CASES[0], upgrade=True)
    for document in found.of("Job"):
        valid(json.dumps(document), "1.34")


def test_kuberay_knows_every_field(
    rendered: Rendered, ray_schema: Callable[[str], dict[str, Any]]
) -> None:
    (cluster,) = rendered.of("RayCluster")
    jsonschema.Draft202012Validator(ray_schema("rayclusters")).validate(cluster)


def test_a_field_that_kuberay_does_not_know_is_seen(
    laptop: Rendered, ray_schema: Callable[[str], dict[str, Any]]
) -> None:
    (cluster,) = laptop.of("RayCluster")
    changed = {**cluster, "spec": {**cluster["spec"], "authOption": {}}}
    with pytest.raises(jsonschema.ValidationError, match="authOption"):
        jsonschema.Draft202012Validator(ray_schema("rayclusters")).validate(changed)


def test_pods_of_the_cluster_are_valid_pods(rendered: Rendered) -> None:
    """KubeRay's schema lets much through that Kubernetes would refuse in a pod."""
    (cluster,) = rendered.of("RayCluster")
    for template in templates(cluster):
        pod = {"apiVersion": "v1", "kind": "Pod", **template}
        valid(json.dumps(pod), "1.34")


def templates(cluster: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The pod templates of a RayCluster."""
    yield cluster["spec"]["headGroupSpec"]["template"]
    for group in cluster["spec"]["workerGroupSpecs"]:
        yield group["template"]
