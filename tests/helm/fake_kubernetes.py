"""As much of a Kubernetes API server as helm asks for: it keeps objects, and ends Jobs at once.

It decides nothing: no admission, no defaults, no controllers. What it proves is what helm itself does
in which order, with `lookup`, hooks, upgrades and rollbacks.
"""

from __future__ import annotations

import base64
import json
import re
import select
import threading
import time
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

RESOURCES = {
    "v1": {
        "configmaps": "ConfigMap",
        "pods": "Pod",
        "secrets": "Secret",
        "services": "Service",
        "serviceaccounts": "ServiceAccount",
    },
    "apps/v1": {"deployments": "Deployment", "statefulsets": "StatefulSet"},
    "batch/v1": {"jobs": "Job"},
    "networking.k8s.io/v1": {"networkpolicies": "NetworkPolicy", "ingresses": "Ingress"},
    "policy/v1": {"poddisruptionbudgets": "PodDisruptionBudget"},
    "ray.io/v1": {"rayclusters": "RayCluster"},
}
_PATH = re.compile(
    r"/(?:api/(?P<core>v1)|apis/(?P<group>[^/]+/[^/]+))(?:/namespaces/(?P<namespace>[^/]+))?"
    r"/(?P<resource>[a-z]+)(?:/(?P<name>[^/]+))?$"
)


class Kubernetes:
    """The server and what it holds.

    Args:
        folder: where its kubeconfig is written.
    """

    def __init__(self, folder: Path) -> None:
        self.objects: dict[tuple[str, str], dict[str, Any]] = {}
        """By resource and name."""
        self.log: list[str] = []
        """Every change, as "verb resource/name"."""
        self.lock = threading.Lock()
        self.failing_jobs = False
        handler = type("Handler", (_Handler,), {"kubernetes": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.kubeconfig = folder / "kubeconfig"
        self.kubeconfig.write_text(yaml.safe_dump(self._access()), encoding="utf-8")

    def _access(self) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self._server.server_address[1]}"
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "fake", "cluster": {"server": url}}],
            "users": [{"name": "fake", "user": {}}],
            "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "fake"}}],
            "current-context": "fake",
        }

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def named(self, resource: str) -> dict[str, dict[str, Any]]:
        """The objects of one resource, by name; without helm's own records."""
        with self.lock:
            return {
                name: found
                for (kind, name), found in self.objects.items()
                if kind == resource and not name.startswith("sh.helm.")
            }

    def put(self, resource: str, name: str, found: dict[str, Any], verb: str) -> dict[str, Any]:
        """Keep an object, as a controller would leave it."""
        with self.lock:
            before = self.objects.get((resource, name))
            meta = found.setdefault("metadata", {})
            meta.setdefault("namespace", "lab")
            meta["uid"] = before["metadata"]["uid"] if before else str(uuid.uuid4())
            meta["resourceVersion"] = str(len(self.log) + 1)
            meta["generation"] = 1
            if resource == "jobs":
                end = "Failed" if self.failing_jobs else "Complete"
                found["status"] = {"conditions": [{"type": end, "status": "True", "reason": "x"}]}
            if resource == "pods":
                found["status"] = {"phase": "Succeeded"}
            self.objects[resource, name] = found
            if not name.startswith("sh.helm."):
                self.log.append(f"{verb} {resource}/{name}")
            return found


