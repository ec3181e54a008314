"""Waits for those who begin to speak and stop, but not for all of them and not for ever.

It must never count who has said everything: only while a read has to wait is anybody hesitating.
"""

import contextlib
import select
import socket
import threading
import time
from typing import Any, Final

# Who waits for the next packet of an honest client has it by then.
GRACE_S: Final = 0.25


class Patience:
    """Who hesitates at a server: at most `each` of one address and `most` in all hold a thread.

    When one more begins to, the one that hesitates longest has to go. A request has to be there
    whole within `whole_s` seconds, however it is dealt out.
    """

    def __init__(self, *, each: int, most: int, whole_s: float) -> None:
        self._each, self._most, self.whole_s = each, most, whole_s
        self._lock = threading.Lock()
        self._since: dict[Hearing, float] = {}  # the longest first

    def begins(self, hearing: "Hearing") -> None:
        """Note that a read has to wait; let go whom there is no room for."""
        now = time.monotonic()
        with self._lock:
            self._since.setdefault(hearing, now)
            here = [one for one in self._since if one.source == hearing.source]
            crowd = here if len(here) > self._each else list(self._since)
            if crowd is here or len(crowd) > self._most:
                self._let_one_go(crowd, now)

    def _let_one_go(self, crowd: "list[Hearing]", now: float) -> None:
        for one in crowd:
            if now - self._since[one] <= GRACE_S:
                return
            # Who has spoken meanwhile waits for its thread, not the thread for it.
            if not one.has_something():
                del self._since[one]
                one.let_go()
                return

    def ends(self, hearing: "Hearing") -> None:
        with self._lock:
            self._since.pop(hearing, None)


class Hearing(socket.SocketIO):
    """What a connection says, read with patience. `idle_s`: its time-out between requests."""

    def __init__(self, sock: socket.socket, patience: Patience, idle_s: float) -> None:
        super().__init__(sock, "rb")
        self._socket, self._patience, self._idle_s = sock, patience, idle_s
        self._until = 0.0
        self._was_let_go = False
        self.source: Any = None

    __hash__ = object.__hash__

    def request(self, source: Any) -> None:
        """A request begins now; `source` is who speaks."""
        self.source = source
        self._until = time.monotonic() + self._patience.whole_s

    def heard(self) -> None:
        """The request is there."""
        self._patience.ends(self)

    def let_go(self) -> None:
        """End the wait of the thread that reads here."""
        self._was_let_go = True
        with contextlib.suppress(OSError):
            # Not SSLSocket's own, which takes the layer away under the thread that reads.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def readinto(self, buffer: Any) -> int:
        try:
            if not self.has_something():
                self._patience.begins(self)
            return self._receive(buffer)
        except (OSError, ValueError):
            if self._was_let_go:
                return 0
            raise

    def has_something(self) -> bool:
        """Is there anything to read, or an end to hear of?"""
        pending = getattr(self._socket, "pending", None)
        if pending is not None and pending():
            return True
        poll = select.poll()
        try:
            poll.register(self._socket, select.POLLIN)
            return bool(poll.poll(0))
        except (OSError, ValueError):  # it is closed
            return True

    def _receive(self, buffer: Any) -> int:
        """Read what comes next. Over TLS a piece of a record may be there, and no more."""
        try:
            return self._within(buffer, GRACE_S)
        except TimeoutError:
            self._patience.begins(self)
        return self._within(buffer, self._until - time.monotonic())

    def _within(self, buffer: Any, wait_s: float) -> int:
        left = self._until - time.monotonic()
        if left <= 0 or wait_s <= 0:
            raise TimeoutError("timed out")
        self._socket.settimeout(min(wait_s, left))
        try:
            return self._socket.recv_into(buffer)
        finally:
            self._socket.settimeout(self._idle_s)
