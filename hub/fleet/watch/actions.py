"""Notices who went and who came back: said once in the log, shown on the screens.

It must never say the same thing twice, and judges nobody while the hub itself hears nothing.
"""

import logging
from sqlite3 import Connection
from typing import NamedTuple

from hub.fleet.watch import queries, rules, tables
from hub.fleet.watch.queries import Device
from hub.fleet.watch.rules import Kept, Limits
from hub.journal import Transaction

log = logging.getLogger(__name__)


def listen(tx: Transaction) -> None:
    """The hub hears devices from now on: silence before this was its own."""
    tables.listening(tx.conn, _now_ms(tx))


def watch(tx: Transaction, limits: Limits) -> None:
    """Judge each device, remember what changed and say what is worth it."""
    changes = noticed(tx.conn, _now_ms(tx), limits)
    for change in changes:
        tables.keep(tx.conn, change.device.id, change.kept)
        if change.said:
            _say(change)
    if changes:
        tx.touch("devices")


class Change(NamedTuple):
    """A device whose remembered state is no longer what it is."""

    device: Device
    kept: Kept
    said: rules.Said
    before: Kept | None


def noticed(connection: Connection, now_ms: int, limits: Limits) -> list[Change]:
    """Return what `watch` would change: asked on a reader, so that an idle store writes nothing."""
    known = queries.kept(connection)
    changes = []
    for device in queries.devices(connection, now_ms, limits):
        before = known.get(device.id)
        kept, said = rules.turn(before, device.state, now_ms)
        if kept != before:
            changes.append(Change(device, kept, said, before))
    return changes


def _say(change: Change) -> None:
    device, kept, said, before = change
    more = {"device": device.id, "place": device.place}
    if said == "gone":
        log.warning("%s is away (%s)", device.id, device.reason, extra=more)
    elif said == "back" and before is not None:
        away_s = (kept.since_ms - before.since_ms) // 1000
        log.info("%s is back after %s s", device.id, away_s, extra=more)
    elif said == "flaps":
        log.warning(
            "%s comes and goes: %s changes within an hour", device.id, kept.changes, extra=more
        )
    elif said == "calm":
        log.info("%s stays %s again", device.id, kept.state, extra=more)


def _now_ms(tx: Transaction) -> int:
    return round(tx.now.timestamp() * 1000)
