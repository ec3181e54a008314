"""Orders as central took them, and as the stores' own facts say they stand.

It must never change what a store decided: central proposes, asks and forgets people; the state
of an order is the hub's fact or PROPOSED.
"""

import secrets
from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Any, Final

import msgspec

from hub.clock import stamp
from hub.errors import NotFound, Refusal
from hub.pickup.order import Line
from hub.stock.ledger import per_sku

from . import (
    intake,
    store_feed,
    store_notices,
    store_people,
    store_promise,
    store_rights,
    store_shipments,
    store_words,
)
from .projection import News, read_order
from .store_port import Connection, Row, Tx
from .words import later

FINAL: Final = frozenset({"PICKED_UP", "REJECTED", "EXPIRED", "CANCELED"})
ENDED: Final = later("This order is done and can’t be canceled any more.")
REASONS: Final = (
    "BUYER_REQUEST",
    "BUYER_NO_SHOW",
    "BUYER_REJECTED",
    "OUT_OF_STOCK",
    "STORE_CLOSED",
)
MakeCode = Callable[[str, str, list[dict[str, Any]], list[dict[str, Any]], str, str], str]
"""(order_id, store, lines, rights spent, short code, supply) → the text inside the QR."""


def place(
    tx: Tx,
    order: intake.Order,
    name_of: Callable[[str], str | None],
    make_code: MakeCode,
    generation: str,
) -> tuple[dict[str, Any], bool]:
    """Take in an order and send it to its store; returns (answer, was it there already).

    The same order twice is one order and one answer. Raises Refusal when its number is taken by
    another order, NotFound for an unknown store.
    """
    tx.hold(order.store)
    request = _digest(order)
    known = tx.conn.execute("SELECT * FROM placed WHERE order_id = ?", (order.order_id,)).fetchone()
    if known is not None:
        if known["request"] != request:
            raise Refusal(f"There is already another order {order.order_id}.", slug="order-exists")
        return _answer(order.order_id, known["short_code"], known["pickup_code"]), True
    for named in (order.store, order.fallback):
        if named is not None and not _has_store(tx.conn, named):
            raise NotFound(f"No store {named} here.")
    ref = store_people.known_or_new(tx, order.customer)
    code = short_code_at(tx.conn, order.store, intake.short_code())
    body = _body(order, name_of, ref, code, stamp(tx.now))
    body["rights"] = []
    if order.supply == "store":  # of what is sent the store has nothing to promise, nor a time yet
        body["promise_at"] = body["promise_at"] or store_promise.promise_at(tx, order.store)
        wanted = per_sku((line.sku, line.qty) for line in order.lines)
        body["rights"] = store_rights.spend(tx, order.store, wanted, generation)
    stated = body["lines"], body["rights"]
    pickup_code = make_code(order.order_id, order.store, *stated, code, order.supply)
    tx.conn.execute(
        "INSERT INTO placed (order_id, store_id, request, customer_ref, short_code, pickup_code,"
        " body, at, fallback, watched, consent) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            order.order_id,
            order.store,
            request,
            ref,
            code,
            pickup_code,
            msgspec.json.encode(body).decode(),
            stamp(tx.now),
            order.fallback,
            1 if order.fallback or body["rights"] else 0,
            1 if order.customer.consent else 0,
        ),
    )
    command = {"id": f"place-{order.order_id}", "type": "order.place", "order": body}
    store_feed.add_command(tx, order.store, command, ref)
    now = stamp(tx.now)
    store_notices.add(tx, [News("", order.order_id, "received", now)])
    if body["promise_at"]:
        store_notices.add(tx, [News("", order.order_id, "delayed", body["promise_at"])])
    return _answer(order.order_id, code, pickup_code), False


def _digest(order: intake.Order) -> bytes:
    # What does without has the digest that releases gave it which knew of none of these.
    parts = msgspec.to_builtins(order)
    if order.fallback is None:
        del parts["fallback"]
    if order.supply == "store":
        del parts["supply"]
    for name in ("language", "consent", "ref"):
        if not parts["customer"][name]:
            del parts["customer"][name]
    for line in parts["lines"]:
        if line["substitutes"] == "any":
            del line["substitutes"]
        if not line["age_min"]:
            del line["age_min"]
    return blake2b(msgspec.json.encode(parts, order="sorted"), digest_size=32).digest()


