"""The one table with personal data, and the projection that remembers what was erased.

Nothing else may hold a customer's name, and no full-text index may be built over it: an index
keeps words that were deleted.
"""

import sqlite3
from collections.abc import Sequence
from typing import Final

import sqlite_utils
from sqlite_utils.migrations import Migrations

from hub.chain import Entry
from hub.customers.facts import PersonalDataErased
from hub.database import TableClass
from hub.projections import Projection

MIGRATIONS: Final = Migrations("customers")
TABLES: Final[dict[str, TableClass]] = {"personal": "record", "customer_erased": "projection"}


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


def put_personal(connection: sqlite3.Connection, row: Sequence[str | None]) -> None:
    """Keep one row of `personal`, instead of an older one of the same ref."""
    connection.execute("INSERT OR REPLACE INTO personal VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)


def delete_erased(connection: sqlite3.Connection) -> int:
    """Delete what facts call erased, and every copy of it; return how many rows.

    secure_delete zeroes the deleted cell and freed pages, but when SQLite splits a page it leaves
    old copies of neighbouring cells in the gaps (measured: 3 of 2,200 erased names were still
    there). So what stays is written anew, and all old pages are freed and thereby zeroed.
    """
    found = connection.execute(
        "DELETE FROM personal WHERE ref IN (SELECT ref FROM customer_erased)"
    ).rowcount
    if found:
        connection.execute("CREATE TEMP TABLE personal_kept AS SELECT * FROM personal")
        connection.execute("DELETE FROM personal")
        connection.execute("INSERT INTO personal SELECT * FROM personal_kept ORDER BY ref")
        connection.execute("DROP TABLE personal_kept")
    return found


def _erased(connection: sqlite3.Connection, entry: Entry, fact: PersonalDataErased) -> None:
    connection.execute(
        "INSERT OR IGNORE INTO customer_erased VALUES (?, ?)", (fact.ref, entry.occurred_at)
    )


PROJECTION: Final = Projection(
    room="customers",
    schema="CREATE TABLE customer_erased (ref TEXT PRIMARY KEY, erased_at TEXT NOT NULL)",
    apply={PersonalDataErased: _erased},
)
