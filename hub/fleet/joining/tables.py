"""Rows of join codes and device certificates; fleet.tables makes the tables.

It must never take a code itself, only its digest.
"""

import sqlite3


def keep(
    connection: sqlite3.Connection,
    digest: str,
    *,
    device: str,
    how: str,
    body: str,
    actor: str,
    made_ms: int,
    until_ms: int,
) -> None:
    """Keep a code; one that was open for the same device is not any more."""
    withdraw(connection, device)
    connection.execute(
        "INSERT INTO device_code (digest, device, how, body, actor, made_ms, until_ms)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (digest, device, how, body, actor, made_ms, until_ms),
    )


def withdraw(connection: sqlite3.Connection, device: str) -> None:
    connection.execute("DELETE FROM device_code WHERE device = ? AND used_ms IS NULL", (device,))


def use(connection: sqlite3.Connection, digest: str, at_ms: int, source: str) -> None:
    connection.execute(
        "UPDATE device_code SET used_ms = ?, used_by = ? WHERE digest = ?", (at_ms, source, digest)
    )


def note_wrong(connection: sqlite3.Connection, source: str, at_ms: int, *, before_ms: int) -> None:
    """Note a wrong attempt, and forget those that count no more: anybody on the LAN makes them."""
    connection.execute("DELETE FROM device_code_wrong WHERE at_ms <= ?", (before_ms,))
    connection.execute("INSERT INTO device_code_wrong VALUES (?, ?)", (source, at_ms))


def forget(connection: sqlite3.Connection, *, codes_before_ms: int) -> None:
    """Forget all wrong attempts, and codes of long ago."""
    connection.execute("DELETE FROM device_code_wrong")
    connection.execute("DELETE FROM device_code WHERE until_ms < ?", (codes_before_ms,))


def keep_certificate(
    connection: sqlite3.Connection, name: str, device: str, fact: str, at: str
) -> None:
    connection.execute(
        "INSERT INTO device_certificate VALUES (?, ?, ?, ?)", (name, device, fact, at)
    )
    connection.execute(
        "DELETE FROM device_certificate WHERE device = ? AND fact <> ?", (device, fact)
    )
