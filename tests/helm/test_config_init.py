"""`archduel config init` with the real kubectl, against a stand-in for the Kubernetes API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from service.cli.application import app
from service.client import profiles
from tests.helm import tools
from tests.helm.fake_kubernetes import Kubernetes
from tests.helm.rendering import Case, case, render

INGRESS = {"enabled": True, "host": "archduel.example.com", "tlsSecret": "tls"}


@pytest.fixture
def kubernetes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kubernetes]:
    """A cluster that kubectl is set up for, and a profile file of our own."""
    if tools.find("kubectl") is None:
        pytest.skip("kubectl was not fetched: make helm-tools")
    server = Kubernetes(tmp_path)
    monkeypatch.setenv("KUBECONFIG", str(server.kubeconfig))
    monkeypatch.setenv("PATH", str(tools.FOLDER), prepend=":")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(profiles.PROFILES, str(tmp_path / "profiles.toml"))
    yield server
    server.close()


def install(kubernetes: Kubernetes, helm: Path, chosen: Case) -> dict[str, Any]:
    """Put what the chart renders into the cluster; returns its Secrets by name."""
    rendered = render(helm, chosen)
    for one in rendered.of("Deployment"):
        kubernetes.put("deployments", one["metadata"]["name"], json.loads(json.dumps(one)), "apply")
    secrets = {one["metadata"]["name"]: one for one in rendered.of("Secret")}
    for name, one in secrets.items():
        kubernetes.put("secrets", name, json.loads(json.dumps(one)), "apply")
    return secrets


def init(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["config", "init", "--release", "try", "-n", "lab", *arguments])


def test_without_an_ingress_it_tells_the_port_forward(kubernetes: Kubernetes, helm: Path) -> None:
    install(kubernetes, helm, case("laptop"))
    done = init()
    assert done.exit_code == 0, done.output
    forward = "kubectl port-forward --namespace=lab service/try-archduel-api 8700:80"
    assert forward in done.stderr.replace("\n", " ")
    known, default = profiles.load(profiles.profile_file())
    assert default == "try"
    assert known["try"].url == "http://127.0.0.1:8700"
    assert len(known["try"].token or "") == 43
    assert (known["try"].token or "?") not in done.output


def test_with_an_ingress_it_is_its_address(kubernetes: Kubernetes, helm: Path) -> None:
    install(kubernetes, helm, case("ingress", ingress=INGRESS))
    told = json.loads(init("--name", "team", "--json").stdout)
    assert told == {"profile": "team", "url": "https://archduel.example.com", "port_forward": None}


def test_a_token_never_travels_in_the_clear(kubernetes: Kubernetes, helm: Path) -> None:
    install(kubernetes, helm, case("plain", ingress={**INGRESS, "tlsSecret": ""}))
    done = init()
    assert done.exit_code == 2
    assert "would send the token in the clear" in done.stderr


def test_what_is_missing_is_one_line(
    kubernetes: Kubernetes, helm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = init()
    assert done.exit_code == 2
    assert "there is no release 'try' of the chart here" in done.stderr
    install(kubernetes, helm, case("laptop"))
    kubernetes.objects.pop(("secrets", "try-archduel-admin"))
    assert "kubectl: " in init().stderr
    monkeypatch.setenv("KUBECONFIG", str(kubernetes.kubeconfig.with_name("other")))
    kubernetes.kubeconfig.with_name("other").write_text(yaml.safe_dump({"kind": "Config"}))
    assert init().exit_code == 2
    monkeypatch.setenv("PATH", "/nonexistent")
    assert "kubectl is not installed here" in init().stderr
