"""An order that nobody picks calls: once a step, in open hours, until somebody claims it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub import alerts, jobs, outbox
from hub.fleet import actions as fleet
from hub.fleet.watch import tables as watch
from hub.house import actions as house
from hub.house import hours
from hub.pickup import accepting
from hub.pickup import actions as pickup
from tests.hub.shop import BEN, LENA, Shop

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def busy(shop: Shop) -> Shop:
    """A store that wants each order picked within ten minutes, with a light, and an order."""
    decide(shop, "accept_minutes", 10)
    shop.run(lambda tx: fleet.enroll(tx, "light-1", kind="alert", place="counter"))
    shop.receive("MILK", 5)
    shop.place("R-1", ("MILK", 1))
    return shop


def decide(shop: Shop, name: str, value: int | str | None) -> None:
    shop.do(house.set_policy, name, value, actor=LENA)


def later(shop: Shop, minutes: float = 0) -> list[tuple[str, str, str]]:
    """Let time pass and the hub's jobs run; return the calls that are open."""
    shop.clock.advance(timedelta(minutes=minutes))
    now = shop.clock.now()
    jobs._call(shop.store)(now)
    alerts.tell(shop.store)(now)
    return shop.tasks("unclaimed")


def told(shop: Shop) -> list[dict[str, Any]]:
    """What waits to be sent to the light, without its key."""
    with shop.store.database.reader() as connection:
        rows = connection.execute(
            "SELECT payload FROM outbox WHERE device = 'light-1' AND name = 'alert' ORDER BY rowid"
        ).fetchall()
    bodies = [alerts.msgspec.json.decode(row["payload"]) for row in rows]
    return [{key: one[key] for key in ("state", "step", "orders")} for one in bodies]


def test_it_calls_after_the_minutes_and_again_after_twice_and_is_silent_once_claimed(
    busy: Shop,
) -> None:
    code = busy.order("R-1")["short_code"]
    assert later(busy, 9.9) == []
    assert told(busy) == []
    assert later(busy, 0.1) == [("unclaimed", "order:R-1", "UNCLAIMED")]
    assert later(busy, 5) == [("unclaimed", "order:R-1", "UNCLAIMED")]
    assert later(busy, 5) == [("unclaimed", "order:R-1", "STILL_UNCLAIMED")]
    assert later(busy, 500) == [("unclaimed", "order:R-1", "STILL_UNCLAIMED")]
    busy.do(pickup.claim, "R-1", actor=BEN)
    assert later(busy) == []
    assert told(busy) == [
        {"state": "on", "step": 1, "orders": [code]},
        {"state": "on", "step": 2, "orders": [code]},
        {"state": "off", "step": 0, "orders": []},
    ]
    busy.is_sound()


def test_a_light_that_restarts_while_an_order_calls_is_told_again(busy: Shop) -> None:
    tell = alerts.tell(busy.store)

    def comes() -> int:
        busy.clock.advance(timedelta(seconds=5))
        at_ms = round(busy.clock.now().timestamp() * 1000)
        heard: dict[str, Any] = {"online": True, "live": True, "firmware": None}
        busy.run(
            lambda tx: watch.status(tx.conn, "light-1", at_ms=at_ms, battery_pct=None, **heard)
        )
        for _ in range(2):
            tell(busy.clock.now())
        return len(told(busy))

    assert comes() == 0, "a light shows nothing when it comes: nobody has to say so"
    later(busy, 10)
    tell(busy.clock.now())
    assert len(told(busy)) == 1
    assert comes() == 2
    assert told(busy)[0] == told(busy)[1]
    busy.do(pickup.claim, "R-1", actor=BEN)
    later(busy)
    assert [one["state"] for one in told(busy)] == ["on", "on", "off"]
    assert comes() == 3


def test_a_hub_that_was_away_calls_once_and_a_quiet_hour_writes_nothing(busy: Shop) -> None:
    assert later(busy, 60) == [("unclaimed", "order:R-1", "STILL_UNCLAIMED")]
    length = busy.length()
    # Jobs made anew are what a restarted hub has: what was called stands in the journal.
    for _ in range(3):
        later(busy, 20)
    assert busy.length() == length
    assert len(told(busy)) == 1


def test_done_silences_the_step_and_not_the_next(busy: Shop) -> None:
    from hub.tasks import actions as tasks
    from hub.tasks import queries as found

    later(busy, 10)
    (task,) = busy.store.read(found.board, kinds=["unclaimed"])
    busy.do(tasks.done, task["task_id"], actor=LENA)
    assert later(busy, 1) == []
    assert told(busy)[-1]["state"] == "off"
    assert later(busy, 9) == [("unclaimed", "order:R-1", "STILL_UNCLAIMED")]
    assert told(busy)[-1]["state"] == "on"


