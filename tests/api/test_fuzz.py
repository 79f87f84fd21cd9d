"""Whatever a submitter sends: the service answers with a line, and writes only where it should."""

from __future__ import annotations

import random
import string
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.api.service_rig import CONFIG, Rig, sha256

QUICK, THOROUGH = 60, 10_000
FINE = {200, 201, 204, 400, 404, 405, 409, 413, 422, 429}
"""Everything but a fault (5xx) and a refusal of the token, which is a good one here."""

NUMBERS = (
    "1e999", "-1", "0", "1" * 400, "9" * 18, "0x" + "f" * 300, "1e-400", ".inf", ".nan", "-.inf",
    "1_000_000_000_000", "1e308", "4294967296", "0b1", "0o7", "1:30:00", "true", "null", "~",
)  # fmt: skip
NAMES = (
    "../x", "../../../../etc/passwd", "/etc/passwd", "a/../../x", "a\\..\\x", "C:\\x", "..",
    ".", "", "a/", "/", "x\0", "con", "a" * 300, "a/" * 50, "~root/x", "$HOME", "%2e%2e/x",
    "..%2fx", "\u202egpj.exe", "a\nb", "-rf", "config.yaml", "pair.py", "data/x.csv", "é", "e\u0301",
)  # fmt: skip
YAML = (
    "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n",
    "<<: *x\n", "!!python/object/apply:os.system ['touch /tmp/pwned']\n", "%YAML 1.1\n---\nx: yes\n",
    "--- a\n--- b\n", "? [a]\n: b\n", "x: |\n" + " y\n" * 500, "[" * 500, "{a: " * 300, "\t- x\n",
    "\ufeffexperiment: x\n", "experiment: x\nexperiment: y\n", "- a\n- b\n", "null", "", " ", "#",
    "x: !!binary aGk=\n", "x: 2001-01-01\n", "'" * 99, '"\\ud800"', "a: b: c\n", ": :", "&a *a",
)  # fmt: skip
KEYS = (
    "search.trials", "search.epochs", "search.batch", "design.repetitions", "design.seed",
    "design.confidence", "design.retrain", "design.reserve", "resources.workers", "data.source",
    "data.path", "pairs", "experiment", "tracking.mlflow", "match", "backend", "training.strategy",
    "search.space.iris.width", "nonsense", "search", "a.b.c.d.e",
)  # fmt: skip


