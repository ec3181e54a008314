"""The loop that tells central who ordered in the endless aisle: a message of its own, no fact.

It must never send whom this store has erased, and never log whom it sends.

It keeps no cursor: whoever waits for goods is offered anew by each process and to each generation
of central, so that a central put back to an older copy knows them again. Central keeps the first.
"""

import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from hub.aisle import queries as aisle
from hub.clock import stamp
from hub.customers import queries as customers

from . import frames
from .client import Client, Rejected, Trouble
from .hub import Hub

log = logging.getLogger(__name__)

LOOK_S: Final = 3.0
AGAIN_S: Final = 30.0
REFUSED_S: Final = 600.0
AT_ONCE: Final = 200
# Goods of an older order have long come or been declined.
LONGEST: Final = timedelta(days=90)


class People:
    """One thread steps it; `agreed` says whether this journal and central's are one."""

    name = "people"

    def __init__(self, hub: Hub, client: Client, agreed: Callable[[], bool]) -> None:
        self.wake = threading.Event()
        self._hub = hub
        self._client = client
        self._agreed = agreed
        self._told: set[str] = set()

    def step(self) -> float:
        """Tell central of those it was not told of; return when to look again, in seconds."""
        if not self._agreed():
            self._told.clear()
            return LOOK_S
        since = stamp(self._hub.clock.now() - LONGEST)
        with self._hub.reader() as conn:
            refs = [ref for ref in aisle.waiting(conn, since) if ref not in self._told][:AT_ONCE]
            found = [customers.person(conn, ref) for ref in refs]
        people = [
            frames.Person(one.ref, one.name, one.email, one.phone, one.address)
            for one in found
            if one is not None
        ]
        try:
            if people:
                self._client.people(frames.pack_people(people))
        except Rejected as refused:
            log.info("Central takes no customers of the endless aisle: %s", refused.status)
            return REFUSED_S
        except Trouble:
            return AGAIN_S
        self._told.update(refs)
        return 0.0 if len(refs) == AT_ONCE else LOOK_S
