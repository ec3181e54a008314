"""Reads the ledger: balances, holds, what may be promised and why, and whether it all adds up.

It must never write, and never compute availability but through `rules.available_to_promise`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby
from sqlite3 import Connection, Row
from typing import Any

import msgspec

from hub import chain, journal
from hub.catalog import queries as catalog
from hub.chain import Entry
from hub.clock import parse, stamp
from hub.errors import Invalid, NotFound
from hub.stock.facts import INSIDE, StockMoved
from hub.stock.ledger import (
    Evidence,
    Hold,
    Policy,
    Stock,
    hold_change,
    is_correction,
    on_hand_change,
)
from hub.stock.promise import (
    CHANNELS,
    Promise,
    available_to_promise,
    confidence,
    score,
)
from hub.stock.rights import Rights, Side, Wishes


def load(conn: Connection, sku: str, now: datetime) -> Stock:
    """The account of `sku` with its open HOLDs; an empty one where the ledger never met it.

    Allocations are left out (`holds_of_order` has them): nobody needs them to promise, and a SKU
    in demand has many.
    """
    balances = conn.execute("SELECT bucket, qty FROM stock_balance WHERE sku = ?", (sku,))
    holds = conn.execute(
        "SELECT * FROM stock_hold WHERE sku = ? AND kind = 'HOLD' AND open_qty > 0", (sku,)
    )
    return Stock(
        sku=sku,
        buckets=dict(map(tuple, balances)),
        holds=tuple(_hold(row) for row in holds),
        evidence=_evidence(conn, sku, now),
        policy=policy(conn),
        lent=max(0, rights(conn, sku).held),
    )


def rights(conn: Connection, sku: str) -> Rights:
    """Who may promise units of `sku`: this store is the owner, central the other holder."""
    row = conn.execute(
        "SELECT granted, reclaimed, returned, spent FROM stock_rights WHERE sku = ?", (sku,)
    ).fetchone()
    return Rights() if row is None else Rights(Side(row[0], row[1]), Side(row[2], row[3]))


def lent(conn: Connection, sku: str) -> dict[str, Any]:
    """Return what central still holds of a SKU, what of it is asked back and not answered yet,
    and what a person took back in all."""
    known = rights(conn, sku)
    asked = max(0, wishes(conn, sku).asked - wishes(conn, sku).answered)
    return {
        "sku": sku,
        "held": max(0, known.held),
        "asked_back": asked,
        "reclaimed": known.owner.spent,
    }


def lent_out(conn: Connection, sku: str | None = None) -> list[dict[str, Any]]:
    """Both sides of the rights to each SKU that central was ever lent, or to one."""
    rows = conn.execute(
        "SELECT sku, granted, spent, returned, reclaimed AS taken_back, asked AS asked_back,"
        " answered, max(0, granted - reclaimed - returned - spent) AS held FROM stock_rights"
        " WHERE ?1 IS NULL OR sku = ?1 ORDER BY sku",
        (sku,),
    )
    return [dict(row) for row in rows]


def wishes(conn: Connection, sku: str) -> Wishes:
    """Rights to `sku` that central was ever asked to return, and how far it has answered."""
    row = conn.execute("SELECT asked, answered FROM stock_rights WHERE sku = ?", (sku,)).fetchone()
    return Wishes() if row is None else Wishes(*row)


def in_demand(conn: Connection, day: str) -> dict[str, int]:
    """Units that central's channels took since `day`, by SKU; 0 where rights are lent still."""
    rows = conn.execute(
        "SELECT sku, sum(qty) FROM (SELECT sku, qty FROM stock_demand WHERE day >= ?"
        " UNION ALL SELECT sku, 0 FROM stock_rights WHERE granted > reclaimed + returned"
        " + spent)"
        " GROUP BY sku ORDER BY sku",
        (day,),
    )
    return dict(map(tuple, rows))


def policy(conn: Connection) -> Policy:
    """What this store decided for itself (`actions.set_policy`)."""
    return Policy(**dict(map(tuple, conn.execute("SELECT name, value FROM store_policy"))))


def loads(conn: Connection, skus: Iterable[str], now: datetime) -> dict[str, Stock]:
    return {sku: load(conn, sku, now) for sku in dict.fromkeys(skus)}


def hold(conn: Connection, ref: str) -> Hold:
    row = conn.execute("SELECT * FROM stock_hold WHERE ref = ?", (ref,)).fetchone()
    if row is None:
        raise NotFound(f"No hold {ref} in this store.")
    return _hold(row)


def holds_of_order(conn: Connection, order_id: str) -> dict[str, Hold]:
    """The order's allocations by their name, closed ones too."""
    rows = conn.execute("SELECT * FROM stock_hold WHERE order_id = ?", (order_id,))
    return {row["ref"]: _hold(row) for row in rows}


