"""The two streams that hubs pull; positions are taken last, under a lock held to commit: its order.

It must never put anything personal into a row: a person's details are joined when it is served.
"""

import secrets
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

import msgspec

from hub.catalog import rows
from hub.clock import stamp
from sync import protocol
from sync.frames import RawPage, RawRow

from . import store_life, store_people, store_words
from .store_port import Connection, Row, Told, Tx

Stream = Literal["commands", "replica"]
PAGE_ROWS: Final = 1000
CATALOGUE: Final = "catalogue"
DELETED_MOST: Final = 50_000
_BYTES: Final = 2 << 20


def add_command(
    tx: Tx, store_id: str, command: Mapping[str, Any], customer_ref: str | None = None
) -> None:
    """Send a command to one store with this work's commit."""
    text = msgspec.json.encode(command).decode()
    tx.feeds.commands.append(Told(store_id, text, customer_ref))


def tell_erased(tx: Tx, ref: str) -> None:
    """Have a person forgotten at every store that was told of them."""
    rows = tx.conn.execute(
        "SELECT store_id FROM placed WHERE customer_ref = ?1 UNION"
        " SELECT r.from_store FROM rerouted r JOIN placed p USING (order_id)"
        " WHERE p.customer_ref = ?1"
        " UNION SELECT store_id FROM aisle_order WHERE customer_ref = ?1",
        (ref,),
    )
    for (store_id,) in rows.fetchall():
        command = {"id": f"erase-{ref}", "type": "customer.erase", "ref": ref}
        add_command(tx, store_id, command)


def add_rows(tx: Tx, feed: Iterable[rows.Row]) -> None:
    """Publish catalogue rows to every store with this work's commit, where they are news.

    The feed keeps the latest row of a key, at the position where it changed last: reading from
    0 is the whole catalogue, and there is no horizon behind which a reader falls.
    """
    for row in feed:
        _tell(tx, key_of(row), msgspec.json.encode(row).decode(), differs=False)


def import_rows(tx: Tx, feed: Iterable[rows.Row]) -> int:
    """Publish rows and return how many differ from what was there.

    It holds the catalogue from now on: a work that calls it holds nothing else.
    """
    tx.hold(CATALOGUE)
    changed = _news(tx.conn, {key_of(row): msgspec.json.encode(row).decode() for row in feed})
    for key, text in changed.items():
        _tell(tx, key, text, differs=True)
    return len(changed)


def _tell(tx: Tx, key: str, text: str, *, differs: bool) -> None:
    # What is told again goes to the end, as its newest row does.
    tx.feeds.rows.pop(key, None)
    tx.feeds.rows[key] = (text, differs)


def give_out(tx: Tx) -> None:
    """Write what a work said on the streams: the last thing before its commit.

    Whoever holds a position makes everybody wait who wants one, so nothing may be waited for after
    it: the locks of a work are stores, the distribution centre, the catalogue, positions, in turn.
    """
    if tx.feeds.rows:
        tx.hold(CATALOGUE)
    told = {key: text for key, (text, differs) in tx.feeds.rows.items() if not differs}
    stale = told.keys() - _news(tx.conn, told).keys()
    changed = [(key, text) for key, (text, _) in tx.feeds.rows.items() if key not in stale]
    if tx.feeds.commands:
        _write_commands(tx)
    if changed:
        first = _take(tx, "replica", len(changed))
        tx.conn.executemany(
            "INSERT INTO replica_feed (position, key, row) VALUES (?, ?, ?)"
            " ON CONFLICT (key) DO UPDATE SET position = excluded.position, row = excluded.row",
            [(first + n, key, text) for n, (key, text) in enumerate(changed)],
        )
        tx.grown.add("replica")


def _write_commands(tx: Tx) -> None:
    commands, now = tx.feeds.commands, stamp(tx.now)
    first = _take(tx, "commands", len(commands))
    tx.conn.executemany(
        "INSERT INTO command_feed (position, store_id, row, customer_ref, at)"
        " VALUES (?, ?, ?, ?, ?)",
        [(first + n, told.store_id, told.row, told.customer_ref, now)
         for n, told in enumerate(commands)],
    )  # fmt: skip
    tx.grown.update(f"commands:{told.store_id}" for told in commands)


def _news(conn: Connection, told: Mapping[str, str]) -> dict[str, str]:
    known = _published(conn, list(told))
    return {key: text for key, text in told.items() if known.get(key) != text}


