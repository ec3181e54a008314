"""Reads orders: one as integrators see it, the board, lists, conflicts.

It must never write, and never show anything personal: names are read from `customers`.
"""

from collections.abc import Iterator, Sequence
from sqlite3 import Connection
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from hub.catalog import queries as catalog
from hub.errors import Invalid, NotFound
from hub.house import queries as house
from hub.house.rules import Shelf, demanding, suggest_each
from hub.pickup import tables
from hub.pickup.arrival.shown import shown as way_of
from hub.pickup.lifecycle import Status
from hub.pickup.order import Line, PickupOrder
from hub.shelf import queries as shelf
from hub.shelf.rules import Place

BOARD: Final = (
    Status.RESERVED,
    Status.IN_TRANSIT,
    Status.RECEIVED,
    Status.PICKING,
    Status.PREPARED,
    Status.READY_FOR_PICKUP,
    Status.ON_HOLD,
)


# Where an order has its shelf still before it, and the states in which it stands on one.
TO_STAGE: Final = (Status.RESERVED, Status.RECEIVED, Status.PICKING)
_STANDING: Final = "'PREPARED', 'READY_FOR_PICKUP', 'ON_HOLD'"


def load(conn: Connection, order_id: str) -> PickupOrder:
    """The order for a decision. NotFound when this store has none of that id."""
    found = tables.load(conn, order_id)
    if found.version == 0:
        raise NotFound(f"No order {order_id} in this store.")
    return found


def find(conn: Connection, order_id: str) -> PickupOrder | None:
    found = tables.load(conn, order_id)
    return found if found.version else None


def every(conn: Connection) -> Iterator[PickupOrder]:
    """All orders that this store ever had, in the order of their ids."""
    for (order_id,) in conn.execute("SELECT order_id FROM pickup_order ORDER BY order_id"):
        yield tables.load(conn, order_id)


def export(conn: Connection) -> Iterator[dict[str, Any]]:
    """`storehub export orders`."""
    return (order(conn, found.order_id) for found in every(conn))


def order(conn: Connection, order_id: str) -> dict[str, Any]:
    """`GET /orders/{id}`."""
    found = load(conn, order_id)
    walk = shelf.walk_order(conn, (line.sku for line in found.lines))
    pictured = catalog.pictured(conn, (line.sku for line in found.lines))
    suggested = suggested_shelves(conn, found)
    return {
        "order_id": found.order_id,
        "state": found.state.value,
        "version": found.version,
        "shelf": found.shelf,
        "shelves": shelves_of(found),
        "suggested_shelf": suggested[0]["shelf"] if suggested else None,
        "suggested_shelves": suggested,
        "short_code": found.short_code,
        "channel": found.channel,
        "supply": found.supply,
        "customer_ref": found.customer_ref,
        "language": found.language,
        "currency": found.currency,
        "claimed_by": found.claimed_by,
        "reason": found.reason,
        "proof_kind": found.proof_kind,
        **way_of(found),
        "promise_at": found.promise_at,
        "accepted_at": found.accepted_at,
        "picked_at": found.picked_at,
        "ready_at": found.ready_at,
        "buyer_on_the_way_at": found.buyer_on_the_way_at,
        "buyer_arrived_at": found.buyer_arrived_at,
        "buyer_eta_minutes": found.buyer_eta_minutes,
        "buyer_stall": found.buyer_stall,
        "has_delegate": bool(found.has_delegate),
        "picked_up_at": found.picked_up_at,
        "can_undo_line": bool(found.steps),
        "age_min": max((line.age_min for line in found.lines if line.to_hand_over > 0), default=0),
        "storage": demanding(line.storage for line in found.lines),
        "lines": [
            _line(line) | _place_and_picture(line.sku, walk, pictured) for line in found.lines
        ],
        "timeline": timeline(conn, order_id),
    }


def timeline(conn: Connection, order_id: str) -> list[dict[str, Any]]:
    """What happened, oldest first: `{"entry","type","at","actor","line_id"?,"qty"?,"note"?}`."""
    rows = conn.execute(
        "SELECT entry, type, at, actor, line_id, qty, note FROM pickup_event"
        " WHERE order_id = ? ORDER BY n",
        (order_id,),
    )
    return [{key: row[key] for key in row.keys() if row[key] is not None} for row in rows]  # noqa: SIM118


def orders(
    conn: Connection, state: str | None = None, after: str | None = None, limit: int = 50
) -> dict[str, Any]:
    """`GET /orders?state=`: `{"items", "next"}`, by order id; `next` is the `after` of the rest."""
    if state is not None and state not in Status.__members__:
        raise Invalid(f"state must be one of {', '.join(Status)}.", field="state")
    limit = max(1, min(limit, 200))
    rows = conn.execute(
        "SELECT order_id FROM pickup_order WHERE order_id > ? AND (? IS NULL OR state = ?)"
        " ORDER BY order_id LIMIT ?",
        (after or "", state, state, limit + 1),
    ).fetchall()
    ids = [row["order_id"] for row in rows]
    return {
        "items": [order(conn, order_id) for order_id in ids[:limit]],
        "next": ids[limit - 1] if len(ids) > limit else None,
    }


