"""A TCP line between browser and hub that can be cut and mended."""

import contextlib
import socket
import threading


class Proxy:
    """Forwards to `port`; `cut()` ends what is open and refuses what comes, until `mend()`."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._is_cut = False
        # Who comes while the line is cut is either turned away or cut, never in between.
        self._turning = threading.Lock()
        self.accepted = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def cut(self) -> None:
        with self._turning:
            self._is_cut = True
            for sock in self._open:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)

    def lead_to(self, port: int) -> None:
        """Forward to another port from now on: the hub that was started anew."""
        self._target = port

    def mend(self) -> None:
        self._is_cut = False

    def close(self) -> None:
        self.cut()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            with self._turning:
                far = None if self._is_cut else self._reach()
                if far is None:
                    near.close()
                    continue
                self.accepted += 1
                self._open |= {near, far}
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=self._copy, args=(source, target), daemon=True).start()

    def _reach(self) -> socket.socket | None:
        try:
            return socket.create_connection(("127.0.0.1", self._target))
        except OSError:  # the hub is being started again
            return None

    def _copy(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while chunk := source.recv(65_536):
                target.sendall(chunk)
        for sock in (source, target):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        with self._turning:
            self._open -= {source, target}
        source.close()
