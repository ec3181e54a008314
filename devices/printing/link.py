"""The way to a printer: TCP, a device file or a serial line, each as bytes with patience.

It must never wait for ever, and always knows how many bytes left this process.
"""

import os
import select
import socket
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

import serial

CONNECT_S: Final = 3.0


class LinkLost(Exception):
    """The printer cannot be reached, or takes nothing any more."""


class Link:
    """An open way to a printer. `sent` counts the bytes that the system took over."""

    def __init__(self, fd: int, close: Callable[[], None]) -> None:
        self._fd = fd
        self._close = close
        self.sent = 0
        os.set_blocking(fd, False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(OSError):
            self._close()

    def send(self, data: bytes, patience_s: float) -> None:
        """Hand over `data`. Raises LinkLost when nothing moves for `patience_s`."""
        rest = memoryview(data)
        while rest:
            if not self._ready(select.POLLOUT, patience_s):
                raise LinkLost("the printer takes nothing")
            try:
                taken = os.write(self._fd, rest)
            except BlockingIOError:
                continue
            except OSError as error:
                raise LinkLost(str(error)) from error
            self.sent += taken
            rest = rest[taken:]

    def receive(self, within_s: float) -> bytes:
        """Return what the printer said; empty when it said nothing. Raises LinkLost at the end."""
        if not self._ready(select.POLLIN, within_s):
            return b""
        try:
            said = os.read(self._fd, 256)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise LinkLost(str(error)) from error
        if not said:
            raise LinkLost("the printer hung up")
        return said

    def _ready(self, event: int, within_s: float) -> bool:
        poll = select.poll()
        poll.register(self._fd, event)
        return bool(poll.poll(max(0, round(within_s * 1000))))


def connect(address: str, *, baud: int, flow: str, answers: bool) -> Link:
    """Open `tcp://HOST:PORT`, `serial:/dev/tty…` or a device file. Raises LinkLost."""
    try:
        if address.startswith("tcp://"):
            return _tcp(address)
        if address.startswith("serial:"):
            return _serial(address.removeprefix("serial:"), baud, flow)
        # A printer that answers nothing may be a file that cannot be read.
        fd = os.open(address, (os.O_RDWR if answers else os.O_WRONLY) | os.O_NOCTTY | os.O_NONBLOCK)
        return Link(fd, lambda: os.close(fd))
    except (OSError, serial.SerialException) as error:
        raise LinkLost(str(error)) from error


def _tcp(address: str) -> Link:
    parts = urlsplit(address)
    connection = socket.create_connection((parts.hostname or "", parts.port or 9100), CONNECT_S)
    # What waits in this machine's memory is taken by no printer: `stall_s` is to see that.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return Link(connection.fileno(), connection.close)


def _serial(path: str, baud: int, flow: str) -> Link:
    line = serial.Serial(
        path, baud, timeout=0, rtscts=flow == "rtscts", xonxoff=flow == "xonxoff", exclusive=True
    )
    return Link(line.fileno(), line.close)