def _answer(order_id: str, short_code: str, pickup_code: str) -> dict[str, Any]:
    return {
        "order_id": order_id,
        "state": "PROPOSED",
        "short_code": short_code,
        "pickup_code": pickup_code,
    }


def _body(
    order: intake.Order,
    name_of: Callable[[str], str | None],
    ref: str,
    code: str,
    at: str,
) -> dict[str, Any]:
    lines = [
        {
            "line_id": line.line_id,
            "sku": line.sku,
            "name": line.name or name_of(line.sku) or line.sku,
            "qty": line.qty,
            "unit_price_minor": line.unit_price_minor,
            "currency": order.currency,
            **_wishes(line),
        }
        for line in order.lines
    ]
    return {
        "order_id": order.order_id,
        "store": order.store,
        "short_code": code,
        "channel": order.channel,
        "lines": lines,
        "currency": order.currency,
        "customer_ref": ref,
        "promise_at": stamp(order.promise_at) if order.promise_at else None,
        "placed_at": at,
        "language": order.customer.language,
        "fallback": order.fallback,
        **({"supply": order.supply} if order.supply != "store" else {}),
    }


def _line(line: Line) -> dict[str, Any]:
    return line._asdict() | {"substitutes": line.wish}


def _wishes(line: intake.Line) -> dict[str, Any]:
    """What a line asks for beyond the ordinary; releases that know none of it read the rest."""
    wishes: dict[str, Any] = {}
    if line.substitutes != "any":
        wishes["substitutes"] = line.substitutes
    if line.age_min:
        wishes["age_min"] = line.age_min
    return wishes


def _has_store(conn: Connection, store_id: str) -> bool:
    row = conn.execute("SELECT 1 FROM store WHERE store_id = ?", (store_id,)).fetchone()
    return row is not None


def short_code_at(conn: Connection, store_id: str, code: str) -> str:
    """Return `code`, or another one that is free among the orders of this store not yet done."""
    while True:
        taken = conn.execute(
            "SELECT 1 FROM placed p LEFT JOIN pickup k USING (store_id, order_id)"
            " WHERE p.store_id = ? AND p.short_code = ?"
            " AND coalesce(k.state, 'PROPOSED') NOT IN"
            " ('PICKED_UP', 'REJECTED', 'EXPIRED', 'CANCELED')",
            (store_id, code),
        ).fetchone()
        if taken is None:
            return code
        code = intake.short_code()


def order(conn: Connection, order_id: str) -> dict[str, Any]:
    """Return an order as it stands by the store's word. Raises NotFound."""
    placed = conn.execute("SELECT * FROM placed WHERE order_id = ?", (order_id,)).fetchone()
    # Central may have lost its copy; then whichever store speaks of the order is believed.
    store_id = placed["store_id"] if placed is not None else None
    told = conn.execute(
        "SELECT k.*, s.pushed_at FROM pickup k JOIN store s USING (store_id) WHERE k.order_id = ?1"
        " AND (CAST(?2 AS TEXT) IS NULL OR k.store_id = ?2) ORDER BY k.state = 'REJECTED'",
        (order_id, store_id),
    ).fetchone()
    if placed is None and told is None:
        raise NotFound(f"No order {order_id} here.")
    found = _as_placed(conn, placed) if placed is not None else {}
    if placed is not None:
        found |= _moved(conn, order_id, found["timeline"])
    if told is not None:
        view = read_order(told["folded"])
        found |= {"order_id": order_id, "store": told["store_id"], "state": told["state"]}
        shown = {"shelf": view.shelf, "reason": view.reason}
        found |= {name: value for name, value in shown.items() if value}
        found.setdefault("short_code", view.short_code)
        found |= _promised(found, view.promise_at)
        found["lines"] = _merged(found.get("lines", []), [_line(line) for line in view.lines])
        found["timeline"] = [*found.get("timeline", []), *msgspec.json.decode(told["timeline"])]
        found["as_of"] = told["pushed_at"]
        found["supply"] = view.supply
        found["shipment"] = store_shipments.shown(conn, order_id, view)
    elif placed is not None:
        found["shipment"] = store_shipments.shown(conn, order_id)
    return found


