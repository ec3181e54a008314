"""Opening hours are counted as they pass; policies, staging shelves and pace by their tables."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import Invalid, NotFound, Refusal
from hub.house import hours, rules
from hub.house.rules import POLICIES, Shelf

BERLIN = ZoneInfo("Europe/Berlin")
WEEK = hours.read("mo-fr 08:00-20:00, sa 09:00-18:00")
FRIDAY_NOON = datetime(2026, 11, 20, 12, 0, tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("length", "then"),
    [
        (1, "2026-11-20 13:00"),
        (8, "2026-11-20 20:00"),
        (9, "2026-11-21 10:00"),
        (17, "2026-11-21 18:00"),
        (18, "2026-11-23 09:00"),
    ],
)
def test_a_clock_that_stops_at_night_goes_on_in_the_morning(length: int, then: str) -> None:
    found = hours.after(WEEK, FRIDAY_NOON, timedelta(hours=length), BERLIN)
    assert f"{found.astimezone(BERLIN):%Y-%m-%d %H:%M}" == then


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),
    st.integers(1, 200_000),
    st.sampled_from(["", "mo-fr 08:00-20:00, sa 09:00-18:00", "su 00:00-24:00", "tu 10:00-12:00"]),
)
def test_the_time_before_undoes_the_time_after(at: datetime, seconds: int, text: str) -> None:
    week, begin = hours.read(text), at.replace(tzinfo=UTC)
    length = timedelta(seconds=seconds)
    end = hours.after(week, begin, length, BERLIN)
    back = hours.before(week, end, length, BERLIN)
    assert end - begin >= length
    # What lies between the two beginnings is no open time.
    assert back >= begin
    if back > begin:
        assert hours.after(week, begin, timedelta(seconds=1), BERLIN) >= back


def test_summer_time_lacks_an_hour_and_no_open_minute_is_counted_twice() -> None:
    week = hours.read("su 00:00-24:00")
    midnight = datetime(2026, 3, 29, 0, 0, tzinfo=BERLIN)
    end = hours.after(week, midnight.astimezone(UTC), timedelta(hours=23), BERLIN)
    assert f"{end.astimezone(BERLIN):%m-%d %H:%M}" == "03-30 00:00"


WEEKS = st.sampled_from(
    [
        "",
        "mo-fr 08:00-20:00, sa 09:00-18:00",
        "mo-su 00:00-24:00",
        "sa-su 01:00-02:30, su 02:30-03:30",
        "mo-su 08:00-12:00, mo-su 13:00-18:00",
        "fr 22:00-24:00, sa 00:00-04:00",
        "tu 10:00-11:00",
    ]
)
# Both of the year's nights without, and with, one hour more lie in between.
MOMENTS = st.integers(0, 227 * 48).map(
    lambda half_hours: datetime(2026, 3, 20, tzinfo=UTC) + timedelta(minutes=30) * half_hours
)
MINUTES = st.integers(0, 100).map(lambda half_hours: half_hours * 30) | st.integers(0, 3_000)


def test_what_is_done_as_the_store_closes_is_ready_when_it_opens_again() -> None:
    for work, then in ((479, "11-20 19:59"), (480, "11-21 09:00"), (481, "11-21 09:01")):
        found = hours.ready(WEEK, FRIDAY_NOON, timedelta(minutes=work), BERLIN)
        assert f"{found.astimezone(BERLIN):%m-%d %H:%M}" == then


@given(MOMENTS, MINUTES, MINUTES, WEEKS)
def test_work_is_ready_only_while_the_store_is_open_and_never_sooner_for_its_hours(
    begin: datetime, work: int, more: int, text: str
) -> None:
    week = hours.read(text)

    def ready(minutes: int, since: datetime = begin) -> datetime:
        return hours.ready(week, since, timedelta(minutes=minutes), BERLIN)

    found = ready(work)
    assert hours.is_open(week, found, BERLIN)
    assert found >= begin + timedelta(minutes=work)
    assert found <= ready(work + more), "more work is never ready sooner"
    assert found <= ready(work, begin + timedelta(minutes=more)), "who comes later waits on"
    if not text or text == "mo-su 00:00-24:00":
        assert found == begin + timedelta(minutes=work)


@given(MOMENTS, MINUTES, WEEKS)
def test_the_open_time_until_work_is_ready_is_the_work(
    begin: datetime, work: int, text: str
) -> None:
    week, length = hours.read(text), timedelta(minutes=work)
    found = hours.ready(week, begin, length, BERLIN)
    assert hours.between(week, begin, found, BERLIN) == length
    assert hours.between(week, begin, begin, BERLIN) == timedelta(0)


@given(MOMENTS, WEEKS)
def test_a_store_turns_when_it_is_said_to_and_not_before(at: datetime, text: str) -> None:
    week = hours.read(text)
    turn, opened = hours.turn(week, at, BERLIN), hours.is_open(week, at, BERLIN)
    until = turn or at + timedelta(days=8)
    step = (until - at) / 50
    assert all(hours.is_open(week, at + step * n, BERLIN) == opened for n in range(50))
    assert turn is None or hours.is_open(week, turn, BERLIN) is not opened
    assert turn is None or turn > at


@pytest.mark.parametrize("text", ["mo", "mo 20:00-08:00", "fr-mo 08:00-09:00", "mo 8-20", "xx"])
def test_opening_hours_that_nobody_could_keep_are_refused(text: str) -> None:
    with pytest.raises(Invalid):
        hours.read(text)


def test_a_day_is_not_open_twice_at_one_time() -> None:
    with pytest.raises(Invalid, match="mo is open twice"):
        hours.read("mo-fr 08:00-20:00, mo 19:00-21:00")
    assert hours.is_open(hours.read("mo 08:00-12:00, mo 13:00-18:00"), FRIDAY_NOON, BERLIN) is False


@pytest.mark.parametrize("name", POLICIES)
def test_each_policy_takes_its_default_and_refuses_nonsense(name: str) -> None:
    policy = POLICIES[name]
    assert rules.decide_policy(name, None, "other")[0].value is None
    assert rules.decide_policy(name, policy.default, policy.default) == []
    wrong = -1 if isinstance(policy.default, int) else "no such word"
    with pytest.raises(Invalid):
        rules.decide_policy(name, wrong, policy.default)


def test_a_policy_that_nobody_knows_is_not_found() -> None:
    with pytest.raises(NotFound):
        rules.decide_policy("colour", 1, 0)


@pytest.mark.parametrize(
    ("kinds", "needs"),
    [
        ((), "ambient"),
        (("ambient", "chilled"), "chilled"),
        (("frozen", "chilled"), "frozen"),
        (("ambient", "large"), "large"),
        (("large", "chilled"), "chilled"),
    ],
)
def test_the_most_demanding_goods_decide_where_an_order_stands(
    kinds: tuple[str, ...], needs: str
) -> None:
    assert rules.demanding(kinds) == needs


SHELVES = [
    Shelf("A1", 2, "ambient", 1),
    Shelf("A2", 4, "ambient", 1),
    Shelf("A3", 1, "ambient", 1),
    Shelf("K1", 2, "chilled", 2),
]


@pytest.mark.parametrize(
    ("kind", "beside", "best"),
    [
        ("ambient", None, "A2"),
        ("ambient", "A1", "A1"),
        ("ambient", "A3", "A2"),
        ("chilled", None, None),
        ("frozen", None, None),
    ],
)
def test_the_best_shelf_is_beside_the_customers_other_order_else_the_emptiest(
    kind: str, beside: str | None, best: str | None
) -> None:
    assert rules.suggest(SHELVES, kind, beside) == best


def test_a_shelf_nobody_planned_is_refused_only_where_the_store_says_so() -> None:
    planned = {"A1": SHELVES[0]}
    rules.check_shelf(planned, "Z9", "take")
    rules.check_shelf({}, "Z9", "refuse")
    rules.check_shelf(planned, "A1", "refuse")
    with pytest.raises(Refusal, match="no staging shelf Z9"):
        rules.check_shelf(planned, "Z9", "refuse")


@pytest.mark.parametrize(("pace", "minutes"), [("normal", 60), ("slow", 120), ("paused", 60)])
def test_a_promise_is_later_while_picking_is_slow(pace: str, minutes: int) -> None:
    assert rules.due_minutes(60, pace) == minutes


def test_a_pause_ends_by_itself() -> None:
    end = "2026-11-20T13:00:00.000Z"
    assert rules.pace_at("paused", end, "2026-11-20T12:59:59.999Z") == "paused"
    assert rules.pace_at("paused", end, end) == "normal"
    assert rules.pace_at("paused", None, end) == "paused"
    assert rules.decide_pace(("paused", end), "paused", end, None) == []
    with pytest.raises(Invalid, match="no free text"):
        rules.decide_pace(("normal", None), "paused", None, "Anna is ill")


@given(st.integers(0, 500), st.integers(0, 20), st.integers(1, 60))
def test_more_work_is_never_done_sooner_and_more_hands_never_make_it_later(
    lines: int, pickers: int, each: int
) -> None:
    took = rules.work_minutes(lines, pickers, each)
    assert took % rules.STEP == 0
    assert rules.work_minutes(lines + 1, pickers, each) >= took
    if pickers:
        assert took * pickers >= lines * each
        assert rules.work_minutes(lines, pickers + 1, each) <= took
    for pace in rules.PACES:
        assert rules.due_minutes(60, pace, took) >= max(60, took)
