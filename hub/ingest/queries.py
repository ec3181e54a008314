"""Typed reads of raw observations: what one device sent lately, and which numbers are missing.

It must never read a whole table: there is no index by device, since it would cost each insert.
"""

import sqlite3
from typing import Final

import msgspec

# So far back is looked, in each of the two tables.
ROWS: Final = 20_000
GAPS_MOST: Final = 8
_FLOOR: Final = f"(SELECT coalesce(max(n), 0) - {ROWS} FROM {{}})"


class Sent(msgspec.Struct, frozen=True):
    """One observation as it is kept; `outcome` is the sentence of a refusal."""

    id: str
    kind: str
    seq: int
    occurred_ms: int
    received_ms: int
    time_quality: str
    body: str
    outcome: str | None


def latest(connection: sqlite3.Connection, device: str, limit: int = 20) -> list[Sent]:
    """Return the last observations of `device`, the latest first, as far back as is looked."""
    rows = connection.execute(
        "SELECT * FROM (SELECT id, kind, seq, occurred_ms, received_ms, quality, body, outcome"
        f" FROM observation WHERE device = ?1 AND n > {_FLOOR.format('observation')}"
        " UNION ALL SELECT id, kind, seq, occurred_ms, received_ms, quality, body, NULL"
        f" FROM telemetry WHERE device = ?1 AND n > {_FLOOR.format('telemetry')})"
        " ORDER BY received_ms DESC, seq DESC LIMIT ?2",
        (device, limit),
    )
    return [
        Sent(
            row["id"],
            row["kind"],
            row["seq"],
            row["occurred_ms"],
            row["received_ms"],
            row["quality"],
            bytes(row["body"]).decode("utf-8", "replace"),
            row["outcome"],
        )
        for row in rows
    ]


def gaps(connection: sqlite3.Connection, device: str, high: int) -> list[tuple[int, int]]:
    """Return which numbers up to `high` are missing among the last ones: (first, last) of each."""
    rows = connection.execute(
        "SELECT DISTINCT seq FROM (SELECT seq FROM observation WHERE device = ?1"
        f" AND n > {_FLOOR.format('observation')} UNION ALL SELECT seq FROM telemetry"
        f" WHERE device = ?1 AND n > {_FLOOR.format('telemetry')}) ORDER BY seq DESC",
        (device,),
    )
    found: list[tuple[int, int]] = []
    above = high + 1
    for (seq,) in rows:
        if seq < above - 1:
            found.append((seq + 1, above - 1))
        above = min(above, seq)
        if len(found) == GAPS_MOST:
            break
    return found
