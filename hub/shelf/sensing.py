"""Turns what a shelf sensor reports into units, and units into gaps: pure rules over one state.

It must never let an old reading undo what a newer one said, and never take noise for a change.

A weight becomes a number of units `u = (grams - tare - drift) / unit`. The number `N` stands
while `u` stays within half a unit and the hysteresis of it; another number has to stand for the
stability window, by readings or by silence. So readings whose noise is below the hysteresis change
a settled number at most once at any true load: to leave N they pass N + 0.5 + h, to return they
would have to fall below N + 0.5 - h.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from hub.errors import Refusal

# Raw readings kept for calibration: what the scale has shown just now.
RECENT: Final = 8
RECENT_MS: Final = 30_000
# Beyond so many units of compensated drift the scale deserves a new calibration.
DRIFT_MOST: Final = 2.0
# One unit has to stand out of the scale's unrest by so much.
UNIT_OVER_NOISE: Final = 3.0
# Ten tonnes: what is beyond is a broken sensor (infinity included).
GRAMS_MOST: Final = 10_000_000.0
HOUR_MS: Final = 3_600_000

Kind = Literal["weight", "presence"]


@dataclass(frozen=True, slots=True)
class Tuning:
    """The store's settings for its sensors; times in ms, the others in units."""

    stable_ms: int = 3_000
    gap_ms: int = 30_000
    hysteresis: float = 0.2
    drift_per_hour: float = 0.05
    noise_grams: float = 20.0
    tolerance: int = 2
    disagree_ms: int = 3_600_000


@dataclass(frozen=True, slots=True)
class Sensor:
    """What the hub remembers of one sensor. Times are ms since 1970, as estimated.

    `units` stands since `units_ms`; `candidate` would replace it. `gap` is what the facts say.
    `recent` are raw (ms, grams). `disagree_ms`: since when the ledger says otherwise; `asked`: a
    count was asked for because of it.
    """

    device: str
    kind: Kind = "weight"
    place: str = ""
    sku: str = ""
    tare: float | None = None
    unit: float | None = None
    drift: float = 0.0
    at_ms: int = 0
    units: int | None = None
    units_ms: int = 0
    candidate: int | None = None
    candidate_ms: int = 0
    gap: bool = False
    gap_ms: int = 0
    disagree_ms: int | None = None
    asked: bool = False
    recent: tuple[tuple[int, float], ...] = ()

    @property
    def counts(self) -> bool:
        """Does it tell a number of units, not only whether there is something?"""
        return self.kind == "weight" and self.tare is not None and self.unit is not None

    @property
    def worn(self) -> bool:
        """Has it drifted so far that it should be calibrated again?"""
        return self.unit is not None and abs(self.drift) > DRIFT_MOST * self.unit


def read(sensor: Sensor, value: float, at_ms: int, tuning: Tuning) -> Sensor:
    """Return the state after a reading of `at_ms`: grams, or 1 and 0 for something and nothing.

    A reading that is not newer than the newest one changes nothing, nor does one that no shelf
    could carry.
    """
    if at_ms <= sensor.at_ms or not -GRAMS_MOST <= value <= GRAMS_MOST:
        return sensor
    settled = settle(sensor, at_ms, tuning)
    kept = [one for one in settled.recent if one[0] >= at_ms - RECENT_MS][1 - RECENT :]
    seen = replace(settled, at_ms=at_ms, recent=(*kept, (at_ms, value)))
    load = _load(seen, value)
    if load is None:
        return seen
    if seen.units is not None and abs(load - seen.units) <= 0.5 + tuning.hysteresis:
        calm = replace(seen, candidate=None)
        return _compensated(calm, load - seen.units, at_ms - sensor.at_ms, tuning)
    whole = max(0, round(load))
    if seen.candidate is None or abs(load - seen.candidate) > 0.5 + tuning.hysteresis:
        return _undecided(seen, whole, at_ms)
    return settle(seen, at_ms, tuning)


def settle(sensor: Sensor, now_ms: int, tuning: Tuning) -> Sensor:
    """Return the state at `now_ms` when nothing contradicted it meanwhile."""
    found = sensor
    if found.candidate is not None and now_ms >= found.candidate_ms + tuning.stable_ms:
        found = replace(found, units=found.candidate, units_ms=found.candidate_ms, candidate=None)
    if found.units is None:
        return found
    if found.gap and found.units > 0:
        return replace(found, gap=False, gap_ms=found.units_ms)
    empty = found.units == 0 and found.candidate is None
    if empty and not found.gap and now_ms >= found.units_ms + tuning.gap_ms:
        return replace(found, gap=True, gap_ms=found.units_ms)
    return found