def _published(conn: Connection, keys: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for start in range(0, len(keys), PAGE_ROWS):
        some = keys[start : start + PAGE_ROWS]
        marks = ", ".join("?" * len(some))
        for row in conn.execute(f"SELECT key, row FROM replica_feed WHERE key IN ({marks})", some):
            found[row["key"]] = row["row"]
    return found


def _take(tx: Tx, stream: Stream, count: int) -> int:
    """Take `count` positions and return the first of them.

    The counter's row stays locked until the commit: positions become visible in their order, and
    what is rolled back leaves no gap. Chance is kept beside the last one (`mark_at`).
    """
    row = tx.conn.execute(
        "UPDATE feed_end SET position = position + ? WHERE stream = ? RETURNING position",
        (count, stream),
    ).fetchone()
    last = int(row[0])
    tx.conn.execute(
        "INSERT INTO feed_mark (stream, position, mark) VALUES (?, ?, ?)",
        (stream, last, secrets.token_hex(4)),
    )
    return last - count + 1


def catch_up(tx: Tx) -> None:
    """Go on behind what a release gave out that did not know of the counter."""
    tx.conn.execute(
        "UPDATE feed_end SET position = (SELECT max(m.position) FROM feed_mark m"
        " WHERE m.stream = feed_end.stream) WHERE position < (SELECT max(m.position)"
        " FROM feed_mark m WHERE m.stream = feed_end.stream)"
    )


def mark_at(conn: Connection, stream: Stream, position: int) -> str:
    """Return what central drew when it wrote `position`; "" where it did not yet draw."""
    row = conn.execute(
        "SELECT mark FROM feed_mark WHERE stream = ? AND position >= ? ORDER BY position LIMIT 1",
        (stream, position),
    ).fetchone()
    return "" if row is None or position == 0 else str(row[0])


def state(conn: Connection, stream: Stream, position: int) -> protocol.Stream:
    """Return how a stream stands, and what central drew at `position`: all in one statement.

    Its horizon is the position before which a reader may have missed a deletion.
    """
    row = conn.execute(
        "SELECT (SELECT value FROM central WHERE name = 'generation') AS generation,"
        " (SELECT value FROM central WHERE name = 'horizon') AS horizon,"
        " (SELECT mark FROM feed_mark WHERE stream = ?1 AND position >= ?2"
        " ORDER BY position LIMIT 1) AS mark, position FROM feed_end WHERE stream = ?1",
        (stream, position),
    ).fetchone()
    catalogue = stream == "replica"
    horizon = int(row["horizon"] or 0) if catalogue else 0
    mark = row["mark"] or "" if position else ""
    return protocol.Stream(row["generation"] or "", int(row["position"]), horizon, catalogue, mark)


def forget_deleted(tx: Tx, most: int = DELETED_MOST) -> int:
    """Drop the rows of what is long deleted, when they are more than `most`; return how many.

    Who is behind the newest of them gets a snapshot, in which they simply are not.
    """
    tx.hold(CATALOGUE)
    gone = [
        row["position"]
        for row in tx.conn.execute(
            "SELECT position, row FROM replica_feed WHERE row LIKE '%\"deleted\":true%'"
        )
        if msgspec.json.decode(row["row"]).get("deleted") is True
    ]
    if len(gone) <= most:
        return 0
    tx.conn.executemany("DELETE FROM replica_feed WHERE position = ?", [(at,) for at in gone])
    store_life.write(tx.conn, "horizon", str(max(gone)))
    tx.grown.add("replica")
    return len(gone)


def page(
    conn: Connection, stream: Stream, store_id: str, held: protocol.Stream, after: int
) -> RawPage:
    """Return what follows `after`, bounded by rows and bytes; `held`: how the stream stands."""
    if after >= held.end:
        return RawPage(stream, held.generation, after, after, held.end, [], held.mark)
    found = _commands(conn, store_id, after) if stream == "commands" else _replica(conn, after)
    taken: list[RawRow] = []
    weight = 0
    for position, text in found:
        weight += len(text)
        if taken and weight > _BYTES:
            break
        taken.append(RawRow(position, msgspec.Raw(text)))
    then = taken[-1].position if taken else after
    mark = mark_at(conn, stream, then) if taken else held.mark
    return RawPage(stream, held.generation, after, then, held.end, taken, mark)


def _replica(conn: Connection, after: int) -> list[tuple[int, bytes]]:
    found = conn.execute(
        "SELECT position, row FROM replica_feed WHERE position > ? ORDER BY position LIMIT ?",
        (after, PAGE_ROWS),
    )
    return [(row["position"], row["row"].encode()) for row in found]


def _commands(conn: Connection, store_id: str, after: int) -> list[tuple[int, bytes]]:
    found = conn.execute(
        "SELECT position, row, customer_ref FROM command_feed"
        " WHERE store_id = ? AND position > ? ORDER BY position LIMIT ?",
        (store_id, after, PAGE_ROWS),
    )
    return [(row["position"], _with_person(conn, row)) for row in found]


def _with_person(conn: Connection, row: Row) -> bytes:
    if row["customer_ref"] is None:
        text: str = row["row"]
        return text.encode()
    command = msgspec.json.decode(row["row"])
    if "words" in command:
        command["personal"] = store_words.find(conn, command.pop("words"))
        return msgspec.json.encode(command)
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
    if isinstance(row, rows.SupplyRow):
        return f"supply {row.sku}"
    return f"pickup_key {row.key_id}"
