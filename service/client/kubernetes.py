"""A service that the Helm chart installed: its address and its first token, as kubectl tells them."""

from __future__ import annotations

import base64
import binascii
import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from service.contracts.errors import UserError

FORWARDED = "http://127.0.0.1:8700"
"""Where a port-forward puts the API, unless the chart knows the address under which people reach it."""

_COMPONENT = "app.kubernetes.io/component=api"
_ANSWER_SECONDS = 30


@dataclass(frozen=True)
class Installed:
    """A release of the chart.

    Args:
        url: where its API is reached.
        token: the first admin's.
        forward: the command that makes `url` reach it, None where it is reached anyway.
    """

    url: str
    token: str
    forward: str | None

    def __repr__(self) -> str:
        """Without the secret: a traceback shows it."""
        return f"Installed({self.url!r})"


def find(release: str, namespace: str | None = None, context: str | None = None) -> Installed:
    """Ask the cluster that kubectl is set up for.

    Args:
        release: the name given to `helm install`.
        namespace, context: as kubectl's options; None for kubectl's own.

    Raises:
        UserError: kubectl is not there or not allowed to, or there is no such release.
    """
    options = [f"--{key}={value}" for key, value in
               (("namespace", namespace), ("context", context)) if value]  # fmt: skip
    labels = f"app.kubernetes.io/instance={release},{_COMPONENT}"
    listed = _get(["deployments", f"--selector={labels}"], options).get("items", [])
    if len(listed) != 1:
        raise UserError(
            f"there is no release '{release}' of the chart here", key="--release", value=release,
            hint="helm list --all-namespaces names them; --namespace and --context choose where",
        )  # fmt: skip
    variables = {
        one["name"]: one for one in listed[0]["spec"]["template"]["spec"]["containers"][0]["env"]
    }
    source = variables["ARCHDUEL_ADMIN_TOKEN"]["valueFrom"]["secretKeyRef"]
    token = _secret(source["name"], source["key"], options)
    url = variables.get("ARCHDUEL_PUBLIC_URL", {}).get("value")
    if url:
        return Installed(url, token, None)
    name = listed[0]["metadata"]["name"]
    words = ["kubectl", "port-forward", *options, f"service/{name}", "8700:80"]
    return Installed(FORWARDED, token, " ".join(words))


def _secret(name: str, key: str, options: Sequence[str]) -> str:
    try:
        return base64.b64decode(_get(["secret", name], options)["data"][key]).decode()
    except (KeyError, binascii.Error, UnicodeDecodeError):
        raise UserError(f"the Secret {name} has no key {key}") from None


def _get(what: Sequence[str], options: Sequence[str]) -> Any:
    command = ["kubectl", "get", *what, *options, "--output=json"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_ANSWER_SECONDS)
    except FileNotFoundError:
        raise UserError(
            "kubectl is not installed here", hint="archduel login URL needs only a token"
        ) from None
    except subprocess.TimeoutExpired:
        raise UserError(f"kubectl did not answer within {_ANSWER_SECONDS} s") from None
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise UserError(
            f"kubectl: {lines[-1]}",
            hint="someone who may read its Secrets can give you a token for archduel login",
        )
    return json.loads(done.stdout)
