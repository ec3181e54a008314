"""The distribution centre's units at central: counted, lent to hubs, asked back.

It must never lend while a store may hold rights that this central forgot, and never take rights
back by itself: the hub says so, or a person.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from hub.catalog.rows import SupplyRow
from hub.clock import stamp
from hub.errors import Invalid, NotFound
from hub.stock.ledger import per_sku
from hub.stock.rights import Change, Rights, Side, Wishes
from hub.stock.rules import MAX_QTY, check_sku

from . import store_feed, supply_rules
from .store_port import Connection, Row, Tx
from .supply_rules import Account

# Whoever decides about the distribution centre's units does so alone, in all workers.
LOCK: Final = "distribution"
DEMAND: Final = timedelta(days=7)


def account(conn: Connection, sku: str) -> Account:
    """Return a SKU's account with every hub that was ever lent some."""
    units = conn.execute(
        "SELECT on_hand, promised FROM distribution_stock WHERE sku = ?", (sku,)
    ).fetchone()
    rows = conn.execute("SELECT * FROM distribution_right WHERE sku = ?", (sku,))
    hubs = {
        row["store_id"]: (
            Rights(Side(row["granted"], row["reclaimed"]), Side(row["returned"], row["spent"])),
            Wishes(row["asked"], row["answered"]),
        )
        for row in rows
    }
    on_hand, promised = (0, 0) if units is None else units
    return Account(on_hand, promised, hubs)


def unsure(conn: Connection, generation: str) -> list[str]:
    """Return the stores that have not agreed with this central since it was last put back.

    They may hold rights that it forgot: until they are heard, or a person decides, nothing is lent.
    """
    rows = conn.execute(
        "SELECT store_id FROM store WHERE agreed IS NOT NULL AND agreed <> ?"
        " AND coalesce(waived, '') <> ? ORDER BY store_id",
        (generation, generation),
    )
    return [row[0] for row in rows]


# -- units ---------------------------------------------------------------------------------------


def count(tx: Tx, rows: Sequence[Mapping[str, Any]], ref: str) -> list[dict[str, Any]]:
    """Take a count of the distribution centre over: each difference is a move, none is overwritten.

    `rows`: `{"sku","on_hand"}`; `on_hand` are all units there, promised ones that were not sent off
    yet among them. Returns the differences.
    """
    return [_difference(tx, row, n, ref) for n, row in enumerate(rows)]


def _difference(tx: Tx, row: Mapping[str, Any], n: int, ref: str) -> dict[str, Any]:
    sku, now = row.get("sku"), row.get("on_hand")
    check_sku(sku, f"rows.{n}.sku")
    if isinstance(now, bool) or not isinstance(now, int) or not 0 <= now <= MAX_QTY:
        raise Invalid(f"on_hand is a number of units up to {MAX_QTY}.", field=f"rows.{n}.on_hand")
    known = account(tx.conn, str(sku)).on_hand
    if now != known:
        move(tx, str(sku), now - known, "COUNT", ref)
    else:
        _add(tx, str(sku))
    return {"sku": sku, "before": known, "on_hand": now, "difference": now - known}


def move(tx: Tx, sku: str, qty: int, kind: str, ref: str) -> None:
    """Units came to the distribution centre, or left it."""
    _add(tx, sku, on_hand=qty)
    (last,) = tx.conn.execute(
        "SELECT coalesce(max(n), 0) FROM distribution_move WHERE sku = ?", (sku,)
    ).fetchone()
    tx.conn.execute(
        "INSERT INTO distribution_move (sku, n, qty, kind, ref, at) VALUES (?, ?, ?, ?, ?, ?)",
        (sku, last + 1, qty, kind, ref[:200], stamp(tx.now)),
    )


def promise(tx: Tx, sku: str, qty: int) -> None:
    """Units are promised to an order, or (below zero) no longer."""
    _add(tx, sku, promised=qty)


def note_broken(tx: Tx, sku: str) -> None:
    _add(tx, sku, broken=1)


