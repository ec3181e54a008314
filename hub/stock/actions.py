"""Receives, holds, counts and mends stock: load, decide, append.

It must never append more than once for one action, and never compute a number itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from hashlib import blake2b
from sqlite3 import Connection
from typing import Any, Final

from hub.chain import Entry
from hub.clock import stamp
from hub.errors import Invalid, Refusal
from hub.journal import Fact, Transaction
from hub.stock import documents, queries, rules, tables
from hub.stock.facts import RightsGranted, RightsRecalled, StockMoved
from hub.stock.ledger import Policy
from hub.stock.promise import CHANNELS
from hub.stock.rights import Quota, decide_ask_back, decide_balance, decide_reclaim
from hub.stock.rules import check_qty, check_sku
from hub.stock.work import (
    check_count,
    count_task,
    count_tasks,
    counted_facts,
    told,
    trusted_now,
)

MAX_HOLD_S: Final = 24 * 3600


def set_policy(tx: Transaction, policy: Policy) -> None:
    """Keep what the store's settings say, where every promise is computed from."""
    tables.keep_policy(tx.conn, asdict(policy))


def receive(
    tx: Transaction,
    receipt_id: str,
    lines: Iterable[Mapping[str, Any]],
    *,
    actor: str,
    cause: str,
    occurred_at: datetime | None = None,
) -> list[Entry]:
    """Goods came in. The same receipt again moves nothing."""
    wanted = [(line.sku, line.qty) for line in documents.lines_of(tx, lines)]
    if documents.already(tx, "RECEIVE", receipt_id, wanted):
        return []
    facts = rules.decide_receipt(receipt_id, wanted)
    return tx.append(facts, cause=cause, actor=actor, occurred_at=occurred_at)


def hold(
    tx: Transaction,
    sku: str,
    qty: int,
    *,
    actor: str,
    cause: str,
    seconds: int | None = None,
    channel: str = "store",
) -> tuple[str, str, list[Entry]]:
    """Hold units for a basket; return (hold id, until, entries)."""
    check_qty(qty, "qty")
    if channel not in CHANNELS:
        raise Invalid(f"channel must be one of {', '.join(CHANNELS)}.", field="channel")
    tx.require_room()
    hold_id = "H-" + blake2b(cause.encode(), digest_size=8).hexdigest()
    until = _until(tx, seconds)
    stock = queries.load(tx.conn, sku, tx.now)
    facts = rules.decide_hold(stock, hold_id, qty, until, channel, trusted_now(tx))
    return hold_id, until, tx.append(facts, cause=cause, actor=actor)


def extend(
    tx: Transaction,
    hold_id: str,
    *,
    actor: str,
    cause: str,
    seconds: int | None = None,
) -> list[Entry]:
    """Activity at the kiosk keeps its basket."""
    found = queries.hold(tx.conn, hold_id)
    facts = rules.decide_extension(found, _until(tx, seconds), trusted_now(tx))
    return tx.append(facts, cause=cause, actor=actor) if facts else []


def release(tx: Transaction, hold_id: str, *, actor: str, cause: str) -> list[Entry]:
    """Give the units of a hold back. A hold that is already over stays over."""
    found = queries.hold(tx.conn, hold_id)
    if found.kind != "HOLD":
        raise Refusal("These units belong to an order; cancel the order.", slug="not-a-hold")
    if found.open_qty <= 0:
        return []
    return tx.append([rules.release(found, found.open_qty)], cause=cause, actor=actor)


def expire(tx: Transaction, *, cause: str, actor: str = "hub") -> list[Entry]:
    """Write down which holds are over (the scheduler's job)."""
    now = trusted_now(tx)
    if now is None:
        return []
    facts = rules.decide_expiry(queries.due_holds(tx.conn, now), now)
    return tx.append(facts, cause=cause, actor=actor) if facts else []


def count(
    tx: Transaction,
    sku: str,
    counted: int,
    since: str | None = None,
    *,
    actor: str,
    cause: str,
    reason: str | None = None,
    occurred_at: datetime | None = None,
) -> list[Entry]:
    """Another system or a device counted `sku`: what is promised is left to the pick.

    A person's count is `pickup.selling.count`, which breaks the promises that it disproves.
    """
    check_count(sku, counted)
    moved = 0 if since is None else queries.moved_since(tx.conn, sku, since)
    account = queries.load(tx.conn, sku, tx.now)
    facts = counted_facts(tx, account, counted, moved, since, reason, actor)
    return tx.append(facts, cause=cause, actor=actor, occurred_at=occurred_at)


