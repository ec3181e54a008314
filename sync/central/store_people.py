"""People who ordered: the only place at central that knows their names, and can forget them.

It must never move a row: SQLite leaves old copies of cells behind when it splits or shortens a
page. So rows are only ever appended, and an erasure overwrites one in place, byte for byte.
"""

from typing import Any, Final

from hub.clock import stamp
from hub.errors import NotFound
from sync.frames import Person

from . import intake
from .store_port import Connection, Tx

NOT_ERASED: Final = "0000-00-00T00:00:00.000Z"
_FIRST_ROWS: Final = 64
_PARTS: Final = ("name", "email", "phone")


def prepare(tx: Tx) -> None:
    """Let the table outgrow its first page with rows of nobody, before anybody is in it.

    A table's first split copies rows; later ones only begin a new page at the end.
    """
    tx.hold("person")
    if tx.conn.execute("SELECT 1 FROM person LIMIT 1").fetchone() is None:
        filler = "-" * 200
        tx.conn.executemany(
            "INSERT INTO person (ref, name, email, phone, made_at, erased_at)"
            " VALUES (?, ?, NULL, NULL, ?, ?)",
            [(f"-{n}", filler, stamp(tx.now), stamp(tx.now)) for n in range(_FIRST_ROWS)],
        )


def add(tx: Tx, customer: intake.Customer) -> str:
    """Keep a customer's details and return the random reference that stands for them."""
    ref = intake.customer_ref()
    tx.conn.execute(
        "INSERT INTO person (ref, name, email, phone, made_at, erased_at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (ref, customer.name, customer.email, customer.phone, stamp(tx.now), NOT_ERASED),
    )
    return ref


def known_or_new(tx: Tx, customer: intake.Customer) -> str:
    """Return the reference of whom an order names, or of somebody new. Raises NotFound."""
    if customer.ref is None:
        return add(tx, customer)
    if find(tx.conn, customer.ref) is None:
        raise NotFound(f"No customer {customer.ref} here.")
    return customer.ref


def keep(tx: Tx, person: Person) -> bool:
    """Keep whom a store's hub tells of, under its reference; the first word of one counts.

    False when the reference is known already, or was erased.
    """
    row = (person.ref, person.name, person.email, person.phone, stamp(tx.now), NOT_ERASED)
    new = tx.conn.execute(
        "INSERT INTO person (ref, name, email, phone, made_at, erased_at)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (ref) DO NOTHING",
        row,
    ).rowcount
    return bool(new)


def find(conn: Connection, ref: str) -> dict[str, Any] | None:
    """Return name, email and phone; None once erased."""
    row = conn.execute(
        "SELECT name, email, phone FROM person WHERE ref = ? AND erased_at = ?", (ref, NOT_ERASED)
    ).fetchone()
    return None if row is None else dict(row)


def erase(tx: Tx, ref: str) -> str | None:
    """Overwrite a person's details; returns when, or None when that had happened before.

    Raises NotFound.
    """
    tx.hold(ref)
    row = tx.conn.execute("SELECT * FROM person WHERE ref = ?", (ref,)).fetchone()
    if row is None:
        raise NotFound(f"No customer {ref} here.")
    if row["erased_at"] != NOT_ERASED:
        return None
    # As many bytes as before: then SQLite writes over the old ones and moves nothing.
    blank = [None if row[part] is None else "-" * len(row[part].encode()) for part in _PARTS]
    tx.conn.execute(
        "UPDATE person SET name = ?, email = ?, phone = ?, erased_at = ? WHERE ref = ?",
        (*blank, stamp(tx.now), ref),
    )
    tx.wants_clean_wal = True
    return stamp(tx.now)


def erased_at(conn: Connection, ref: str) -> str | None:
    """Return when a person was erased."""
    row = conn.execute("SELECT erased_at FROM person WHERE ref = ?", (ref,)).fetchone()
    return None if row is None or row["erased_at"] == NOT_ERASED else str(row["erased_at"])
