"""Hears what other workers committed, and rings the bell of this one.

It must never be needed for truth: whoever waits looks again by itself after its 25 seconds.
"""

import logging
import os
import select
import threading
from typing import Any, Final

import psycopg

from hub.errors import Unavailable

from .bell import Bell
from .store_postgres_pool import connect

CHANNEL: Final = "storehub"
RETRY_S: Final = 1.0
log = logging.getLogger(__name__)


class Listener(threading.Thread):
    """One connection that waits for NOTIFY; PostgreSQL sends it with the commit."""

    def __init__(self, url: str, bell: Bell) -> None:
        super().__init__(name="listener", daemon=True)
        self._url = url
        self._bell = bell
        bell.deafen(True)
        self._stopping = threading.Event()
        self._wake, self._waker = os.pipe()
        self.start()

    def run(self) -> None:
        heard = True
        while not self._stopping.is_set():
            try:
                with connect(self._url) as raw:
                    raw.execute(f"LISTEN {CHANNEL}")
                    # What was committed in the meantime was not told to anybody here.
                    self._bell.deafen(False)
                    heard = True
                    self._listen(raw)
            except (psycopg.Error, Unavailable) as error:
                if heard:
                    log.warning("Central does not hear its other workers: %s", error)
                heard = False
                self._bell.deafen(True)
                self._stopping.wait(RETRY_S)

    def _listen(self, raw: "psycopg.Connection[Any]") -> None:
        ears = select.poll()
        ears.register(raw.fileno(), select.POLLIN)
        ears.register(self._wake, select.POLLIN)
        while not self._stopping.is_set():
            ears.poll()
            for told in raw.notifies(timeout=0):
                self._bell.ring((told.payload,))

    def stop(self) -> None:
        self._stopping.set()
        os.write(self._waker, b"x")
        self.join(10)
        os.close(self._wake)
        os.close(self._waker)
