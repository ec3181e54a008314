"""Serves the screens from inside the hub's process on cheroot.

It must never keep a thread on an open stream: the event stream's socket is handed to the stream's
own thread, and the worker is free again. Nor on a connection that has not said anything yet.
"""

import logging
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cheroot import wsgi
from cheroot.makefile import MakeFile, StreamReader
from cheroot.server import HTTPConnection
from flask import Flask

from hub.errors import Unavailable
from hub.patience import Hearing, Patience
from kiosk_ui.app import create_app
from kiosk_ui.ports import Hub
from kiosk_ui.stream import Stream
from kiosk_ui.tls import Door

log = logging.getLogger(__name__)

HANDOVER: Final = "storehub.handover"
SPARE_THREADS: Final = 10
# Connections that say nothing, in all and of one address: a process has 1,024 files in most places,
# and whoever takes them all takes the writer's and the broker's too.
WAITING_MOST: Final = 300
WAITING_EACH: Final = 150
KEEP_ALIVE: Final = 200
IDLE_S: Final = 30
# A photo over a poor wireless link, whole. Nobody's device needs a second for anything else.
REQUEST_S: Final = 30.0
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


class _Connection(HTTPConnection):
    """Reads with patience: who speaks slowly keeps no worker for long, nor many at a time."""

    def __init__(self, server: Any, sock: Any, makefile: Any = MakeFile) -> None:
        super().__init__(server, sock, makefile)
        self._hearing = Hearing(sock, server.patience, server.timeout)
        self.rfile = _Reader(self._hearing, self.rbufsize)

    def communicate(self) -> bool:
        self._hearing.request(self.remote_addr)
        try:
            return bool(super().communicate())  # type: ignore[no-untyped-call]
        finally:
            self._hearing.heard()


class _Reader(StreamReader):
    """cheroot's reader, over what is read with patience."""

    def __init__(self, hearing: Hearing, size: int) -> None:
        super(StreamReader, self).__init__(hearing, size)
        self.bytes_read = 0


class _Server(wsgi.Server):
    """Gives a worker to a connection when there is something to read, and not before."""

    ConnectionClass = _Connection
    patience: Patience

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
        # Who goes away while it is answered is no error of ours, whatever TLS says of it.
        if isinstance(sys.exc_info()[1], OSError):
            log.info("A client went away: %s", msg)
        else:
            log.log(level, msg, exc_info=traceback)

    @staticmethod
    def bind_socket(socket_: socket.socket, bind_addr: Any) -> socket.socket:
        try:
            socket_.bind(bind_addr)
        except OSError:
            socket_.close()  # cheroot would leave it open
            raise
        return socket_

    def process_conn(self, conn: Any) -> None:
        if conn.last_used is not None:
            super().process_conn(conn)
        elif self._is_crowded(conn.remote_addr):
            conn.close()
        else:
            self.put_conn(conn)

    def _is_crowded(self, source: str) -> bool:
        """Do so many wait that one more could leave the hub without files to open?"""
        # cheroot names them nowhere else.
        known = self._connections._selector.connections  # type: ignore[attr-defined]
        waiting = [one.remote_addr for _, one in known if one is not self]
        return len(waiting) >= WAITING_MOST or waiting.count(source) >= WAITING_EACH

    def put_conn(self, conn: Any) -> None:
        # What TLS has read ahead is not seen by a selector.
        if isinstance(conn.socket, ssl.SSLSocket) and conn.socket.pending():
            conn.last_used = time.time()
            self.process_conn(conn)
        else:
            super().put_conn(conn)

    def welcome(self, sock: ssl.SSLSocket, source: Any) -> None:
        """Take in a connection that has shaken hands over TLS."""
        sock.settimeout(self.timeout)
        conn = _Connection(self, sock, MakeFile)
        conn.remote_addr, conn.remote_port = source[:2]
        port = str(sock.getsockname()[1])
        conn.ssl_env = {"wsgi.url_scheme": "https", "HTTPS": "on", "SERVER_PORT": port}
        self.process_conn(conn)


@dataclass
class Running:
    """A server that answers on `port`, and over TLS on `https_port` (0 = not), until `stop`."""

    port: int
    app: Flask
    _server: _Server
    _thread: threading.Thread
    stream: Stream
    _door: Door | None = None

    @property
    def https_port(self) -> int:
        return 0 if self._door is None else self._door.port

    def alive(self) -> bool:
        door = self._door is None or self._door.alive()
        return self._thread.is_alive() and self.stream.alive() and door

    def open_tls(self, host: str, port: int, certificate: tuple[Path, Path]) -> None:
        """Serve the same over TLS on host:port (0 = any free one). Raises Unavailable."""
        try:
            self._door = Door(host, port, certificate, self._server.welcome)
        except OSError as error:
            raise _taken(host, port, "https_port", error) from error
        self._door.start()

    def renew(self, certificate: tuple[Path, Path]) -> None:
        """Show another certificate to whoever comes from now on."""
        if self._door is not None:
            self._door.renew(certificate)

    def stop(self) -> None:
        if self._door is not None:
            self._door.stop()
        self._server.stop()
        self._thread.join(10)
        self.stream.stop()


def serve(hub: Hub, host: str, port: int, *, app: Flask | None = None) -> Running:
    """Listen on host:port (0 = any free one) and serve the screens in the background.

    Raises Unavailable when the port is taken.
    """
    app = app or create_app(hub)
    stream: Stream = app.extensions["storehub_stream"]
    server = _Server(
        (host, port),
        app,
        numthreads=hub.options.screens + SPARE_THREADS,
        server_name="storehub",
        request_queue_size=128,
        timeout=IDLE_S,
        shutdown_timeout=3,
    )
    # However many addresses speak slowly, some workers are left for those who say it at once.
    slow = max(2, hub.options.screens)
    server.patience = Patience(each=max(2, slow // 2), most=slow, whole_s=REQUEST_S)
    server.gateway = _Gateway
    server.keep_alive_conn_limit = KEEP_ALIVE
    server.max_request_body_size = BIGGEST_BODY
    try:
        server.prepare()
    except OSError as error:
        stream.stop()
        raise _taken(host, port, "http_port", error) from error
    thread = threading.Thread(target=server.serve, name="screens-http", daemon=True)
    thread.start()
    return Running(server.bind_addr[1], app, server, thread, stream)


def _taken(host: str, port: int, setting: str, error: OSError) -> Unavailable:
    why = " ".join(str(error.strerror or error).split())
    return Unavailable(
        f"The screens cannot listen on {host} port {port} ({why}): set {setting} to another.",
        slug="port-taken",
    )
