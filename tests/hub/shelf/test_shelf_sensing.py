"""Weights and presence become units and gaps: never by noise, always by a real step."""

import math
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hub.errors import Refusal
from hub.shelf.sensing import (
    HOUR_MS,
    Sensor,
    Tuning,
    decide_empty,
    decide_units,
    disagrees,
    doubt,
    due_ms,
    read,
    settle,
)

TUNING = Tuning()
UNIT = 100.0
T0 = 1_000_000
SCALE = Sensor("w", "weight", "A-1", "MILK", tare=500.0, unit=UNIT)


def grams(units: float) -> float:
    return 500.0 + UNIT * units


def told(sensor: Sensor, *loads: float, from_ms: int, step_ms: int = 1000) -> Sensor:
    for number, load in enumerate(loads):
        sensor = read(sensor, grams(load), from_ms + number * step_ms, TUNING)
    return sensor


def settled(units: int, at_ms: int = T0) -> Sensor:
    return replace(SCALE, at_ms=at_ms, units=units, units_ms=at_ms)


def test_a_step_counts_when_it_has_stood_for_the_window_and_not_before() -> None:
    sensor = settled(5)
    assert told(sensor, 3, 3, from_ms=T0 + 1000).units == 5
    assert told(sensor, 3, 3, 3, from_ms=T0 + 1000).units == 5, "2 s"
    assert told(sensor, 3, 3, 3, 3, from_ms=T0 + 1000).units == 3, "3 s"


def test_silence_after_a_step_counts_as_well() -> None:
    sensor = told(settled(5), 3, from_ms=T0 + 1000)
    due = due_ms(sensor, TUNING)
    assert due == T0 + 1000 + TUNING.stable_ms
    assert settle(sensor, due - 1, TUNING).units == 5
    assert settle(sensor, due, TUNING).units == 3


def test_a_hand_on_the_shelf_is_no_change() -> None:
    sensor = told(settled(5), 12, 11, 5, 5, 5, 5, 5, from_ms=T0 + 1000)
    assert (sensor.units, sensor.candidate) == (5, None)


def test_an_empty_facing_is_a_gap_after_its_time_and_closed_at_once_when_filled() -> None:
    sensor = told(settled(1), 0, 0, 0, 0, from_ms=T0 + 1000)
    assert (sensor.units, sensor.gap) == (0, False)
    began = sensor.units_ms
    assert due_ms(sensor, TUNING) == began + TUNING.gap_ms
    assert not settle(sensor, began + TUNING.gap_ms - 1, TUNING).gap
    gap = settle(sensor, began + TUNING.gap_ms, TUNING)
    assert gap.gap
    assert due_ms(gap, TUNING) is None
    filled = told(gap, 4, 4, 4, 4, from_ms=began + TUNING.gap_ms + 1000)
    assert (filled.units, filled.gap) == (4, False)


def test_goods_that_have_just_come_keep_a_gap_from_opening() -> None:
    sensor = told(settled(1), 0, 0, 0, 0, from_ms=T0 + 1000)
    due = sensor.units_ms + TUNING.gap_ms
    filled = told(sensor, 3, from_ms=due - 500)
    assert not settle(filled, due + 500, TUNING).gap


def test_what_stood_in_silence_counts_before_the_next_reading_does() -> None:
    sensor = told(settled(5), 3, 4, from_ms=T0 + 1000, step_ms=60_000)
    assert (sensor.units, sensor.units_ms, sensor.candidate) == (3, T0 + 1000, 4)


def test_goods_put_back_in_time_leave_no_gap() -> None:
    sensor = told(settled(1), 0, 0, 0, 0, 1, 1, 1, 1, from_ms=T0 + 1000)
    later = settle(sensor, T0 + 10 * TUNING.gap_ms, TUNING)
    assert (later.units, later.gap) == (1, False)


