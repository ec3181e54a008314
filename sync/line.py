"""The line between hub and central as a real TCP proxy that can be cut and mended.

It must never look at what it carries, and never keep a connection alive once the line is down.
"""

import contextlib
import os
import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from hub.errors import Invalid, Unavailable

SOCKET: Final = "line.sock"
COMMANDS: Final = ("up", "down", "status")
_CHUNK: Final = 64 << 10
_WAITING: Final = 128


class LineProxy:
    """Carries connections to `target` while the line is up; refuses them while it is down."""

    def __init__(
        self, directory: Path, *, listen: tuple[str, int], target: tuple[str, int]
    ) -> None:
        self._directory = directory
        self.target = target
        self._lock = threading.Lock()
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._stopping = False
        place = _bound(listen)
        self.address: tuple[str, int] = place.getsockname()[:2]
        place.listen(_WAITING)
        self._listener: socket.socket | None = place
        # While the line is down: the port, bound and deaf, so that nobody else is given it.
        self._place = place
        self._control = _bind_control(directory)
        self._threads = [
            threading.Thread(target=self._serve_control, name="line-control", daemon=True)
        ]
        self._threads[0].start()
        self._accept_on(self._listener)

    def up(self) -> None:
        """Take connections again, on the same port."""
        with self._lock:
            if self._listener is not None or self._stopping:
                return
            self._listener = self._place
            self._listener.listen(_WAITING)
            self._accept_on(self._listener)

    def down(self) -> None:
        """Cut every connection and refuse new ones."""
        with self._lock:
            listener, self._listener = self._listener, None
            pairs = list(self._pairs)
            if listener is not None:
                _shut(listener)
                listener.close()
                self._place = _bound(self.address)
        for pair in pairs:
            for end in pair:
                _shut(end)

    def status(self) -> str:
        return "up" if self._listener is not None else "down"

    def stop(self) -> None:
        """Cut everything and give up port and control socket."""
        with self._lock:
            self._stopping = True
        self.down()
        self._place.close()
        _shut(self._control)
        self._control.close()
        for thread in self._threads:
            thread.join(5)
        (self._directory / SOCKET).unlink(missing_ok=True)

    def _accept_on(self, listener: socket.socket) -> None:
        thread = threading.Thread(
            target=self._accept, args=(listener,), name="line-accept", daemon=True
        )
        self._threads = [one for one in self._threads if one.is_alive()]
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            carrier = threading.Thread(
                target=self._carry, args=(listener, near), name="line-carry", daemon=True
            )
            carrier.start()

    def _carry(self, listener: socket.socket, near: socket.socket) -> None:
        try:
            far = socket.create_connection(self.target, timeout=5)
        except OSError:
            near.close()
            return
        pair = (near, far)
        with self._lock:
            alive = self._listener is listener
            if alive:
                self._pairs.add(pair)
        try:
            if alive:
                for end in pair:
                    end.setblocking(True)
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                _pump(near, far)
        finally:
            with self._lock:
                self._pairs.discard(pair)
            near.close()
            far.close()

    def _serve_control(self) -> None:
        while True:
            try:
                connection, _ = self._control.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                connection.settimeout(2)
                connection.sendall(self._answer(connection.recv(64).decode(errors="replace")))

    def _answer(self, command: str) -> bytes:
        word = command.strip()
        if word == "up":
            self.up()
        elif word == "down":
            self.down()
        elif word != "status":
            return b"unknown\n"
        return f"{self.status()}\n".encode()


def present(directory: Path) -> bool:
    """Does a line proxy belong to this data directory?"""
    return (directory / SOCKET).exists()


def status(directory: Path) -> str:
    """Return `up` or `down`; nothing gets through a proxy that is gone."""
    try:
        return control(directory, "status")
    except Unavailable:
        return "down"


def control(directory: Path, command: str) -> str:
    """Tell the line of this data directory `up`, `down` or `status`; returns `up` or `down`.

    Raises Invalid for another word, Unavailable when no line runs here.
    """
    if command not in COMMANDS:
        raise Invalid(f"The line knows up, down and status, not {command!r}.", field="command")
    try:
        with (
            socket.socket(socket.AF_UNIX) as near,
            _short(directory) as folder,
        ):
            near.settimeout(5)
            near.connect(f"{folder}/{SOCKET}")
            near.sendall(f"{command}\n".encode())
            answer = near.recv(64).decode().strip()
    except OSError as error:
        raise Unavailable(f"No line proxy runs for {directory}.") from error
    if answer not in ("up", "down"):
        raise Unavailable(f"The line proxy answered {answer!r}.")
    return answer


def _pump(near: socket.socket, far: socket.socket) -> None:
    other = {near: far, far: near}
    with selectors.DefaultSelector() as waiting:
        for one in other:
            waiting.register(one, selectors.EVENT_READ, one)
        while True:
            for key, _ in waiting.select():
                end: socket.socket = key.data
                try:
                    data = end.recv(_CHUNK)
                    other[end].sendall(data)
                except OSError:
                    return
                if not data:
                    return


def _bound(address: tuple[str, int]) -> socket.socket:
    """Take an address without listening: a caller is refused."""
    place = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
    place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    place.bind(address)
    return place


def _bind_control(directory: Path) -> socket.socket:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / SOCKET).unlink(missing_ok=True)
    control = socket.socket(socket.AF_UNIX)
    with _short(directory) as folder:
        control.bind(f"{folder}/{SOCKET}")
    (directory / SOCKET).chmod(0o600)
    control.listen(8)
    return control


@contextmanager
def _short(directory: Path) -> Iterator[str]:
    # A Unix socket's path has at most 107 bytes; a descriptor names a deep directory in few.
    handle = os.open(directory, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{handle}"
    finally:
        os.close(handle)


def _shut(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
