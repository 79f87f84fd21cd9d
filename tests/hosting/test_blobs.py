"""The blob store in a folder."""

import hashlib
import io

import pytest

from service.contracts.errors import ArchduelError, Unavailable
from service.hosting.blobs import Blobs

CONTENT = b"some pair" * 1000
SHA = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def blobs(tmp_path):
    return Blobs((tmp_path / "store").as_uri())


def test_an_upload_comes_back_by_its_hash(blobs):
    assert blobs.size(SHA) is None
    blobs.put(SHA, io.BytesIO(CONTENT))
    blobs.put(SHA, io.BytesIO(CONTENT))
    assert blobs.size(SHA) == len(CONTENT)
    assert blobs.fetch(SHA) == CONTENT
    with pytest.raises(ArchduelError, match="lost the uploaded file"):
        blobs.fetch("0" * 64)


def test_an_upload_that_breaks_off_leaves_nothing(blobs, tmp_path):
    class Broken(io.BytesIO):
        def read(self, size=-1):
            raise ConnectionResetError("gone")

    with pytest.raises(Unavailable):
        blobs.put(SHA, Broken())
    assert blobs.size(SHA) is None
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_files_by_name(blobs, tmp_path):
    assert blobs.read("runs/x/report.html") is None
    blobs.write("runs/x/report.html", b"one")
    blobs.write("runs/x/report.html", b"two")
    (tmp_path / "a.svg").write_bytes(b"svg")
    blobs.write_all("runs/x", {"drawings/a.svg": tmp_path / "a.svg"})
    assert blobs.read("runs/x/report.html") == b"two"
    assert blobs.read("runs/x/drawings/a.svg") == b"svg"
    blobs.remove("runs/x")
    blobs.remove("runs/x")
    assert blobs.read("runs/x/drawings/a.svg") is None


def test_a_store_that_cannot_be_written_says_so(tmp_path):
    (tmp_path / "store").write_text("a file in the folder's place")
    with pytest.raises(Unavailable, match="cannot be used now"):
        Blobs((tmp_path / "store").as_uri()).check()


def test_an_unknown_kind_of_store_is_refused():
    with pytest.raises(ArchduelError, match="cannot be used"):
        Blobs("carrier-pigeon://coop")
