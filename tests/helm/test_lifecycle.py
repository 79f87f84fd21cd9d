"""Install, upgrade, test, roll back and uninstall, by the real helm against a fake API server."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.helm.fake_kubernetes import Kubernetes
from tests.helm.rendering import CHART, run

Helm = Callable[..., subprocess.CompletedProcess[str]]
PREVIOUS = Path(__file__).parent / "previous" / "archduel-0.1.0.tgz"
LAPTOP = f"--values={CHART / 'values-laptop.yaml'}"


@pytest.fixture
def kubernetes(tmp_path: Path) -> Iterator[Kubernetes]:
    server = Kubernetes(tmp_path)
    yield server
    server.close()


@pytest.fixture
def call(helm: Path, kubernetes: Kubernetes) -> Helm:
    """Runs helm against the server."""

    def run_it(*arguments: str, ends: int = 0) -> subprocess.CompletedProcess[str]:
        where = ("--kubeconfig", str(kubernetes.kubeconfig), "--namespace", "lab")
        done = run(helm, *arguments, *where)
        assert done.returncode == ends, done.stderr
        return done

    return run_it


def drawn(kubernetes: Kubernetes) -> dict[str, dict[str, str]]:
    return {name: one["data"] for name, one in kubernetes.named("secrets").items()}


def test_an_upgrade_keeps_the_secrets_and_migrates_first(
    kubernetes: Kubernetes, call: Helm
) -> None:
    call("install", "try", str(PREVIOUS), LAPTOP)
    secrets = drawn(kubernetes)
    assert secrets.keys() == {
        f"try-archduel-{name}" for name in ("admin", "postgresql", "ray-token", "s3")
    }
    kubernetes.log.clear()

    told = call("upgrade", "try", str(CHART), LAPTOP, "--set", "api.maxRunning=3").stdout
    assert [line for line in told.splitlines() if line.startswith("  archduel")] == [
        "  archduel config init --release try --namespace lab",
        "  archduel submit configs/iris.yaml --follow",
    ]
    assert drawn(kubernetes) == secrets
    assert kubernetes.log[0] == "apply jobs/try-archduel-migration-upgrade"
    kubernetes.log.clear()

    assert call("test", "try").stdout.count("Phase:          Succeeded") == 5
    started = {one for one in kubernetes.log if one.startswith("apply pods/")}
    checks = ("api", "mlflow", "ray", "s3")
    assert started == {f"apply pods/try-archduel-test-{name}" for name in checks}
    assert kubernetes.named("pods") == {}

    call("rollback", "try", "1")
    assert drawn(kubernetes) == secrets
    call("uninstall", "try")
    assert drawn(kubernetes) == secrets, (
        "the volumes outlive an uninstall, and so their passwords do"
    )
    call("install", "try", str(CHART), LAPTOP)
    assert drawn(kubernetes) == secrets


def test_a_migration_that_fails_changes_nothing(kubernetes: Kubernetes, call: Helm) -> None:
    call("install", "try", str(CHART), LAPTOP)
    kubernetes.log.clear()
    kubernetes.failing_jobs = True
    call("upgrade", "try", str(CHART), LAPTOP, "--set", "api.maxRunning=3", ends=1)
    assert kubernetes.log == ["apply jobs/try-archduel-migration-upgrade"]
