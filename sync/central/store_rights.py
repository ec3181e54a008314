"""Rights that stores lent to central: spent on orders, and given back when a store asks.

It must never spend what is not held, and never anything of a store that has not agreed with this
central since it was last put back to an older copy: what that copy forgot was spent already.
"""

import secrets
from collections.abc import Iterable, Mapping
from typing import Any, Final

from hub.stock import rights
from hub.stock.facts import RightsGranted, RightsRecalled, RightsReclaimed, RightsTold
from hub.stock.rights import Rights, Side, Wishes

from . import store_feed
from .store_port import Connection, Tx

Fact = RightsGranted | RightsRecalled | RightsReclaimed | RightsTold

_LARGER: Final = ", ".join(
    f"{name} = CASE WHEN excluded.{name} > rights.{name}"
    f" THEN excluded.{name} ELSE rights.{name} END"
    for name in ("granted", "asked", "returned", "spent")
)
_TAKE: Final = (
    "INSERT INTO rights (store_id, sku, granted, asked, returned, spent) VALUES (?, ?, ?, ?, ?, ?)"
    f" ON CONFLICT (store_id, sku) DO UPDATE SET {_LARGER}"
)

_RECLAIM: Final = (
    "INSERT INTO rights (store_id, sku, granted, asked, returned, spent, reclaimed)"
    " VALUES (?, ?, 0, 0, 0, 0, ?) ON CONFLICT (store_id, sku) DO UPDATE SET reclaimed = CASE"
    " WHEN excluded.reclaimed > rights.reclaimed THEN excluded.reclaimed"
    " ELSE rights.reclaimed END"
)


def held(conn: Connection, store_id: str, sku: str) -> int:
    """Return how many units of `sku` at `store_id` central may still promise."""
    return max(0, _rights(conn, store_id, sku).held)


def spend(
    tx: Tx, store_id: str, wanted: Mapping[str, int], generation: str
) -> list[dict[str, Any]]:
    """Spend what is held of `wanted` (units by SKU); return central's side of each SKU spent.

    What is not held the store itself has to promise, or refuse.
    """
    agreed = tx.conn.execute(
        "SELECT 1 FROM store WHERE store_id = ? AND agreed = ?", (store_id, generation)
    ).fetchone()
    if agreed is None:
        return []
    sides = []
    for sku, qty in wanted.items():
        known = _rights(tx.conn, store_id, sku)
        part = min(qty, known.held)
        if part > 0:
            sides.append(_keep(tx, store_id, sku, rights.spend(known, part)))
    return sides


def take(tx: Tx, store_id: str, facts: Iterable[Fact]) -> None:
    """Take over what the store says, in its order; a wish that is new is granted as far as it goes.

    A store that repeats central's own side repairs a central that forgot it.
    """
    for fact in facts:
        match fact:
            case RightsGranted():
                tx.conn.execute(_TAKE, (store_id, fact.sku, fact.granted, 0, 0, 0))
            case RightsTold():
                row = (store_id, fact.sku, 0, 0, fact.returned, fact.spent)
                tx.conn.execute(_TAKE, row)
            case RightsReclaimed():
                tx.conn.execute(_RECLAIM, (store_id, fact.sku, fact.reclaimed))
            case RightsRecalled():
                _give_back(tx, store_id, fact)


def give_all_back(tx: Tx, store_id: str) -> list[dict[str, Any]]:
    """A person decides that central sells nothing more of a store: it may be dead.

    Orders that were taken stay the store's to answer. When it is heard again it lends anew.
    """
    tx.hold(store_id)
    rows = tx.conn.execute(
        "SELECT sku FROM rights WHERE store_id = ? AND granted > reclaimed + returned + spent"
        " ORDER BY sku",
        (store_id,),
    ).fetchall()
    sides = []
    for row in rows:
        known = _rights(tx.conn, store_id, row["sku"])
        sides.append(_keep(tx, store_id, row["sku"], rights.give_back(known, known.held)))
    if sides:
        command = {"id": f"rights-{secrets.token_hex(8)}", "type": "rights.told", "rights": sides}
        store_feed.add_command(tx, store_id, command)
    return sides


def of_store(conn: Connection, store_id: str) -> list[dict[str, Any]]:
    """Return what a store lent central of each SKU, and what central did with it."""
    rows = conn.execute(
        "SELECT sku, granted, spent, returned, reclaimed FROM rights WHERE store_id = ?"
        " ORDER BY sku",
        (store_id,),
    )
    return [_shown(row) for row in rows]


def _shown(row: Any) -> dict[str, Any]:
    known = Rights(Side(row["granted"], row["reclaimed"]), Side(row["returned"], row["spent"]))
    return {
        "sku": row["sku"],
        "held": max(0, known.held),
        "granted": row["granted"],
        "spent": row["spent"],
        "returned": row["returned"],
        "reclaimed": row["reclaimed"],
    }


def _give_back(tx: Tx, store_id: str, wish: RightsRecalled) -> None:
    wishes = Wishes(wish.asked, _answered(tx.conn, store_id, wish.sku))
    if wishes.asked <= wishes.answered:
        return
    tx.conn.execute(_TAKE, (store_id, wish.sku, 0, wish.asked, 0, 0))
    known = _rights(tx.conn, store_id, wish.sku)
    back = rights.decide_return(known, wishes)
    # Also when nothing can be returned: the store waits for the answer before it asks again.
    side = _keep(tx, store_id, wish.sku, rights.give_back(known, back))
    command = {"id": f"rights-{secrets.token_hex(8)}", "type": "rights.told", "rights": [side]}
    store_feed.add_command(tx, store_id, command)


def _answered(conn: Connection, store_id: str, sku: str) -> int:
    row = conn.execute(
        "SELECT asked FROM rights WHERE store_id = ? AND sku = ?", (store_id, sku)
    ).fetchone()
    return 0 if row is None else int(row[0])


def _rights(conn: Connection, store_id: str, sku: str) -> Rights:
    row = conn.execute(
        "SELECT granted, reclaimed, returned, spent FROM rights WHERE store_id = ? AND sku = ?",
        (store_id, sku),
    ).fetchone()
    return Rights() if row is None else Rights(Side(row[0], row[1]), Side(row[2], row[3]))


def _keep(tx: Tx, store_id: str, sku: str, known: Rights) -> dict[str, Any]:
    own = known.other
    tx.conn.execute(_TAKE, (store_id, sku, 0, 0, own.given, own.spent))
    answered = _answered(tx.conn, store_id, sku)
    return {"sku": sku, "returned": own.given, "spent": own.spent, "answered": answered}
