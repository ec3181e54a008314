"""A line between central and PostgreSQL that loses the answer to a COMMIT when it is told to."""

import select
import socket
import threading
from pathlib import Path

SOCKET = ".s.PGSQL.5432"


class Cut:
    """Passes bytes on between a unix socket in `folder` and the server's."""

    def __init__(self, folder: Path, server: Path) -> None:
        self._target = server / SOCKET
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(folder / SOCKET))
        self._listening.listen(64)
        self.armed = False
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                ours, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._pass, args=(ours,), daemon=True).start()

    def _pass(self, ours: socket.socket) -> None:
        theirs = socket.socket(socket.AF_UNIX)
        theirs.connect(str(self._target))
        with ours, theirs:
            losing = False
            while True:
                ready, _, _ = select.select((ours, theirs), (), ())
                for source in ready:
                    data = source.recv(1 << 16)
                    if not data:
                        return
                    if source is theirs and losing:
                        # It is committed, and nobody hears of it.
                        self.cuts += 1
                        return
                    if source is ours and self.armed and b"COMMIT\x00" in data:
                        losing, self.armed = True, False
                    (theirs if source is ours else ours).sendall(data)

    def close(self) -> None:
        self._listening.close()
