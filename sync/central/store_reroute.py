"""What becomes of an order that its store can't fulfill: a promise is broken, the fallback gets it.

It must never give an order to a second store before the first one's own fact let go of it, never
twice, and never after the customer asked to cancel.
"""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from hub.clock import parse, stamp
from hub.stock.ledger import per_sku

from . import store_buyer, store_feed, store_notices, store_orders, store_promise, store_rights
from .projection import News, read_order
from .store_orders import MakeCode
from .store_port import Connection, Row, Tx

# A store that rejects for another reason (it is closed) is a person's matter.
MOVES: Final = "OUT_OF_STOCK"


def settle(tx: Tx, store_id: str, make_code: MakeCode, generation: str) -> list[str]:
    """Look at what `store_id` said of orders that central watches; return those that moved.

    It looks at states, not at news: what was missed once is settled with the next push.
    """
    for placed in _held_by_fallback(tx.conn, store_id):
        _take_over(tx, placed, make_code)
    moved = []
    for placed in _ended(tx.conn, store_id):
        order_id, rejected = placed["order_id"], placed["state"] == "REJECTED"
        if rejected and msgspec.json.decode(placed["body"]).get("rights"):
            note_broken(tx, store_id, [(order_id, stamp(tx.now))])
        if rejected and _may_move(placed):
            _move(tx, placed, make_code, generation)
            moved.append(order_id)
        else:
            tx.conn.execute("UPDATE placed SET watched = 0 WHERE order_id = ?", (order_id,))
    return moved


def _ended(conn: Connection, store_id: str) -> list[Row]:
    return conn.execute(
        "SELECT p.*, k.state, k.folded FROM placed p JOIN pickup k USING (store_id, order_id)"
        " WHERE p.store_id = ? AND p.watched = 1"
        " AND k.state IN ('REJECTED', 'CANCELED', 'EXPIRED', 'PICKED_UP')",
        (store_id,),
    ).fetchall()


def _held_by_fallback(conn: Connection, store_id: str) -> list[Row]:
    return conn.execute(
        "SELECT p.* FROM placed p WHERE p.fallback = ?1 AND p.watched = 1 AND EXISTS"
        " (SELECT 1 FROM pickup k WHERE k.store_id = ?1 AND k.order_id = p.order_id)",
        (store_id,),
    ).fetchall()


def _may_move(placed: Row) -> bool:
    if placed["fallback"] is None or placed["cancel_asked_at"] is not None:
        return False
    return read_order(placed["folded"]).reason == MOVES


def note_broken(tx: Tx, store_id: str, broken: Iterable[tuple[str, str]]) -> None:
    """Count orders (and when) whose promise the store broke; one is counted once at each store."""
    tx.conn.executemany(
        "INSERT INTO promise_break (order_id, store_id, at) VALUES (?, ?, ?)"
        " ON CONFLICT (order_id, store_id) DO NOTHING",
        [(order_id, store_id, at) for order_id, at in broken],
    )


def _move(tx: Tx, placed: Row, make_code: MakeCode, generation: str) -> None:
    """Place the order at its fallback: the same number, a command of its own."""
    order_id, target = placed["order_id"], placed["fallback"]
    tx.hold(target)
    body = msgspec.json.decode(placed["body"])
    wanted = per_sku((line["sku"], line["qty"]) for line in body["lines"])
    body["rights"] = store_rights.spend(tx, target, wanted, generation)
    if body["promise_at"] is not None and parse(body["promise_at"]) <= tx.now:
        # Nobody can keep it any more: this store says its own, or central for one that is silent.
        body["promise_at"] = store_promise.promise_at(tx, target)
    body = _keep(tx, placed, body, make_code)
    command = {"id": f"fallback:{order_id}", "type": "order.place", "order": body}
    store_feed.add_command(tx, target, command, placed["customer_ref"])
    store_buyer.follow(tx, order_id)
    store_notices.add(tx, [News("", order_id, "moved", stamp(tx.now))])


def _take_over(tx: Tx, placed: Row, make_code: MakeCode) -> None:
    """The fallback has the order: it was moved by a life of central's that this one forgot.

    Should the first store have forgotten as well and take it anew, it is asked to let go.
    """
    order_id, first = placed["order_id"], placed["store_id"]
    tx.hold(first)
    body = msgspec.json.decode(placed["body"]) | {"rights": []}
    _keep(tx, placed, body, make_code)
    command = {
        "id": f"moved:{order_id}",
        "type": "order.cancel",
        "order_id": order_id,
        "reason": MOVES,
    }
    store_feed.add_command(tx, first, command)
    store_buyer.follow(tx, order_id)


def _keep(tx: Tx, placed: Row, body: dict[str, Any], make_code: MakeCode) -> dict[str, Any]:
    order_id, target = placed["order_id"], placed["fallback"]
    code = store_orders.short_code_at(tx.conn, target, placed["short_code"])
    body = body | {"store": target, "short_code": code, "fallback": None}
    pickup_code = make_code(order_id, target, body["lines"], body["rights"], code, "store")
    tx.conn.execute(
        "UPDATE placed SET store_id = ?, short_code = ?, pickup_code = ?, body = ?,"
        " fallback = NULL, watched = ? WHERE order_id = ?",
        (
            target,
            code,
            pickup_code,
            msgspec.json.encode(body).decode(),
            1 if body["rights"] else 0,
            order_id,
        ),
    )
    tx.conn.execute(
        "INSERT INTO rerouted (order_id, from_store, to_store, at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (order_id) DO NOTHING",
        (order_id, placed["store_id"], target, stamp(tx.now)),
    )
    return body


def counts(conn: Connection) -> tuple[int, int]:
    """Return how many promises were broken and how many orders went to their fallback."""
    row = conn.execute(
        "SELECT (SELECT count(*) FROM promise_break), (SELECT count(*) FROM rerouted)"
    ).fetchone()
    return int(row[0]), int(row[1])
