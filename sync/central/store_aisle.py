"""Endless-aisle orders at central: what hubs placed, and whether the distribution centre has it.

It must never supply one unit twice: an order that a hub confirmed spent rights, every other one is
confirmed of what nobody was lent. A hub's own fact is believed.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from hub.aisle.facts import (
    AisleOrderConfirmed,
    AisleOrderDeclined,
    AisleOrderPlaced,
    SupplyLent,
    SupplyReturned,
)
from hub.aisle.rules import Status
from hub.clock import stamp
from hub.errors import NotFound, Refusal
from sync.frames import Person

from . import store_feed, store_people, store_supply, store_words, supply_rules
from .store_port import Connection, Row, Tx

Fact = AisleOrderPlaced | AisleOrderConfirmed | AisleOrderDeclined | SupplyLent | SupplyReturned
SHIPPED: Final = "SHIPPED"
OUT_OF_STOCK: Final = "OUT_OF_STOCK"
PAGE: Final = 100


def take(tx: Tx, store_id: str, facts: Iterable[tuple[str, Fact]]) -> None:
    """Take over what a hub says, each fact with its time. The same again changes nothing."""
    listed = list(facts)
    if listed:
        tx.hold(store_supply.LOCK)
    for at, fact in listed:
        match fact:
            case AisleOrderPlaced():
                _placed(tx, store_id, at, fact)
            case AisleOrderConfirmed():
                _change(tx, store_id, fact.order_id, Status.CONFIRMED, None)
            case AisleOrderDeclined():
                _change(tx, store_id, fact.order_id, Status.DECLINED, fact.reason)
            case SupplyLent():
                known = (fact.granted, fact.reclaimed, fact.asked)
                store_supply.lent(tx, store_id, fact.sku, *known)
            case SupplyReturned():
                store_supply.returned(tx, store_id, fact.sku, fact.returned, fact.answered)


def _placed(tx: Tx, store_id: str, at: str, fact: AisleOrderPlaced) -> None:
    state = Status.CONDITIONAL if fact.conditional else Status.CONFIRMED
    new = tx.conn.execute(
        "INSERT INTO aisle_order (store_id, order_id, state, deliver, conditional, customer_ref,"
        " placed_at, changed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (store_id, order_id) DO NOTHING",
        (
            store_id,
            fact.order_id,
            state.value,
            fact.deliver,
            int(fact.conditional),
            fact.customer_ref,
            at,
            stamp(tx.now),
        ),
    ).rowcount
    if not new:
        return
    for line in fact.lines:
        tx.conn.execute(
            "INSERT INTO aisle_line (store_id, order_id, line_id, sku, qty, name,"
            " unit_price_minor, currency, day) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (store_id, order_id, line_id) DO NOTHING",
            (
                store_id,
                fact.order_id,
                line.line_id,
                line.sku,
                line.qty,
                line.name,
                line.unit_price_minor,
                line.currency,
                at[:10],
            ),
        )
        store_supply.demanded(tx, store_id, line.sku)
        if not fact.conditional:
            store_supply.spent(tx, store_id, line.sku, line.qty)
            store_supply.promise(tx, line.sku, line.qty)


def _change(tx: Tx, store_id: str, order_id: str, state: str, reason: str | None) -> None:
    """Let an order stand in another state; its units are promised while it is confirmed."""
    row = _row(tx.conn, store_id, order_id)
    if row is None or row["state"] in (state, SHIPPED):
        return
    promised = {Status.CONFIRMED.value: 1}
    sign = promised.get(state, 0) - promised.get(row["state"], 0)
    for sku, qty in store_supply.wanted(_lines(tx.conn, store_id, order_id)).items():
        if sign:
            store_supply.promise(tx, sku, sign * qty)
    tx.conn.execute(
        "UPDATE aisle_order SET state = ?, reason = ?, changed_at = ?"
        " WHERE store_id = ? AND order_id = ?",
        (state, reason, stamp(tx.now), store_id, order_id),
    )


def settle(tx: Tx, store_id: str, generation: str) -> None:
    """A hub was heard: answer orders that wait, mend what can't be kept, balance its rights."""
    touched = [
        row["sku"]
        for row in tx.conn.execute(
            "SELECT sku FROM distribution_right WHERE store_id = ? AND due = 1", (store_id,)
        ).fetchall()
    ]
    if not touched and not _waiting(tx.conn):
        return
    tx.hold(store_supply.LOCK)
    for sku in touched:
        keep(tx, sku)
    _answer(tx, generation)
    store_supply.lend_due(tx, store_id, generation)


