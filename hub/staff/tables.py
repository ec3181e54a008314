"""The record tables of people, their tries to sign in, and API tokens.

They must never hold a PIN, a badge or a token itself, only their digests.
"""

from typing import Final

import sqlite_utils
from sqlite_utils.migrations import Migrations

from hub.database import TableClass

MIGRATIONS: Final = Migrations("staff")
TABLES: Final[dict[str, TableClass]] = {
    "staff_member": "record",
    "staff_try": "record",
    "staff_sign_in": "record",
    "api_token": "record",
}

_SCHEMA: Final = (
    """CREATE TABLE staff_member (
        staff_id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        role TEXT NOT NULL,
        pin_hash TEXT,
        badge_digest TEXT UNIQUE,
        active INTEGER NOT NULL DEFAULT 1,
        added_at TEXT NOT NULL
    )""",
    """CREATE TABLE staff_try (
        staff_id TEXT PRIMARY KEY, failures INTEGER NOT NULL, last_at TEXT NOT NULL
    ) WITHOUT ROWID""",
    """CREATE TABLE staff_sign_in (
        id INTEGER PRIMARY KEY,
        at TEXT NOT NULL,
        staff_id TEXT NOT NULL,
        screen TEXT NOT NULL,
        method TEXT NOT NULL
    )""",
    """CREATE TABLE api_token (
        name TEXT PRIMARY KEY,
        role TEXT NOT NULL,
        digest TEXT NOT NULL UNIQUE,
        created_at TEXT NOT NULL,
        revoked_at TEXT
    )""",
)


@MIGRATIONS()
def m001_staff(db: sqlite_utils.Database) -> None:
    """People, tries, sign-ins and tokens."""
    for statement in _SCHEMA:
        db.execute(statement)
