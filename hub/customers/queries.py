"""Reads who a customer reference stands for; it must never show what was erased."""

import sqlite3
from collections.abc import Iterable
from typing import Final

import msgspec

from hub.catalog.words import fold

MOST: Final = 50
_COLUMNS: Final = "ref, name, email, phone, plate, note, delegate, feedback, address"
_PEOPLE: Final = "personal LEFT JOIN personal_said USING (ref)"
_NOT_ERASED: Final = "ref NOT IN (SELECT ref FROM customer_erased)"


class Person(msgspec.Struct, frozen=True):
    """A customer, as the counter needs to know them."""

    ref: str
    name: str
    email: str | None = None
    phone: str | None = None
    plate: str | None = None
    note: str | None = None
    delegate: str | None = None
    feedback: str | None = None
    address: str | None = None


def person(connection: sqlite3.Connection, ref: str) -> Person | None:
    """Return the customer, or None when unknown here or erased."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM {_PEOPLE} WHERE ref = ? AND {_NOT_ERASED}", (ref,)
    ).fetchone()
    return Person(*tuple(row)) if row else None


def name(connection: sqlite3.Connection, ref: str | None) -> str | None:
    """Return the customer's name, or None."""
    return None if ref is None else names(connection, (ref,)).get(ref)


def names(connection: sqlite3.Connection, refs: Iterable[str]) -> dict[str, str]:
    """Return the names of those that are known, for a board of orders."""
    found = connection.execute(
        "SELECT ref, name FROM personal WHERE ref IN (SELECT value FROM json_each(?))"
        f" AND {_NOT_ERASED}",
        (msgspec.json.encode(list(refs)).decode(),),
    )
    return {row[0]: row[1] for row in found}


def find(connection: sqlite3.Connection, text: str, limit: int = 20) -> list[Person]:
    """Return customers whose name, e-mail or phone contains every word of `text`."""
    wanted = fold(text).split()[:8]
    if not wanted:
        return []
    clauses = " AND ".join("folded LIKE ? ESCAPE '!'" for _ in wanted)
    found = connection.execute(
        f"SELECT {_COLUMNS} FROM {_PEOPLE} WHERE {clauses} AND {_NOT_ERASED}"
        " ORDER BY stored_at DESC, ref LIMIT ?",
        (*(f"%{_literal(word)}%" for word in wanted), max(1, min(limit, MOST))),
    )
    return [Person(*tuple(row)) for row in found]


def among(connection: sqlite3.Connection, refs: Iterable[str], text: str) -> list[str]:
    """Return those of `refs` whose name, e-mail or phone contains every word of `text`."""
    wanted = fold(text).split()[:8]
    if not wanted:
        return []
    clauses = " AND ".join("folded LIKE ? ESCAPE '!'" for _ in wanted)
    found = connection.execute(
        "SELECT ref FROM personal WHERE ref IN (SELECT value FROM json_each(?))"
        f" AND {clauses} AND {_NOT_ERASED}",
        (
            msgspec.json.encode(list(refs)).decode(),
            *(f"%{_literal(word)}%" for word in wanted),
        ),
    )
    return [ref for (ref,) in found]


def phones_ending(connection: sqlite3.Connection, refs: Iterable[str], digits: str) -> list[str]:
    """Return those of `refs` whose phone number ends with these digits."""
    if not (digits.isascii() and digits.isdigit()):
        return []
    # `folded` ends with the phone's digits (hub.customers.actions.put).
    found = connection.execute(
        "SELECT ref FROM personal WHERE ref IN (SELECT value FROM json_each(?))"
        f" AND phone IS NOT NULL AND folded LIKE ? AND {_NOT_ERASED}",
        (msgspec.json.encode(list(refs)).decode(), f"%{digits}"),
    )
    return [ref for (ref,) in found]


def signature(connection: sqlite3.Connection, order_id: str) -> tuple[str, str] | None:
    """Return (strokes, stamp) of the signature that stands for an order's handover."""
    row = connection.execute(
        f"SELECT strokes, signed_at FROM signature WHERE order_id = ? AND {_NOT_ERASED}",
        (order_id,),
    ).fetchone()
    return (row[0], row[1]) if row else None


def looks(connection: sqlite3.Connection, order_id: str, limit: int = 10) -> list[dict[str, str]]:
    """Return `[{"actor","at"}]`: who looked at an order's signature, the last one first."""
    found = connection.execute(
        "SELECT actor, at FROM signature_look WHERE order_id = ? ORDER BY id DESC LIMIT ?",
        (order_id, limit),
    )
    return [{"actor": row[0], "at": row[1]} for row in found]


def is_erased(connection: sqlite3.Connection, ref: str) -> bool:
    """Say whether this reference's data was erased, here or by central."""
    row = connection.execute("SELECT 1 FROM customer_erased WHERE ref = ?", (ref,)).fetchone()
    return row is not None


def _literal(word: str) -> str:
    return word.replace("!", "!!").replace("%", "!%").replace("_", "!_")
