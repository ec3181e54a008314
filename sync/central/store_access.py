"""Who may speak: stores by credential, programs by token; only digests are kept.

It must never store or log a secret, and never let an enrolment token work twice.
"""

import secrets
from datetime import timedelta
from hashlib import blake2b
from typing import Final, Literal, get_args

from hub.chain import ORIGIN
from hub.clock import stamp
from hub.errors import Forbidden, Invalid, NotFound

from .store_port import Connection, Tx

Role = Literal["admin", "orders", "catalog", "read"]
ROLES: Final[tuple[str, ...]] = get_args(Role)
CREDENTIALS: Final = "credentials"
"""Rung when one was revoked."""
ENROLMENT_LASTS: Final = timedelta(days=7)


def digest(secret: str) -> bytes:
    """Digest a secret. Our secrets are 256 random bits, so a plain hash cannot be searched."""
    return blake2b(secret.encode(), digest_size=32).digest()


def add_store(tx: Tx, store_id: str, name: str) -> bool:
    """Make a store known; False when it was."""
    added = tx.conn.execute(
        "INSERT INTO store (store_id, name, added_at, hash) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (store_id) DO NOTHING",
        (store_id, name, stamp(tx.now), ORIGIN.hash),
    )
    return added.rowcount == 1


def create_enrolment(tx: Tx, store_id: str) -> str:
    """Return a token that one hub may exchange for the store's credential, once."""
    if tx.conn.execute("SELECT 1 FROM store WHERE store_id = ?", (store_id,)).fetchone() is None:
        raise NotFound(f"No store {store_id} here.")
    token = f"she_{secrets.token_urlsafe(32)}"
    tx.conn.execute(
        "INSERT INTO enrolment (digest, store_id, until) VALUES (?, ?, ?)",
        (digest(token), store_id, stamp(tx.now + ENROLMENT_LASTS)),
    )
    return token


def enrol(tx: Tx, token: str) -> tuple[str, str]:
    """Exchange an enrolment token for (store, credential). Raises Forbidden."""
    row = tx.conn.execute(
        "UPDATE enrolment SET used_at = ? WHERE digest = ? AND used_at IS NULL AND until > ?"
        " RETURNING store_id",
        (stamp(tx.now), digest(token), stamp(tx.now)),
    ).fetchone()
    if row is None:
        raise Forbidden("This enrolment token is unknown, used or out of date.")
    store_id = str(row[0])
    forget_key(tx, store_id)
    return store_id, create_credential(tx, store_id)


def forget_key(tx: Tx, store_id: str) -> None:
    """A person let this hub in: whatever key signs its next head is the store's."""
    tx.conn.execute("UPDATE store SET head_key = NULL WHERE store_id = ?", (store_id,))


def create_credential(tx: Tx, store_id: str) -> str:
    """Return a new credential of a store; earlier ones keep working until they are revoked."""
    credential = f"shs_{secrets.token_urlsafe(32)}"
    tx.conn.execute(
        "INSERT INTO credential (digest, store_id, made_at) VALUES (?, ?, ?)",
        (digest(credential), store_id, stamp(tx.now)),
    )
    return credential


def revoke(tx: Tx, store_id: str, keep: str = "") -> int:
    """Make a store's credentials worthless, all but `keep`; return how many. Raises NotFound."""
    tx.hold(store_id)
    if tx.conn.execute("SELECT 1 FROM store WHERE store_id = ?", (store_id,)).fetchone() is None:
        raise NotFound(f"No store {store_id} here.")
    gone = tx.conn.execute(
        "UPDATE credential SET revoked_at = ?"
        " WHERE store_id = ? AND revoked_at IS NULL AND digest <> ?",
        (stamp(tx.now), store_id, digest(keep)),
    )
    tx.grown.add(CREDENTIALS)
    return int(gone.rowcount)


def bearer_of(conn: Connection, digested: bytes) -> tuple[str | None, bool]:
    """Return whose credential has this digest, None for nobody's, and whether it was revoked."""
    row = conn.execute(
        "SELECT store_id, revoked_at IS NOT NULL FROM credential WHERE digest = ?",
        (digested,),
    ).fetchone()
    return (None, False) if row is None else (str(row[0]), bool(row[1]))


def create_token(tx: Tx, name: str, role: str) -> str:
    """Return a new API token. Raises Invalid on an unknown role."""
    if role not in ROLES:
        raise Invalid(f"{role!r} is no role; roles are {', '.join(ROLES)}.", field="role")
    token = f"shc_{secrets.token_urlsafe(32)}"
    tx.conn.execute(
        "INSERT INTO token (digest, name, role, made_at) VALUES (?, ?, ?, ?)",
        (digest(token), name, role, stamp(tx.now)),
    )
    return token


def token_of(conn: Connection, token: str) -> tuple[str, str] | None:
    """Return (name, role) of an API token."""
    row = conn.execute("SELECT name, role FROM token WHERE digest = ?", (digest(token),)).fetchone()
    return None if row is None else (str(row[0]), str(row[1]))


def token_of_digest(conn: Connection, hexed: str) -> tuple[str, str] | None:
    """Return (name, role) of the API token with this digest, as a signed session keeps it."""
    row = conn.execute(
        "SELECT name, role FROM token WHERE digest = ?", (bytes.fromhex(hexed),)
    ).fetchone()
    return None if row is None else (str(row[0]), str(row[1]))


def revoke_tokens(tx: Tx, name: str) -> int:
    """Make the tokens of this name worthless; return how many. Raises NotFound."""
    gone = tx.conn.execute("DELETE FROM token WHERE name = ?", (name,)).rowcount
    if not gone:
        raise NotFound(f"No token is named {name}.")
    return gone
