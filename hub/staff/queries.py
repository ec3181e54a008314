"""Reads who works here, who is signed in or tried to be, and which API tokens there are.

It must never return a PIN's hash to a screen.
"""

import sqlite3
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from hub import clock
from hub.staff import rules
from hub.staff.rules import Role


class Member(msgspec.Struct, frozen=True):
    """A person who works here."""

    staff_id: str
    name: str
    role: Role
    active: bool = True
    has_pin: bool = False
    has_badge: bool = False


class Token(msgspec.Struct, frozen=True):
    """A token of the API; the text itself is known to its owner alone."""

    name: str
    role: Role
    created_at: str
    revoked_at: str | None = None


_MEMBER = (
    "SELECT staff_id, name, role, active, pin_hash IS NOT NULL, badge_digest IS NOT NULL"
    " FROM staff_member"
)


def member(connection: sqlite3.Connection, staff_id: str) -> Member | None:
    """Return the person, active or not."""
    row = connection.execute(f"{_MEMBER} WHERE staff_id = ?", (staff_id,)).fetchone()
    return _member(row) if row else None


def members(connection: sqlite3.Connection, *, active_only: bool = False) -> list[Member]:
    """Return everybody by name."""
    found = connection.execute(
        f"{_MEMBER} WHERE active >= ? ORDER BY name, staff_id", (1 if active_only else 0,)
    )
    return [_member(row) for row in found]


def by_badge_digest(connection: sqlite3.Connection, digest: str) -> Member | None:
    """Return the active person with that badge (`rules.badge_digest`)."""
    row = connection.execute(
        f"{_MEMBER} WHERE badge_digest = ? AND active = 1", (digest,)
    ).fetchone()
    return _member(row) if row else None


def in_session(connection: sqlite3.Connection, session: str) -> Member | None:
    """Return the active person whose session it is, unless it has been ended."""
    row = connection.execute(
        f"{_MEMBER} JOIN staff_session USING (staff_id) WHERE digest = ? AND active = 1",
        (rules.session_digest(session),),
    ).fetchone()
    return _member(row) if row else None


def stands(connection: sqlite3.Connection, digest: str) -> bool:
    """Does the session or token of this digest still open anything?"""
    return bool(
        connection.execute(
            "SELECT EXISTS (SELECT 1 FROM staff_session JOIN staff_member USING (staff_id)"
            " WHERE digest = ?1 AND active = 1)"
            " OR EXISTS (SELECT 1 FROM api_token WHERE digest = ?1 AND revoked_at IS NULL)",
            (digest,),
        ).fetchone()[0]
    )


def pin_hash(connection: sqlite3.Connection, staff_id: str) -> str | None:
    """Return what `pins.matches` compares with; None for who is absent, inactive or without."""
    row = connection.execute(
        "SELECT pin_hash FROM staff_member WHERE staff_id = ? AND active = 1", (staff_id,)
    ).fetchone()
    return row[0] if row else None


def tries(connection: sqlite3.Connection, staff_id: str) -> tuple[int, datetime | None]:
    """Return how many PINs went wrong since the last right one, and when the last was tried."""
    row = connection.execute(
        "SELECT failures, last_at FROM staff_try WHERE staff_id = ?", (staff_id,)
    ).fetchone()
    return (row[0], clock.parse(row[1])) if row else (0, None)


def sign_ins(connection: sqlite3.Connection, limit: int = 50) -> list[Mapping[str, Any]]:
    """Return the latest sign-ins, newest first: at, staff_id, name, screen, method."""
    found = connection.execute(
        "SELECT at, staff_id, coalesce(name, staff_id), screen, method"
        " FROM staff_sign_in LEFT JOIN staff_member USING (staff_id) ORDER BY id DESC LIMIT ?",
        (limit,),
    )
    keys = ("at", "staff_id", "name", "screen", "method")
    return [dict(zip(keys, tuple(row), strict=True)) for row in found]


def token(connection: sqlite3.Connection, text: str) -> Token | None:
    """Return the token that `text` is, unless it was revoked."""
    row = connection.execute(
        "SELECT name, role, created_at, revoked_at FROM api_token"
        " WHERE digest = ? AND revoked_at IS NULL",
        (rules.token_digest(text),),
    ).fetchone()
    return _token(row) if row else None


def tokens(connection: sqlite3.Connection) -> list[Token]:
    """Return all tokens, revoked ones too, by name."""
    found = connection.execute(
        "SELECT name, role, created_at, revoked_at FROM api_token ORDER BY name"
    )
    return [_token(row) for row in found]


def _member(row: sqlite3.Row) -> Member:
    staff_id, name, role, active, has_pin, has_badge = tuple(row)
    return Member(staff_id, name, role, bool(active), bool(has_pin), bool(has_badge))


def _token(row: sqlite3.Row) -> Token:
    return Token(*tuple(row))
