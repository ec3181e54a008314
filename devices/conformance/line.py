"""The line between a device and the broker, which can be cut hard and mended.

It must never say goodbye for the device: a cut is what a pulled plug is.
"""

import socket
import struct
import threading
from contextlib import suppress
from typing import Final

# Closing with this sends a reset: neither side hears a goodbye.
_RESET: Final = struct.pack("ii", 1, 0)


class CuttableLine:
    """Forwards from `address` to the broker at `target`; counts who knocks while it is cut."""

    def __init__(self, listen: tuple[str, int], target: tuple[str, int]) -> None:
        self._target = target
        self._listener = socket.create_server(listen)
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._is_cut = False
        self.tries = 0
        threading.Thread(target=self._serve, name="line", daemon=True).start()

    def cut(self) -> None:
        with self._lock:
            self._is_cut, self.tries = True, 0
            ends = list(self._open)
        for sock in ends:
            _end(sock)

    def mend(self) -> None:
        with self._lock:
            self._is_cut = False

    def close(self) -> None:
        self.cut()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                refused = self._is_cut
                self.tries += refused
            if refused:
                _end(near)
                continue
            try:
                far = socket.create_connection(self._target, timeout=5)
            except OSError:
                _end(near)
                continue
            far.settimeout(None)
            with self._lock:
                self._open |= {near, far}
            for source, sink in ((near, far), (far, near)):
                pair = (source, sink)
                threading.Thread(target=self._copy, args=pair, name="line", daemon=True).start()

    def _copy(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while chunk := source.recv(65_536):
                sink.sendall(chunk)
        with self._lock:
            self._open -= {source, sink}
        for sock in (source, sink):
            _end(sock, reset=self._is_cut)


def _end(sock: socket.socket, *, reset: bool = True) -> None:
    with suppress(OSError):
        if reset:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        sock.shutdown(socket.SHUT_RDWR)
    with suppress(OSError):
        sock.close()
