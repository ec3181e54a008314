"""Central's own secrets in its database: a worker on another machine signs with the same keys.

It must never lose a key that may have signed a code, nor let two machines sign with keys of which
the other knows nothing. `docs/decisions.md` says why they lie here in plain.
"""

from collections.abc import Mapping

from . import keys
from .store_port import Connection, Tx


def share(tx: Tx, own: Mapping[str, str], drawn: Mapping[str, str]) -> dict[str, str]:
    """Bring a machine's files in and return all secrets by the names of their files.

    `drawn` are new ones, for what neither this machine nor the database has yet. What the database
    has under a name stays; a first key that differs becomes one of the others.
    """
    tx.hold("secrets")
    known = {row["name"]: row["text"] for row in tx.conn.execute("SELECT name, text FROM secret")}
    for name, text in own.items():
        if name == keys.FIRST and known.get(name) not in (None, text):
            _add(tx, known, keys.name_of(text), text)
        else:
            _add(tx, known, name, text)
    for name, text in drawn.items():
        _add(tx, known, name, text)
    return known


def _add(tx: Tx, known: dict[str, str], name: str, text: str) -> None:
    if name not in known:
        keep(tx, name, text)
        known[name] = text


def keep(tx: Tx, name: str, text: str) -> None:
    """Keep a secret for all machines."""
    tx.conn.execute(
        "INSERT INTO secret (name, text) VALUES (?, ?) ON CONFLICT (name) DO NOTHING", (name, text)
    )


def find(conn: Connection, name: str) -> str | None:
    """Return the secret of this name."""
    row = conn.execute("SELECT text FROM secret WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row[0])