class Fuzzer:
    """Makes requests that a submitter may send.

    Args:
        seed: of everything.
    """

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)

    def request(self, client: TestClient, headers: dict[str, str]):
        """Send one."""
        kind = self.rng.choice(("config", "config", "override", "files", "body", "blob", "path"))
        if kind == "body":
            content = self.mangled(b'{"config": "experiment: x\\npairs: [iris]\\n", "priority": 1}')
            json_headers = {**headers, "Content-Type": "application/json"}
            return client.post("/v1/experiments", content=content, headers=json_headers)
        if kind == "blob":
            return self.blob(client, headers)
        if kind == "path":
            path = "/".join(self.rng.choice((*NAMES, "v1", "experiments", "x" + "0" * 16, "events"))
                            for _ in range(self.rng.randint(1, 5)))  # fmt: skip
            path = "".join(
                letter if letter.isprintable() else f"%{ord(letter):02x}" for letter in path
            )
            return client.request(self.rng.choice(("GET", "POST", "PUT", "DELETE")),
                                  f"/v1/{path}", headers=headers)  # fmt: skip
        body = {"config": CONFIG, "anew": True}
        if kind == "config":
            body["config"] = self.config()
        elif kind == "override":
            body["overrides"] = [self.override() for _ in range(self.rng.randint(1, 3))]
        else:
            body["files"] = [
                {"path": self.rng.choice(NAMES), "sha256": sha256(b"known")}
                for _ in range(self.rng.randint(1, 3))
            ]
            pair = self.rng.choice(NAMES).replace("\0", "").replace("\n", "")
            body["config"] = f"experiment: x\npairs: ['./{pair}.py:PAIR', '{pair}']\n"
        return client.post("/v1/experiments", json=body, headers=headers)

    def blob(self, client: TestClient, headers: dict[str, str]):
        """Send a file: too large, under a wrong hash, under none."""
        content = self.rng.choice((b"", b"known", b"\0" * 100_001, self.rng.randbytes(300)))
        name = self.rng.choice((sha256(content), sha256(b"other"), "../x", "%2e%2e%2fx", "0" * 63))
        return client.put(f"/v1/blobs/{name}", content=content, headers=headers)

    def config(self) -> str:
        """A config that is nearly right, or nothing of the kind."""
        if self.rng.random() < 0.4:
            return self.rng.choice(YAML) + (CONFIG if self.rng.random() < 0.5 else "")
        if self.rng.random() < 0.5:
            return self.mangled(CONFIG.encode()).decode("utf-8", "replace")
        key, _, rest = self.rng.choice(KEYS).partition(".")
        value = self.rng.choice((*NUMBERS, *NAMES)).replace("\0", "").replace("\n", " ")
        nested = (
            f"{{{rest.replace('.', ': {')}: {value}" + "}" * (rest.count(".") + 1)
            if rest
            else value
        )
        return f"experiment: x\npairs: [iris]\n{key}: {nested}\n"

    def override(self) -> str:
        """A value for a key, or something like it."""
        value = self.rng.choice((*NUMBERS, *NAMES, *YAML))
        return f"{self.rng.choice(KEYS)}{self.rng.choice(('=', '=', '=', ''))}{value}"[:4000]

    def mangled(self, content: bytes) -> bytes:
        """Some bytes of it changed, doubled or left out."""
        found = bytearray(content)
        for _ in range(self.rng.randint(1, 4)):
            place = self.rng.randrange(len(found))
            what = self.rng.random()
            if what < 0.4:
                found[place] = self.rng.choice(string.printable.encode() + b"\0\xff\xed\xa0")
            elif what < 0.7:
                del found[place : place + self.rng.randint(1, 5)]
                found = found or bytearray(b"x")
            else:
                found[place:place] = found[: self.rng.randint(1, 30)]
        return bytes(found)


def everything_below(folder: Path) -> set[Path]:
    """All files and folders."""
    return {path.relative_to(folder) for path in folder.rglob("*")}


def fuzz(folder: Path, monkeypatch: pytest.MonkeyPatch, count: int) -> dict[int, int]:
    """Send so many requests; returns how often each status came."""
    rig = Rig(folder / "service")
    (folder / "working").mkdir()
    monkeypatch.chdir(folder / "working")
    statuses: dict[int, int] = {}
    fuzzer = Fuzzer(count)
    with TestClient(rig.app) as client:
        client.put(f"/v1/blobs/{sha256(b'known')}", content=b"known", headers=rig.bearer("sam"))
        for number in range(count):
            answer = fuzzer.request(client, rig.bearer("sam"))
            assert answer.status_code in FINE, (number, answer.status_code, answer.text[:300])
            if answer.status_code >= 400:
                assert "\n" not in answer.json()["detail"], (number, answer.text[:300])
                assert len(answer.text) < 20_000, number
            statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
        assert client.get("/healthz").status_code == 200
    assert everything_below(folder / "working") == set()
    assert all(sha256(file.read_bytes()) == file.name for file in rig.files.path.iterdir())
    below = {path.parts[0] for path in everything_below(folder)}
    assert below == {"service", "working"}
    names = {path.name for path in (folder / "service").iterdir()}
    assert names <= {"queue.db", "queue.db-wal", "queue.db-shm", "files"}
    return statuses


def test_a_few_strange_requests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    statuses = fuzz(tmp_path, monkeypatch, QUICK)
    assert sum(statuses.values()) == QUICK


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_ten_thousand_strange_requests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    statuses = fuzz(tmp_path, monkeypatch, THOROUGH)
    assert sum(statuses.values()) == THOROUGH
    assert statuses[201] > 10
    assert statuses[422] > 1000
    assert not Path("/tmp/pwned").exists()
