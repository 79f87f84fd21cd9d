"""An application behind a real socket, in a thread of this process."""

from __future__ import annotations

import threading
from types import TracebackType

import uvicorn
from fastapi import FastAPI

from service.api.server import address, listen


class LiveServer:
    """Answers while the block runs.

    Args:
        app: the application.
    """

    def __init__(self, app: FastAPI) -> None:
        self._socket = listen("127.0.0.1", 0)
        self.url = address(self._socket)
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off",
                                timeout_graceful_shutdown=1)  # fmt: skip
        self._server = uvicorn.Server(config)
        sockets = [self._socket]
        self._thread = threading.Thread(target=self._server.run, args=(sockets,), daemon=True)

    def __enter__(self) -> LiveServer:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.should_exit = True
        self._thread.join(20)
        self._socket.close()
