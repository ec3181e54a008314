"""Every hour: what do hub and central make of the same facts? What differs is folded again.

It must never touch a fact: the journals are equal by their hashes, only readings of them differ.
"""

import logging
import random
import threading
import time
from collections.abc import Callable
from typing import Final

from hub import journal
from hub.errors import Unavailable

from .client import Client, Trouble
from .compare import compare_with
from .hub import Hub

log = logging.getLogger(__name__)

EVERY_S: Final = 3600.0
FIRST_S: Final = 600.0


class Proof:
    """One thread steps it. `differs`: the scopes that did not agree, and still do not."""

    name = "proof"

    def __init__(self, hub: Hub, client: Client, agreed: Callable[[], bool]) -> None:
        self.wake = threading.Event()
        self.differs: tuple[str, ...] = ()
        # Two releases that read a fact differently differ until one is updated: folding again each
        # hour would hold the store up each hour, for nothing.
        self._in_vain = False
        self._hub = hub
        self._client = client
        self._agreed = agreed
        # Two thousand stores that start together do not ask together.
        self._due = time.monotonic() + FIRST_S * (1 + random.random())

    def poke(self) -> None:
        """Look now."""
        self._due = 0.0
        self.wake.set()

    def step(self) -> float:
        """Look when it is time; return how long there is nothing to do."""
        wait = self._due - time.monotonic()
        if wait > 0:
            return wait
        if not self._agreed():
            return 60.0
        self._due = time.monotonic() + EVERY_S
        try:
            self._prove()
        except (Trouble, Unavailable) as error:
            log.info("Hub and central were not compared: %s", error)
        return max(0.0, self._due - time.monotonic())

    def _prove(self) -> None:
        found = self._compare()
        if found:
            log.error("Hub and central read the same facts differently: %s", "; ".join(found))
        if found and not self._in_vain:
            # Central first: it folds beside its work, a hub would hold up its store.
            self._client.refold()
            found = self._compare()
            if found:
                refold = self._hub.writer.submit_sync(
                    lambda tx: tx.rebase(journal.head(tx.conn), ())
                )
                refold.result()
                found = self._compare()
        self.differs, self._in_vain = tuple(found), bool(found)

    def _compare(self) -> list[str]:
        return compare_with(self._read, self._client)

    def _read(self, query: Callable[..., object]) -> object:
        with self._hub.reader() as conn:
            return query(conn)
