"""What comes back of orders, at whatever store: claims, central's word on them, who is told of it.

It must never let more units of a line come back, over all stores, than were handed over, and never
hold anything personal. A claim is a hub's intention; the hub's own fact is what counts.
"""

import secrets
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, Final

from hub.clock import parse
from hub.errors import NotFound
from hub.returns import facts as f
from hub.returns.abroad import Claim, Handed, HandedLine
from sync.claims import Asked

from . import return_rules, store_feed
from . import store_return_rows as rows
from .return_rules import Part, Unit, Word
from .store_bought import Bought, bought, named
from .store_port import Connection, Tx
from .store_supply import unsure

# A hub that opened the return has pushed its fact long since, or never will.
LAPSES: Final = timedelta(minutes=10)


# -- what hubs ask -------------------------------------------------------------------------------


def handed(conn: Connection, order_id: str) -> Handed:
    """Return what was handed over of an order and what came back. Raises NotFound."""
    known = bought(conn, order_id)
    if known.keeper is None:
        raise NotFound(f"No order {order_id} here.")
    came_back, stores = rows.back(conn, order_id), rows.stores_of(conn, order_id)
    lines = [
        HandedLine(one.line_id, one.sku, one.name, one.handed, came_back.get(one.line_id, 0),
                   one.unit_price_minor)
        for one in known.told
    ]  # fmt: skip
    keeper = next((one.store for one in known.told if one.handed), known.keeper)
    return Handed(order_id, keeper, named(conn, keeper), known.currency, lines, known.ended, stores)


def claim(tx: Tx, store_id: str, asked: Asked) -> Claim:
    """Claim units for a return that a hub is about to open; the same return again is one claim."""
    tx.hold(rows.lock(asked.order_id))
    found = handed(tx.conn, asked.order_id)
    if rows.row_of(tx.conn, store_id, asked.return_id) is not None:
        return Claim("CLAIMED", "", [], found)
    known = bought(tx.conn, asked.order_id)
    parts = []
    for n, line in enumerate(asked.lines, 1):
        told = known.line(line.line_id)
        sku = told.sku if told else ""
        parts.append(Part(f"B{n}", sku, line.qty, line.line_id))
    word = return_rules.decide(
        parts, known.lines, rows.back(tx.conn, asked.order_id), settled=known.ended
    )
    if word.says == "CONFIRMED":
        rows.add(tx, store_id, asked.return_id, asked.order_id, "ASKED", own=False, awaits=store_id)
        rows.confirm(tx, store_id, asked.return_id, word.units)
        _tell_origin(tx, store_id, asked.return_id, "taken")
        return Claim("CLAIMED", "", [], found)
    return Claim("WAITS" if word.says == "WAITS" else "REFUSED", word.reason, found.stores, found)


def release(tx: Tx, store_id: str, return_id: str) -> bool:
    """The hub did not open the return that it claimed units for. What a fact says stays."""
    row = rows.row_of(tx.conn, store_id, return_id)
    if row is None or row["state"] != "ASKED":
        return False
    _tell_origin(tx, store_id, return_id, "gone")
    for table in ("goods_return_line", "goods_return"):
        tx.conn.execute(
            f"DELETE FROM {table} WHERE store_id = ? AND return_id = ?", (store_id, return_id)
        )
    return True


# -- what hubs' facts say ------------------------------------------------------------------------


def take(tx: Tx, store_id: str, facts: Iterable[Any]) -> None:
    """Take over what a hub says of its returns; the same again changes nothing."""
    facts, touched = list(facts), dict[str, None]()
    # Before the first row: another store's push may be deciding about one of these returns.
    for lock in sorted({rows.lock(name) for name in _orders(tx, store_id, facts)}):
        tx.hold(lock)
    for fact in facts:
        match fact:
            case f.ReturnOpened():
                _opened(tx, store_id, fact)
            case f.ReturnLineDisposed():
                tx.conn.execute(
                    "UPDATE goods_return_line SET missing = ?"
                    " WHERE store_id = ? AND return_id = ? AND part = ?",
                    (int(fact.disposition == "MISSING"), store_id, fact.return_id, fact.line_id),
                )
            case f.ReturnClosed():
                _end(tx, store_id, fact.return_id, "CLOSED")
            case f.ReturnCanceled():
                _end(tx, store_id, fact.return_id, "CANCELED")
            case f.ReturnConfirmed():
                _believe(tx, store_id, fact.return_id, _units_of(fact))
            case f.ReturnConflicted():
                _believe(tx, store_id, fact.return_id, None, fact.reason)
            case f.RefundSettled() if fact.state == "PAID":
                tx.conn.execute(
                    "UPDATE goods_return SET paid = 1 WHERE store_id = ? AND return_id = ?",
                    (store_id, fact.return_id),
                )
        if not isinstance(fact, f.ReturnedElsewhere):
            touched[fact.return_id] = None
    undecided = [
        row for name in touched if (row := rows.row_of(tx.conn, store_id, name)) is not None
    ]
    for row in sorted(undecided, key=lambda one: str(one["order_id"])):
        _decide(tx, row, heard=False)


