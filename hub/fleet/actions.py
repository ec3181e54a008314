"""Enroll and revoke devices. After each the broker's files are written again."""

import secrets

from hub.clock import stamp
from hub.errors import NotFound
from hub.fleet import queries, rules, tables
from hub.journal import Transaction


def enroll(tx: Transaction, device: str, *, kind: str, place: str) -> str:
    """Let `device` connect and return its secret, which is shown once and kept nowhere.

    Enrolling it again gives it a new secret. Raises Invalid for a name that cannot be.
    """
    rules.check_name(device)
    secret = secrets.token_urlsafe(20)
    salt = secrets.token_bytes(rules.SALT_BYTES)
    hashed = rules.hashed(secret, salt)
    tables.enroll(tx.conn, (device, kind, place, hashed, stamp(tx.now)))
    tx.touch("devices")
    return secret


def revoke(tx: Transaction, device: str) -> None:
    """Never let `device` connect again. Raises NotFound when it is not enrolled."""
    if not queries.enrolled(tx.conn, device):
        raise NotFound(f"No device {device!r} is enrolled in this store.")
    tables.revoke(tx.conn, device, stamp(tx.now))
    tx.touch("devices")
