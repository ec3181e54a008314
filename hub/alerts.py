"""Switches lights and buzzers on while orders call for somebody, and off when none does.

It must never say anything personal: a light hears short codes. What it was told last stands in the
outbox, so a restart repeats nothing; the outbox sends it until the device answers.
"""

import secrets
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from sqlite3 import Connection
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from hub import outbox
from hub.fleet import queries as fleet
from hub.fleet.watch import queries as watch
from hub.house import hours
from hub.house import queries as house
from hub.journal import Transaction
from hub.pickup import queries as pickup
from hub.pickup.accepting import REASONS
from hub.store import Store
from hub.tasks import queries as tasks
from hub.tasks.rules import Kind

# The kind of device that is configured to call: a light, a buzzer.
DEVICE_KIND: Final = "alert"
OFF: Final = {"state": "off", "step": 0, "orders": []}
# A light has no room for more.
MOST_TOLD: Final = 20


def tell(store: Store) -> Callable[[datetime], None]:
    """Return a job: `cmd/alert` to each such device that was told something else last, and to one
    that comes back while orders call: it may have restarted, and shows nothing."""
    zone = ZoneInfo(store.settings.time_zone)
    there: dict[str, int] = {}

    def look(now: datetime) -> None:
        with store.database.reader() as connection:
            heard = {one: watch.said_online(connection, one) for one in _devices(connection)}
            back = {one for one, at in heard.items() if at and there.get(one, at) != at}
            due = _stale(connection, now, zone)
            if back and wanted(connection, now, zone) != OFF:
                due += sorted(back.difference(due))
        if due:
            store.writer.run(partial(_tell, zone=zone, devices=due))
        there.update({one: at for one, at in heard.items() if at})

    return look


def wanted(conn: Connection, now: datetime, zone: ZoneInfo) -> dict[str, Any]:
    """What the lights should show: `{"state","step","orders"}`; off while it is closed."""
    if not hours.is_open(hours.read(house.word(conn, "opening_hours")), now, zone):
        return OFF
    step, codes = 0, []
    for task in tasks.board(conn, kinds=[Kind.UNCLAIMED.value]):
        if task["reason"] in REASONS:
            step = max(step, REASONS.index(task["reason"]) + 1)
            codes.append(pickup.load(conn, task["order_id"]).label)
    return {"state": "on", "step": step, "orders": codes[:MOST_TOLD]} if codes else OFF


def _stale(conn: Connection, now: datetime, zone: ZoneInfo) -> list[str]:
    devices = _devices(conn)
    if not devices:
        return []
    shown = wanted(conn, now, zone)
    return [device for device in devices if _told(conn, device) != shown]


def _devices(conn: Connection) -> list[str]:
    return [
        one.id for one in fleet.registry(conn) if one.kind == DEVICE_KIND and one.revoked_at is None
    ]


def _told(conn: Connection, device: str) -> dict[str, Any] | None:
    """What the device was told last; None when it was asked for a day and never answered."""
    row = outbox.latest(conn, device, "alert")
    if row is None:
        return OFF
    if row["outcome"] == "expired":
        return None
    found: dict[str, Any] = msgspec.json.decode(row["payload"])
    found.pop("key")
    return found


def _tell(tx: Transaction, zone: ZoneInfo, devices: Sequence[str]) -> None:
    # One may have been told, or revoked, a moment ago: to hear the same once more does no harm.
    for device in devices:
        # An older word that still waits must not come after this one.
        outbox.supersede(tx, device=device, name="alert")
        key = f"alert-{secrets.token_hex(8)}"
        payload = wanted(tx.conn, tx.now, zone)
        outbox.enqueue(tx, device=device, name="alert", payload=payload, key=key)