def _add(tx: Tx, sku: str, *, on_hand: int = 0, promised: int = 0, broken: int = 0) -> None:
    tx.conn.execute(
        "INSERT INTO distribution_stock (sku, on_hand, promised, broken) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (sku) DO UPDATE SET"
        " on_hand = distribution_stock.on_hand + excluded.on_hand,"
        " promised = distribution_stock.promised + excluded.promised,"
        " broken = distribution_stock.broken + excluded.broken",
        (sku, on_hand, promised, broken),
    )


# -- rights --------------------------------------------------------------------------------------


def spent(tx: Tx, store_id: str, sku: str, qty: int) -> None:
    """A hub confirmed an order of so many units by itself."""
    _right(tx, store_id, sku, spent=qty)


def demanded(tx: Tx, store_id: str, sku: str) -> None:
    """A hub's rights to a SKU are to be looked at: somebody ordered it there."""
    _right(tx, store_id, sku, due=1)


def lent(tx: Tx, store_id: str, sku: str, granted: int, reclaimed: int, asked: int) -> None:
    """A hub repeats what central lent it: so it is known to a central that forgot."""
    _right(tx, store_id, sku, granted=granted, reclaimed=reclaimed, asked=asked)


def returned(tx: Tx, store_id: str, sku: str, units: int, answered: int) -> None:
    """A hub gave rights back, `units` in all, ever."""
    _right(tx, store_id, sku, returned=units, answered=answered, due=1)


_NUMBERS: Final = ("granted", "reclaimed", "asked", "answered", "returned", "due")
_RIGHT: Final = (
    f"INSERT INTO distribution_right (sku, store_id, spent, {', '.join(_NUMBERS)})"
    f" VALUES ({', '.join('?' * (len(_NUMBERS) + 3))}) ON CONFLICT (sku, store_id) DO UPDATE SET"
    " spent = distribution_right.spent + excluded.spent, "
    + ", ".join(
        f"{name} = CASE WHEN excluded.{name} > distribution_right.{name}"
        f" THEN excluded.{name} ELSE distribution_right.{name} END"
        for name in _NUMBERS
    )
)


def _right(tx: Tx, store_id: str, sku: str, *, spent: int = 0, **numbers: int) -> None:
    """Spending adds up, order by order; of all other numbers the larger one is the later one."""
    row = (sku, store_id, spent, *(numbers.get(name, 0) for name in _NUMBERS))
    tx.conn.execute(_RIGHT, row)


def lend_due(tx: Tx, store_id: str, generation: str) -> None:
    """Balance what a hub that was just heard holds of the SKUs that are due."""
    rows = tx.conn.execute(
        "SELECT sku FROM distribution_right WHERE store_id = ? AND due = 1 ORDER BY sku",
        (store_id,),
    ).fetchall()
    if not rows or unsure(tx.conn, generation):
        return
    for row in rows:
        rebalance(tx, row["sku"], generation, only=store_id)
    tx.conn.execute(
        "UPDATE distribution_right SET due = 0 WHERE store_id = ? AND due = 1", (store_id,)
    )


def rebalance(tx: Tx, sku: str, generation: str, *, only: str | None = None) -> None:
    """Lend hubs what their customers order, ask back what no units stand behind, tell the word."""
    known = account(tx.conn, sku)
    word = supply_rules.word(known)
    store_feed.add_rows(tx, [SupplyRow(sku=sku, word=word)])
    if unsure(tx.conn, generation):
        return
    recall(tx, sku)
    since = stamp(tx.now - DEMAND)[:10]
    asked = tx.conn.execute(
        "SELECT store_id, sum(qty) AS qty FROM aisle_line WHERE sku = ? AND day >= ?"
        " GROUP BY store_id ORDER BY qty DESC, store_id",
        (sku, since),
    ).fetchall()
    for row in asked:
        if only is None or row["store_id"] == only:
            known = account(tx.conn, sku)
            change = supply_rules.decide_lend(known, row["store_id"], int(row["qty"]))
            if change is not None:
                _tell(tx, row["store_id"], sku, change)


def recall(tx: Tx, sku: str, wanted: int = 0) -> None:
    """Ask hubs for rights back: units vanished, or an order waits for `wanted` of them."""
    for store_id, change in supply_rules.decide_recall(account(tx.conn, sku), wanted).items():
        _tell(tx, store_id, sku, change)