class _Handler(BaseHTTPRequestHandler):
    kubernetes: Kubernetes
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        asked = parse_qs(url.query)
        if url.path == "/version":
            return self._send({"major": "1", "minor": "34", "gitVersion": "v1.34.0"})
        if url.path == "/api":
            return self._send({"kind": "APIVersions", "versions": ["v1"]})
        if url.path == "/apis":
            return self._send({"kind": "APIGroupList", "apiVersion": "v1", "groups": _groups()})
        if url.path.startswith("/openapi/v3"):
            return self._send(_openapi(url.path.removeprefix("/openapi/v3").strip("/")))
        version = url.path.removeprefix("/apis/").removeprefix("/api/")
        if version in RESOURCES:
            return self._send(_resources(version))
        found = _PATH.match(url.path)
        if found is None:
            return self._missing()
        if found["name"]:
            there = self.kubernetes.objects.get((found["resource"], found["name"]))
            return self._send(there) if there else self._missing(found["name"])
        chosen = self._listed(found["resource"], asked)
        if asked.get("watch"):
            return self._watch(found["resource"], asked)
        kind, version = _kind(found["resource"])
        return self._send(
            {"kind": f"{kind}List", "apiVersion": version, "metadata": {"resourceVersion": "1"},
             "items": chosen}
        )  # fmt: skip

    def do_POST(self) -> None:
        self._keep("create")

    def do_PUT(self) -> None:
        self._keep("update")

    def do_PATCH(self) -> None:
        self._keep("apply")

    def do_DELETE(self) -> None:
        found = _PATH.match(urlsplit(self.path).path)
        assert found is not None
        self._body()
        with self.kubernetes.lock:
            gone = self.kubernetes.objects.pop((found["resource"], found["name"]), None)
            if gone is not None:
                self.kubernetes.log.append(f"delete {found['resource']}/{found['name']}")
        return self._send({"kind": "Status", "status": "Success"}) if gone else self._missing()

    def _keep(self, verb: str) -> None:
        found = _PATH.match(urlsplit(self.path).path)
        assert found is not None
        body = self._body()
        sent = _secret(body) if body.startswith(b"k8s\0") else yaml.safe_load(body)
        name = found["name"] or sent["metadata"]["name"]
        if verb == "create" and (found["resource"], name) in self.kubernetes.objects:
            return self._send(
                {"kind": "Status", "status": "Failure", "reason": "AlreadyExists"}, 409
            )
        self._send(self.kubernetes.put(found["resource"], name, sent, verb))
        return None

    def _listed(self, resource: str, asked: dict[str, list[str]]) -> list[dict[str, Any]]:
        wanted = dict(
            one.split("=") for one in asked.get("labelSelector", [""])[0].split(",") if "=" in one
        )
        field = asked.get("fieldSelector", [""])[0].removeprefix("metadata.name=")
        with self.kubernetes.lock:
            return [
                found
                for (kind, name), found in self.kubernetes.objects.items()
                if kind == resource
                and (not field or field == name)
                and wanted.items() <= found["metadata"].get("labels", {}).items()
            ]

    def _watch(self, resource: str, asked: dict[str, list[str]]) -> None:
        """What is there, a bookmark that says that this was all, and then what changes."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Connection", "close")
        self.end_headers()
        kind, version = _kind(resource)
        end = {"resourceVersion": "1", "annotations": {"k8s.io/initial-events-end": "true"}}
        known: dict[str, dict[str, Any]] = {}
        first = True
        while not self.wfile.closed:
            now = {one["metadata"]["name"]: one for one in self._listed(resource, asked)}
            events = [{"type": "ADDED", "object": one} for name, one in now.items()
                      if known.get(name) is not one]  # fmt: skip
            events += [
                {"type": "DELETED", "object": known[name]} for name in known.keys() - now.keys()
            ]
            if first:
                mark = {"kind": kind, "apiVersion": version, "metadata": end}
                events.append({"type": "BOOKMARK", "object": mark})
            known, first = now, False
            try:
                self.wfile.write("".join(json.dumps(one) + "\n" for one in events).encode())
                self.wfile.flush()
            except OSError:
                break
            time.sleep(0.05)
            if not select.select([], [self.connection], [], 0)[1]:
                break
        self.close_connection = True

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _missing(self, name: str = "") -> None:
        gone = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound",
                "message": f"{name} not found", "code": 404}  # fmt: skip
        self._send(gone, 404)

    def _send(self, answer: dict[str, Any], status: int = 200) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _openapi(version: str) -> dict[str, Any]:
    """That the server checks fields itself, for each kind: helm then leaves it to do so."""
    if not version:
        urls = {f"apis/{one}" if "/" in one else f"api/{one}" for one in RESOURCES}
        return {"paths": {one: {"serverRelativeURL": f"/openapi/v3/{one}"} for one in urls}}
    known = version.removeprefix("apis/").removeprefix("api/")
    group, _, short = known.rpartition("/")
    operation = {"parameters": [{"name": "fieldValidation", "in": "query", "schema": {}}]}
    return {
        "openapi": "3.0.0",
        "info": {"title": "fake", "version": "1"},
        "paths": {
            f"/{version}/namespaces/{{namespace}}/{name}/{{name}}": {
                "patch": {
                    **operation,
                    "x-kubernetes-group-version-kind": {
                        "group": group,
                        "version": short,
                        "kind": kind,
                    },
                }
            }
            for name, kind in RESOURCES[known].items()
        },
    }


def _secret(body: bytes) -> dict[str, Any]:
    """A Secret in protocol buffers: so helm sends its own records.

    Fields of k8s.io/api/core/v1 generated.proto (Secret: 1 metadata, 2 data, 3 type) and of
    k8s.io/apimachinery (Unknown: 2 raw; ObjectMeta: 1 name, 11 labels).
    """
    (raw,) = [value for number, value in _fields(body[4:]) if number == 2]
    found: dict[str, Any] = {"kind": "Secret", "apiVersion": "v1", "data": {}, "metadata": {}}
    for number, value in _fields(raw):
        if number == 1:
            meta = list(_fields(value))
            labels = [dict(_fields(one)) for field, one in meta if field == 11]
            found["metadata"]["name"] = next(one for field, one in meta if field == 1).decode()
            found["metadata"]["labels"] = {one[1].decode(): one[2].decode() for one in labels}
        elif number == 2:
            entry = dict(_fields(value))
            found["data"][entry[1].decode()] = base64.b64encode(entry[2]).decode()
        elif number == 3:
            found["type"] = value.decode()
    return found


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """The numbers and contents of a message's fields that have a length."""
    position = 0

    def number() -> int:
        nonlocal position
        value = shift = 0
        while True:
            byte = message[position]
            position += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    while position < len(message):
        tag = number()
        size = number()
        if tag & 7 == 2:
            yield tag >> 3, message[position : position + size]
            position += size


def _kind(resource: str) -> tuple[str, str]:
    return next((kinds[resource], one) for one, kinds in RESOURCES.items() if resource in kinds)


def _groups() -> list[dict[str, Any]]:
    found = []
    for one in RESOURCES:
        if "/" in one:
            version = {"groupVersion": one, "version": one.split("/")[1]}
            found.append(
                {"name": one.split("/")[0], "versions": [version], "preferredVersion": version}
            )
    return found


def _resources(version: str) -> dict[str, Any]:
    verbs = ["create", "delete", "get", "list", "patch", "update", "watch"]
    return {
        "kind": "APIResourceList",
        "groupVersion": version,
        "resources": [
            {"name": name, "namespaced": True, "kind": kind, "singularName": "", "verbs": verbs}
            for name, kind in RESOURCES[version].items()
        ],
    }
