"""Device commands that follow a commit: sent again until the device says that it is done.

It must never publish before the commit that asked for the command, and never publish two
commands for one key: a device tells a repetition by the key.
"""

import sqlite3
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

import msgspec
import sqlite_utils
from sqlite_utils.migrations import Migrations

from hub.clock import stamp
from hub.database import TableClass
from hub.journal import Transaction
from hub.wire import topic

MIGRATIONS: Final = Migrations("outbox")
TABLES: Final[dict[str, TableClass]] = {"outbox": "record"}

# A device that does not answer is asked ever more seldom, up to this (seconds).
SELDOM_S: Final = 600.0
PAGE: Final = 100


@MIGRATIONS()
def m001_outbox(db: sqlite_utils.Database) -> None:
    """A row waits while `outcome` is null; `due` is the next time of sending."""
    db.execute(
        "CREATE TABLE outbox (key TEXT PRIMARY KEY, device TEXT NOT NULL, name TEXT NOT NULL,"
        " payload BLOB NOT NULL, created TEXT NOT NULL, due TEXT NOT NULL,"
        " tries INTEGER NOT NULL DEFAULT 0, outcome TEXT)"
    )
    db.execute("CREATE INDEX outbox_due ON outbox (due) WHERE outcome IS NULL")


def enqueue(
    tx: Transaction, *, device: str, name: str, payload: Mapping[str, Any], key: str
) -> None:
    """Have `cmd/{name}` sent to `device` after this commit. The same key again changes nothing."""
    at = stamp(tx.now)
    body = msgspec.json.encode({"key": key, **payload})
    tx.conn.execute(
        "INSERT OR IGNORE INTO outbox (key, device, name, payload, created, due)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (key, device, name, body, at, at),
    )


def close(tx: Transaction, *, device: str, key: str, outcome: str) -> bool:
    """The device answered (`obs/done`, `obs/printed`); False when nothing of it waited."""
    cursor = tx.conn.execute(
        "UPDATE outbox SET outcome = ? WHERE key = ? AND device = ? AND outcome IS NULL",
        (outcome, key, device),
    )
    return cursor.rowcount == 1


def supersede(tx: Transaction, *, device: str, name: str) -> None:
    """What waits of `name` for `device` is not sent any more: a newer one says it all."""
    tx.conn.execute(
        "UPDATE outbox SET outcome = 'superseded'"
        " WHERE device = ? AND name = ? AND outcome IS NULL",
        (device, name),
    )


def latest(connection: sqlite3.Connection, device: str, name: str) -> sqlite3.Row | None:
    """Return the newest command of that name for `device`: (payload, outcome)."""
    row: sqlite3.Row | None = connection.execute(
        "SELECT payload, outcome FROM outbox WHERE device = ? AND name = ?"
        " ORDER BY rowid DESC LIMIT 1",
        (device, name),
    ).fetchone()
    return row


def hurry(connection: sqlite3.Connection, device: str, now: str) -> None:
    """The device is back: what waits for it is due now, and its next wait is a short one."""
    connection.execute(
        "UPDATE outbox SET due = ?, tries = 0 WHERE device = ? AND outcome IS NULL AND due > ?",
        (now, device, now),
    )


def due(connection: sqlite3.Connection, now: str) -> list[sqlite3.Row]:
    """Return the commands to send now, oldest first."""
    return connection.execute(
        "SELECT key, device, name, payload, tries, created FROM outbox"
        " WHERE outcome IS NULL AND due <= ? ORDER BY due, rowid LIMIT ?",
        (now, PAGE),
    ).fetchall()


def waiting(connection: sqlite3.Connection) -> int:
    (number,) = connection.execute("SELECT count(*) FROM outbox WHERE outcome IS NULL").fetchone()
    return int(number)


def send_due(
    connection: sqlite3.Connection,
    now: str,
    store: str,
    publish: Callable[[str, bytes], bool],
) -> list[str]:
    """Publish what is due; return the keys that went out (False from `publish` = no connection)."""
    return [
        row["key"]
        for row in due(connection, now)
        if publish(topic(store, row["device"], "cmd", row["name"]), row["payload"])
    ]


def sent(tx: Transaction, keys: list[str], *, retry_s: float, give_up: timedelta) -> None:
    """Note that `keys` went out: next time after twice the wait, or never after `give_up`."""
    for key in keys:
        row = tx.conn.execute("SELECT tries, created FROM outbox WHERE key = ?", (key,)).fetchone()
        if row["created"] < stamp(tx.now - give_up):
            tx.conn.execute("UPDATE outbox SET outcome = 'expired' WHERE key = ?", (key,))
            tx.touch("devices")
            continue
        wait = min(SELDOM_S, retry_s * 2 ** min(row["tries"], 16))
        tx.conn.execute(
            "UPDATE outbox SET tries = tries + 1, due = ? WHERE key = ? AND outcome IS NULL",
            (stamp(tx.now + timedelta(seconds=wait)), key),
        )


def forget(tx: Transaction, before: str) -> int:
    """Drop finished commands that were made before the stamp `before`; return how many."""
    cursor = tx.conn.execute(
        "DELETE FROM outbox WHERE outcome IS NOT NULL AND created < ?", (before,)
    )
    return cursor.rowcount
