"""What customers wrote on their page: a plate, who else collects, how it felt; all of it personal.

It must never move a row, for the reason that `store_people` gives: rows are only ever appended, and
an erasure overwrites them in place, byte for byte.
"""

from collections.abc import Mapping
from typing import Final

from hub.clock import stamp
from hub.customers import rules as customers

from .store_people import NOT_ERASED
from .store_port import Connection, Tx

_FIRST_ROWS: Final = 64


def prepare(tx: Tx) -> None:
    """Let the table outgrow its first page with words of nobody, before anybody's are in it."""
    if tx.conn.execute("SELECT 1 FROM customer_word LIMIT 1").fetchone() is None:
        row = ("-", "-", "-" * 200, stamp(tx.now), stamp(tx.now))
        tx.conn.executemany(
            "INSERT INTO customer_word (ref, kind, text, at, erased_at) VALUES (?, ?, ?, ?, ?)",
            [row] * _FIRST_ROWS,
        )


def add(tx: Tx, ref: str, said: Mapping[str, object]) -> list[int]:
    """Keep what somebody wrote; returns the numbers that stand for it. Raises Invalid."""
    kept = []
    for kind, text in customers.added(said).items():
        row = tx.conn.execute(
            "INSERT INTO customer_word (ref, kind, text, at, erased_at)"
            " VALUES (?, ?, ?, ?, ?) RETURNING id",
            (ref, kind, text, stamp(tx.now), NOT_ERASED),
        ).fetchone()
        kept.append(int(row[0]))
    return kept


def keep(tx: Tx, ref: str, kind: str, text: str) -> None:
    """Keep what belongs to a person whom central was just told of."""
    tx.conn.execute(
        "INSERT INTO customer_word (ref, kind, text, at, erased_at) VALUES (?, ?, ?, ?, ?)",
        (ref, kind, text, stamp(tx.now), NOT_ERASED),
    )


def find(conn: Connection, ids: list[int]) -> dict[str, str]:
    """Return what these numbers stand for, by kind; nothing of what was erased."""
    found: dict[str, str] = {}
    for number in ids:
        row = conn.execute(
            "SELECT kind, text FROM customer_word WHERE id = ? AND erased_at = ?",
            (number, NOT_ERASED),
        ).fetchone()
        if row is not None:
            found[row["kind"]] = row["text"]
    return found


def latest(conn: Connection, ref: str, kind: str) -> str | None:
    """Return the last thing of its kind that somebody wrote."""
    row = conn.execute(
        "SELECT text FROM customer_word WHERE ref = ? AND kind = ? AND erased_at = ?"
        " ORDER BY id DESC LIMIT 1",
        (ref, kind, NOT_ERASED),
    ).fetchone()
    return None if row is None else str(row[0])


def erase(tx: Tx, ref: str) -> None:
    """Overwrite all that somebody wrote."""
    rows = tx.conn.execute(
        "SELECT id, text FROM customer_word WHERE ref = ? AND erased_at = ?", (ref, NOT_ERASED)
    ).fetchall()
    for row in rows:
        # As many bytes as before: then SQLite writes over the old ones and moves nothing.
        blank = "-" * len(row["text"].encode())
        tx.conn.execute(
            "UPDATE customer_word SET text = ?, erased_at = ? WHERE id = ?",
            (blank, stamp(tx.now), row["id"]),
        )
    if rows:
        tx.wants_clean_wal = True
