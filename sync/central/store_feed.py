"""The two streams that hubs pull; positions are taken by the one writer, so in commit order.

It must never put anything personal into a row: a person's details are joined when it is served.
"""

import secrets
import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

import msgspec

from hub.catalog import rows
from hub.clock import stamp
from sync.frames import RawPage, RawRow

from . import store_people
from .store_writer import Tx

Stream = Literal["commands", "replica"]
PAGE_ROWS: Final = 1000
DELETED_MOST: Final = 50_000
_BYTES: Final = 2 << 20


def add_command(
    tx: Tx, store_id: str, command: Mapping[str, Any], customer_ref: str | None = None
) -> None:
    """Send a command to one store."""
    tx.conn.execute(
        "INSERT INTO command_feed (store_id, row, customer_ref, at) VALUES (?, ?, ?, ?)",
        (store_id, msgspec.json.encode(command).decode(), customer_ref, stamp(tx.now)),
    )
    _mark(tx, "commands")
    tx.grown.add(f"commands:{store_id}")


def add_rows(tx: Tx, feed: Iterable[rows.Row]) -> int:
    """Publish catalogue rows to every store; return how many differ from what was there.

    The feed keeps the latest row of a key, at the position where it changed last: reading from
    0 is the whole catalogue, and there is no horizon behind which a reader falls.
    """
    changed = 0
    for row in feed:
        key, text = key_of(row), msgspec.json.encode(row).decode()
        known = tx.conn.execute("SELECT row FROM replica_feed WHERE key = ?", (key,)).fetchone()
        if known is not None and known[0] == text:
            continue
        tx.conn.execute("DELETE FROM replica_feed WHERE key = ?", (key,))
        tx.conn.execute("INSERT INTO replica_feed (key, row) VALUES (?, ?)", (key, text))
        changed += 1
    if changed:
        _mark(tx, "replica")
        tx.grown.add("replica")
    return changed


def _mark(tx: Tx, stream: Stream) -> None:
    tx.conn.execute(
        "INSERT OR REPLACE INTO feed_mark (stream, position, mark) VALUES (?, ?, ?)",
        (stream, end(tx.conn, stream), secrets.token_hex(4)),
    )


def mark_at(conn: sqlite3.Connection, stream: Stream, position: int) -> str:
    """Return what central drew when it wrote `position`; "" where it did not yet draw."""
    row = conn.execute(
        "SELECT mark FROM feed_mark WHERE stream = ? AND position >= ? ORDER BY position LIMIT 1",
        (stream, position),
    ).fetchone()
    return "" if row is None or position == 0 else str(row[0])


def end(conn: sqlite3.Connection, stream: Stream) -> int:
    """Return the newest position that was ever given out."""
    row = conn.execute(
        "SELECT seq FROM sqlite_sequence WHERE name = ?",
        ("command_feed" if stream == "commands" else "replica_feed",),
    ).fetchone()
    return 0 if row is None else int(row[0])


def horizon(conn: sqlite3.Connection) -> int:
    """Return the catalogue position before which a reader may have missed a deletion."""
    row = conn.execute("SELECT value FROM central WHERE name = 'horizon'").fetchone()
    return 0 if row is None else int(row[0])


def forget_deleted(tx: Tx, most: int = DELETED_MOST) -> int:
    """Drop the rows of what is long deleted, when they are more than `most`; return how many.

    Who is behind the newest of them gets a snapshot, in which they simply are not.
    """
    gone = [
        position
        for position, row in tx.conn.execute("SELECT position, row FROM replica_feed")
        if '"deleted":true' in row and msgspec.json.decode(row).get("deleted") is True
    ]
    if len(gone) <= most:
        return 0
    tx.conn.executemany("DELETE FROM replica_feed WHERE position = ?", [(at,) for at in gone])
    tx.conn.execute(
        "INSERT OR REPLACE INTO central (name, value) VALUES ('horizon', ?)", (str(max(gone)),)
    )
    return len(gone)


def page(
    conn: sqlite3.Connection, stream: Stream, store_id: str, generation: str, after: int
) -> RawPage:
    """Return what follows `after`, bounded by rows and bytes."""
    found = _commands(conn, store_id, after) if stream == "commands" else _replica(conn, after)
    taken: list[RawRow] = []
    weight = 0
    for position, text in found:
        weight += len(text)
        if taken and weight > _BYTES:
            break
        taken.append(RawRow(position, msgspec.Raw(text)))
    then = taken[-1].position if taken else after
    mark = mark_at(conn, stream, then)
    return RawPage(stream, generation, after, then, end(conn, stream), taken, mark)


def _replica(conn: sqlite3.Connection, after: int) -> list[tuple[int, bytes]]:
    found = conn.execute(
        "SELECT position, row FROM replica_feed WHERE position > ? ORDER BY position LIMIT ?",
        (after, PAGE_ROWS),
    )
    return [(position, row.encode()) for position, row in found]


def _commands(conn: sqlite3.Connection, store_id: str, after: int) -> list[tuple[int, bytes]]:
    found = conn.execute(
        "SELECT position, row, customer_ref FROM command_feed"
        " WHERE store_id = ? AND position > ? ORDER BY position LIMIT ?",
        (store_id, after, PAGE_ROWS),
    )
    return [(row["position"], _with_person(conn, row)) for row in found]


def _with_person(conn: sqlite3.Connection, row: sqlite3.Row) -> bytes:
    if row["customer_ref"] is None:
        text: str = row["row"]
        return text.encode()
    command = msgspec.json.decode(row["row"])
    person = store_people.find(conn, row["customer_ref"])
    command["order"]["personal"] = person or dict.fromkeys(("name", "email", "phone"))
    return msgspec.json.encode(command)


def key_of(row: rows.Row) -> str:
    """Name what a row is about; a later row of the same name replaces it."""
    if isinstance(row, rows.ProductRow):
        return f"product {row.sku}"
    if isinstance(row, rows.BarcodeRow):
        return f"barcode {row.gtin}"
    if isinstance(row, rows.PriceRow):
        return f"price {row.sku} {row.valid_from or ''}"
    return f"pickup_key {row.key_id}"