def _orders(tx: Tx, store_id: str, facts: Sequence[Any]) -> set[str]:
    found = {fact.order_id for fact in facts if isinstance(fact, f.ReturnOpened) and fact.order_id}
    told = {fact.return_id for fact in facts if not isinstance(fact, f.ReturnOpened)}
    known = (rows.row_of(tx.conn, store_id, name) for name in sorted(told))
    return found | {str(row["order_id"]) for row in known if row is not None}


def _opened(tx: Tx, store_id: str, fact: f.ReturnOpened) -> None:
    if fact.order_id is None:
        return
    known = rows.row_of(tx.conn, store_id, fact.return_id)
    if known is not None and fact.provisional and known["state"] == "ASKED":
        # The hub did not hear that its claim was taken: it waits for a word.
        release(tx, store_id, fact.return_id)
    elif known is not None:
        tx.conn.execute(
            "UPDATE goods_return SET state = 'OPEN', awaits = NULL"
            " WHERE store_id = ? AND return_id = ? AND state = 'ASKED'",
            (store_id, fact.return_id),
        )
        return
    own = fact.origin is None and not fact.provisional
    rows.add(tx, store_id, fact.return_id, fact.order_id, "OPEN", own=own, awaits=store_id)
    rows.write(
        tx, store_id, fact.return_id,
        [(line.line_id, line.sku, line.qty, line.source_line, 0) for line in fact.lines],
    )  # fmt: skip


def _end(tx: Tx, store_id: str, return_id: str, state: str) -> None:
    row = rows.row_of(tx.conn, store_id, return_id)
    if row is None or row["state"] not in ("ASKED", "OPEN"):
        return
    tx.conn.execute(
        "UPDATE goods_return SET state = ? WHERE store_id = ? AND return_id = ?",
        (state, store_id, return_id),
    )
    if row["word"] == "CONFIRMED" and state == "CANCELED":
        _tell_origin(tx, store_id, return_id, "gone")
    elif row["word"] == "CONFIRMED" and len(rows.parts(tx.conn, row)) > len(
        rows.parts(tx.conn, {**row, "state": state})
    ):
        _tell_origin(tx, store_id, return_id, "closed")


def _units_of(fact: f.ReturnConfirmed) -> tuple[Unit, ...]:
    return tuple(Unit(one.line_id, one.source_line, one.sku, one.qty) for one in fact.lines)


def _believe(
    tx: Tx, store_id: str, return_id: str, units: Sequence[Unit] | None, reason: str = ""
) -> None:
    """The hub took central's word over: a central that forgot its word learns it from the fact."""
    row = rows.row_of(tx.conn, store_id, return_id)
    if row is None or row["word"] in ("CONFIRMED", "CONFLICT"):
        return
    if units is None:
        rows.say(tx, store_id, return_id, "CONFLICT", reason)
    else:
        rows.confirm(tx, store_id, return_id, units)
        _tell_origin(tx, store_id, return_id, "taken")


# -- central's word ------------------------------------------------------------------------------


def settle(tx: Tx, store_id: str, generation: str, *, heard: bool) -> None:
    """`store_id` spoke: decide what awaited it. `heard`: it has told all that it knew by now."""
    waiting = tx.conn.execute(
        "SELECT * FROM goods_return WHERE awaits = ? ORDER BY order_id, store_id, return_id",
        (store_id,),
    ).fetchall()
    for row in waiting:
        if row["state"] != "ASKED":
            unknown = heard and bool(unsure(tx.conn, generation))
            _decide(tx, dict(row), heard=heard, unknown=unknown)
        elif heard and parse(row["at"]) + LAPSES < tx.now:
            release(tx, store_id, row["return_id"])


