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
    """Delete what facts call erased; return how many rows."""
    return connection.execute(
        "DELETE FROM personal WHERE ref IN (SELECT ref FROM customer_erased)"
    ).rowcount


def _erased(connection: sqlite3.Connection, entry: Entry, fact: PersonalDataErased) -> None:
    connection.execute(
        "INSERT OR IGNORE INTO customer_erased VALUES (?, ?)", (fact.ref, entry.occurred_at)
    )


PROJECTION: Final = Projection(
    room="customers",
    schema="CREATE TABLE customer_erased (ref TEXT PRIMARY KEY, erased_at TEXT NOT NULL)",
    apply={PersonalDataErased: _erased},
)