def reclaim(tx: Tx, store_id: str, generation: str) -> list[dict[str, Any]]:
    """A person decides: what a store was lent is central's again, whatever that store did with it.

    What its hub confirmed meanwhile is then promised twice. Nobody waits for it any more either.
    """
    tx.hold(LOCK)
    if tx.conn.execute("SELECT 1 FROM store WHERE store_id = ?", (store_id,)).fetchone() is None:
        raise NotFound(f"No store {store_id} here.")
    tx.conn.execute("UPDATE store SET waived = ? WHERE store_id = ?", (generation, store_id))
    rows = tx.conn.execute(
        "SELECT sku FROM distribution_right WHERE store_id = ?"
        " AND granted > reclaimed + returned + spent ORDER BY sku",
        (store_id,),
    ).fetchall()
    taken = []
    for row in rows:
        rights, wishes = account(tx.conn, row["sku"]).hubs[store_id]
        units = rights.held
        lent(tx, store_id, row["sku"], rights.owner.given, rights.owner.spent + units, wishes.asked)
        _say(tx, store_id, row["sku"])
        taken.append({"sku": row["sku"], "units": units})
    return taken


def _tell(tx: Tx, store_id: str, sku: str, change: Change) -> None:
    lent(tx, store_id, sku, change.given, 0, change.asked)
    _say(tx, store_id, sku)


def _say(tx: Tx, store_id: str, sku: str) -> None:
    rights, wishes = account(tx.conn, sku).hubs[store_id]
    side = {
        "sku": sku,
        "granted": rights.owner.given,
        "reclaimed": rights.owner.spent,
        "asked": wishes.asked,
    }
    command = {"id": f"supply-{secrets.token_hex(8)}", "type": "supply.lent", "lent": [side]}
    store_feed.add_command(tx, store_id, command)


# -- shown ---------------------------------------------------------------------------------------


def shown(conn: Connection, sku: str, generation: str) -> dict[str, Any]:
    """Return a SKU's account as head office sees it. Raises NotFound."""
    row = conn.execute("SELECT * FROM distribution_stock WHERE sku = ?", (sku,)).fetchone()
    if row is None:
        raise NotFound(f"The distribution centre was never said to have SKU {sku}.")
    known = account(conn, sku)
    hubs = {store: rights.held for store, (rights, _) in sorted(known.hubs.items()) if rights.held}
    moves = conn.execute(
        "SELECT qty, kind, ref, at FROM distribution_move WHERE sku = ? ORDER BY n DESC LIMIT 20",
        (sku,),
    )
    return {
        "sku": sku,
        "on_hand": known.on_hand,
        "promised": known.promised,
        "lent": hubs,
        "free": known.free,
        "broken": row["broken"],
        "unsure": unsure(conn, generation),
        "moves": [dict(move) for move in moves],
    }


def breaks(conn: Connection) -> int:
    """Return how many endless-aisle orders were declined after they were confirmed."""
    row = conn.execute("SELECT coalesce(sum(broken), 0) FROM distribution_stock").fetchone()
    return int(row[0])


def lent_by_store(conn: Connection) -> dict[str, int]:
    """Return the units of all SKUs that each hub holds."""
    rows = conn.execute(
        "SELECT store_id, sum(granted - reclaimed - returned - spent) FROM distribution_right"
        " WHERE granted > reclaimed + returned + spent GROUP BY store_id"
    )
    return {row[0]: int(row[1]) for row in rows}


def lent_to(conn: Connection, store_id: str) -> list[dict[str, Any]]:
    """Return what a hub was lent of each SKU, and what it did with it."""
    rows = conn.execute(
        "SELECT sku, granted, spent, returned, reclaimed FROM distribution_right"
        " WHERE store_id = ? ORDER BY sku",
        (store_id,),
    )
    return [
        {name: row[name] for name in ("sku", "granted", "spent", "returned", "reclaimed")}
        | {"held": max(0, row["granted"] - row["reclaimed"] - row["returned"] - row["spent"])}
        for row in rows
    ]


def wanted(lines: Iterable[Row]) -> dict[str, int]:
    """Sum an order's lines by SKU."""
    return per_sku((line["sku"], line["qty"]) for line in lines)
