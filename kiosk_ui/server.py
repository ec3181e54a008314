"""Serves the screens from inside the hub's process on cheroot.

It must never keep a thread on an open stream: the event stream's socket is handed to the stream's
own thread, and the worker is free again.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cheroot import wsgi
from cheroot.ssl.builtin import BuiltinSSLAdapter
from flask import Flask

from kiosk_ui.app import create_app
from kiosk_ui.ports import Hub
from kiosk_ui.stream import Stream

HANDOVER: Final = "storehub.handover"
SPARE_THREADS: Final = 10
KEEP_ALIVE: Final = 200
BIGGEST_BODY: Final = 32 * 1_048_576  # read and thrown away; the app answers 413 far earlier


class _Gateway(wsgi.Gateway_10):
    """Lets the app keep a connection's socket after the response's headers."""

    def __init__(self, req: Any) -> None:
        super().__init__(req)
        self.taken: list[Callable[[Any], None]] = []
        self.env[HANDOVER] = self.taken

    def start_response(self, status: str, headers: Any, exc_info: Any = None) -> Any:
        if self.taken:
            # no chunks and no keep-alive: the socket will belong to the stream
            self.req.response_protocol = "HTTP/1.0"
        return super().start_response(status, headers, exc_info)

    def respond(self) -> None:
        super().respond()
        if self.taken:
            connection = self.req.conn
            self.req.close_connection = True
            connection.linger = True  # cheroot then leaves the socket open (MEASURED.md)
            connection.socket.settimeout(None)
            self.taken[0](connection.socket)


@dataclass
class Running:
    """A server that answers on `port` until `stop`."""

    port: int
    app: Flask
    _server: wsgi.Server
    _thread: threading.Thread
    stream: Stream

    def alive(self) -> bool:
        return self._thread.is_alive() and self.stream.alive()

    def stop(self) -> None:
        self._server.stop()
        self._thread.join(10)
        self.stream.stop()


def serve(
    hub: Hub,
    host: str,
    port: int,
    *,
    certificate: tuple[Path, Path] | None = None,
    app: Flask | None = None,
) -> Running:
    """Listen on host:port (0 = any free one) and serve the screens in the background."""
    app = app or create_app(hub)
    stream: Stream = app.extensions["storehub_stream"]
    server = wsgi.Server(
        (host, port),
        app,
        numthreads=hub.options.screens + SPARE_THREADS,
        server_name="storehub",
        request_queue_size=128,
        timeout=30,
        shutdown_timeout=3,
    )
    server.gateway = _Gateway
    server.keep_alive_conn_limit = KEEP_ALIVE
    server.max_request_body_size = BIGGEST_BODY
    if certificate is not None:
        server.ssl_adapter = BuiltinSSLAdapter(*map(str, certificate))
    server.prepare()
    thread = threading.Thread(target=server.serve, name="screens-http", daemon=True)
    thread.start()
    return Running(server.bind_addr[1], app, server, thread, stream)
