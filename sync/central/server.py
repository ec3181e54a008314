"""Runs central: one process, one writer, a pool of threads for those who wait.

It must never stop with a request half answered that it could finish.
"""

import io
import logging
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
from cheroot.makefile import MakeFile, StreamReader
from cheroot.server import HTTPConnection
from cheroot.wsgi import Gateway_10, Server

from hub.clock import Clock
from hub.commands import problem_of
from hub.errors import Unavailable
from hub.patience import Hearing, Patience
from sync import protocol
from sync.frames import PROTOCOL_HEADER, PUSH_BYTES

from . import stores, turns
from .app import BRAND, create_app, full_for
from .inventory import Inventory
from .notices import Notifier
from .web import PROBLEM

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)

# Whoever waits in a long poll holds a thread; the others are for those who work. 24 stores wait at
# once; a worker of a fleet has room for 550, whose threads take about 90 KiB each once they waited.
PLACES: Final = 48
PLACES_OF_A_FLEET: Final = 1100
WORKING: Final = 16
# Those whose request comes in bit by bit, as over a poor line.
SLOW: Final = 32
SLOW_OF_A_FLEET: Final = 600
KEEP_ALIVE_S: Final = 30
# Python's threads take turns so often (seconds); 0.005 by default.
SWITCH_S: Final = 0.001
# A push of a megabyte over a poor line, whole.
REQUEST_S: Final = 60.0
HEARD: Final = "storehub.heard"


class _Connection(HTTPConnection):
    """Reads with patience: who speaks slowly keeps no thread for long, and all together not many.

    Hubs behind one proxy have one address, so nobody is let go for sharing it.
    """

    def __init__(self, server: Any, sock: Any, makefile: Any = MakeFile) -> None:
        super().__init__(server, sock, makefile)
        self.hearing = Hearing(sock, server.patience, server.timeout)
        self.rfile = _Reader(self.hearing, self.rbufsize)

    def communicate(self) -> bool:
        self.hearing.request(self.remote_addr)
        try:
            return bool(super().communicate())  # type: ignore[no-untyped-call]
        finally:
            self.hearing.heard()


class _Reader(StreamReader):
    """cheroot's reader, over what is read with patience."""

    def __init__(self, hearing: Hearing, size: int) -> None:
        super(StreamReader, self).__init__(hearing, size)
        self.bytes_read = 0


class _Gateway(Gateway_10):
    """Lets the app say that a request is there: what it waits for then is not its sender."""

    def __init__(self, req: Any) -> None:
        super().__init__(req)
        self.env[HEARD] = req.conn.hearing.heard


class _Server(Server):
    """Gives a connection a thread once it speaks: a thousand may have said nothing yet."""

    ConnectionClass = _Connection
    patience: Patience
    _connections: Any

    def process_conn(self, conn: Any) -> None:
        if conn.rfile.has_data() or conn.hearing.has_something():
            super().process_conn(conn)
        else:
            self._connections.put(conn)


def _in_turn(
    app: "WSGIApplication",
    running: turns.Running,
    full_for: Callable[["WSGIEnvironment"], Unavailable | None],
) -> "WSGIApplication":
    """Run `app` when its thread may run, its body read before: who is slow holds up nobody."""

    def call(environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        size = int(environ.get("CONTENT_LENGTH") or 0)
        if 0 < size <= PUSH_BYTES:
            environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(size))
        environ[HEARD]()
        full = full_for(environ)
        if full is not None:
            return _sent_away(full, environ, start)
        with running.inside():
            return app(environ, start)

    return call


def _sent_away(
    full: Unavailable, environ: "WSGIEnvironment", start: "StartResponse"
) -> Iterable[bytes]:
    """Answer 503 at once: a thousand hubs are sent away, and that is to cost next to nothing."""
    _, shown = problem_of(full)
    body = msgspec.json.encode(shown)
    spoken = protocol.read_versions(environ.get("HTTP_X_STOREHUB_PROTOCOL"))
    headers = [
        ("Content-Type", PROBLEM),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
        ("Retry-After", str(max(1, round(full.retry_after_s)))),
        (PROTOCOL_HEADER, str(protocol.common(spoken) or protocol.VERSION)),
    ]
    start("503 Service Unavailable", headers)
    return [body]


class Running:
    """Central, served from threads of this process."""

    def __init__(
        self,
        directory: Path,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        brand: str = BRAND,
        clock: Clock | None = None,
        database: str | None = None,
        shared: bool = False,
        places: int = PLACES,
    ) -> None:
        self.inventory = Inventory(directory, clock, database)
        self.app = create_app(self.inventory, brand, places)
        slow = SLOW_OF_A_FLEET if places > PLACES else SLOW
        self._server: Any = _Server(
            (host, port),
            _in_turn(self.app, self.app.extensions["running"], full_for(self.app)),
            numthreads=places + WORKING + slow,
            request_queue_size=1024,
            timeout=KEEP_ALIVE_S,
            shutdown_timeout=5,
            # Several workers listen on one port; the kernel deals connections out to them.
            reuse_port=shared,
        )
        self._server.gateway = _Gateway
        self._server.patience = Patience(each=slow, most=slow, whole_s=REQUEST_S)
        if places > PLACES:
            # cheroot keeps ten: each of a thousand hubs would connect anew for each question.
            self._server.keep_alive_conn_limit = sys.maxsize
        self._server.prepare()
        self.port = int(self._server.bind_addr[1])
        self.url = f"http://{host}:{self.port}"
        self._notices = Notifier(self.inventory)
        self._notices.start()
        self._thread = threading.Thread(target=self._server.serve, name="central", daemon=True)
        self._thread.start()

    def alive(self) -> bool:
        serving = self._thread.is_alive() and self._notices.alive()
        return serving and self.inventory.store.alive()

    def stop(self) -> None:
        """Let parked readers go, answer what is under way, close the files."""
        self.inventory.store.bell.stop()
        self._notices.stop()
        self._server.stop()
        self._thread.join(10)
        self.inventory.close()


def serve(
    directory: Path,
    host: str,
    port: int,
    *,
    brand: str = BRAND,
    database: str | None = None,
    shared: bool = False,
) -> None:
    """Run central of DIR until SIGTERM or SIGINT; `shared`: beside others on this port."""
    # A thousand stores that wait on two streams are more files than a shell allows by default.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    # An order waits for Python's lock at each of its statements: shorter turns for all.
    sys.setswitchinterval(SWITCH_S)
    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    fleet = stores.is_postgres(database)
    central = Running(
        directory,
        host,
        port,
        brand=brand,
        database=database,
        shared=shared,
        places=PLACES_OF_A_FLEET if fleet else PLACES,
    )
    log.info("Central serves on %s", central.url)
    parent = os.getppid()
    try:
        # A worker does not outlive whoever started it and its fellows.
        while not told.wait(0.5) and not (shared and os.getppid() != parent):
            if not central.alive():
                raise RuntimeError("a thread of central ended")
    finally:
        central.stop()
