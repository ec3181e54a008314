"""What was sent to stores for their orders: which parcels, by whom, and which of them arrived.

It must never say that something arrived: that is the store's word.
"""

import secrets
from collections.abc import Mapping
from typing import Any, Final

from hub.clock import stamp
from hub.errors import Refusal
from hub.pickup.order import PickupOrder

from . import store_feed
from .intake import Shipped
from .store_port import Connection, Tx

# Nobody waits for the goods of these.
OVER: Final = frozenset({"CANCELED", "REJECTED", "EXPIRED"})


def shipped(tx: Tx, found: Mapping[str, Any], told: Shipped) -> bool:
    """Note that an order (`found`, as it stands) was sent; more parcels may follow.

    Returns whether that was news. Raises Refusal for one that is over, that its store supplies, or
    whose parcel carries another order.
    """
    order_id = found["order_id"]
    if found["supply"] != "ship_to_store":
        raise Refusal(f"Order {order_id} is supplied by its store.", slug="not-shipped")
    if found["state"] in OVER:
        raise Refusal(
            f"Order {order_id} is {found['state'].lower()}: do not send it.", slug="order-done"
        )
    known = _rows(tx.conn, order_id)
    # Without a parcel's code the order's number on the label is what is scanned.
    new = [code for code in told.parcels or ([] if known else [""]) if code not in known]
    for code in new:
        _take(tx, order_id, code, told)
    if not new:
        return False
    command: dict[str, Any] = {
        "id": f"ship-{order_id}-{secrets.token_hex(4)}",
        "type": "order.ship",
        "order_id": order_id,
        "parcels": [code for code in new if code],
        "carrier": told.carrier,
        "tracking": told.tracking,
    }
    store_feed.add_command(tx, found["store"], command)
    return True


def _take(tx: Tx, order_id: str, code: str, told: Shipped) -> None:
    tx.hold(f"parcel {code}")
    other = tx.conn.execute(
        "SELECT order_id FROM shipment WHERE parcel = ? AND order_id <> ? AND parcel <> ''",
        (code, order_id),
    ).fetchone()
    if other is not None:
        raise Refusal(f"Parcel {code} carries order {other[0]}.", slug="parcel-taken")
    tx.conn.execute(
        "INSERT INTO shipment (order_id, parcel, carrier, tracking, at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (order_id, parcel) DO NOTHING",
        (order_id, code, told.carrier, told.tracking, stamp(tx.now)),
    )


def shown(conn: Connection, order_id: str, view: PickupOrder | None = None) -> Any:
    """Return `{"at","carrier","tracking","parcels":[{"code","here"}],"received_at"}`, or None.

    `view`: the order as its store told it, which alone says what is here.
    """
    rows = _rows(conn, order_id)
    told = view or PickupOrder(order_id)
    if not rows and not told.parcels and told.received_at is None:
        return None
    first = next(iter(rows.values()), None)
    here = told.parcels_here.split()
    codes = dict.fromkeys([*(code for code in rows if code), *told.parcels.split()])
    return {
        "at": first["at"] if first else None,
        "carrier": (first["carrier"] if first else None) or told.carrier,
        "tracking": (first["tracking"] if first else None) or told.tracking,
        "parcels": [{"code": code, "here": code in here} for code in codes],
        "received_at": told.received_at,
    }


def _rows(conn: Connection, order_id: str) -> dict[str, Any]:
    rows = conn.execute(
        "SELECT parcel, carrier, tracking, at FROM shipment WHERE order_id = ? ORDER BY at, parcel",
        (order_id,),
    ).fetchall()
    return {row["parcel"]: row for row in rows}
