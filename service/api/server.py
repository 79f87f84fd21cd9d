"""Listens, and answers until it is told to stop."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

from service.contracts.errors import UserError

BACKLOG = 512
GRACE_SECONDS = 3
"""What is being answered has so long when the service stops; streams are cut then, and go on
elsewhere or later."""

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def listen(host: str, port: int) -> socket.socket:
    """A socket on this address.

    Raises:
        UserError: it is taken, or not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sends small answers at once only where the protocol is named: else Nagle's algorithm
    # and delayed acknowledgements cost 40 ms each.
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        made.listen(BACKLOG)
    except OSError as error:
        made.close()
        raise UserError(
            f"cannot listen there: {error.strerror or error}", key="--host, --port",
            value=f"{host}:{port}", hint="is another archduel serve running?",
        ) from error  # fmt: skip
    return made


def address(listening: socket.socket) -> str:
    """The address of a socket for a browser on this machine."""
    host, port = listening.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "::1": "[::1]"}.get(host, host)
    return f"http://{shown}:{port}"


def run(app: ASGIApp, listening: socket.socket, started: Callable[[], None]) -> None:
    """Answer until SIGINT or SIGTERM.

    Args:
        app: the application.
        listening: from `listen`.
        started: called once it answers.
    """
    logging.basicConfig(format=_FORMAT, level=logging.INFO)
    config = uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, lifespan="off",
        timeout_graceful_shutdown=GRACE_SECONDS, timeout_keep_alive=30, backlog=BACKLOG,
    )  # fmt: skip
    for quiet in ("uvicorn.error", "httpx"):  # httpx tells of every look at Ray's jobs
        logging.getLogger(quiet).setLevel(logging.WARNING)
    _Server(config, started).run(sockets=[listening])


class _Server(uvicorn.Server):
    """Says when it answers."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._said = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._said()
