"""Where uploads, reports and logs lie: a folder or an object store (fsspec)."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from service.contracts.errors import ArchduelError, Unavailable

UPLOADS = "uploads"

SURELY_KEPT = 86_400.0
"""Seconds for which an uploaded file is there for a submission that names it."""

_PIECE = 1 << 20


class Blobs:
    """Files by name, below one address. It may be used from several threads.

    A name is made by archduel alone (a hash, an id, a fixed word), never by a user.

    Args:
        url: "file:///folder", "s3://bucket/prefix" or another that fsspec knows.
        endpoint: the S3 server's address where it is not Amazon's.

    Raises:
        ArchduelError: there is no such kind of store here.
    """

    def __init__(self, url: str, endpoint: str | None = None) -> None:
        import fsspec

        # Other processes write, too: what was listed before says nothing.
        options: dict[str, Any] = {"use_listings_cache": False}
        if endpoint:
            options["endpoint_url"] = endpoint
        try:
            self._files, self._root = fsspec.url_to_fs(url, **options)
        except (ValueError, ImportError) as error:
            raise ArchduelError(f"the store cannot be used ({error})") from error
        self._is_local = "file" in _protocols(self._files)
        self._place = f"the store {url.split('?')[0]}"

    # Uploaded files, by their hash

    def size(self, sha256: str) -> int | None:
        """Bytes of an uploaded file; None where there is none of this hash, or an old one.

        An old one may be about to be removed (`remove_uploads`): who submits it sends it again,
        and it is young again.
        """
        with self._explained(), suppress(FileNotFoundError):
            path = self._path(_upload(sha256))
            size, age = int(self._files.size(path)), time.time() - self._written(path)
            return size if age < SURELY_KEPT else None
        return None

    def remove_uploads(self, needed: Collection[str], older: float) -> int:
        """Remove uploaded files that no experiment needs, and what broken uploads left.

        Args:
            needed: hashes of those to be kept, read just now.
            older: seconds; younger ones are kept anyway. At least twice `SURELY_KEPT`: what a
                submission found here is then named by its entry before it can be removed.

        Returns:
            How many there were.
        """
        assert older >= 2 * SURELY_KEPT
        removed = 0
        with self._explained(), suppress(FileNotFoundError):
            for path in self._files.find(self._path(UPLOADS)):
                old = time.time() - self._written(path) > older
                if old and path.rsplit("/", 1)[1] not in needed:
                    with suppress(FileNotFoundError):  # another service process was first
                        self._files.rm_file(path)
                        removed += 1
        return removed

    def put(self, sha256: str, content: BinaryIO) -> None:
        """Keep an uploaded file whose hash is known to be this."""
        with self._explained(), self._writing(_upload(sha256)) as file:
            while piece := content.read(_PIECE):
                file.write(piece)

    def fetch(self, sha256: str) -> bytes:
        """An uploaded file's bytes.

        Raises:
            ArchduelError: it is gone.
        """
        content = self.read(_upload(sha256))
        if content is None:
            raise ArchduelError(f"{self._place} lost the uploaded file {sha256}")
        return content

    # What drivers leave, by its name

    def read(self, name: str) -> bytes | None:
        """A file's bytes; None where there is none."""
        with self._explained(), suppress(FileNotFoundError):
            return bytes(self._files.cat_file(self._path(name)))
        return None

    def write(self, name: str, content: bytes) -> None:
        """Keep a file in place of an earlier one; a reader sees the one or the other."""
        with self._explained(), self._writing(name) as file:
            file.write(content)

    def write_all(self, folder: str, files: Mapping[str, Path]) -> None:
        """Keep these files below a folder, by their names in it."""
        for name, path in files.items():
            self.write(f"{folder}/{name}", path.read_bytes())

    def remove(self, folder: str) -> None:
        """Remove a folder with all that is in it; one that is not there is fine."""
        with self._explained(), suppress(FileNotFoundError):
            self._files.rm(self._path(folder), recursive=True)

    def check(self) -> None:
        """See whether the store can be written and read.

        Raises:
            Unavailable: it cannot.
        """
        self.write("checks/ready", b"ready")
        self.read("checks/ready")

    def _written(self, path: str) -> float:
        """Seconds since 1970 when this file was written."""
        return float(self._files.modified(path).timestamp())

    def _path(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}"

    @contextmanager
    def _writing(self, name: str) -> Iterator[Any]:
        path = self._path(name)
        if not self._is_local:  # an object appears when it is complete
            with self._files.open(path, "wb") as file:
                yield file
            return
        part = Path(f"{path}.{uuid.uuid4().hex}.part")
        part.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise
        except Exception as error:  # Each kind of store has errors of its own.
            reason = " ".join(str(error).split()) or type(error).__name__
            raise Unavailable(f"{self._place} cannot be used now ({reason[:300]})") from error


def _upload(sha256: str) -> str:
    return f"{UPLOADS}/{sha256[:2]}/{sha256}"


def _protocols(files: Any) -> tuple[str, ...]:
    known = files.protocol
    return (known,) if isinstance(known, str) else tuple(known)
