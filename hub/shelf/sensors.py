"""What shelf sensors report: readings into state, state into gaps and tasks; calibration.

It must never change stock: what a sensor sees opens tasks, and people count.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from sqlite3 import Connection
from typing import Final

import msgspec

from hub.chain import Entry
from hub.errors import NotFound
from hub.journal import Fact, Transaction
from hub.shelf import queries, sensing, tables
from hub.shelf.facts import ShelfGapClosed, ShelfGapOpened
from hub.shelf.sensing import Kind, Sensor, Tuning
from hub.stock import queries as stock
from hub.stock.rules import check_sku
from hub.stock.work import count_task
from hub.tasks import queries as tasks
from hub.tasks.rules import Kind as Work
from hub.tasks.rules import decide_finish, decide_open
from hub.wire import Observation

# An observation and when it happened (ms since 1970, best estimate).
Sensed = tuple[Observation, int]
PlaceOf = Callable[[Connection, str], str]

# Units that may lie on a shelf or behind it; those set aside are seen by no shelf sensor.
ON_FLOOR: Final = ("available", "held", "committed")


def weigh(tx: Transaction, sensed: Sequence[Sensed], place_of: PlaceOf, tuning: Tuning) -> None:
    """Take readings of scales in, in the order in which they came."""
    _take(
        tx, "weight", [(seen, at, float(seen.data.grams)) for seen, at in sensed], place_of, tuning
    )


def notice(tx: Transaction, sensed: Sequence[Sensed], place_of: PlaceOf, tuning: Tuning) -> None:
    """Take readings of presence sensors in."""
    readings = [(seen, at, 1.0 if seen.data.present else 0.0) for seen, at in sensed]
    _take(tx, "presence", readings, place_of, tuning)


def settle(tx: Transaction, tuning: Tuning, *, cause: str, actor: str = "hub") -> list[Entry]:
    """Let silence speak: what nobody contradicted for long enough stands (the scheduler's job)."""
    if tx.quality == "unknown":
        return []
    now_ms = _ms(tx.now)
    facts: list[Fact] = []
    changed = []
    for before in queries.due_sensors(tx.conn, now_ms):
        after = sensing.settle(before, now_ms, tuning)
        changed.append(after)
        _keep(tx, [after], tuning)
        facts += _facts(tx, before, after, cause, actor)
    if changed:
        tx.touch("shelf")
    return _append(tx, facts, cause, actor)


def review(tx: Transaction, tuning: Tuning, *, cause: str, actor: str = "hub") -> list[Entry]:
    """Compare shelves with the ledger, whichever of them has changed (the scheduler's job)."""
    facts: list[Fact] = []
    for sku in queries.sensed_skus(tx.conn):
        found = [one for one in queries.sensors_of(tx.conn, sku) if one.place]
        for one in found:
            facts += _work(tx, one, cause, actor)
        facts += _doubt(tx, sku, [one for one in found if one.counts], tuning, cause)
    return _append(tx, facts, cause, actor)


def calibrate(
    tx: Transaction,
    device: str,
    place_of: PlaceOf,
    tuning: Tuning,
    *,
    actor: str,
    cause: str,
    units: int | None = None,
    sku: str | None = None,
) -> list[Entry]:
    """Take a step of the calibration: the empty shelf (no `units`), then `units` of `sku` on it."""
    before = queries.sensor(tx.conn, device)
    if before is None:
        raise NotFound(f"No shelf sensor {device} has been heard in this store.")
    placed = _placed(tx, before, place_of(tx.conn, device))
    if units is None:
        after = sensing.decide_empty(placed, tuning)
    else:
        name = sku or placed.sku
        check_sku(name)
        after = sensing.decide_units(placed, units, name, tuning)
        after = sensing.settle(after, after.units_ms, tuning)
    _keep(tx, [after], tuning)
    tx.touch("shelf", "devices")
    facts = _facts(tx, before, after, cause, actor)
    return tx.append(facts, cause=cause, actor=actor) if facts else []


def forget(tx: Transaction, device: str, *, actor: str, cause: str) -> list[Entry]:
    """Forget a sensor that is no longer there; its gap is over."""
    before = queries.sensor(tx.conn, device)
    if before is None:
        raise NotFound(f"No shelf sensor {device} has been heard in this store.")
    tables.forget_sensor(tx.conn, device)
    tx.touch("shelf", "devices")
    facts = _facts(tx, before, replace(before, gap=False, units=None), cause, actor)
    return tx.append(facts, cause=cause, actor=actor) if facts else []


def _append(tx: Transaction, facts: list[Fact], cause: str, actor: str) -> list[Entry]:
    # Two sensors over one facing ask for the same work in one run: it is one task.
    once = [*dict.fromkeys(facts)]
    return tx.append(once, cause=cause, actor=actor) if once else []


# -- readings ----------------------------------------------------------------------------------


def _take(
    tx: Transaction,
    kind: Kind,
    readings: Sequence[tuple[Observation, int, float]],
    place_of: PlaceOf,
    tuning: Tuning,
) -> None:
    by_device: dict[str, list[tuple[Observation, int, float]]] = {}
    for one in readings:
        by_device.setdefault(one[0].device, []).append(one)
    for device, own in by_device.items():
        state = queries.sensor(tx.conn, device) or Sensor(device, kind)
        if state.kind == "weight" and kind == "presence":
            # A scale that also says whether something is there: its weight says more.
            continue
        here = place_of(tx.conn, device)
        for number, (seen, at_ms, value) in enumerate(own):
            before = state
            kept = before if before.kind == kind else Sensor(device, kind)
            placed = _placed(tx, kept, here) if number == 0 else kept
            state = sensing.read(placed, value, at_ms, tuning)
            _say(tx, seen, at_ms, before, state, tuning)
        _keep(tx, [state], tuning)


def _say(
    tx: Transaction, seen: Observation, at_ms: int, before: Sensor, after: Sensor, tuning: Tuning
) -> None:
    """Append what a reading changed, under the reading's own cause."""
    same = (before.gap, before.units, before.place, before.sku)
    if same == (after.gap, after.units, after.place, after.sku):
        return
    _keep(tx, [after], tuning)
    tx.touch("shelf")
    actor = f"device:{seen.device}"
    facts = _facts(tx, before, after, seen.cause, actor)
    if facts and not tx.knows(seen.cause):
        when = datetime.fromtimestamp(at_ms / 1000, UTC)
        tx.append(facts, cause=seen.cause, actor=actor, occurred_at=when)


def _placed(tx: Transaction, sensor: Sensor, place_id: str) -> Sensor:
    """Return the sensor where it stands now; "" where the plan has no such place.

    Elsewhere, or over another article, it begins anew; a scale keeps its calibration for an
    article that belongs there as well.
    """
    known = "" if queries.place(tx.conn, place_id) is None else place_id
    belongs = [one.sku for one in queries.facings(tx.conn, known)] if known else []
    sku = sensor.sku
    if sku not in belongs and (sensor.kind == "presence" or sensor.unit is None):
        sku = belongs[0] if len(belongs) == 1 else ""
    if (known, sku) == (sensor.place, sensor.sku):
        return sensor
    fresh = Sensor(sensor.device, sensor.kind, known, sku, at_ms=sensor.at_ms, recent=sensor.recent)
    keeps = sku == sensor.sku or sensor.unit is None
    return replace(fresh, tare=sensor.tare, unit=sensor.unit) if keeps else fresh


# -- what follows ------------------------------------------------------------------------------


def _facts(tx: Transaction, before: Sensor, after: Sensor, cause: str, actor: str) -> list[Fact]:
    facts: list[Fact] = []
    moved = (before.place, before.sku) != (after.place, after.sku)
    if before.gap and before.place and (moved or not after.gap):
        facts.append(_closed(before))
        if moved:
            facts += _finished(tx, before, actor)
    if after.gap and after.place and (moved or not before.gap):
        facts.append(ShelfGapOpened(place=after.place, sku=after.sku, device=after.device))
    return [*facts, *_work(tx, after, cause, actor)]


def _closed(sensor: Sensor) -> ShelfGapClosed:
    return ShelfGapClosed(place=sensor.place, sku=sensor.sku, device=sensor.device)


def _work(tx: Transaction, sensor: Sensor, cause: str, actor: str) -> list[Fact]:
    """Ask for the shelf to be filled while there is something to fill it with."""
    if not sensor.place or not sensor.sku or sensor.units is None:
        return []
    planned = queries.facing(tx.conn, sensor.place, sensor.sku)
    low = planned.low if planned is not None else 0
    wanting = sensor.gap or (sensor.counts and sensing.is_low(sensor.units, low))
    if not wanting:
        return _finished(tx, sensor, actor)
    if _on_floor(tx, sensor.sku) - _seen(tx, sensor) <= 0:
        return []
    subject = _subject(sensor)
    return [
        *decide_open(
            tasks.unfinished(tx.conn, Work.REPLENISH, subject),
            Work.REPLENISH,
            subject,
            "SHELF_GAP" if sensor.gap else "LOW_ON_SHELF",
            cause=cause,
            sku=sensor.sku,
        )
    ]


def _finished(tx: Transaction, sensor: Sensor, actor: str) -> list[Fact]:
    asked = tasks.unfinished(tx.conn, Work.REPLENISH, _subject(sensor))
    return [*decide_finish([asked] if asked else [], actor)]


def _subject(sensor: Sensor) -> str:
    return f"shelf:{sensor.place}:{sensor.sku}"


def _doubt(
    tx: Transaction, sku: str, found: Sequence[Sensor], tuning: Tuning, cause: str
) -> list[Fact]:
    """Ask for a count where the shelves contradict the ledger for long enough, once."""
    if not found or any(one.units is None or one.candidate is not None for one in found):
        return []
    seen = sum(one.units or 0 for one in found)
    sensed = {one.place for one in found}
    whole = {one.place for one in queries.places_of(tx.conn, sku)} <= sensed
    differs = sensing.disagrees(seen, _on_floor(tx, sku), whole=whole, tuning=tuning)
    first, ask = sensing.doubt(found[0], differs, _ms(tx.now), tuning)
    if first != found[0]:
        _keep(tx, [first], tuning)
        tx.touch("shelf")
    return count_task(tx, sku, "SENSOR_DISAGREES", cause) if ask else []


def _on_floor(tx: Transaction, sku: str) -> int:
    account = stock.load(tx.conn, sku, tx.now)
    return sum(account.units(bucket) for bucket in ON_FLOOR)


def _seen(tx: Transaction, sensor: Sensor) -> int:
    """Units of its SKU that this and other scales see."""
    others = queries.sensors_of(tx.conn, sensor.sku)
    seen = sum(one.units or 0 for one in others if one.counts and one.device != sensor.device)
    return seen + (sensor.units or 0 if sensor.counts else 0)


def _keep(tx: Transaction, sensors: Iterable[Sensor], tuning: Tuning) -> None:
    tables.keep_sensors(
        tx.conn,
        [
            (
                one.device,
                one.place,
                one.sku,
                sensing.due_ms(one, tuning) if one.place else None,
                msgspec.json.encode(one),
            )
            for one in sensors
        ],
    )


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