def mend(tx: Transaction, *, cause: str, actor: str = "hub") -> list[Entry]:
    """Raise what a rebase left below zero, and ask for a count of each such SKU."""
    moves: list[StockMoved] = []
    for sku in queries.below_zero(tx.conn):
        moves += rules.decide_mend(queries.load(tx.conn, sku, tx.now))
    facts: list[Fact] = [*moves, *count_tasks(tx, moves, cause)]
    return tx.append(facts, cause=cause, actor=actor) if facts else []


def ask_for_counts(
    tx: Transaction, *, cause: str, actor: str = "hub", limit: int = 20
) -> list[Entry]:
    """Open count tasks where the evidence speaks against the record (the scheduler's job)."""
    facts: list[Fact] = []
    for sku in queries.doubtful(tx.conn, tx.now):
        facts += count_task(tx, sku, "LOW_CONFIDENCE", cause)
        if len(facts) == limit:
            break
    return tx.append(facts, cause=cause, actor=actor) if facts else []


def unbalanced(conn: Connection, now: datetime, quota: Quota, *, trusted: bool) -> dict[str, int]:
    """What `balance_rights` would change: units that central took in a week, by SKU.

    Asked on a reader, for it looks at every SKU that central sells or holds rights to. While
    nobody knows what time it is, no demand is of this week.
    """
    week = queries.in_demand(conn, stamp(now - timedelta(days=7))[:10])
    demand = week if trusted else dict.fromkeys(week, 0)
    return {sku: qty for sku, qty in demand.items() if _balance(conn, sku, qty, quota, now)}


def balance_rights(
    tx: Transaction,
    quota: Quota,
    demand: Mapping[str, int],
    *,
    cause: str,
    actor: str = "hub",
    limit: int = 200,
) -> list[Entry]:
    """Lend central what its `demand` needs, ask back what no units stand behind (a job)."""
    facts: list[Fact] = []
    for sku, week in demand.items():
        facts += _balance(tx.conn, sku, week, quota, tx.now)
        if len(facts) >= limit:
            break
    return tx.append(facts, cause=cause, actor=actor) if facts else []


def _balance(
    conn: Connection, sku: str, week: int, quota: Quota, now: datetime
) -> Sequence[RightsGranted | RightsRecalled]:
    rights, wishes = queries.rights(conn, sku), queries.wishes(conn, sku)
    return decide_balance(queries.load(conn, sku, now), rights, week, wishes, quota)


def ask_back(
    tx: Transaction, sku: str, qty: int | None = None, *, actor: str, cause: str
) -> list[Entry]:
    """A person asks central for rights; it returns what it has not spent."""
    check_sku(sku)
    if qty is not None:
        check_qty(qty, "qty")
    facts = decide_ask_back(queries.rights(tx.conn, sku), queries.wishes(tx.conn, sku), sku, qty)
    return tx.append(facts, cause=cause, actor=actor) if facts else []


def reclaim_rights(
    tx: Transaction, sku: str, qty: int | None = None, *, actor: str, cause: str
) -> list[Entry]:
    """A person decides: units lent to a central that is gone are the store's again.

    What that central had promised already is then promised twice; nobody but a person may say so.
    """
    check_sku(sku)
    if qty is not None:
        check_qty(qty, "qty")
    facts = decide_reclaim(queries.rights(tx.conn, sku), sku, qty)
    return tx.append(facts, cause=cause, actor=actor) if facts else []


def rights_told(
    tx: Transaction, sides: Sequence[Mapping[str, Any]], *, cause: str, actor: str = "central"
) -> list[Entry]:
    """Take over what central says of its side, in all, ever (`RightsTold`, by SKU)."""
    facts = told(tx, sides)
    return tx.append(facts, cause=cause, actor=actor) if facts else []


def _until(tx: Transaction, seconds: int | None) -> str:
    length = queries.policy(tx.conn).hold_seconds if seconds is None else seconds
    if isinstance(length, bool) or not isinstance(length, int) or not 1 <= length <= MAX_HOLD_S:
        raise Invalid(f"seconds must be from 1 to {MAX_HOLD_S}.", field="seconds")
    return stamp(tx.now + timedelta(seconds=length))