def due_ms(sensor: Sensor, tuning: Tuning) -> int | None:
    """Return when silence alone would change the state, or None."""
    if sensor.candidate is not None:
        return sensor.candidate_ms + tuning.stable_ms
    if sensor.units == 0 and not sensor.gap:
        return sensor.units_ms + tuning.gap_ms
    return None


def _undecided(sensor: Sensor, whole: int, at_ms: int) -> Sensor:
    if whole == sensor.units:
        # Below zero and beyond the hysteresis: less than nothing is still nothing.
        return replace(sensor, candidate=None)
    return replace(sensor, candidate=whole, candidate_ms=at_ms)


def _load(sensor: Sensor, value: float) -> float | None:
    if sensor.kind == "presence":
        return value
    if sensor.tare is None or sensor.unit is None:
        return None
    return (value - sensor.tare - sensor.drift) / sensor.unit


def _compensated(sensor: Sensor, rest: float, passed_ms: int, tuning: Tuning) -> Sensor:
    """Follow a rest that creeps (temperature, creep of the cell), never faster than it may."""
    if sensor.kind == "presence" or sensor.unit is None:
        return sensor
    most = tuning.drift_per_hour * min(passed_ms, HOUR_MS) / HOUR_MS
    step = max(-most, min(most, rest))
    return replace(sensor, drift=sensor.drift + step * sensor.unit)


# -- calibration -------------------------------------------------------------------------------


def decide_empty(sensor: Sensor, tuning: Tuning) -> Sensor:
    """First step: the shelf is empty now. What it shows is the tare."""
    level, _ = _steady(sensor, tuning)
    return replace(
        sensor, tare=level, unit=None, drift=0.0, units=None, candidate=None, disagree_ms=None
    )


def decide_units(sensor: Sensor, units: int, sku: str, tuning: Tuning) -> Sensor:
    """Second step: `units` of `sku` lie on it. What one weighs follows."""
    if sensor.tare is None:
        raise Refusal("Empty the shelf and take the first step first.", slug="not-emptied")
    if not 1 <= units <= 10_000:
        raise Refusal("Put at least one unit on the shelf.", slug="no-units")
    level, unrest = _steady(sensor, tuning)
    unit = (level - sensor.tare) / units
    if unit <= max(UNIT_OVER_NOISE * unrest, 1.0):
        raise Refusal(
            f"{units} units weigh {level - sensor.tare:.0f} g more than the empty shelf, and the "
            f"scale moves by {unrest:.0f} g: put more on it, or use another sensor.",
            slug="too-light",
        )
    at_ms = sensor.recent[-1][0]
    return replace(
        sensor,
        sku=sku,
        unit=unit,
        drift=0.0,
        units=units,
        units_ms=at_ms,
        candidate=None,
        disagree_ms=None,
        asked=False,
    )


def _steady(sensor: Sensor, tuning: Tuning) -> tuple[float, float]:
    """Return (what the scale shows, how far its readings lie apart), or refuse."""
    if sensor.kind != "weight":
        raise Refusal("Only a sensor that weighs is calibrated.", slug="no-scale")
    values = sorted(value for _, value in _last_stretch(sensor.recent))
    if not values:
        raise Refusal("This sensor has not reported a weight yet.", slug="no-reading")
    unrest = values[-1] - values[0]
    if unrest > tuning.noise_grams:
        raise Refusal(
            f"The scale still moves by {unrest:.0f} g. Wait until nobody touches the shelf.",
            slug="not-steady",
        )
    return values[len(values) // 2], unrest


def _last_stretch(recent: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """Return the newest readings: at most three, so that what was before the step is left out."""
    return list(recent[-3:])


# -- what units mean ---------------------------------------------------------------------------


def is_low(units: int, low: int) -> bool:
    return units < low


def disagrees(seen: int, ledger: int, *, whole: bool, tuning: Tuning) -> bool:
    """Do `seen` units on sensed shelves contradict the `ledger`?

    More than the ledger knows always does. Fewer only where sensors see every place of the SKU
    (`whole`): the rest may lie where no sensor is.
    """
    if seen > ledger + tuning.tolerance:
        return True
    return whole and seen < ledger - tuning.tolerance


def doubt(sensor: Sensor, disagreeing: bool, now_ms: int, tuning: Tuning) -> tuple[Sensor, bool]:
    """Return the state and whether to ask for a count now: once for each disagreement."""
    if not disagreeing:
        return replace(sensor, disagree_ms=None, asked=False), False
    since = now_ms if sensor.disagree_ms is None else sensor.disagree_ms
    ask = not sensor.asked and now_ms - since >= tuning.disagree_ms
    return replace(sensor, disagree_ms=since, asked=sensor.asked or ask), ask
