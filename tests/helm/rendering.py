"""Charts rendered by the real helm, each case once."""

from __future__ import annotations

import functools
import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).parents[2] / "helm" / "archduel"
KUBERNETES = ("1.29.0", "1.34.0", "1.37.0")
APIS = ("ray.io/v1", "gateway.networking.k8s.io/v1", "monitoring.coreos.com/v1")


@dataclass(frozen=True)
class Case:
    """One set of values.

    Args:
        name: what the test is called.
        presets: presets that come with the chart, in their order.
        values: more values, as JSON.
    """

    name: str
    presets: tuple[str, ...] = ("laptop",)
    values: str = "{}"


def case(name: str, *presets: str, **values: Any) -> Case:
    """A case of presets and values."""
    return Case(name, presets or ("laptop",), json.dumps(values))


SECRETS_OF_THEIRS: dict[str, Any] = {
    "secrets": {"generate": False},
    "database": {"existingSecret": "db", "passwordKey": "pgpass"},
    "s3": {"existingSecret": "bucket", "accessKeyKey": "id", "secretKeyKey": "secret"},
    "api": {"adminToken": {"existingSecret": "admin", "key": "first"}},
    "ray": {"token": {"existingSecret": "ray"}},
}
PLACED = {
    "nodeSelector": {"pool": "archduel"},
    "tolerations": [{"key": "dedicated", "operator": "Exists", "effect": "NoSchedule"}],
    "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}},
    "podAnnotations": {"example.com/note": "x"},
}
DIGEST = "sha256:" + "0" * 64
CASES = (
    case("laptop"),
    case("production", "production"),
    case("production with GPUs", "production", "gpu"),
    case("laptop with GPUs", "laptop", "gpu"),
    case("secrets of theirs", **SECRETS_OF_THEIRS),
    case(
        "digests and pull secrets",
        image={"digest": DIGEST, "gpuDigest": DIGEST, "pullSecrets": [{"name": "registry"}]},
        bundled={"postgresql": {"digest": DIGEST}, "s3": {"digest": DIGEST}},
    ),
    case(
        "everything on",
        "production",
        "gpu",
        httpRoute={"enabled": True, "host": "a.example.com", "gateway": "g", "sectionName": "s"},
        monitoring={"enabled": True, "tokenSecret": "viewer", "labels": {"release": "prometheus"}},
        commonLabels={"team": "vision"},
        commonAnnotations={"example.com/owner": "vision"},
        api={**PLACED, "extraEnv": [{"name": "TZ", "value": "UTC"}]},
        mlflow={**PLACED, "allowedHosts": ["mlflow.example.com"]},
        networkPolicy={
            "apiFrom": [{"namespaceSelector": {"matchLabels": {"name": "ingress"}}}],
            "mlflowFrom": [{"podSelector": {"matchLabels": {"app": "notebook"}}}],
            "monitoringFrom": [{"namespaceSelector": {}}],
            "databaseTo": [{"ipBlock": {"cidr": "10.0.0.0/8"}}],
            "s3To": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.169.254/32"]}}],
            "redisTo": [{"ipBlock": {"cidr": "10.0.0.0/8"}}],
            "kubernetesApiTo": [{"ipBlock": {"cidr": "10.1.0.1/32"}}],
            "workerEgress": [{"ports": [{"port": 443, "protocol": "TCP"}]}],
        },
        ray={
            "faultTolerance": {"usernameKey": "user"},
            "head": {
                **PLACED,
                "priorityClassName": "high",
                "extraEnv": [{"name": "A", "value": "b"}],
            },
            "workers": {"cpu": {**PLACED, "priorityClassName": "low", "spreadOver": ""}},
        },
    ),
    case(
        "an identity instead of keys",
        "production",
        s3={"useServiceAccount": True, "existingSecret": "", "endpoint": "http://s3.local:9000"},
        serviceAccount={"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/a"}},
    ),
    case(
        "accounts of theirs, no policies, no budgets",
        serviceAccount={"create": False, "name": "theirs"},
        networkPolicy={"enabled": False},
        disruptionBudget={"enabled": False},
    ),
    case("admitted by Kueue", ray={"queueName": "experiments"}),
    case(
        "autoscaling, a group less",
        ray={
            "autoscaling": {"enabled": True},
            "workers": {"cpu": {"enabled": False}, "spot": {"drainSeconds": 30}},
        },
    ),
    case("another name", fullnameOverride="duel", nameOverride="duel", database={"user": "duel"}),
)


@dataclass(frozen=True)
class Rendered:
    """What helm made of a case."""

    documents: tuple[dict[str, Any], ...] = field(repr=False)
    notes: str = field(default="", repr=False)

    def of(self, kind: str, name: str = "") -> list[dict[str, Any]]:
        """The documents of one kind whose name ends so."""
        return [
            one
            for one in self.documents
            if one["kind"] == kind and one["metadata"]["name"].endswith(name)
        ]


def run(helm: Path, *arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run helm without any settings of this machine's user."""
    return subprocess.run(
        [str(helm), *arguments],
        input=text,
        capture_output=True,
        text=True,
        timeout=120,
        env={"HOME": "/nonexistent", "PATH": "/usr/bin:/bin"},
    )


def template(
    helm: Path, chosen: Case, version: str, *more: str, apis: tuple[str, ...] = APIS
) -> subprocess.CompletedProcess[str]:
    """Run `helm template` on a case."""
    files = [f"--values={CHART / f'values-{preset}.yaml'}" for preset in chosen.presets]
    known = [f"--api-versions={api}" for api in apis]
    return run(
        helm, "template", "try", str(CHART), "--namespace=lab", f"--kube-version={version}",
        *files, "--values=-", *known, *more, text=chosen.values,
    )  # fmt: skip


@functools.cache
def render(
    helm: Path, chosen: Case, version: str = KUBERNETES[1], upgrade: bool = False
) -> Rendered:
    """A case's documents."""
    done = template(helm, chosen, version, *(["--is-upgrade"] if upgrade else []))
    assert done.returncode == 0, done.stderr
    documents = yaml.load_all(done.stdout, Loader=yaml.CSafeLoader)
    return Rendered(tuple(one for one in documents if one))
