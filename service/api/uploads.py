"""Files that travel with a submission: one at a time, named by the hash of their bytes.

There are no archives, so nothing is unpacked, and what a file is called plays no part here.
"""

from __future__ import annotations

import errno
import hashlib
from tempfile import TemporaryFile
from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.concurrency import run_in_threadpool

from service.api.context import Asks, Serves
from service.api.identity import BEARER, needs
from service.api.problems import Refused, told
from service.contracts.entry import Role
from service.contracts.wire import PATTERN_SHA256

router = APIRouter(
    prefix="/v1", tags=["files"], route_class=needs(Role.SUBMITTER), dependencies=[BEARER]
)

Hash = Annotated[str, Path(pattern=PATTERN_SHA256, examples=["0" * 64])]


@router.put(
    "/blobs/{sha256}",
    status_code=204,
    responses=told(400, 507),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/octet-stream": {"schema": {"format": "binary"}}},
        }
    },
)
async def keep(sha256: Hash, request: Request, service: Serves, caller: Asks) -> None:
    """Send a file's bytes as the request's body; they must have this hash."""
    digest = hashlib.sha256()
    try:
        with TemporaryFile() as content:
            async for chunk in request.stream():
                digest.update(chunk)
                content.write(chunk)
            if digest.hexdigest() != sha256:
                raise Refused(400, f"the bytes have the hash {digest.hexdigest()}, not this one")
            content.seek(0)
            await run_in_threadpool(service.files.put, sha256, content)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise Refused(507, "the service's disk is full; its operator has to make room") from error
