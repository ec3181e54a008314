"""Typed reads of join codes."""

import sqlite3

import msgspec

from hub.fleet.joining.rules import How, Kept


class OpenCode(msgspec.Struct, frozen=True):
    """A code that opens the door now; times are ms since 1970. The code itself is not known."""

    device: str
    how: How
    actor: str
    made_ms: int
    until_ms: int


class Order(msgspec.Struct, frozen=True):
    """What a code does when it is redeemed: `body` holds the arguments of the fleet's action."""

    device: str
    how: How
    body: str
    actor: str


def open_codes(connection: sqlite3.Connection, now_ms: int) -> list[OpenCode]:
    rows = connection.execute(
        "SELECT device, how, actor, made_ms, until_ms FROM device_code"
        " WHERE used_ms IS NULL AND until_ms > ? ORDER BY until_ms",
        (now_ms,),
    )
    return [OpenCode(*row) for row in rows]


def kept(connection: sqlite3.Connection, digest: str, now_ms: int) -> Kept | None:
    row = connection.execute(
        "SELECT device, used_ms, until_ms FROM device_code WHERE digest = ?", (digest,)
    ).fetchone()
    return None if row is None else Kept(row[0], row[1] is not None, row[2] <= now_ms)


def order(connection: sqlite3.Connection, digest: str) -> Order:
    row = connection.execute(
        "SELECT device, how, body, actor FROM device_code WHERE digest = ?", (digest,)
    ).fetchone()
    return Order(*row)


def wrong(connection: sqlite3.Connection, source: str, since_ms: int) -> tuple[int, int]:
    """Return how many wrong codes came since then: from `source`, and from everywhere."""
    here, everywhere = connection.execute(
        "SELECT coalesce(sum(source = ?), 0), count(*) FROM device_code_wrong WHERE at_ms > ?",
        (source, since_ms),
    ).fetchone()
    return int(here), int(everywhere)


def secret_fact(connection: sqlite3.Connection, device: str) -> str | None:
    """Return the fact that issued the device's present secret."""
    row = connection.execute(
        "SELECT secret_fact FROM fleet_device WHERE id = ? AND revoked_at IS NULL", (device,)
    ).fetchone()
    return None if row is None else row[0]
