"""Central's few words about itself, and its generation: read where they are used, never cached.

It must never let two processes on one database speak of different generations.
"""

import logging
import secrets
from typing import Final, NamedTuple

from sync.protocol import Life, begin

from .store_port import Connection, Tx

log = logging.getLogger(__name__)
GENERATION: Final = "generation"
"""Rung when another life of the data begins."""


def read(conn: Connection, name: str) -> str | None:
    """Return what was written under `name`."""
    row = conn.execute("SELECT value FROM central WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row[0])


def write(conn: Connection, name: str, value: str) -> None:
    conn.execute(
        "INSERT INTO central (name, value) VALUES (?, ?)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (name, value),
    )


def generation(conn: Connection) -> str:
    """Return the generation as of this view."""
    return read(conn, "generation") or ""


def start(conn: Connection, beside: str | None, name: str = "nonce") -> str:
    """Begin a run; returns the nonce to keep beside the database.

    A random number is written at each start into the database and beside it. An older copy of the
    database that is put back carries another number: a new generation (DESIGN, section 8, rule 14).
    """
    known, nonce = read(conn, "generation"), read(conn, name)
    stored = Life(known, nonce) if known is not None and nonce is not None else None
    fresh = Life(secrets.token_hex(8), secrets.token_hex(8))
    life = begin(stored, beside, fresh)
    write(conn, "generation", life.generation)
    write(conn, name, life.nonce)
    return life.nonce


def place(conn: Connection) -> str:
    """Name the server's own history: another cluster, database or time line is another place."""
    row = conn.execute(
        "SELECT (SELECT system_identifier FROM pg_control_system())::text,"
        " CASE WHEN pg_is_in_recovery() THEN 'copy'"
        " ELSE left(pg_walfile_name(pg_current_wal_lsn()), 8) END,"
        " (SELECT oid FROM pg_database WHERE datname = current_database())::text"
    ).fetchone()
    return "/".join(row)


def moved(tx: Tx, here: str) -> None:
    """Begin a new generation when the database is at another place than where it was written."""
    tx.hold("generation")
    if read(tx.conn, "place") != here:
        write(tx.conn, "place", here)
        _begin_another(tx)
        log.warning("Central's database is another copy than before: a new generation begins.")


class Beside(NamedTuple):
    """What a machine keeps beside a database that others use as well: its name, its nonces.

    Two nonces while a start is under way: either of them may be the database's.
    """

    machine: str
    nonces: tuple[str, ...] = ()

    @classmethod
    def read(cls, text: str) -> "Beside":
        machine, *nonces = text.split()
        return cls(machine, tuple(nonces))

    def starting(self) -> "Beside":
        return self._replace(nonces=(*self.nonces, secrets.token_hex(8)))

    def started(self) -> "Beside":
        return self._replace(nonces=self.nonces[-1:])

    def __str__(self) -> str:
        return " ".join((self.machine, *self.nonces))


def join(tx: Tx, beside: Beside | None) -> None:
    """Begin a worker's run on a database that others may use.

    The first worker of a machine (it brings what is `beside`) draws the machine's nonce, as `start`
    does; a machine that is new here changes nothing.
    """
    tx.hold("generation")
    if read(tx.conn, "generation") is None:
        write(tx.conn, "generation", secrets.token_hex(8))
        write(tx.conn, "place", place(tx.conn))
    if beside is None:
        return
    name, known = f"nonce {beside.machine}", beside.nonces[:-1]
    if known and read(tx.conn, name) not in known:
        _begin_another(tx)
        log.warning("Central's database is an older copy: a new generation begins.")
    write(tx.conn, name, beside.nonces[-1])


def renew(tx: Tx, lost: str) -> None:
    """Draw a new generation unless `lost` is no longer the current one."""
    tx.hold("generation")
    if generation(tx.conn) == lost:
        _begin_another(tx)
        log.warning("Central has gone back: it lacks what it had answered.")


def _begin_another(tx: Tx) -> None:
    write(tx.conn, "generation", secrets.token_hex(8))
    tx.grown.add(GENERATION)
