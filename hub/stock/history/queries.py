"""Tells why a number is what it is: moves, the promise's terms, rights, and central's position.

It must never state a number that the ledger does not, and never ask central: it answers with the
line down too, and says so.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from sqlite3 import Connection
from typing import Any, Final

import msgspec

from hub import chain
from hub.chain import Entry
from hub.clock import parse
from hub.stock import queries
from hub.stock.facts import FACTS, INSIDE, StockMoved
from hub.stock.ledger import on_hand_change

# A SKU that rarely moves is not sought through years: so far back the journal is read.
FAR: Final = 200_000
MOST: Final = 200
_OURS: Final = {name for name, _ in FACTS}


def why(
    conn: Connection,
    sku: str,
    channel: str,
    now: datetime,
    sync: Mapping[str, Any],
    *,
    trusted: bool = True,
    limit: int = 10,
) -> dict[str, Any]:
    """`GET /stock/{sku}/explain`. `sync` is the hub's word on its line (`status`, "sync")."""
    told = queries.explain(conn, sku, channel, now, trusted=trusted)
    account = queries.load(conn, sku, now)
    held = max(0, queries.rights(conn, sku).held)
    return told | {
        "on_hand": account.on_hand,
        "buckets": {name: qty for name in INSIDE if (qty := account.units(name))},
        "rights": told["rights"] | {"held": held},
        "moves": [_told(entry) for entry in _newest(conn, sku, max(1, min(limit, MOST)))],
        "central": central(conn, sku, now, sync),
    }


def central(
    conn: Connection, sku: str, now: datetime, sync: Mapping[str, Any]
) -> dict[str, Any] | None:
    """What central knows of the SKU here: the fold of the journal up to where it has it.

    None in a store that has no central. `unseen`: moves that it has not got; `as_of`: when it was
    last heard, None when it never was.
    """
    if sync.get("state") == "alone":
        return None
    pushed = int(sync.get("pushed_seq") or 0)
    unseen = [entry for entry in _after(conn, sku, pushed) if entry.type == "StockMoved"]
    moves = [msgspec.convert(entry.body, StockMoved) for entry in unseen]
    account = queries.load(conn, sku, now)
    free = sum(
        move.qty * ((move.target == "available") - (move.source == "available")) for move in moves
    )
    as_of = sync.get("as_of")
    age = None if as_of is None else max(0, round((now - parse(as_of)).total_seconds()))
    return {
        "line": "up" if sync.get("state") == "online" else "down",
        "as_of": as_of,
        "age_s": age,
        "pushed_seq": pushed,
        "unseen": len(moves),
        "on_hand": account.on_hand - sum(map(on_hand_change, moves)),
        "available": account.units("available") - free,
        "may_promise": max(0, queries.rights(conn, sku).held),
    }


def _newest(conn: Connection, sku: str, limit: int) -> list[Entry]:
    """The last facts about the SKU's units and rights, newest first."""
    rows = conn.execute(
        "SELECT entry FROM journal WHERE seq > (SELECT coalesce(max(seq), 0) FROM journal) - ?"
        " AND instr(entry, ?) ORDER BY seq DESC",
        (FAR, _needle(sku)),
    )
    found: list[Entry] = []
    for (content,) in rows:
        entry = chain.decode(content)
        if _is_about(entry, sku):
            found.append(entry)
        if len(found) == limit:
            break
    return found


def _after(conn: Connection, sku: str, seq: int) -> Iterator[Entry]:
    rows = conn.execute(
        "SELECT entry FROM journal WHERE seq > ? AND instr(entry, ?) ORDER BY seq",
        (seq, _needle(sku)),
    )
    entries = (chain.decode(content) for (content,) in rows)
    return (entry for entry in entries if _is_about(entry, sku))


def _needle(sku: str) -> bytes:
    return b'"sku":' + msgspec.json.encode(sku)


def _is_about(entry: Entry, sku: str) -> bool:
    return entry.type in _OURS and entry.body.get("sku") == sku


def _told(entry: Entry) -> dict[str, Any]:
    """One fact as a person reads it: what moved from where to where, when, by whom, and why."""
    body = dict(entry.body)
    body.pop("sku", None)
    return {
        "entry": entry.id,
        "type": entry.type,
        "at": entry.occurred_at,
        "actor": entry.actor,
        "cause": entry.cause,
        **body,
    }