def reserved_since(conn: Connection, at: str) -> list[str]:
    """Ids of the orders that came since the stamp `at` and that nobody picks yet, oldest first."""
    rows = conn.execute(
        "SELECT order_id FROM pickup_order WHERE state = ? AND accepted_at >= ?"
        " ORDER BY accepted_at, order_id",
        (Status.RESERVED.value, at),
    )
    return [order_id for (order_id,) in rows]


def picked_by(conn: Connection, actor: str) -> list[str]:
    """Ids of the orders that `actor` picks at present, the earliest promise first."""
    rows = conn.execute(
        "SELECT order_id FROM pickup_order WHERE state = 'PICKING' AND claimed_by = ?"
        " ORDER BY promise_at IS NULL, promise_at, order_id",
        (actor,),
    )
    return [order_id for (order_id,) in rows]


def put_off(conn: Connection, order_ids: Sequence[str]) -> set[tuple[str, str]]:
    """The lines (order, line) whose last step was to be picked later."""
    rows = conn.execute(
        "SELECT order_id, line_id, type, max(n) FROM pickup_event WHERE line_id IS NOT NULL"
        f" AND order_id IN ({','.join('?' * len(order_ids))}) GROUP BY order_id, line_id",
        tuple(order_ids),
    )
    return {(order, line) for order, line, kind, _ in rows if kind == "LinePostponed"}


def by_short_code(conn: Connection, short_code: str, limit: int = 20) -> list[str]:
    """Ids of the orders that carry this short code, those still to be collected first."""
    rows = conn.execute(
        "SELECT order_id FROM pickup_order WHERE short_code = ?"
        " ORDER BY state IN ('PICKED_UP', 'CANCELED', 'EXPIRED', 'REJECTED'), accepted_at DESC"
        " LIMIT ?",
        (short_code.upper(), limit),
    )
    return [order_id for (order_id,) in rows]


def beginning(conn: Connection, text: str, limit: int = 20) -> list[str]:
    """Ids of the orders whose short code or number begins so, those still to be collected first."""
    found: list[str] = []
    for column, start in (("short_code", text.upper()), ("order_id", text)):
        rows = conn.execute(
            f"SELECT order_id FROM pickup_order WHERE {column} >= ? AND {column} < ?"
            " ORDER BY state IN ('PICKED_UP', 'CANCELED', 'EXPIRED', 'REJECTED'),"
            " accepted_at DESC LIMIT ?",
            (start, start + "\U0010ffff", limit),
        )
        found += [order_id for (order_id,) in rows]
    return list(dict.fromkeys(found))[:limit]


def waiting_with(conn: Connection, sku: str, limit: int = 20) -> list[str]:
    """Ids of the orders on the board that hold this article, the earliest promise first."""
    marks = ",".join("?" * len(BOARD))
    rows = conn.execute(
        f"SELECT o.order_id FROM pickup_order o WHERE o.state IN ({marks}) AND EXISTS"
        " (SELECT 1 FROM pickup_line l WHERE l.order_id = o.order_id AND l.sku = ?"
        "  AND l.ordered > l.short + l.substituted + l.canceled + l.handed_over)"
        " ORDER BY o.promise_at IS NULL, o.promise_at, o.order_id LIMIT ?",
        (*(state.value for state in BOARD), sku, limit),
    )
    return [order_id for (order_id,) in rows]


def expected(conn: Connection) -> dict[str, list[str]]:
    """The customers of the orders on the board: customer_ref → order ids, the earliest first."""
    marks = ",".join("?" * len(BOARD))
    rows = conn.execute(
        "SELECT customer_ref, order_id FROM pickup_order"
        f" WHERE state IN ({marks}) AND customer_ref IS NOT NULL"
        " ORDER BY promise_at IS NULL, promise_at, order_id",
        [state.value for state in BOARD],
    )
    found: dict[str, list[str]] = {}
    for ref, order_id in rows:
        found.setdefault(ref, []).append(order_id)
    return found


def is_of_customer(conn: Connection, order_id: str, customer_ref: str | None) -> bool:
    """Is this order that customer's? Nobody's when nobody knows whose it is."""
    if customer_ref is None:
        return False
    row = conn.execute(
        "SELECT 1 FROM pickup_order WHERE order_id = ? AND customer_ref = ?",
        (order_id, customer_ref),
    ).fetchone()
    return row is not None


