"""Points of customers: which facts moved the goods of their orders, and what those are worth.

It must never keep a balance: what is kept are facts by their ids, so that a push that comes again,
a fold again or two stores that speak of one order add nothing twice.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, Final

import msgspec

from hub.errors import Invalid, NotFound
from hub.pickup.facts import HandoverCorrected, OrderHandedOver
from hub.returns.facts import (
    RefundSettled,
    ReturnClosed,
    ReturnConfirmed,
    ReturnLineDisposed,
    ReturnOpened,
    brought_as,
)

from . import points_rules, store_life, store_people
from .points_rules import Bought, Kind, Moved, Terms
from .projection import Goods, read_order
from .store_port import Connection, Tx

RATE: Final = "points_rate"
PAGE: Final = 100
MISSING: Final = "MISSING"
_PART: Final = (
    "INSERT INTO points_return (store_id, return_id, part, order_id, line_id, qty, missing, closed)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (store_id, return_id, part) DO NOTHING"
)
_OF_RETURN: Final = "WHERE store_id = ? AND return_id = ?"
_KINDS: Final[dict[type, Kind]] = {
    OrderHandedOver: "handover",
    HandoverCorrected: "correction",
    ReturnClosed: "return",
    ReturnConfirmed: "return",
    RefundSettled: "refund_refused",
}


def rate(conn: Connection) -> int:
    """Return how many points a major unit of money is worth from now on; 0: none are given."""
    return int(store_life.read(conn, RATE) or 0)


def set_rate(tx: Tx, wanted: int) -> int:
    """Set it for orders that are not handed over yet; all others keep theirs. Raises Invalid."""
    if not 0 <= wanted <= points_rules.MOST_RATE:
        raise Invalid(f"points_per_unit is 0 to {points_rules.MOST_RATE}.", field="points_per_unit")
    store_life.write(tx.conn, RATE, str(wanted))
    return wanted


def take(tx: Tx, store_id: str, told: Sequence[Goods]) -> None:
    """Keep which facts moved goods of orders. The same again changes nothing."""
    if not told:
        return
    rows: list[tuple[str, Kind, str, str, str, int]] = []
    for one in told:
        rows += _rows(tx.conn, store_id, one)
    _begin(tx.conn, {order_id for order_id, *_ in rows})
    tx.conn.executemany(
        "INSERT INTO points_entry (order_id, store_id, entry_id, kind, at, line_id, qty)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (store_id, entry_id, line_id) DO NOTHING",
        [
            (order_id, store_id, entry, kind, at, line_id, qty)
            for order_id, kind, entry, at, line_id, qty in rows
        ],
    )


def forget(tx: Tx, store_id: str) -> None:
    """A store's journal is folded again: what was read from it goes. An order keeps its rate."""
    for table in ("points_entry", "points_return"):
        tx.conn.execute(f"DELETE FROM {table} WHERE store_id = ?", (store_id,))


def _rows(
    conn: Connection, store_id: str, told: Goods
) -> Iterator[tuple[str, Kind, str, str, str, int]]:
    fact = told.fact
    if isinstance(fact, OrderHandedOver | HandoverCorrected):
        lines = [(fact.order_id, line.line_id, line.qty) for line in fact.lines]
    else:
        lines = _refunded(conn, store_id, fact)
    # A fact may name a line twice.
    for (order_id, line_id), named in groupby(sorted(lines), key=lambda one: one[:2]):
        qty = sum(units for *_, units in named)
        yield order_id, _KINDS[type(fact)], told.entry, told.at, line_id, qty


def _refunded(conn: Connection, store_id: str, fact: Any) -> list[tuple[str, str, int]]:
    """Follow a return; return (order, line, units) whose refund this fact asks for or refuses."""
    key = store_id, fact.return_id
    match fact:
        case ReturnOpened():
            _opened(conn, store_id, fact)
        case ReturnLineDisposed():
            conn.execute(
                f"UPDATE points_return SET missing = ? {_OF_RETURN} AND part = ?",
                (int(fact.disposition == MISSING), *key, fact.line_id),
            )
        case ReturnClosed():
            conn.execute(f"UPDATE points_return SET closed = 1 {_OF_RETURN}", key)
            return _there(conn, *key)
        case ReturnConfirmed() if _confirmed(conn, store_id, fact):
            # It was closed before central knew what was bought: the refund is asked for only now.
            return _there(conn, *key)
        case RefundSettled() if fact.state == "REFUSED":
            there = _there(conn, *key)
            if not there:  # before central's word came: it asks for no refund any more
                conn.execute(f"DELETE FROM points_return {_OF_RETURN}", key)
            return there
    return []


def _opened(conn: Connection, store_id: str, fact: ReturnOpened) -> None:
    """Note which units of which order lie on the counter; a till's receipt has no customer."""
    if fact.order_id is None:
        return
    key = store_id, fact.return_id
    conn.executemany(
        _PART,
        [
            (*key, line.line_id, fact.order_id, line.source_line, line.qty, 0, 0)
            for line in fact.lines
        ],
    )