def promised_to(conn: Connection, sku: str) -> list[str]:
    """Ids of the orders that hold units of `sku` which are not staged."""
    rows = conn.execute(
        "SELECT DISTINCT order_id FROM stock_hold WHERE sku = ? AND kind = 'ALLOCATION'"
        " AND open_qty > staged_qty AND order_id IS NOT NULL",
        (sku,),
    )
    return [order_id for (order_id,) in rows]


def due_holds(conn: Connection, now: str, limit: int = 500) -> list[Hold]:
    rows = conn.execute(
        "SELECT * FROM stock_hold WHERE kind = 'HOLD' AND open_qty > 0 AND until <= ?"
        " ORDER BY until, ref LIMIT ?",
        (now, limit),
    )
    return [_hold(row) for row in rows]


def below_zero(conn: Connection) -> list[str]:
    """SKUs of which a bucket in the store stands below zero, as a rebase can leave them."""
    rows = conn.execute(
        "SELECT DISTINCT sku FROM stock_balance"
        " WHERE qty < 0 AND bucket NOT IN ('supplier', 'customer', 'shrink') ORDER BY sku"
    )
    return [sku for (sku,) in rows]


def doubtful(conn: Connection, now: datetime) -> Iterator[str]:
    """SKUs whose record deserves low confidence, the most corrected first."""
    rows = conn.execute(
        "SELECT sku FROM stock_evidence WHERE adjustments > 0 OR sold >= 100"
        " ORDER BY adjustments DESC, sold DESC, sku"
    )
    return (sku for (sku,) in rows.fetchall() if confidence(_evidence(conn, sku, now)) == "low")


def document(conn: Connection, kind: str, ref: str) -> dict[str, int]:
    """What a sale (`SALE`) or receipt (`RECEIVE`) has moved, units by SKU; empty: not seen yet."""
    rows = conn.execute(
        "SELECT sku, qty FROM stock_document WHERE kind = ? AND ref = ?", (kind, ref)
    )
    return dict(map(tuple, rows))


def sold_since(conn: Connection, since: str) -> int:
    """Units sold since that stamp, reckoned from the full hour it lies in."""
    (units,) = conn.execute(
        "SELECT coalesce(sum(qty), 0) FROM stock_sold WHERE hour >= ?", (since[:13],)
    ).fetchone()
    return int(units)


def moved_since(conn: Connection, sku: str, since: str) -> int:
    """Net units of `sku` that came in after the entry `since`, corrections left aside."""
    start = journal.seq_of(conn, since)
    if start is None:
        raise Invalid(f"No entry {since} in this store's journal.", field="since")
    total = 0
    rows = conn.execute(
        "SELECT entry FROM journal WHERE seq > ? AND instr(entry, ?)", (start, b'"StockMoved"')
    )
    for (content,) in rows:
        entry = chain.decode(content)
        if entry.type == "StockMoved" and entry.body["sku"] == sku:
            move = msgspec.convert(entry.body, StockMoved)
            total += 0 if is_correction(move) else on_hand_change(move)
    return total


def balances(conn: Connection) -> list[tuple[str, str, int]]:
    """Every (sku, bucket, units) that is not zero."""
    rows = conn.execute("SELECT sku, bucket, qty FROM stock_balance WHERE qty <> 0")
    return [(sku, bucket, qty) for sku, bucket, qty in rows]


def export(conn: Connection) -> Iterator[dict[str, Any]]:
    """`storehub export stock`: each SKU with its buckets."""
    rows = conn.execute("SELECT sku, bucket, qty FROM stock_balance ORDER BY sku, bucket")
    for sku, found in groupby(rows, key=lambda row: row[0]):
        yield {"sku": sku, "buckets": {bucket: qty for _, bucket, qty in found}}


# -- answers -----------------------------------------------------------------------------------


def stock(
    conn: Connection,
    sku: str,
    now: datetime,
    *,
    trusted: bool = True,
) -> dict[str, Any]:
    """`GET /stock/{sku}`. NotFound when neither ledger nor catalogue knows the SKU."""
    account = load(conn, sku, now)
    if not account.buckets and catalog.product(conn, sku) is None:
        raise NotFound(f"No SKU {sku} in this store.")
    at = stamp(now) if trusted else None
    return {
        "sku": sku,
        "on_hand": account.on_hand,
        "buckets": {bucket: account.units(bucket) for bucket in INSIDE},
        "available_to_promise": {
            channel: available_to_promise(account, channel, at).qty for channel in CHANNELS
        },
        "as_of": stamp(now),
        "last_entry": last_entry(conn),
    }


def promise(
    conn: Connection,
    sku: str,
    channel: str,
    now: datetime,
    *,
    trusted: bool = True,
) -> Promise:
    """What may be promised of `sku` to `channel` (store|kiosk|web|phone)."""
    if channel not in CHANNELS:
        raise Invalid(f"channel must be one of {', '.join(CHANNELS)}.", field="channel")
    at = stamp(now) if trusted else None
    return available_to_promise(load(conn, sku, now), channel, at)