def test_who_gives_it_back_begins_the_wait_anew(busy: Shop) -> None:
    later(busy, 10)
    busy.do(pickup.claim, "R-1")
    assert later(busy, 30) == []
    busy.do(pickup.release, "R-1")
    assert later(busy, 9) == []
    assert later(busy, 1) == [("unclaimed", "order:R-1", "UNCLAIMED")]


@pytest.mark.parametrize("end", [pickup.hold, pickup.cancel])
def test_an_order_on_hold_or_given_up_calls_no_more(busy: Shop, end: Any) -> None:
    later(busy, 10)
    busy.do(end, "R-1", "BUYER_REQUEST")
    assert later(busy) == []
    assert told(busy)[-1]["state"] == "off"
    busy.is_sound()


def test_nothing_calls_by_a_clock_nobody_trusts_but_what_is_over_ends(busy: Shop) -> None:
    later(busy, 10)
    busy.place("R-2", ("MILK", 1))
    busy.clock._quality = "unknown"
    assert later(busy, 10) == [("unclaimed", "order:R-1", "UNCLAIMED")]
    busy.do(pickup.claim, "R-1")
    assert later(busy, 10) == []
    busy.clock._quality = "synced"
    assert later(busy) == [("unclaimed", "order:R-2", "STILL_UNCLAIMED")]


def test_a_closed_store_and_a_paused_one_call_nobody(busy: Shop) -> None:
    decide(busy, "opening_hours", "mo-su 08:00-12:05")
    assert later(busy, 30) == []
    # Five minutes were open before it closed; five in the morning make ten.
    assert later(busy, 20 * 60 - 30 + 4) == []
    busy.do(house.set_pace, "paused", None, None, actor=LENA)
    assert later(busy, 2) == []
    busy.do(house.set_pace, "normal", None, None, actor=LENA)
    assert later(busy) == [("unclaimed", "order:R-1", "UNCLAIMED")]
    assert told(busy)[-1]["state"] == "on"
    later(busy, 10 * 60)
    assert told(busy)[-1]["state"] == "off"


def test_goods_that_still_travel_here_call_when_they_are_here(busy: Shop) -> None:
    busy.do(pickup.claim, "R-1")
    busy.place("R-2", ("BREAD", 1), supply="ship_to_store")
    assert later(busy, 60) == []
    busy.do(pickup.ship, "R-2")
    busy.do(pickup.receive, "R-2")
    assert later(busy, 10) == [("unclaimed", "order:R-2", "UNCLAIMED")]


def test_a_store_that_decided_nothing_calls_nobody(busy: Shop) -> None:
    decide(busy, "accept_minutes", None)
    assert later(busy, 600) == []


def test_a_light_that_never_answered_is_told_again_and_one_that_left_is_not(busy: Shop) -> None:
    later(busy, 10)
    with_key = busy.run(
        lambda tx: tx.conn.execute("UPDATE outbox SET outcome = 'expired'").rowcount
    )
    assert with_key == 1
    later(busy)
    assert len(told(busy)) == 2
    busy.run(lambda tx: fleet.revoke(tx, "light-1"))
    busy.do(pickup.claim, "R-1")
    later(busy)
    assert [one["state"] for one in told(busy)] == ["on", "on"]


def test_an_older_word_is_not_sent_after_a_newer_one(busy: Shop) -> None:
    later(busy, 10)
    busy.do(pickup.claim, "R-1")
    later(busy)
    with busy.store.database.reader() as connection:
        due = outbox.due(connection, "9999")
    assert [b'"off"' in row["payload"] for row in due if row["name"] == "alert"] == [True]


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),
    st.integers(1, 1440),
    st.lists(st.integers(0, 600), min_size=1, max_size=8),
    st.sampled_from(["", "mo-fr 08:00-20:00, sa 09:00-18:00", "tu 10:00-12:00"]),
)
def test_a_wait_only_grows_and_closed_hours_call_nobody(
    at: datetime, minutes: int, passes: list[int], text: str
) -> None:
    week, since = hours.read(text), at.replace(tzinfo=UTC)
    now, before = since, 0
    for passed in passes:
        now += timedelta(minutes=passed)
        step = accepting.step(week, since, now, minutes, BERLIN)
        if not hours.is_open(week, now, BERLIN):
            assert step == 0
            continue
        assert before <= step <= 2
        # Never before so many minutes, open or not, have passed.
        assert now - since >= timedelta(minutes=minutes * step)
        before = step
    assert accepting.step(week, since, now, 0, BERLIN) == 0