def test_presence_opens_and_closes_a_gap_by_the_same_rules() -> None:
    sensor = replace(Sensor("p", "presence", "A-1", "MILK"), units=1, units_ms=T0, at_ms=T0)
    gone = read(sensor, 0.0, T0 + 1000, TUNING)
    assert settle(gone, T0 + 1000 + TUNING.stable_ms, TUNING).units == 0
    gap = settle(gone, T0 + 1000 + TUNING.gap_ms, TUNING)
    assert gap.gap
    assert not gap.counts
    back = read(gap, 1.0, T0 + HOUR_MS, TUNING)
    assert settle(back, T0 + HOUR_MS + TUNING.stable_ms, TUNING).gap is False


@given(
    level=st.floats(0, 40),
    noise=st.lists(st.floats(-0.199, 0.199), min_size=30, max_size=120),
    start=st.integers(0, 40),
)
@example(level=3.5, noise=[0.199, -0.199] * 30, start=3)
@example(level=0.5, noise=[-0.199, 0.199] * 30, start=0)
def test_noise_below_the_hysteresis_changes_the_number_at_most_once(
    level: float, noise: list[float], start: int
) -> None:
    sensor, seen = settled(start), [start]
    for number, one in enumerate(noise):
        sensor = read(sensor, grams(level + one), T0 + 1000 * (number + 1), TUNING)
        if sensor.units != seen[-1]:
            seen.append(sensor.units or 0)
    assert len(seen) <= 2, seen
    assert abs(seen[-1] - level) <= 0.5 + TUNING.hysteresis + 0.2


@given(
    before=st.integers(0, 30),
    after=st.integers(0, 30),
    noise=st.lists(st.floats(-0.19, 0.19), min_size=10, max_size=40),
    step_ms=st.integers(100, 2_000),
)
def test_a_real_step_is_always_found_within_the_window(
    before: int, after: int, noise: list[float], step_ms: int
) -> None:
    sensor = settled(before)
    at_ms = first_ms = T0 + 1000
    for one in noise:
        sensor = read(sensor, grams(after + one), at_ms, TUNING)
        at_ms += step_ms
    sensor = settle(sensor, max(at_ms, first_ms + TUNING.stable_ms), TUNING)
    assert sensor.units == after
    if before != after:
        assert sensor.units_ms == first_ms, "it stands since the first reading that showed it"


@given(
    readings=st.lists(st.tuples(st.integers(0, 60_000), st.floats(0, 12)), max_size=40),
    last=st.integers(0, 12),
    data=st.data(),
)
def test_whatever_order_readings_come_in_the_newest_stand(
    readings: list[tuple[int, float]], last: int, data: st.DataObject
) -> None:
    """Late and repeated readings may change what is seen on the way, never where it ends."""
    calm = [(70_000 + 500 * number, float(last)) for number in range(8)]
    shuffled = data.draw(st.permutations(readings + readings[:5]))
    ends = []
    for order in (sorted(readings), shuffled):
        sensor = settled(3, T0 - 1)
        for at_ms, load in [*order, *calm, *order]:
            sensor = read(sensor, grams(load), T0 + at_ms, TUNING)
        sensor = settle(sensor, T0 + 70_000 + TUNING.gap_ms, TUNING)
        ends.append((sensor.units, sensor.gap))
    assert ends[0] == ends[1] == (last, last == 0)


@given(st.floats(-1e9, 1e9), st.integers(0, T0))
def test_an_old_reading_changes_nothing(value: float, at_ms: int) -> None:
    sensor = settled(4)
    assert read(sensor, value, at_ms, TUNING) is sensor


@pytest.mark.parametrize("value", [math.inf, -math.inf, 1e12, math.nan])
def test_what_no_shelf_could_carry_is_no_reading(value: float) -> None:
    sensor = settled(4)
    assert read(sensor, value, T0 + 1, TUNING) is sensor


def test_a_creeping_scale_keeps_its_number_and_says_when_it_has_crept_too_far() -> None:
    sensor, load = settled(6), 6.0
    for minute in range(1, 60 * 60):
        load += 0.04 / 60  # units an hour: less than the drift that is followed
        sensor = read(sensor, grams(load), T0 + minute * 60_000, TUNING)
        assert sensor.units == 6
    assert sensor.worn
    assert abs(sensor.drift / UNIT - (load - 6)) < 0.05


