"""Values that make no sense are refused, with the place or with a sentence that says what to do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.helm.rendering import APIS, CASES, CHART, KUBERNETES, Case, case, template


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"apii": {}}, "'apii' not allowed"),
        ({"api": {"replica": 2}}, "'replica' not allowed"),
        ({"api": {"replicas": 0}}, "/api/replicas"),
        ({"api": {"replicas": "2"}}, "/api/replicas"),
        ({"api": {"publicUrl": "archduel.example.com"}}, "/api/publicUrl"),
        ({"api": {"resources": {"limits": None}}}, "/api/resources"),
        ({"api": {"resources": {"limits": {"memory": "lots"}}}}, "/api/resources/limits/memory"),
        ({"api": {"extraEnv": [{"value": "x"}]}}, "/api/extraEnv/0"),
        ({"image": {"digest": "sha256:abc"}}, "/image/digest"),
        ({"image": {"pullPolicy": "Sometimes"}}, "/image/pullPolicy"),
        ({"database": {"port": 70000}}, "/database/port"),
        ({"database": {"sslmode": "off"}}, "/database/sslmode"),
        ({"database": {"password": "hunter2"}}, "'password' not allowed"),
        ({"s3": {"endpoint": "minio:9000"}}, "/s3/endpoint"),
        ({"ray": {"version": "latest"}}, "/ray/version"),
        ({"ray": {"workers": {"GPU": {}}}}, "at '/ray/workers': additional properties 'GPU'"),
        ({"ray": {"workers": {"cpu": {"replicas": 3}}}}, "/ray/workers/cpu"),
        ({"ray": {"workers": {"cpu": {"sharedMemory": "2GB"}}}}, "/ray/workers/cpu"),
        ({"ray": {"workers": {"cpu": {"tolerations": [{"effect": "Never"}]}}}}, "/ray/workers/cpu"),
        ({"ray": {"faultTolerance": {"redisAddress": "redis"}}}, "redisAddress"),
        ({"networkPolicy": {"apiFrom": [{}]}}, "/networkPolicy/apiFrom/0"),
        ({"podSecurity": {"runAsUser": 0}}, "/podSecurity/runAsUser"),
    ],
)
def test_the_schema_refuses(helm: Path, values: dict[str, Any], told: str) -> None:
    done = template(helm, case("", **values), KUBERNETES[1])
    assert done.returncode != 0
    assert "don't meet the specifications of the schema" in done.stderr
    assert told in done.stderr


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        (Case("", ()), "No database: set database.host and database.existingSecret"),
        (case("", database={"host": "db"}), "database.host and bundled.postgresql.enabled exclude"),
        (case("", "production", database={"existingSecret": ""}), "No password for the database"),
        (case("", "production", database={"caSecret": ""}), "needs database.caSecret"),
        (case("", s3={"endpoint": "http://s3"}), "bundled.s3.enabled brings one"),
        (case("", "production", s3={"bucket": ""}), "No object store: set s3.bucket"),
        (case("", "production", s3={"existingSecret": ""}), "No keys for the object store"),
        (case("", secrets={"generate": False}), "set api.adminToken.existingSecret"),
        (
            case("", "production", ray={"token": {"existingSecret": ""}}),
            "set ray.token.existingSecret",
        ),
        (
            case("", "production", ray={"faultTolerance": {"redisAddress": ""}}),
            "needs ray.faultTolerance.redisAddress",
        ),
        (case("", "production", ray={"queueName": "q"}), "Kueue admits a RayCluster as a whole"),
        (case("", ingress={"enabled": True}), "ingress.enabled needs ingress.host"),
        (
            case("", httpRoute={"enabled": True, "host": "a"}),
            "httpRoute.host and httpRoute.gateway",
        ),
        (case("", monitoring={"enabled": True}), "needs monitoring.tokenSecret"),
        (
            case("", ray={"workers": {"cpu": {"minReplicas": 3, "maxReplicas": 2}}}),
            "ray.workers.cpu: minReplicas (3) is above maxReplicas (2)",
        ),
    ],
)
def test_the_chart_refuses(helm: Path, chosen: Case, told: str) -> None:
    done = template(helm, chosen, KUBERNETES[1])
    assert done.returncode != 0
    assert told in done.stderr


@pytest.mark.parametrize(
    ("missing", "values", "told"),
    [
        ("ray.io/v1", {}, "does not know KubeRay's RayCluster (ray.io/v1). Install the operator"),
        (
            "gateway.networking.k8s.io/v1",
            {"httpRoute": {"enabled": True, "host": "a", "gateway": "b"}},
            "needs the Gateway API",
        ),
        (
            "monitoring.coreos.com/v1",
            {"monitoring": {"enabled": True, "tokenSecret": "t"}},
            "needs the Prometheus operator",
        ),
    ],
)
def test_a_cluster_that_lacks_something_is_told(
    helm: Path, missing: str, values: dict[str, Any], told: str
) -> None:
    apis = tuple(api for api in APIS if api != missing)
    done = template(helm, case("", **values), KUBERNETES[1], apis=apis)
    assert done.returncode != 0
    assert told in done.stderr


def test_an_old_kubernetes_is_refused(helm: Path) -> None:
    done = template(helm, CASES[0], "1.28.0")
    assert done.returncode != 0
    assert "1.29" in done.stderr


def test_every_value_is_described_and_has_a_default() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    defaults = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    _described(schema, defaults, schema, "")


def _described(schema: dict[str, Any], defaults: Any, root: dict[str, Any], path: str) -> None:
    assert schema["additionalProperties"] is False, path
    there = schema["properties"].keys() - {"global"}
    assert there == defaults.keys(), f"{path}: {there ^ defaults.keys()}"
    for key in there:
        found = schema["properties"][key]
        assert found.get("description", "").endswith("."), f"{path}.{key} is not described"
        reference = found.get("$ref", "").rsplit("/", 1)[-1]
        inner = root["$defs"][reference] if reference else found
        if "properties" in inner and reference != "resources":
            _described(inner, defaults[key], root, f"{path}.{key}")
