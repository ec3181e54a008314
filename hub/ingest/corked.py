"""A socket under paho that reads ahead, and takes the hottest packets past it.

It must never give paho half a packet, nor take one that paho has begun to read.
"""

import socket
import ssl
from contextlib import suppress
from typing import Final, NamedTuple

BUFFER: Final = 256 * 1024
# MQTT 3.1.1, sections 2.2 and 3.3.1: the type of a packet and the flags of a PUBLISH.
PUBLISH: Final = 0x30
QOS: Final = 0x06
RETAIN: Final = 0x01


def puback(mid: int) -> bytes:
    """Return the acknowledgement of message `mid`."""
    return b"\x40\x02" + mid.to_bytes(2, "big")


class Message(NamedTuple):
    """A PUBLISH as it came; `mid` 0 needs no PUBACK."""

    topic: bytes
    payload: bytes
    mid: int
    retain: bool


class CorkedSocket:
    """A socket that reads ahead, takes PUBLISH packets out by itself, and writes once a turn.

    paho asks for single bytes and needs 30 µs for a message; here it is 2. Every other packet is
    left to paho, whole and one at a time. It has exactly the methods that paho 2.2 uses.
    """

    def __init__(self, inner: socket.socket) -> None:
        self._inner = inner
        self._in = b""
        self._at = 0
        self._granted = 0
        self._over: OSError | None = None
        self._eof = False
        self._out = bytearray()

    # --- what paho calls

    def fileno(self) -> int:
        return self._inner.fileno()

    def setblocking(self, blocking: bool) -> None:
        self._inner.setblocking(blocking)

    def recv(self, most: int) -> bytes:
        """Give bytes of the packet that was granted, or say how the connection ended."""
        if self._at < self._granted:
            end = min(self._at + most, self._granted)
            taken, self._at = self._in[self._at : end], end
            return taken
        if self._over is not None:
            raise self._over
        if self._eof:
            return b""
        raise BlockingIOError

    def send(self, data: bytes) -> int:
        self._out += data
        return len(data)

    def close(self) -> None:
        with suppress(OSError):
            self.flush()
        self._inner.close()

    # --- what Link calls

    @property
    def ended(self) -> bool:
        return self._eof or self._over is not None

    def fill(self) -> None:
        """Read what has come, without waiting."""
        try:
            came = self._inner.recv(BUFFER)
        except (BlockingIOError, InterruptedError, ssl.SSLWantReadError):
            return
        except OSError as error:
            self._over = error
            return
        self._eof = not came
        while isinstance(self._inner, ssl.SSLSocket) and self._inner.pending():
            # TLS has decrypted more already, and no poll will tell.
            came += self._inner.recv(BUFFER)
        self._in, self._at = self._in[self._at :] + came, 0
        self._granted = 0

    def pending(self) -> bool:
        """Does a whole packet wait? (Called by paho too, which then need not wait.)"""
        return self._end()[1] > 0

    def take(self) -> Message | None:
        """Take the next packet if it is a whole PUBLISH; grant any other whole one to paho."""
        start, end = self._end()
        if not end:
            return None
        data = self._in
        head = data[self._at]
        if head & 0xF0 != PUBLISH:
            self._granted = end
            return None
        self._at = end
        topic = start + 2 + (data[start] << 8 | data[start + 1])
        body = topic + 2 if head & QOS else topic
        mid = data[topic] << 8 | data[topic + 1] if head & QOS else 0
        return Message(data[start + 2 : topic], data[body:end], mid, bool(head & RETAIN))

    def granted(self) -> bool:
        return self._at < self._granted

    def _end(self) -> tuple[int, int]:
        """Return where the body of the next packet begins and ends; end 0 = not all here yet."""
        data, at, size, shift = self._in, self._at + 1, 0, 0
        while at < len(data):
            byte = data[at]
            size |= (byte & 127) << shift
            at, shift = at + 1, shift + 7
            if byte < 128 or shift > 21:
                end = at + size
                return at, end if end <= len(data) else 0
        return at, 0

    def flush(self) -> bool:
        """Send what was written; True when all of it went. Raises OSError."""
        while self._out:
            try:
                sent = self._inner.send(self._out)
            except (BlockingIOError, InterruptedError, ssl.SSLWantWriteError):
                return False
            del self._out[:sent]
        return True