def _answer(tx: Tx, generation: str) -> None:
    waiting = _waiting(tx.conn)
    if not waiting or store_supply.unsure(tx.conn, generation):
        return
    for row in waiting:
        store_id, order_id = row["store_id"], row["order_id"]
        wanted = store_supply.wanted(_lines(tx.conn, store_id, order_id))
        accounts = {sku: store_supply.account(tx.conn, sku) for sku in wanted}
        verdict = supply_rules.verdict(wanted, accounts)
        if verdict == "confirm":
            _change(tx, store_id, order_id, Status.CONFIRMED, None)
            command = {"id": f"aisle-{order_id}", "type": "aisle.confirmed", "order_id": order_id}
            store_feed.add_command(tx, store_id, command)
        elif verdict == "decline":
            _decline(tx, store_id, order_id)
        else:
            for sku, qty in wanted.items():
                store_supply.recall(tx, sku, qty)
        for sku in wanted:
            store_supply.demanded(tx, store_id, sku)


def _waiting(conn: Connection) -> list[Row]:
    return conn.execute(
        "SELECT store_id, order_id FROM aisle_order WHERE state = 'CONDITIONAL'"
        " ORDER BY placed_at, store_id, order_id"
    ).fetchall()


def recount(
    tx: Tx, rows: Sequence[Mapping[str, Any]], ref: str, generation: str
) -> list[dict[str, Any]]:
    """Take a count over; where units vanished rights are asked back, then orders declined."""
    tx.hold(store_supply.LOCK)
    found = store_supply.count(tx, rows, ref)
    for sku in dict.fromkeys(one["sku"] for one in found):
        keep(tx, sku)
        store_supply.rebalance(tx, sku, generation)
    _answer(tx, generation)
    return found


def keep(tx: Tx, sku: str) -> int:
    """Decline the youngest orders of a SKU that vanished; return how many promises that breaks."""
    known = store_supply.account(tx.conn, sku)
    if known.promised <= known.on_hand:
        return 0
    rows = tx.conn.execute(
        "SELECT l.store_id, l.order_id, sum(l.qty) AS qty FROM aisle_line l"
        " JOIN aisle_order o ON o.store_id = l.store_id AND o.order_id = l.order_id"
        " WHERE l.sku = ? AND o.state = 'CONFIRMED'"
        " GROUP BY l.store_id, l.order_id, o.placed_at"
        " ORDER BY o.placed_at DESC, l.store_id, l.order_id",
        (sku,),
    ).fetchall()
    named = {f"{row['store_id']}/{row['order_id']}": row for row in rows}
    gone = supply_rules.broken(known, [(name, int(row["qty"])) for name, row in named.items()])
    for name in gone:
        _decline(tx, named[name]["store_id"], named[name]["order_id"], broken=True)
        store_supply.note_broken(tx, sku)
    return len(gone)


def _decline(tx: Tx, store_id: str, order_id: str, *, broken: bool = False) -> None:
    _change(tx, store_id, order_id, Status.DECLINED, OUT_OF_STOCK)
    command = {
        "id": f"aisle-{'broken-' if broken else ''}{order_id}",
        "type": "aisle.declined",
        "order_id": order_id,
        "reason": OUT_OF_STOCK,
    }
    store_feed.add_command(tx, store_id, command)


# -- what people at head office do -----------------------------------------------------------------


