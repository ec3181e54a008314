"""The record tables of people, their tries to sign in, their sessions, and API tokens.

They must never hold a PIN, a badge, a token or what a session's cookie carries: only digests.
"""

import sqlite3
from typing import Final

import sqlite_utils
from sqlite_utils.migrations import Migrations

from hub.database import TableClass

MIGRATIONS: Final = Migrations("staff")
TABLES: Final[dict[str, TableClass]] = {
    "staff_member": "record",
    "staff_try": "record",
    "staff_sign_in": "record",
    "staff_session": "record",
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


@MIGRATIONS()
def m002_session(db: sqlite_utils.Database) -> None:
    """The sessions that go on: a row goes when its person signs out. Not read by older releases."""
    db.execute(
        """CREATE TABLE staff_session (
            digest TEXT PRIMARY KEY, staff_id TEXT NOT NULL, begun_at TEXT NOT NULL
        )"""
    )
    db.execute("CREATE INDEX staff_session_person ON staff_session (staff_id, begun_at)")


def insert_member(
    connection: sqlite3.Connection,
    staff_id: str,
    name: str,
    role: str,
    pin_hash: str | None,
    added_at: str,
) -> None:
    connection.execute(
        "INSERT INTO staff_member (staff_id, name, role, pin_hash, added_at)"
        " VALUES (?, ?, ?, ?, ?)",
        (staff_id, name, role, pin_hash, added_at),
    )


def update_pin(connection: sqlite3.Connection, staff_id: str, pin_hash: str) -> None:
    connection.execute(
        "UPDATE staff_member SET pin_hash = ? WHERE staff_id = ?", (pin_hash, staff_id)
    )


def update_badge(connection: sqlite3.Connection, staff_id: str, digest: str | None) -> None:
    connection.execute(
        "UPDATE staff_member SET badge_digest = ? WHERE staff_id = ?", (digest, staff_id)
    )


def update_role(connection: sqlite3.Connection, staff_id: str, role: str) -> None:
    connection.execute("UPDATE staff_member SET role = ? WHERE staff_id = ?", (role, staff_id))


def update_inactive(connection: sqlite3.Connection, staff_id: str) -> None:
    """The badge is free for somebody else from now on."""
    connection.execute(
        "UPDATE staff_member SET active = 0, badge_digest = NULL WHERE staff_id = ?", (staff_id,)
    )


def count_try(connection: sqlite3.Connection, staff_id: str, at: str) -> None:
    connection.execute(
        "INSERT INTO staff_try VALUES (?, 1, ?) ON CONFLICT (staff_id)"
        " DO UPDATE SET failures = failures + 1, last_at = excluded.last_at",
        (staff_id, at),
    )


def forget_tries(connection: sqlite3.Connection, staff_id: str) -> None:
    connection.execute("DELETE FROM staff_try WHERE staff_id = ?", (staff_id,))


def insert_sign_in(
    connection: sqlite3.Connection, at: str, staff_id: str, screen: str, method: str
) -> None:
    connection.execute(
        "INSERT INTO staff_sign_in (at, staff_id, screen, method) VALUES (?, ?, ?, ?)",
        (at, staff_id, screen, method),
    )


def delete_sign_ins(connection: sqlite3.Connection, before: str) -> None:
    connection.execute("DELETE FROM staff_sign_in WHERE at < ?", (before,))


def insert_session(
    connection: sqlite3.Connection, digest: str, staff_id: str, begun_at: str
) -> None:
    connection.execute(
        "INSERT INTO staff_session (digest, staff_id, begun_at) VALUES (?, ?, ?)",
        (digest, staff_id, begun_at),
    )


def delete_session(connection: sqlite3.Connection, digest: str) -> None:
    connection.execute("DELETE FROM staff_session WHERE digest = ?", (digest,))


def delete_sessions_of(connection: sqlite3.Connection, staff_id: str, *, but: int = 0) -> None:
    """End a person's sessions, all or all but the latest ones."""
    connection.execute(
        "DELETE FROM staff_session WHERE staff_id = :who AND digest NOT IN"
        " (SELECT digest FROM staff_session WHERE staff_id = :who"
        " ORDER BY rowid DESC LIMIT :but)",
        {"who": staff_id, "but": but},
    )


def delete_sessions(connection: sqlite3.Connection, before: str | None = None) -> None:
    """End all sessions, or those that began before a time."""
    connection.execute("DELETE FROM staff_session WHERE begun_at < coalesce(?, '9')", (before,))


def put_token(
    connection: sqlite3.Connection, name: str, role: str, digest: str, created_at: str
) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO api_token VALUES (?, ?, ?, ?, NULL)",
        (name, role, digest, created_at),
    )


def revoke_token(connection: sqlite3.Connection, name: str, at: str) -> bool:
    """Say whether there is such a token; the first revocation's time stays."""
    changed = connection.execute(
        "UPDATE api_token SET revoked_at = coalesce(revoked_at, ?) WHERE name = ?", (at, name)
    )
    return changed.rowcount > 0
