"""How each store's devices were when its hub said so last: telemetry, no facts.

It must never be folded into anything that is promised or counted.
"""

from typing import Any

import msgspec

from hub.clock import stamp
from sync.frames import Telemetry

from .store_port import Connection, Tx


def tell(tx: Tx, store_id: str, told: Telemetry) -> None:
    """Keep what a hub says; a device that it leaves out this time keeps its last word."""
    now = stamp(tx.now)
    tx.conn.executemany(
        "INSERT INTO telemetry (store_id, device, at, body) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (store_id, device) DO UPDATE SET at = excluded.at, body = excluded.body",
        [
            (store_id, one.device, now, msgspec.json.encode(one).decode())
            for one in sorted(told.devices, key=lambda one: one.device)
        ],
    )
    tx.conn.execute(
        "UPDATE store SET telemetry_skipped = ? WHERE store_id = ?", (told.skipped, store_id)
    )


def devices(conn: Connection, store_id: str) -> dict[str, Any]:
    """Return `{"skipped", "items": [{"device", "state", …, "as_of"}]}` of a store, by device."""
    rows = conn.execute(
        "SELECT at, body FROM telemetry WHERE store_id = ? ORDER BY device", (store_id,)
    ).fetchall()
    (skipped,) = conn.execute(
        "SELECT telemetry_skipped FROM store WHERE store_id = ?", (store_id,)
    ).fetchone()
    items = [msgspec.json.decode(row["body"]) | {"as_of": row["at"]} for row in rows]
    return {"skipped": skipped, "items": items}
