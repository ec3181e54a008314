"""The open sockets of a conversation: quick to notice a dead line, and cut from outside at once.

It must never leave a thread parked in a read that nobody wants any more.
"""

import contextlib
import socket
import threading
from typing import Final


class Sockets:
    """The open sockets of a session: they notice a dead line soon, and can be cut from outside."""

    OPTIONS: Final = [
        (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        # A line that died without a word is noticed after 5 + 3 × 2 seconds, not two hours.
        (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 5),
        (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 2),
        (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
        (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 11_000),
    ]

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._shut = False

    def add(self, opened: socket.socket) -> None:
        with self._lock:
            self._open = [one for one in self._open if one.fileno() >= 0]
            self._open.append(opened)
            shut = self._shut
        if shut:
            _cut(opened)

    def shut(self) -> None:
        with self._lock:
            self._shut = True
            opened = list(self._open)
        for one in opened:
            _cut(one)


def _cut(opened: socket.socket) -> None:
    with contextlib.suppress(OSError):
        opened.shutdown(socket.SHUT_RDWR)