def test_goods_that_leave_are_not_taken_for_drift() -> None:
    sensor = told(settled(6), *[6.3] * 60, from_ms=T0 + 1000, step_ms=60_000)
    assert abs(sensor.drift) <= TUNING.drift_per_hour * UNIT * 1.01
    gone = told(sensor, *[5.3] * 5, from_ms=sensor.at_ms + 1000)
    assert gone.units == 5


# -- calibration


def raw(*values: float) -> Sensor:
    sensor = Sensor("w", "weight", "A-1")
    for number, value in enumerate(values):
        sensor = read(sensor, value, T0 + 1000 * number, TUNING)
    return sensor


def test_two_steps_teach_a_scale_what_a_unit_weighs() -> None:
    sensor = decide_empty(raw(498, 500, 501), TUNING)
    assert sensor.tare == 500
    for number in range(4):
        sensor = read(sensor, 1100.0 + number, T0 + 10_000 + 1000 * number, TUNING)
    done = decide_units(sensor, 6, "MILK", TUNING)
    assert done.unit == pytest.approx(100.33, abs=0.1)
    assert (done.units, done.sku, done.counts) == (6, "MILK", True)
    assert told(done, 4, 4, 4, 4, from_ms=T0 + 20_000).units == 4


@pytest.mark.parametrize(
    ("sensor", "slug"),
    [
        (Sensor("w"), "no-reading"),
        (raw(500, 540, 500), "not-steady"),
        (Sensor("p", "presence"), "no-scale"),
    ],
)
def test_an_empty_shelf_is_taken_only_when_the_scale_shows_one(sensor: Sensor, slug: str) -> None:
    with pytest.raises(Refusal) as refused:
        decide_empty(sensor, TUNING)
    assert refused.value.slug == slug


def test_units_that_do_not_stand_out_of_the_noise_teach_nothing() -> None:
    empty = decide_empty(raw(500, 500, 500), TUNING)
    for value, units, slug in ((506.0, 3, "too-light"), (900.0, 0, "no-units")):
        loaded = empty
        for number in range(3):
            at_ms = T0 + 10_000 + 1000 * number
            loaded = read(loaded, value + 2 * number, at_ms, TUNING)
        with pytest.raises(Refusal) as refused:
            decide_units(loaded, units, "MILK", TUNING)
        assert refused.value.slug == slug
    with pytest.raises(Refusal):
        decide_units(raw(500, 500, 500), 3, "MILK", TUNING)


# -- the ledger


@pytest.mark.parametrize(
    ("seen", "ledger", "whole", "differs"),
    [
        (5, 5, True, False),
        (7, 5, True, False),
        (8, 5, True, True),
        (8, 5, False, True),
        (3, 5, True, False),
        (2, 5, True, True),
        (2, 5, False, False),
    ],
)
def test_a_shelf_contradicts_the_ledger_beyond_the_tolerance(
    seen: int, ledger: int, whole: bool, differs: bool
) -> None:
    assert disagrees(seen, ledger, whole=whole, tuning=TUNING) is differs


def test_a_count_is_asked_for_once_after_its_time_and_again_only_after_agreement() -> None:
    hour = TUNING.disagree_ms
    sensor, ask = doubt(settled(5), True, T0, TUNING)
    assert not ask
    sensor, ask = doubt(sensor, True, T0 + hour - 1, TUNING)
    assert not ask
    sensor, ask = doubt(sensor, True, T0 + hour, TUNING)
    assert ask
    sensor, ask = doubt(sensor, True, T0 + 5 * hour, TUNING)
    assert not ask
    sensor, ask = doubt(sensor, False, T0 + 6 * hour, TUNING)
    assert not ask
    sensor, ask = doubt(sensor, True, T0 + 7 * hour, TUNING)
    assert not ask
    assert doubt(sensor, True, T0 + 8 * hour, TUNING)[1]