def of_customer(conn: Connection, customer_ref: str, limit: int = 50) -> list[tuple[str, str]]:
    """(order id, state) of a customer's orders, those still to be collected first."""
    rows = conn.execute(
        "SELECT order_id, state FROM pickup_order WHERE customer_ref = ?"
        " ORDER BY state IN ('PICKED_UP', 'CANCELED', 'EXPIRED', 'REJECTED'),"
        " promise_at IS NULL, promise_at, order_id LIMIT ?",
        (customer_ref, limit),
    )
    return [(order_id, state) for order_id, state in rows]


def conflicts(conn: Connection) -> list[tuple[str, str, str]]:
    """All facts that the lifecycle did not foresee: (entry id, order id, type)."""
    rows = conn.execute("SELECT entry, order_id, type FROM pickup_conflict ORDER BY entry")
    return [(entry, order_id, kind) for entry, order_id, kind in rows]


def due_to_expire(conn: Connection, before: str, arrived: str, limit: int = 50) -> list[str]:
    """Orders kept ready since before that stamp.

    Their customers, if they came, did before `arrived`.
    """
    rows = conn.execute(
        "SELECT order_id FROM pickup_order WHERE state = 'READY_FOR_PICKUP' AND kept_since < ?"
        " AND (buyer_arrived_at IS NULL OR buyer_arrived_at < ?)"
        " ORDER BY kept_since, order_id LIMIT ?",
        (before, arrived, limit),
    )
    return [order_id for (order_id,) in rows]


def keys(conn: Connection) -> dict[str, Ed25519PublicKey]:
    """Central's public keys for pickup codes, as replicated."""
    known = catalog.pickup_keys(conn)
    return {key_id: Ed25519PublicKey.from_public_bytes(raw) for key_id, raw in known.items()}


def shelves_of(found: PickupOrder) -> list[dict[str, Any]]:
    """Where an order's goods lie, for the customer or to be put back: `{"shelf","lines"}`."""
    there: dict[str, list[str]] = {}
    for line in found.lines:
        if line.shelf is not None and (
            line.to_hand_over > 0 or min(line.canceled, line.to_put_back) > 0
        ):
            there.setdefault(line.shelf, []).append(line.line_id)
    main_first = sorted(there.items(), key=lambda one: one[0] != found.shelf)
    return [{"shelf": name, "lines": lines} for name, lines in main_first]


def suggested_shelves(conn: Connection, found: PickupOrder) -> list[dict[str, Any]]:
    """The best free shelf for each kind of goods that lies on none yet, the most demanding first.

    `{"kind","shelf","lines"}`; `shelf` is None where none of its kind is free.
    """
    if found.shelf is not None or found.state not in TO_STAGE:
        return []
    rows = conn.execute(
        "SELECT DISTINCT l.shelf FROM pickup_order o JOIN pickup_line l ON l.order_id = o.order_id"
        " WHERE o.customer_ref = ? AND o.order_id <> ? AND l.shelf IS NOT NULL"
        f" AND o.state IN ({_STANDING}) ORDER BY l.shelf",
        (found.customer_ref, found.order_id),
    )
    left = [
        (line.line_id, line.storage)
        for line in found.lines
        if line.shelf is None and line.pending + line.to_hand_over > 0
    ]
    return suggest_each(staging_shelves(conn), left, [name for (name,) in rows])


def staging_shelves(conn: Connection) -> list[Shelf]:
    """The planned staging shelves, with how many orders have goods on each."""
    rows = conn.execute(
        "SELECT shelf, count(DISTINCT order_id) FROM pickup_line"
        " WHERE shelf IS NOT NULL AND picked > handed_over GROUP BY shelf"
    )
    there = dict(map(tuple, rows))
    return [one._replace(orders=there.get(one.shelf, 0)) for one in house.shelves(conn)]


def _place_and_picture(
    sku: str,
    walk: dict[str, tuple[int, Place]],
    pictured: dict[str, tuple[str | None, str | None]],
) -> dict[str, Any]:
    category, image = pictured.get(sku, (None, None))
    return {"place": _place(walk.get(sku)), "category": category, "image": image}


def _place(found: tuple[int, Place] | None) -> dict[str, Any] | None:
    """Where the line is picked, as the floor plan has it; `order` sorts by walking order."""
    if found is None:
        return None
    order, place = found
    return {"place": place.place, "name": place.name, "aisle": place.aisle, "order": order}


def _line(line: Line) -> dict[str, Any]:
    return {
        "line_id": line.line_id,
        "sku": line.sku,
        "name": line.name,
        "ordered": line.ordered,
        "picked": line.picked,
        "short": line.short,
        "substituted": line.substituted,
        "canceled": line.canceled,
        "pending": line.pending,
        "handed_over": line.handed_over,
        "substitute_for": line.substitute_for,
        "unit_price_minor": line.unit_price_minor,
        "currency": line.currency,
        "substitutes": line.wish,
        "storage": line.storage,
        "age_min": line.age_min,
        "shelf": line.shelf,
        "to_put_back": line.to_put_back,
    }
