"""Asks central about goods that another store handed over, while somebody waits at the counter.

It must never wait long: a line that is silent is a line that is down.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Final, NoReturn, TypeVar

from hub.errors import NotFound, Unavailable
from hub.returns.abroad import Claim, Handed

from . import claims
from .client import Client, Rejected, Trouble, Unanswered
from .frames import Malformed

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
        body = self._ask("GET", "/handed", params={"order_id": order_id})
        return _read(lambda: claims.read_handed(body))

    def claim(self, return_id: str, order_id: str, lines: Sequence[tuple[str, int]]) -> Claim:
        """Claim units for a return that is about to be opened. Raises NotFound, Unavailable."""
        asked = claims.Asked(return_id, order_id, [claims.AskedLine(*line) for line in lines])
        body = self._ask("POST", "/returns", data=claims.pack(asked))
        return _read(lambda: claims.read_claim(body))

    def release(self, return_id: str) -> None:
        """The return was not opened. Central finds it out by itself when this is not heard."""
        try:
            self._ask("POST", f"/returns/{return_id}/release")
        except (Unavailable, NotFound):
            log.info("A claim that came to nothing lapses at central")

    def _ask(
        self,
        method: str,
        path: str,
        *,
        data: bytes | None = None,
        params: dict[str, str] | None = None,
    ) -> bytes:
        if not self._agreed():
            _silent(None)
        try:
            with self._lock:
                return self._client.ask(method, path, data=data, params=params, read_s=READ_S)
        except Rejected as rejected:
            if rejected.status == 404:
                raise NotFound("Head office does not know this order.") from None
            _silent(rejected)
        except Trouble as trouble:
            _silent(trouble)


def _silent(why: Trouble | None) -> NoReturn:
    raise Unavailable("Head office is not heard.") from why


def _read(read: Callable[[], T]) -> T:
    try:
        return read()
    except Malformed as error:
        _silent(Unanswered(str(error)))
