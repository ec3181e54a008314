"""What may be promised now, store by store: the rights that central holds.

It must never count rights of a store that has not agreed with this central since its last life,
and never tell how many units a store keeps for its own channels.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from hub.clock import parse, stamp
from sync.protocol import About

from . import promise_rules
from .promise_rules import Mood, Open, Ready, Word
from .store_port import Connection, Row, Tx

OFFERED_MOST: Final = 50
_abouts: Final = msgspec.json.Decoder(About)


def stock(conn: Connection, sku: str, generation: str) -> dict[str, Any]:
    """Return the units of an article that may be promised at each store that ever lent some."""
    rows = conn.execute(
        "SELECT s.store_id, s.name, s.pushed_at, CASE WHEN s.agreed = ?2 AND"
        " r.granted > r.reclaimed + r.returned + r.spent"
        " THEN r.granted - r.reclaimed - r.returned - r.spent ELSE 0 END AS held"
        " FROM rights r JOIN store s USING (store_id) WHERE r.sku = ?1"
        " ORDER BY held DESC, s.store_id",
        (sku, generation),
    )
    items = [
        {"store": row[0], "name": row[1], "rights": row["held"], "as_of": row["pushed_at"]}
        for row in rows
    ]
    return {"sku": sku, "rights": sum(item["rights"] for item in items), "items": items}


def promise(
    conn: Connection, wanted: Mapping[str, int], near: str | None, generation: str, now: datetime
) -> dict[str, Any]:
    """Return the stores that can give all that is wanted, then those that can give a part."""
    found = promise_rules.offers(wanted, _held(conn, wanted, generation), near)[:OFFERED_MOST]
    known = {row["store_id"]: row for row in _stores(conn, [one.store for one in found])}
    when = {store: _ready(row, now) for store, row in known.items()}
    items = [
        {
            "store": one.store,
            "name": known[one.store]["name"],
            "whole": one.whole,
            "lines": [
                {"sku": sku, "qty": qty, "rights": one.units[sku]} for sku, qty in wanted.items()
            ],
            "as_of": known[one.store]["pushed_at"],
            "ready": when[one.store]._asdict(),
        }
        for one in found
    ]
    # Who can say when comes before who paused its picking.
    items.sort(key=lambda item: (not item["whole"], when[item["store"]].when == "paused"))
    return {"items": items, "next": None}


def promise_at(tx: Tx, store_id: str) -> str | None:
    """Return by when an order may be promised at a store that is silent; None: it says so itself.

    What it said last is lengthened: it does not know of the order yet.
    """
    (row,) = _stores(tx.conn, [store_id])
    found, when = promise_rules.due(*_heard(row, tx.now))
    return stamp(found) if found is not None and when == "silent" else None


def mood(conn: Connection, store_id: str, now: datetime) -> Mood:
    """Return how a store does, for a customer who waits; nothing personal is in it."""
    (row,) = _stores(conn, [store_id])
    about = _abouts.decode(row["told"]) if row["told"] else About()
    told_at = parse(row["told_at"]) if row["told_at"] else None
    return promise_rules.mood(about.pace, told_at, now)


def _ready(row: Row, now: datetime) -> Ready:
    return promise_rules.ready(*_heard(row, now))


def _heard(row: Row, now: datetime) -> tuple[int | None, datetime | None, datetime, Open]:
    about = _abouts.decode(row["told"]) if row["told"] else About()
    told_at = parse(row["told_at"]) if row["told_at"] else None
    opened = promise_rules.opened(about.opening_hours, about.time_zone)
    return about.promise_minutes, told_at, now, opened


def words(conn: Connection, wanted: Mapping[str, int], generation: str) -> dict[str, Word]:
    """Return for each store whether it has what is wanted: `promise_rules.words`."""
    empty: dict[str, set[str]] = {}
    for sku in wanted:
        # A store that was never heard is not known to lack anything.
        rows = conn.execute(
            "SELECT s.store_id, s.pushed_at IS NOT NULL AND coalesce(k.qty, 0) <= 0"
            " FROM store s LEFT JOIN stock k"
            " ON k.store_id = s.store_id AND k.sku = ? AND k.bucket = 'available'",
            (sku,),
        )
        for store, lacks in rows:
            empty.setdefault(store, set()).update({sku} if lacks else ())
    return promise_rules.words(wanted, _held(conn, wanted, generation), empty)


def _held(conn: Connection, skus: Collection[str], generation: str) -> dict[str, dict[str, int]]:
    marks = ", ".join("?" * len(skus))
    rows = conn.execute(
        "SELECT r.store_id, r.sku, r.granted - r.reclaimed - r.returned - r.spent FROM rights r"
        f" JOIN store s USING (store_id) WHERE s.agreed = ? AND r.sku IN ({marks})",
        (generation, *skus),
    )
    held: dict[str, dict[str, int]] = {}
    for store, sku, qty in rows:
        held.setdefault(store, {})[sku] = max(0, qty)
    return held


def _stores(conn: Connection, wanted: Collection[str]) -> list[Row]:
    if not wanted:
        return []
    marks = ", ".join("?" * len(wanted))
    return conn.execute(
        f"SELECT store_id, name, pushed_at, told, told_at FROM store WHERE store_id IN ({marks})",
        tuple(wanted),
    ).fetchall()


def held_by_store(conn: Connection) -> dict[str, int]:
    """Return the units of all articles that central may promise, by store."""
    rows = conn.execute(
        "SELECT store_id, sum(CASE WHEN granted > reclaimed + returned + spent"
        " THEN granted - reclaimed - returned - spent ELSE 0 END) FROM rights GROUP BY store_id"
    )
    return {row[0]: row[1] for row in rows}