def shipped(tx: Tx, store_id: str, order_id: str) -> dict[str, Any]:
    """The goods have left the distribution centre. Twice is once. Raises NotFound, Refusal."""
    tx.hold(store_supply.LOCK)
    found = order(tx.conn, store_id, order_id)
    if found["state"] == SHIPPED:
        return found
    if found["state"] != Status.CONFIRMED:
        raise Refusal(
            f"Order {order_id} is {found['state'].lower()} and can't be sent off.", slug="state"
        )
    for sku, qty in store_supply.wanted(_lines(tx.conn, store_id, order_id)).items():
        store_supply.promise(tx, sku, -qty)
        store_supply.move(tx, sku, -qty, SHIPPED, order_id)
    tx.conn.execute(
        "UPDATE aisle_order SET state = ?, changed_at = ? WHERE store_id = ? AND order_id = ?",
        (SHIPPED, stamp(tx.now), store_id, order_id),
    )
    return order(tx.conn, store_id, order_id)


def decline(tx: Tx, store_id: str, order_id: str) -> dict[str, Any]:
    """A person ends the waiting of an order on condition. Twice is once."""
    tx.hold(store_supply.LOCK)
    found = order(tx.conn, store_id, order_id)
    if found["state"] == Status.CONDITIONAL:
        _decline(tx, store_id, order_id)
    elif found["state"] != Status.DECLINED:
        raise Refusal(
            f"Order {order_id} is {found['state'].lower()}; only one that waits can be declined.",
            slug="state",
        )
    return order(tx.conn, store_id, order_id)


def order(conn: Connection, store_id: str, order_id: str) -> dict[str, Any]:
    """Return an order as central knows it. Raises NotFound."""
    row = _row(conn, store_id, order_id)
    if row is None:
        raise NotFound(f"No endless-aisle order {order_id} of store {store_id} here.")
    return _shown(conn, row)


def orders(conn: Connection, store_id: str, after: str) -> tuple[list[dict[str, Any]], str | None]:
    """Return a store's orders by id, a page at a time."""
    rows = conn.execute(
        "SELECT * FROM aisle_order WHERE store_id = ? AND order_id > ? ORDER BY order_id LIMIT ?",
        (store_id, after, PAGE),
    ).fetchall()
    more = rows[-1]["order_id"] if len(rows) == PAGE else None
    return [_shown(conn, row) for row in rows], more


def customer(conn: Connection, store_id: str, order_id: str) -> dict[str, Any]:
    """Return who ordered: name, email, phone, address. Raises NotFound; so for who was erased."""
    row = _row(conn, store_id, order_id)
    ref = "" if row is None else row["customer_ref"] or ""
    found = store_people.find(conn, ref)
    if found is None:
        raise NotFound(f"Nobody is known who ordered {order_id} of store {store_id}.")
    return found | {"address": store_words.latest(conn, ref, "address")}


def tell(tx: Tx, people: Iterable[Person]) -> None:
    """Keep the customers of the endless aisle whom a hub tells of."""
    for person in people:
        if store_people.keep(tx, person) and person.address:
            store_words.keep(tx, person.ref, "address", person.address)


def is_customer(conn: Connection, store_id: str, ref: str) -> bool:
    """Say whether somebody ordered in the endless aisle of this store."""
    row = conn.execute(
        "SELECT 1 FROM aisle_order WHERE store_id = ? AND customer_ref = ? LIMIT 1",
        (store_id, ref),
    ).fetchone()
    return row is not None


def _shown(conn: Connection, row: Row) -> dict[str, Any]:
    shown = {name: row[name] for name in row.keys() if name != "conditional"}  # noqa: SIM118
    shown["store"] = shown.pop("store_id")
    lines = [
        {name: line[name] for name in _LINE}
        for line in _lines(conn, row["store_id"], row["order_id"])
    ]
    return shown | {"conditional": bool(row["conditional"]), "lines": lines}


_LINE: Final = ("line_id", "sku", "name", "qty", "unit_price_minor", "currency")


def _row(conn: Connection, store_id: str, order_id: str) -> Any:
    return conn.execute(
        "SELECT * FROM aisle_order WHERE store_id = ? AND order_id = ?", (store_id, order_id)
    ).fetchone()


def _lines(conn: Connection, store_id: str, order_id: str) -> Sequence[Row]:
    return conn.execute(
        "SELECT * FROM aisle_line WHERE store_id = ? AND order_id = ? ORDER BY line_id",
        (store_id, order_id),
    ).fetchall()
