"""The three tables with personal data, who looked at a signature, and what was erased.

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
    "personal_said": "record",
    "signature": "record",
    "signature_look": "record",
    "customer_erased": "projection",
}
# Tables whose rows belong to a customer, with the column that orders them.
_OF_A_CUSTOMER: Final = (
    ("personal", "ref"),
    ("personal_said", "ref"),
    ("signature", "order_id"),
)


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


@MIGRATIONS()
def m004_said_apart(db: sqlite_utils.Database) -> None:
    """The same in a table of its own.

    The release before this one writes `personal` without naming columns: with two more it could
    take no order in that names its customer, once an update was taken back.
    """
    db.execute(
        "CREATE TABLE personal_said (ref TEXT PRIMARY KEY, delegate TEXT, feedback TEXT)"
        " WITHOUT ROWID"
    )
    db.execute(
        "INSERT INTO personal_said (ref, delegate, feedback) SELECT ref, delegate, feedback"
        " FROM personal WHERE delegate IS NOT NULL OR feedback IS NOT NULL"
    )
    db.execute("ALTER TABLE personal DROP COLUMN delegate")
    db.execute("ALTER TABLE personal DROP COLUMN feedback")


@MIGRATIONS()
def m005_address(db: sqlite_utils.Database) -> None:
    """Where goods of the endless aisle are sent."""
    db.execute("ALTER TABLE personal_said ADD COLUMN address TEXT")


@MIGRATIONS()
def m006_signature_look(db: sqlite_utils.Database) -> None:
    """Which member of staff looked at a signature: an order's id and an actor, nobody's name."""
    db.execute(
        """CREATE TABLE signature_look (
            id INTEGER PRIMARY KEY, order_id TEXT NOT NULL, actor TEXT NOT NULL, at TEXT NOT NULL
        )"""
    )
    db.execute("CREATE INDEX signature_look_order ON signature_look (order_id, id)")


_COLUMNS: Final = "ref, name, email, phone, plate, note, folded, stored_at"
_LATER: Final = ("plate", "note")
_SAID: Final = ("delegate", "feedback", "address")


def put_personal(
    connection: sqlite3.Connection,
    ref: str,
    known: Mapping[str, str | None],
    folded: str,
    stored_at: str,
) -> None:
    """Keep who `ref` is; what an older row of the same ref knows besides stays."""
    kept = ", ".join(f"{name} = coalesce(excluded.{name}, {name})" for name in _LATER)
    brought = (known[name] for name in ("name", "email", "phone", *_LATER))
    connection.execute(
        f"INSERT INTO personal ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (ref) DO UPDATE SET name = excluded.name, email = excluded.email,"
        " phone = excluded.phone, folded = excluded.folded,"
        f" stored_at = excluded.stored_at, {kept}",
        (ref, *brought, folded, stored_at),
    )
    _put_said(connection, ref, known)


def add_personal(connection: sqlite3.Connection, ref: str, said: Mapping[str, str]) -> bool:
    """Add what somebody said later; False when nobody of this ref is known."""
    changed = connection.execute(
        "UPDATE personal SET plate = coalesce(?, plate) WHERE ref = ?", (said.get("plate"), ref)
    )
    if changed.rowcount == 1:
        _put_said(connection, ref, said)
    return changed.rowcount == 1


def _put_said(connection: sqlite3.Connection, ref: str, known: Mapping[str, str | None]) -> None:
    said = [known.get(name) for name in _SAID]
    if any(said):
        kept = ", ".join(f"{name} = coalesce(excluded.{name}, {name})" for name in _SAID)
        connection.execute(
            f"INSERT INTO personal_said (ref, {', '.join(_SAID)}) VALUES (?, ?, ?, ?)"
            f" ON CONFLICT (ref) DO UPDATE SET {kept}",
            (ref, *said),
        )


def put_signature(connection: sqlite3.Connection, row: Sequence[str]) -> None:
    """Keep (order id, ref, strokes, stamp), instead of an older one of the same order."""
    connection.execute("INSERT OR REPLACE INTO signature VALUES (?, ?, ?, ?)", row)


def insert_look(connection: sqlite3.Connection, order_id: str, actor: str, at: str) -> None:
    connection.execute(
        "INSERT INTO signature_look (order_id, actor, at) VALUES (?, ?, ?)", (order_id, actor, at)
    )


def delete_looks(connection: sqlite3.Connection, before: str) -> None:
    connection.execute("DELETE FROM signature_look WHERE at < ?", (before,))


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