def explain(
    conn: Connection,
    sku: str,
    channel: str,
    now: datetime,
    *,
    trusted: bool = True,
) -> dict[str, Any]:
    """`GET /stock/{sku}/explain`: the promise term by term, and what the record is worth."""
    answer = promise(conn, sku, channel, now, trusted=trusted)
    evidence = _evidence(conn, sku, now)
    owner, other = rights(conn, sku)
    return {
        "sku": sku,
        "channel": channel,
        "available_to_promise": answer.qty,
        "terms": [{"name": term.name, "qty": term.qty} for term in answer.terms],
        "confidence": {
            "level": answer.confidence,
            "score": score(evidence),
            "days_since_count": evidence.days,
            "sold_since_count": evidence.sold,
            "adjustments_since_count": evidence.adjustments,
            "agreements_since_count": evidence.agreed,
        },
        "rights": {
            "granted": owner.given,
            "asked_back": wishes(conn, sku).asked,
            "taken_back": owner.spent,
            "returned": other.given,
            "spent": other.spent,
        },
        "as_of": stamp(now),
    }


def changed(conn: Connection, entries: Iterable[Entry], now: datetime) -> dict[str, Any]:
    """What sales, counts, receipts and holds answer: `{"entries": […], "stock": {sku: {…}}}`."""
    listed = list(entries)
    skus = sorted({sku for entry in listed if (sku := _sku(entry)) is not None})
    return {
        "entries": [entry.id for entry in listed],
        "stock": {sku: stock(conn, sku, now) for sku in skus},
    }


def recorded(conn: Connection, kind: str, ref: str, now: datetime) -> dict[str, Any]:
    """What a sale (`SALE`) or receipt (`RECEIVE`) answered when it was new, the stock as of now."""
    row = conn.execute(
        "SELECT entry FROM stock_document WHERE kind = ? AND ref = ?", (kind, ref)
    ).fetchone()
    if row is None:
        raise NotFound(f"Nothing is recorded as {ref} in this store.")
    cause, _, _ = chain.parse_id(row["entry"])
    return changed(conn, journal.of_cause(conn, cause), now)


def last_entry(conn: Connection) -> str | None:
    """The id of the journal's last entry: what a count names as `since` when it begins."""
    row = conn.execute("SELECT id FROM journal ORDER BY seq DESC LIMIT 1").fetchone()
    return None if row is None else str(row[0])


# -- proof -------------------------------------------------------------------------------------


def verify(conn: Connection, facts: Iterable[tuple[Entry, object]]) -> list[str]:
    """Recompute every balance and hold from the moves; name each row that differs."""
    balances: defaultdict[tuple[str, str], int] = defaultdict(int)
    holds: defaultdict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for _, fact in facts:
        if not isinstance(fact, StockMoved):
            continue
        balances[fact.sku, fact.source] -= fact.qty
        balances[fact.sku, fact.target] += fact.qty
        ref, opened, staged = hold_change(fact)
        if ref is not None:
            holds[ref] = (holds[ref][0] + opened, holds[ref][1] + staged)
    rows = conn.execute("SELECT sku, bucket, qty FROM stock_balance")
    live = {(sku, bucket): qty for sku, bucket, qty in rows}
    faults = [
        f"stock_balance: SKU {sku}, {bucket} is {live.get((sku, bucket), 'missing')},"
        f" its moves say {balances.get((sku, bucket), 0)}"
        for sku, bucket in sorted(live.keys() | balances.keys())
        if live.get((sku, bucket)) != balances.get((sku, bucket))
    ]
    rows = conn.execute("SELECT ref, open_qty, staged_qty FROM stock_hold")
    kept = {ref: (open_qty, staged) for ref, open_qty, staged in rows}
    return faults + [
        f"stock_hold: {ref} has {kept.get(ref, 'no row')} (open, staged),"
        f" its moves say {holds.get(ref, 'nothing')}"
        for ref in sorted(kept.keys() | holds.keys())
        if kept.get(ref) != holds.get(ref)
    ]


def _sku(entry: Entry) -> str | None:
    """The SKU of an entry's fact; an entry just appended still holds the fact itself."""
    body: Any = entry.body
    sku: str | None = body.get("sku") if isinstance(body, dict) else getattr(body, "sku", None)
    return sku


def _hold(row: Row) -> Hold:
    return Hold(
        ref=row["ref"],
        sku=row["sku"],
        kind=row["kind"],
        open_qty=row["open_qty"],
        staged_qty=row["staged_qty"],
        until=row["until"],
        order_id=row["order_id"],
        line_id=row["line_id"],
    )


def _evidence(conn: Connection, sku: str, now: datetime) -> Evidence:
    row = conn.execute("SELECT * FROM stock_evidence WHERE sku = ?", (sku,)).fetchone()
    if row is None:
        return Evidence()
    days = max(0, (now - parse(row["since"])).days)
    return Evidence(days, row["sold"], row["adjustments"], row["agreed"])
