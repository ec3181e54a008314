"""Typed reads of the fleet as it is now: every device that is enrolled or was heard."""

import sqlite3

import msgspec

from hub.errors import NotFound
from hub.fleet.watch import rules
from hub.fleet.watch.rules import Condition, Guarantee, Heard, Kept, Limits, Reason, State


class Device(msgspec.Struct, frozen=True):
    """A device as the console shows it; times are ms since 1970, None where nothing is known.

    `state`: `unknown` = heard, but not enrolled here; `reason` says why it is away, `since_ms`
    since when it is as it is. `missing`: numbers of its sequence that have not arrived (yet),
    since `missing_since_ms`. `drift_ms`: how far its synced clock is ahead of the hub's.
    `outbox`, `oldest_s`, `offline_hours_left`, `dropped` are what it told last. `needs`: what
    needs a hand, the most urgent first.
    """

    id: str
    kind: str
    place: str
    state: State
    last_ms: int | None
    boot: str | None
    received: int
    missing: int
    battery_pct: float | None
    firmware: str | None
    family: str = "storehub"
    power: str = "mains"
    via: str | None = None
    address: str | None = None
    grants: tuple[str, ...] = ()
    enrolled_at: str | None = None
    reason: Reason = ""
    since_ms: int | None = None
    flapping: bool = False
    guarantee: Guarantee = "A"
    missing_since_ms: int | None = None
    high_seq: int | None = None
    time_quality: str | None = None
    drift_ms: int | None = None
    boot_began_ms: int | None = None
    boots: int = 0
    outbox: int | None = None
    oldest_s: int | None = None
    offline_hours_left: float | None = None
    dropped: int = 0
    needs: tuple[str, ...] = ()


_SEEN = (
    "last_ms, device_seen.boot, received, high_seq, first_seq, battery_pct, firmware, online,"
    " quality, drift_ms, gap_ms, boots, outbox, oldest_s, dropped, hours_left, began_ms"
)
_BOOT = (
    " LEFT JOIN device_boot ON device_boot.device = device_seen.device"
    " AND device_boot.boot = device_seen.boot"
)
_ALL = (
    "SELECT id, kind, family, place, power, via, address, grants, enrolled_at, revoked_at,"
    f" 1 AS enrolled, {_SEEN} FROM fleet_device"
    f" LEFT JOIN device_seen ON device_seen.device = id{_BOOT}"
    " UNION ALL SELECT device_seen.device, '', '', '', 'mains', NULL, NULL, '[]', NULL, NULL, 0,"
    f" {_SEEN} FROM device_seen{_BOOT}"
    " WHERE device_seen.device NOT IN (SELECT id FROM fleet_device) ORDER BY 1"
)


def devices(connection: sqlite3.Connection, now_ms: int, limits: Limits) -> list[Device]:
    """Return every device that is enrolled or was heard, by id."""
    rows = connection.execute(_ALL).fetchall()
    listening_ms = _listening(connection)
    remembered = kept(connection)
    judged = {row["id"]: _judged(row, now_ms, listening_ms, limits) for row in rows}
    return [_device(row, judged, remembered.get(row["id"]), limits) for row in rows]


def device(connection: sqlite3.Connection, name: str, now_ms: int, limits: Limits) -> Device:
    """Return one of `devices`. Raises NotFound."""
    found = next((one for one in devices(connection, now_ms, limits) if one.id == name), None)
    if found is None:
        raise NotFound(f"No device {name!r} is enrolled or was heard in this store.")
    return found


def by_urgency(found: list[Device]) -> list[Device]:
    """Return the devices so that what needs a hand comes first; the revoked come last."""
    return sorted(found, key=lambda one: (rules.urgency(one.needs), one.state == "revoked", one.id))


def kept(connection: sqlite3.Connection) -> dict[str, Kept]:
    """Return what is remembered of each device's state."""
    rows = connection.execute(
        "SELECT device, state, since_ms, changes, window_ms, flapping FROM device_state"
    )
    return {
        row["device"]: Kept(
            row["state"], row["since_ms"], row["changes"], row["window_ms"], bool(row["flapping"])
        )
        for row in rows
    }


def said_online(connection: sqlite3.Connection, device: str) -> int | None:
    """Return when `device` last said that it is there, in ms; None when it is not."""
    row = connection.execute(
        "SELECT online_ms FROM device_seen WHERE device = ? AND online", (device,)
    ).fetchone()
    return None if row is None else row[0]


def boots(connection: sqlite3.Connection, device: str) -> dict[str, int]:
    """Return when each remembered boot of `device` began, in ms since 1970."""
    rows = connection.execute("SELECT boot, began_ms FROM device_boot WHERE device = ?", (device,))
    return {row[0]: row[1] for row in rows}


def number(connection: sqlite3.Connection) -> int:
    """Return how many devices were ever heard."""
    (found,) = connection.execute("SELECT count(*) FROM device_seen").fetchone()
    return int(found)


def _listening(connection: sqlite3.Connection) -> int:
    row = connection.execute("SELECT since_ms FROM device_watch").fetchone()
    return 0 if row is None else int(row[0])


def _judged(
    row: sqlite3.Row, now_ms: int, listening_ms: int, limits: Limits
) -> tuple[State, Reason]:
    heard = Heard(
        enrolled=bool(row["enrolled"]),
        revoked=row["revoked_at"] is not None,
        power=row["power"],
        last_ms=row["last_ms"],
        online=bool(row["online"]),
        listening_ms=listening_ms,
    )
    return rules.availability(heard, now_ms, limits)


def _device(
    row: sqlite3.Row,
    judged: dict[str, tuple[State, Reason]],
    known: Kept | None,
    limits: Limits,
) -> Device:
    state, reason = judged[row["id"]]
    if row["via"] is not None:
        gateway = judged.get(row["via"], ("never", ""))[0]
        state, reason = rules.behind_gateway(state, reason, gateway)
    flapping = known is not None and known.flapping
    received = row["received"] or 0
    gap = rules.missing(row["first_seq"], row["high_seq"], received)
    condition = Condition(
        state=state,
        flapping=flapping,
        battery_pct=row["battery_pct"],
        missing=gap,
        quality=row["quality"],
        drift_ms=row["drift_ms"],
        oldest_s=row["oldest_s"],
        hours_left=row["hours_left"],
        dropped=row["dropped"] or 0,
    )
    return Device(
        id=row["id"],
        kind=row["kind"],
        place=row["place"],
        state=state,
        last_ms=row["last_ms"] or None,
        boot=row["boot"],
        received=received,
        missing=gap,
        battery_pct=row["battery_pct"],
        firmware=row["firmware"],
        family=row["family"] or "storehub",
        power=row["power"],
        via=row["via"],
        address=row["address"],
        grants=msgspec.json.decode(row["grants"], type=tuple[str, ...]),
        enrolled_at=row["enrolled_at"],
        reason=reason,
        since_ms=known.since_ms if known is not None and known.state == state else None,
        flapping=flapping,
        guarantee=rules.guarantee(row["family"] or "storehub", row["via"], row["kind"]),
        missing_since_ms=row["gap_ms"] if gap else None,
        high_seq=row["high_seq"],
        time_quality=row["quality"],
        drift_ms=row["drift_ms"],
        boot_began_ms=row["began_ms"],
        boots=row["boots"] or 0,
        outbox=row["outbox"],
        oldest_s=row["oldest_s"],
        offline_hours_left=row["hours_left"],
        dropped=row["dropped"] or 0,
        needs=rules.needs(condition, limits),
    )
