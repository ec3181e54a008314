"""Replies by idempotency key; it must never keep one longer than the contract's 72 hours."""

from hashlib import blake2b
from typing import NamedTuple

import msgspec

from hub.clock import stamp
from hub.commands import KEPT

from .store_port import Connection, Tx


class Stored(NamedTuple):
    """A reply and the digest of the request that it answered."""

    request: bytes
    status: int
    body: bytes


def name_of(actor: str, route: str, key: str) -> str:
    """Name a command: a key counts per actor and route."""
    return blake2b(msgspec.json.encode([actor, route, key]), digest_size=16).hexdigest()


def digest_of(body: bytes) -> bytes:
    return blake2b(body, digest_size=32).digest()


def find(conn: Connection, name: str) -> Stored | None:
    """Return the reply that was given."""
    row = conn.execute("SELECT request, status, body FROM reply WHERE key = ?", (name,)).fetchone()
    return None if row is None else Stored(row["request"], row["status"], row["body"])


def save(tx: Tx, name: str, request: bytes, status: int, body: bytes) -> None:
    """Keep a reply, and forget those that are out of date."""
    tx.conn.execute("DELETE FROM reply WHERE at < ?", (stamp(tx.now - KEPT),))
    tx.conn.execute(
        "INSERT INTO reply (key, request, status, body, at) VALUES (?, ?, ?, ?, ?)",
        (name, request, status, body, stamp(tx.now)),
    )