def _as_placed(conn: Connection, placed: Row) -> dict[str, Any]:
    body = msgspec.json.decode(placed["body"])
    heard = conn.execute(
        "SELECT pushed_at FROM store WHERE store_id = ?", (placed["store_id"],)
    ).fetchone()
    return {
        "order_id": placed["order_id"],
        "store": placed["store_id"],
        "state": "PROPOSED",
        "short_code": placed["short_code"],
        "pickup_code": placed["pickup_code"],
        "customer_ref": placed["customer_ref"],
        "channel": body["channel"],
        "currency": body["currency"],
        "promise_at": body["promise_at"],
        "placed_at": placed["at"],
        "language": body.get("language"),
        "cancel_asked_at": placed["cancel_asked_at"],
        "fallback": placed["fallback"],
        "supply": body.get("supply", "store"),
        "lines": body["lines"],
        "timeline": [{"at": placed["at"], "what": "placed"}],
        "as_of": heard["pushed_at"] if heard else None,
    }


def _moved(conn: Connection, order_id: str, timeline: list[Any]) -> dict[str, Any]:
    """Return which store could not fulfill the order, and the timeline with what it said."""
    row = conn.execute(
        "SELECT r.*, k.timeline, k.folded FROM rerouted r LEFT JOIN pickup k"
        " ON k.store_id = r.from_store AND k.order_id = r.order_id WHERE r.order_id = ?",
        (order_id,),
    ).fetchone()
    if row is None:
        return {}
    told = msgspec.json.decode(row["timeline"] or "[]")
    move = {"at": row["at"], "what": "rerouted", "from": row["from_store"], "to": row["to_store"]}
    told = [event | {"store": row["from_store"]} for event in told]
    moved = {"rerouted_from": row["from_store"], "timeline": [*timeline, *told, move]}
    first = read_order(row["folded"]).promise_at if row["folded"] else None
    return moved | ({"promise_was": first} if first else {})


def _promised(found: Mapping[str, Any], told: str | None) -> dict[str, Any]:
    """Return the promise that counts, which is the store's, and the first one where it moved."""
    now, first = told or found.get("promise_at"), found.get("promise_was")
    return {"promise_at": now, "promise_was": first or found.get("promise_at") or now}


def _merged(placed: list[dict[str, Any]], told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    own = {line["line_id"]: line for line in placed}
    return [own.get(line["line_id"], {}) | line for line in told]


def ask_to_cancel(tx: Tx, order_id: str, reason: str) -> dict[str, Any]:
    """Ask the store to cancel; it stays as it is until the store's own fact. Asking twice is one.

    Raises NotFound, and Refusal when the order is done.
    """
    tx.hold(order(tx.conn, order_id)["store"])
    found = order(tx.conn, order_id)
    if found["state"] in FINAL and found["state"] != "CANCELED":
        raise Refusal(ENDED, slug="order-done")
    if found["state"] == "CANCELED" or found.get("cancel_asked_at"):
        return found
    tx.conn.execute(
        "UPDATE placed SET cancel_asked_at = ? WHERE order_id = ?", (stamp(tx.now), order_id)
    )
    command = {
        "id": f"cancel-{order_id}-{secrets.token_hex(4)}",
        "type": "order.cancel",
        "order_id": order_id,
        "reason": reason,
    }
    store_feed.add_command(tx, found["store"], command)
    return order(tx.conn, order_id)


def ship(tx: Tx, order_id: str, told: intake.Shipped) -> dict[str, Any]:
    """Head office or a warehouse sent an order to its store. Twice is once. Raises NotFound."""
    tx.hold(order(tx.conn, order_id)["store"])
    store_shipments.shipped(tx, order(tx.conn, order_id), told)
    return order(tx.conn, order_id)


def erase(tx: Tx, ref: str) -> dict[str, Any]:
    """Forget a person here and at every store that was told of them. Raises NotFound."""
    at = store_people.erase(tx, ref)
    store_words.erase(tx, ref)
    store_notices.forget(tx, ref)
    if at is None:
        return {"ref": ref, "erased_at": store_people.erased_at(tx.conn, ref)}
    store_feed.tell_erased(tx, ref)
    return {"ref": ref, "erased_at": at}
