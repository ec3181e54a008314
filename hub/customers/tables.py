"""The two tables with personal data, and the projection that remembers what was erased.

Nothing else may hold a customer's name, and no full-text index may be built over it: an index
keeps words that were deleted.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Final

import sqlite_utils
from sqlite_utils.migrations import Migrations

from hub.chain import Entry
from hub.customers.facts import PersonalDataErased
from hub.database import TableClass
from hub.projections import Projection

MIGRATIONS: Final = Migrations("customers")
TABLES: Final[dict[str, TableClass]] = {
    "personal": "record",
    "signature": "record",
    "customer_erased": "projection",
}
# Tables whose rows belong to a customer, with the column that orders them.
_OF_A_CUSTOMER: Final = (("personal", "ref"), ("signature", "order_id"))


@MIGRATIONS()
def m001_personal(db: sqlite_utils.Database) -> None:
    """`folded` is what people are found by: name, e-mail and phone without case and accents."""
    db.execute(
        """CREATE TABLE personal (
            ref TEXT PRIMARY KEY,
            name TEXT NOT NULL,
            email TEXT,
            phone TEXT,
            plate TEXT,
            note TEXT,
            folded TEXT NOT NULL,
            stored_at TEXT NOT NULL
        ) WITHOUT ROWID"""
    )


@MIGRATIONS()
def m002_signature(db: sqlite_utils.Database) -> None:
    """What a customer drew at a handover: `strokes` as JSON, `[[x, y, x, y, …], …]`."""
    db.execute(
        """CREATE TABLE signature (
            order_id TEXT PRIMARY KEY,
            ref TEXT NOT NULL,
            strokes TEXT NOT NULL,
            signed_at TEXT NOT NULL
        ) WITHOUT ROWID"""
    )


@MIGRATIONS()
def m003_said_later(db: sqlite_utils.Database) -> None:
    """Who else may collect, and what the customer wrote about the pickup."""
    db.execute("ALTER TABLE personal ADD COLUMN delegate TEXT")
    db.execute("ALTER TABLE personal ADD COLUMN feedback TEXT")


_COLUMNS: Final = "ref, name, email, phone, plate, note, delegate, feedback, folded, stored_at"
_LATER: Final = ("plate", "note", "delegate", "feedback")


def put_personal(connection: sqlite3.Connection, row: Sequence[str | None]) -> None:
    """Keep one row of `personal`; what an older one of the same ref knows besides stays."""
    kept = ", ".join(f"{name} = coalesce(excluded.{name}, {name})" for name in _LATER)
    connection.execute(
        f"INSERT INTO personal ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (ref) DO UPDATE SET name = excluded.name, email = excluded.email,"
        " phone = excluded.phone, folded = excluded.folded,"
        f" stored_at = excluded.stored_at, {kept}",
        row,
    )


def add_personal(connection: sqlite3.Connection, ref: str, said: Mapping[str, str]) -> bool:
    """Add what somebody said later; False when nobody of this ref is known."""
    names = ", ".join(f"{name} = ?" for name in said)
    changed = connection.execute(
        f"UPDATE personal SET {names} WHERE ref = ?", (*said.values(), ref)
    )
    return changed.rowcount == 1


def put_signature(connection: sqlite3.Connection, row: Sequence[str]) -> None:
    """Keep (order id, ref, strokes, stamp), instead of an older one of the same order."""
    connection.execute("INSERT OR REPLACE INTO signature VALUES (?, ?, ?, ?)", row)


def delete_signatures(connection: sqlite3.Connection, before: str) -> int:
    """Delete the signatures from before that stamp; return how many."""
    found = connection.execute("DELETE FROM signature WHERE signed_at < ?", (before,)).rowcount
    if found:
        _write_anew(connection, "signature", "order_id")
    return found


def delete_erased(connection: sqlite3.Connection) -> int:
    """Delete what facts call erased, and every copy of it; return how many rows.

    secure_delete zeroes the deleted cell and freed pages, but when SQLite splits a page it leaves
    old copies of neighbouring cells in the gaps (measured: 3 of 2,200 erased names were still
    there). So what stays is written anew, and all old pages are freed and thereby zeroed.
    """
    total = 0
    for table, key in _OF_A_CUSTOMER:
        found = connection.execute(
            f"DELETE FROM {table} WHERE ref IN (SELECT ref FROM customer_erased)"
        ).rowcount
        if found:
            _write_anew(connection, table, key)
        total += found
    return total


def _write_anew(connection: sqlite3.Connection, table: str, key: str) -> None:
    connection.execute(f"CREATE TEMP TABLE kept_rows AS SELECT * FROM {table}")
    connection.execute(f"DELETE FROM {table}")
    connection.execute(f"INSERT INTO {table} SELECT * FROM kept_rows ORDER BY {key}")
    connection.execute("DROP TABLE kept_rows")


def _erased(connection: sqlite3.Connection, entry: Entry, fact: PersonalDataErased) -> None:
    connection.execute(
        "INSERT OR IGNORE INTO customer_erased VALUES (?, ?)", (fact.ref, entry.occurred_at)
    )


PROJECTION: Final = Projection(
    room="customers",
    schema="CREATE TABLE customer_erased (ref TEXT PRIMARY KEY, erased_at TEXT NOT NULL)",
    apply={PersonalDataErased: _erased},
)
