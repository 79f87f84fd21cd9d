"""Helm, and the KubeRay schemas, where they are."""

from __future__ import annotations

import functools
import gzip
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.helm import tools
from tests.helm.rendering import CASES, Case, Rendered, render


@pytest.fixture(scope="session")
def helm() -> Path:
    """The real helm."""
    found = tools.find("helm")
    if found is None:
        pytest.skip("helm was not fetched: make helm-tools")
    return found


@pytest.fixture(params=CASES, ids=lambda one: one.name)
def chosen(request: pytest.FixtureRequest) -> Case:
    """Every case in turn."""
    found: Case = request.param
    return found


@pytest.fixture
def rendered(helm: Path, chosen: Case) -> Rendered:
    """Every case in turn, rendered."""
    return render(helm, chosen)


@pytest.fixture(scope="session")
def laptop(helm: Path) -> Rendered:
    return render(helm, CASES[0])


@pytest.fixture(scope="session")
def ray_schema() -> Callable[[str], dict[str, Any]]:
    """Reads KubeRay's schema of a resource, such as "rayclusters"; unknown keys are refused."""
    folder = os.environ.get("KUBERAY_CRDS")
    if not folder:
        pytest.skip("KUBERAY_CRDS is not set")

    @functools.cache
    def read(resource: str) -> dict[str, Any]:
        with gzip.open(Path(folder) / f"ray.io_{resource}.yaml.gz") as file:
            definition = yaml.load(file, Loader=yaml.CSafeLoader)
        versions = {one["name"]: one["schema"] for one in definition["spec"]["versions"]}
        made: dict[str, Any] = closed(versions["v1"]["openAPIV3Schema"])
        return made

    return read


def closed(schema: Any) -> Any:
    """A schema of Kubernetes in which unknown keys are refused, as the API server prunes them."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {
        key: closed(value) for key, value in schema.items() if key != "x-kubernetes-validations"
    }
    if "properties" in made and made.get("type") == "object":
        open_ended = schema.get("x-kubernetes-preserve-unknown-fields")
        made.setdefault("additionalProperties", bool(open_ended))
        if "metadata" in made["properties"]:
            made["properties"]["metadata"] = {"type": "object"}
    if made.pop("x-kubernetes-int-or-string", False):
        made.pop("type", None)
    return made