def _confirmed(conn: Connection, store_id: str, fact: ReturnConfirmed) -> bool:
    """Put the lines that central named in the place of what was brought; was it closed already?"""
    key = store_id, fact.return_id
    known = conn.execute(f"SELECT * FROM points_return {_OF_RETURN}", key).fetchall()
    if not known:
        return False
    order_id, closed = known[0]["order_id"], any(row["closed"] for row in known)
    missing = {row["part"]: row["missing"] for row in known}
    conn.execute(f"DELETE FROM points_return {_OF_RETURN}", key)
    parts = []
    for line in fact.lines:
        gone = missing.get(line.line_id, missing.get(brought_as(line.line_id), 0))
        part = line.line_id, order_id, line.source_line, line.qty
        parts.append((*key, *part, gone, int(closed)))
    conn.executemany(_PART, parts)
    return closed


def _there(conn: Connection, store_id: str, return_id: str) -> list[tuple[str, str, int]]:
    """Return (order, line, units) of what is refunded of a return."""
    rows = conn.execute(
        f"SELECT order_id, line_id, qty FROM points_return {_OF_RETURN}"
        " AND missing = 0 AND line_id IS NOT NULL",
        (store_id, return_id),
    )
    return [(row["order_id"], row["line_id"], row["qty"]) for row in rows]


def _begin(conn: Connection, orders: Iterable[str]) -> None:
    """Fix the rate of orders that were not heard of before: a later one is for later orders."""
    now = rate(conn)
    conn.executemany(
        "INSERT INTO points_order (order_id, rate) VALUES (?, ?) ON CONFLICT (order_id) DO NOTHING",
        [(order_id, now) for order_id in sorted(orders)],
    )


def of_customer(conn: Connection, ref: str, after: int = 0) -> dict[str, Any]:
    """Return a customer's balance and entries, the newest first. Raises NotFound once erased."""
    if store_people.find(conn, ref) is None:
        raise NotFound(f"No customer {ref[:64]} here.")
    found = _entries(conn, "SELECT order_id FROM placed WHERE customer_ref = ?", ref)
    found.sort(key=lambda one: (one["at"], one["fact"]), reverse=True)
    page = found[after : after + PAGE]
    more = after + PAGE if len(found) > after + PAGE else None
    balance = sum(one["points"] for one in found)
    return {"customer_ref": ref, "balance": balance, "items": page, "next": more}


def of_order(conn: Connection, order_id: str, ref: str | None) -> dict[str, int] | None:
    """Return `{"earned","taken_back","balance"}`: of an order, and of its customer in all.

    None while there is nothing to tell: not handed over, no points, or the customer is erased.
    """
    found = _entries(conn, "SELECT order_id FROM placed WHERE order_id = ?", order_id)
    earned = sum(one["points"] for one in found if one["kind"] in ("handover", "correction"))
    if not earned or ref is None or store_people.find(conn, ref) is None:
        return None
    balance = of_customer(conn, ref)["balance"]
    taken_back = earned - sum(one["points"] for one in found)
    return {"earned": earned, "taken_back": taken_back, "balance": balance}


def _entries(conn: Connection, orders: str, key: str) -> list[dict[str, Any]]:
    """Return what the facts about some orders are worth, order by order."""
    rows = conn.execute(
        "SELECT e.order_id, e.entry_id, e.store_id, e.kind, e.at, e.line_id, e.qty, o.rate"
        " FROM points_entry e JOIN points_order o ON o.order_id = e.order_id"
        f" WHERE e.order_id IN ({orders}) "
        " ORDER BY e.order_id, e.at, e.store_id, e.entry_id, e.line_id",
        (key,),
    ).fetchall()
    if not rows:
        return []
    bought = _bought(conn, orders, key)
    found: list[dict[str, Any]] = []
    for order_id, of_order in groupby(rows, key=lambda row: str(row["order_id"])):
        listed = list(of_order)
        currency, lines = bought[order_id]
        terms = Terms(listed[0]["rate"], currency, lines)
        found += [
            {
                **one._asdict(),
                "order_id": order_id,
                "currency": currency,
            }
            for one in points_rules.entries(terms, _moved(listed))
        ]
    return found


def _moved(rows: Iterable[Any]) -> Iterator[Moved]:
    for (store, fact), named in groupby(rows, key=lambda row: (row["store_id"], row["entry_id"])):
        units = list(named)
        lines = tuple((str(row["line_id"]), int(row["qty"])) for row in units)
        yield Moved(store, fact, units[0]["kind"], units[0]["at"], lines)


def _bought(conn: Connection, orders: str, key: str) -> dict[str, tuple[str, dict[str, Bought]]]:
    """Return currency and lines of orders: as central took them, and what stores put instead."""
    found: dict[str, tuple[str, dict[str, Bought]]] = {}
    for row in conn.execute(
        f"SELECT order_id, body FROM placed WHERE order_id IN ({orders})", (key,)
    ):
        body = msgspec.json.decode(row["body"])
        lines = {
            line["line_id"]: Bought(line["qty"], line["unit_price_minor"] or 0)
            for line in body["lines"]
        }
        found[row["order_id"]] = body["currency"], lines
    told = conn.execute(f"SELECT order_id, folded FROM pickup WHERE order_id IN ({orders})", (key,))
    for row in told:
        _, lines = found[row["order_id"]]
        for line in read_order(row["folded"]).lines:
            lines.setdefault(line.line_id, Bought(line.ordered, line.unit_price_minor or 0))
    return found
