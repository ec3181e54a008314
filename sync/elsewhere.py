"""Asks central about goods that another store handed over, while somebody waits at the counter.

It must never wait long: a line that is silent is a line that is down.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from hub.errors import NotFound, Unavailable
from hub.returns.abroad import Claim, Handed

from . import claims
from .client import Client, Rejected, Trouble

log = logging.getLogger(__name__)
T = TypeVar("T")
READ_S: Final = 5.0


class Elsewhere:
    """One conversation for all screens; `agreed`: this journal and central's are one."""

    def __init__(self, client: Client, agreed: Callable[[], bool]) -> None:
        self._client = client
        self._agreed = agreed
        self._lock = threading.Lock()

    def look(self, order_id: str) -> Handed:
        """Return what was handed over of an order. Raises NotFound, Unavailable."""
        return self._ask(lambda: self._client.handed(order_id, READ_S))

    def claim(self, return_id: str, order_id: str, lines: Sequence[tuple[str, int]]) -> Claim:
        """Claim units for a return that is about to be opened. Raises NotFound, Unavailable."""
        asked = claims.Asked(return_id, order_id, [claims.AskedLine(*line) for line in lines])
        return self._ask(lambda: self._client.claim(claims.pack(asked), READ_S))

    def release(self, return_id: str) -> None:
        """The return was not opened. Central finds it out by itself when this is not heard."""
        try:
            self._ask(lambda: self._client.release(return_id, READ_S))
        except (Unavailable, NotFound):
            log.info("A claim that came to nothing lapses at central")

    def _ask(self, ask: Callable[[], T]) -> T:
        if not self._agreed():
            raise _not_heard()
        try:
            with self._lock:
                return ask()
        except Rejected as rejected:
            if rejected.status == 404:
                raise NotFound("Head office does not know this order.") from None
            raise _not_heard() from rejected
        except Trouble as trouble:
            raise _not_heard() from trouble


def _not_heard() -> Unavailable:
    return Unavailable("Head office is not heard.")