def _decide(tx: Tx, row: dict[str, Any], *, heard: bool, unknown: bool = False) -> None:
    """Say central's word on a return that has none yet, and tell its hub.

    `heard`: of the store that the return awaits. `unknown`: there may be stores that hold an order
    which this central forgot.
    """
    store_id, return_id, order_id = row["store_id"], row["return_id"], row["order_id"]
    tx.hold(rows.lock(order_id))
    row = rows.row_of(tx.conn, store_id, return_id) or row
    if row["word"] != "WAITS":
        return
    if row["state"] == "CANCELED":
        rows.awaits(tx, store_id, return_id, None)
        return
    known = bought(tx.conn, order_id)
    parts = rows.parts(tx.conn, row)
    back = rows.back(tx.conn, order_id)
    if row["own"]:
        elsewhere = rows.back(tx.conn, order_id, but=store_id)
        word = return_rules.decide_own(parts, known.lines, back, elsewhere)
    else:
        awaited = known.keeper or store_id
        spoken = heard and row["awaits"] == awaited and not (known.keeper is None and unknown)
        word = return_rules.decide(parts, known.lines, back, settled=known.ended or spoken)
        if word.says == "WAITS":
            rows.awaits(tx, store_id, return_id, awaited)
            return
    _say(tx, row, known, word)


def _say(tx: Tx, row: dict[str, Any], known: Bought, word: Word) -> None:
    store_id, return_id = row["store_id"], row["return_id"]
    command: dict[str, Any] = {
        "id": f"return-{return_id}",
        "type": "return.decided",
        "return_id": return_id,
        "says": word.says,
    }
    if word.says == "CONFIRMED":
        rows.confirm(tx, store_id, return_id, word.units)
        if row["own"]:
            return
        _tell_origin(tx, store_id, return_id, "taken")
        first = next((one for unit in word.units if (one := known.line(unit.line_id))), None)
        origin = first.store if first else known.keeper
        prices = {one.line_id: one.unit_price_minor for one in known.told}
        command |= {
            "origin": origin,
            "origin_name": named(tx.conn, origin),
            "currency": known.currency,
            "lines": [
                {
                    "line_id": unit.part,
                    "source_line": unit.line_id,
                    "sku": unit.sku,
                    "qty": unit.qty,
                    "unit_price_minor": prices.get(unit.line_id),
                }
                for unit in word.units
            ],
        }
    else:
        came_back = word.reason == return_rules.CAME_BACK
        stores = rows.stores_of(tx.conn, known.order_id) if came_back else []
        command |= {"reason": word.reason, "stores": stores}
        rows.say(tx, store_id, return_id, "CONFLICT", word.reason)
    store_feed.add_command(tx, store_id, command)


def _tell_origin(tx: Tx, store_id: str, return_id: str, what: str) -> None:
    """The stores that handed the units over must not take them back once more."""
    row = rows.row_of(tx.conn, store_id, return_id)
    if row is None or row["own"]:
        return
    known = bought(tx.conn, row["order_id"])
    units = tx.conn.execute(
        f"SELECT l.line_id, sum(CASE WHEN {rows.COUNTS} THEN l.qty ELSE 0 END) AS qty {rows.JOINED}"
        " WHERE r.store_id = ? AND r.return_id = ? GROUP BY l.line_id ORDER BY l.line_id",
        (store_id, return_id),
    ).fetchall()
    origins = {one.line_id: one.store for one in known.told}
    for origin in sorted({origins[one["line_id"]] for one in units if one["line_id"] in origins}):
        if origin == store_id:
            continue
        lines = [
            {"line_id": one["line_id"], "qty": 0 if what == "gone" else int(one["qty"])}
            for one in units
            if origins.get(one["line_id"]) == origin
        ]
        command = {
            "id": f"back-{what}-{store_id}-{return_id}-{secrets.token_hex(4)}",
            "type": "returned.elsewhere",
            "order_id": row["order_id"],
            "return_id": return_id,
            "store": named(tx.conn, store_id),
            "lines": lines,
        }
        store_feed.add_command(tx, origin, command)
