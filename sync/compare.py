"""Compares the store's numbers with what central makes of the same facts; it repairs nothing."""

import sqlite3
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from hub import journal
from hub.chain import Pair
from hub.errors import Unavailable
from hub.pickup import queries as pickup
from hub.stock import queries as stock

from . import digest
from .client import Client, Trouble
from .trust import Trust

# A busy store is always a moment ahead of central: so long we wait for the same position (s).
PATIENCE_S: Final = 5.0
PAUSE_S: Final = 0.2

Read = Callable[[Callable[[sqlite3.Connection], Any]], Any]


def compare(
    read: Read, central_url: str, store: str, credential: str, trust: Trust | None = None
) -> list[str]:
    """Return what differs, a line a scope. `read(query)` runs on one view of hub.db.

    Raises Unavailable when central cannot be asked, or has not got all of the journal yet.
    """
    client = Client(central_url, store, credential, "verify", trust=trust)
    try:
        return compare_with(read, client)
    except Trouble as trouble:
        raise Unavailable("central does not answer") from trouble
    finally:
        client.close()


def compare_with(read: Read, client: Client) -> list[str]:
    """Do so over a conversation that stands."""
    until = time.monotonic() + PATIENCE_S
    while True:
        theirs = client.digest()
        at = Pair(theirs["seq"], theirs["hash"])
        ours, on_our_chain = read(partial(_ours, at=at))
        if not on_our_chain:
            return [f"central's head {at.seq} {at.hash[:16]} is not in this journal"]
        if ours is not None:
            return [
                f"{scope}: {getattr(ours, scope)} here, {theirs[scope]} at central"
                for scope in ("stock", "orders")
                if getattr(ours, scope).digest != theirs[scope]["digest"]
            ]
        if time.monotonic() > until:
            raise Unavailable(f"central has the journal up to {at.seq} only")
        time.sleep(PAUSE_S)


def _ours(connection: sqlite3.Connection, at: Pair) -> tuple[digest.Digest | None, bool]:
    """Return our digest when we stand at the same position, and whether `at` is on our chain."""
    if journal.pair_at(connection, at.seq) != at:
        return None, False
    head = journal.head(connection)
    if head != at:
        return None, True
    orders = (digest.order_row(order) for order in pickup.every(connection))
    return digest.of_store(head, stock.balances(connection), orders), True
