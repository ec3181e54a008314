"""What the goods and the store's own policies ask of an order's steps, in a whole store."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hub.errors import Refusal
from hub.house import actions as house
from hub.pickup import actions as pickup
from hub.pickup import promising, queries, staging, watching
from tests.hub.shop import LENA, Shop

SEEN = {"kind": "id_seen", "value": "passport"}
BERLIN = ZoneInfo("Europe/Berlin")


def place(shop: Shop, order_id: str, lines: list[dict[str, Any]], **extra: Any) -> dict[str, Any]:
    order = {"order_id": order_id, "lines": lines, "currency": "EUR", **extra}
    shop.do(pickup.place, order, actor="central")
    return shop.order(order_id)


def line(**extra: Any) -> dict[str, Any]:
    return {"line_id": "L1", "sku": "MILK", "qty": 1, **extra}


def ready(shop: Shop, order_id: str, shelf: str = "A1") -> None:
    shop.do(pickup.claim, order_id)
    for one in shop.order(order_id)["lines"]:
        shop.do(pickup.pick, order_id, one["line_id"], one["ordered"])
    shop.do(pickup.stage, order_id, shelf)
    shop.do(pickup.ready, order_id)


def plan(shop: Shop, shelf: str, capacity: int, kind: str) -> None:
    shop.do(staging.plan_shelf, shelf, capacity, kind, actor=LENA)


def test_chilled_goods_are_sent_to_a_chilled_shelf_that_has_room(shop: Shop) -> None:
    shop.receive("MILK", 9)
    for shelf, capacity, kind in (("a1", 9, "ambient"), ("k1", 1, "chilled"), ("k2", 1, "chilled")):
        plan(shop, shelf, capacity, kind)
    suggested = []
    for n in range(3):
        order = place(shop, f"R-{n}", [line(storage="chilled")])
        suggested.append(order["suggested_shelf"])
        if order["suggested_shelf"]:
            ready(shop, f"R-{n}", order["suggested_shelf"])
    assert suggested == ["K1", "K2", None]
    assert shop.order("R-0")["suggested_shelf"] is None, "it has its place"
    found = shop.store.read(queries.staging_shelves)
    assert [(one.shelf, one.free) for one in found] == [("A1", 9), ("K1", 0), ("K2", 0)]
    with pytest.raises(Refusal, match="1 order stands on shelf K1"):
        shop.do(staging.drop_shelf, "k1", actor=LENA)
    shop.is_sound()


def test_two_orders_of_one_customer_stand_beside_each_other(shop: Shop) -> None:
    shop.receive("MILK", 9)
    plan(shop, "A1", 2, "ambient")
    plan(shop, "A2", 9, "ambient")
    place(shop, "R-1", [line()], customer_ref="c_1")
    ready(shop, "R-1", "A1")
    assert place(shop, "R-2", [line()], customer_ref="c_1")["suggested_shelf"] == "A1"
    assert place(shop, "R-3", [line()], customer_ref="c_2")["suggested_shelf"] == "A2"


def test_an_unplanned_shelf_is_refused_where_the_store_decided_so(shop: Shop) -> None:
    shop.receive("MILK", 2)
    plan(shop, "A1", 2, "ambient")
    shop.do(house.set_policy, "unknown_shelves", "refuse", actor=LENA)
    shop.picked("R-1", ("MILK", 1))
    with pytest.raises(Refusal, match="no staging shelf Z9"):
        shop.do(pickup.stage, "R-1", "Z9")
    shop.do(pickup.stage, "R-1", "A1")


def test_goods_with_an_age_are_handed_over_only_after_somebody_looked(shop: Shop) -> None:
    shop.receive("MILK", 3)
    shop.receive("BREAD", 3)
    place(shop, "R-1", [line(age_min=18), line(line_id="L2", sku="BREAD")])
    ready(shop, "R-1")
    assert shop.order("R-1")["age_min"] == 18
    with pytest.raises(Refusal, match="18 or older"):
        shop.do(pickup.handover, "R-1", SEEN)
    shop.do(pickup.handover, "R-1", SEEN, [{"line_id": "L2", "qty": 1}])
    with pytest.raises(Refusal, match="18 or older"):
        shop.do(pickup.handover, "R-1", SEEN)
    shop.do(pickup.handover, "R-1", SEEN, age_checked=True)
    assert shop.state("R-1") == "PICKED_UP"


def test_the_catalogues_age_counts_whatever_the_order_says(shop: Shop) -> None:
    shop.describe({"kind": "product", "sku": "WINE", "names": {"en": "Wine"}, "age_min": 16})
    shop.receive("WINE", 3)
    order = place(shop, "R-1", [line(sku="WINE", age_min=0)])
    assert order["lines"][0]["age_min"] == 16


@pytest.mark.parametrize(
    ("substitutes", "refused"),
    [("any", None), ("never", "takes nothing else"), (["BREAD"], None), (["TEA"], "only SKU TEA")],
)
def test_a_customer_says_what_may_take_an_articles_place(
    shop: Shop, substitutes: Any, refused: str | None
) -> None:
    shop.receive("MILK", 3)
    shop.receive("BREAD", 3)
    order = place(shop, "R-1", [line(substitutes=substitutes)])
    assert order["lines"][0]["substitutes"] == substitutes
    shop.do(pickup.claim, "R-1")
    if refused is None:
        shop.do(pickup.substitute, "R-1", "L1", "BREAD", 1)
    else:
        with pytest.raises(Refusal, match=refused):
            shop.do(pickup.substitute, "R-1", "L1", "BREAD", 1)
    shop.is_sound()


def test_somebody_else_collects_when_named_or_with_the_code(shop: Shop) -> None:
    shop.receive("MILK", 3)
    place(shop, "R-1", [line()])
    ready(shop, "R-1")
    with pytest.raises(Refusal, match="named nobody else"):
        shop.do(pickup.handover, "R-1", SEEN, collected_by="delegate")
    shop.do(pickup.delegate_named, "R-1", actor="customer")
    shop.do(pickup.handover, "R-1", SEEN, collected_by="delegate")


def test_a_no_show_clock_stands_still_while_the_store_is_closed(shop: Shop) -> None:
    """It is Saturday noon UTC; the store is closed from 18:00 until Monday."""
    shop.receive("MILK", 3)
    place(shop, "R-1", [line()])
    ready(shop, "R-1")

    def missing() -> list[str]:
        found = shop.store.read(watching.no_shows, shop.clock.now(), BERLIN)
        return [one["order_id"] for one in found]

    hours = "mo-fr 08:00-20:00, sa 09:00-18:00"
    shop.do(house.set_policy, "opening_hours", hours, actor=LENA)
    shop.clock.advance(timedelta(hours=30))
    assert missing() == ["R-1"]
    shop.do(house.set_policy, "clocks_run", "open", actor=LENA)
    assert missing() == []
    shop.do(house.set_policy, "no_show_hours", 4, actor=LENA)
    assert missing() == ["R-1"]
    shop.do(pickup.buyer_seen, "R-1", "arrived", actor="customer")
    assert missing() == [], "who stands here is no no-show"


@pytest.mark.parametrize(("hours", "state"), [(0, "READY_FOR_PICKUP"), (48, "EXPIRED")])
def test_the_stores_own_time_decides_when_an_order_expires(
    shop: Shop, hours: int, state: str
) -> None:
    shop.receive("MILK", 3)
    place(shop, "R-1", [line()])
    ready(shop, "R-1")
    if hours:
        shop.do(house.set_policy, "ready_hours", hours, actor=LENA)
    shop.clock.advance(timedelta(days=3))
    for order_id in shop.run(pickup.overdue):
        shop.do(pickup.expire, order_id, actor="hub")
    assert shop.state("R-1") == state


def test_an_order_on_hold_for_too_long_expires_where_the_store_says_so(shop: Shop) -> None:
    shop.receive("MILK", 3)
    place(shop, "R-1", [line()])
    shop.do(pickup.hold, "R-1", "ASK_CUSTOMER")
    shop.clock.advance(timedelta(hours=30))
    assert shop.run(pickup.overdue) == []
    shop.do(house.set_policy, "hold_hours", 24, actor=LENA)
    assert shop.run(pickup.overdue) == ["R-1"]


def test_the_day_in_figures(shop: Shop) -> None:
    shop.receive("MILK", 9)
    begin = shop.clock.now()
    for n, minutes in enumerate((10, 20, 60)):
        place(shop, f"R-{n}", [line(qty=2)], promise_at="2026-11-21T12:50:00Z")
        shop.clock.advance(timedelta(minutes=minutes))
        ready(shop, f"R-{n}")
    shop.do(pickup.buyer_seen, "R-0", "arrived", actor="customer")
    shop.clock.advance(timedelta(minutes=2))
    shop.do(pickup.handover, "R-0", SEEN)
    place(shop, "R-9", [line()])
    shop.do(pickup.claim, "R-9")
    shop.do(pickup.short, "R-9", "L1", 1, "DAMAGED")
    day = shop.store.read(watching.day, begin)
    assert (day["accepted"], day["ready"], day["handed_over"], day["late"]) == (4, 3, 1, 1)
    assert day["to_ready"] == {"count": 3, "median_s": 1200, "longest_s": 3600}
    assert day["wait"] == {"count": 1, "median_s": 120, "longest_s": 120}
    assert day["states"] == {"PICKED_UP": 1, "READY_FOR_PICKUP": 2, "PICKING": 1}
    assert (day["shorts"], day["short_units"]) == ({"DAMAGED": 1}, 1)


def test_an_order_that_comes_while_picking_is_slow_or_paused_is_promised_later(shop: Shop) -> None:
    shop.receive("MILK", 9)
    assert place(shop, "R-1", [line()])["promise_at"] == "2026-11-21T14:00:00.000Z"
    shop.do(house.set_pace, "slow", actor=LENA)
    assert place(shop, "R-2", [line()])["promise_at"] == "2026-11-21T16:00:00.000Z"
    shop.do(house.set_pace, "paused", 30, "STAFF_SHORT", actor=LENA)
    assert place(shop, "R-3", [line()])["promise_at"] == "2026-11-21T14:30:00.000Z"
    shop.clock.advance(timedelta(minutes=30))
    assert place(shop, "R-4", [line()])["promise_at"] == "2026-11-21T14:30:00.000Z", "it is over"


def test_an_order_is_promised_when_those_who_pick_can_have_it_ready(shop: Shop) -> None:
    shop.receive("MILK", 99)
    shop.do(house.set_policy, "pickers", 2, actor=LENA)
    shop.do(house.set_policy, "line_minutes", 30, actor=LENA)
    many = [line(line_id=f"L{n}") for n in range(8)]
    assert place(shop, "R-1", many)["promise_at"] == "2026-11-21T14:00:00.000Z", "8 lines: 120 min"
    assert place(shop, "R-2", [line()])["promise_at"] == "2026-11-21T14:15:00.000Z"
    assert shop.store.read(promising.told, shop.clock.now()).minutes == 150
    shop.do(pickup.claim, "R-1")
    for n in range(8):
        shop.do(pickup.pick, "R-1", f"L{n}", 1)
    assert shop.store.read(promising.told, shop.clock.now()).minutes == 120, "the usual time again"
    shop.do(house.set_pace, "paused", None, None, actor=LENA)
    assert shop.store.read(promising.told, shop.clock.now()).minutes == 0


def test_an_order_whose_work_would_end_at_night_is_promised_for_after_the_store_opens(
    shop: Shop,
) -> None:
    """The shop's noon is Saturday 13:00 in Berlin."""
    shop.receive("MILK", 99)
    shop.run(lambda tx: house.set_zone(tx, "Europe/Berlin"))
    promised = iter(range(99))

    def due(**extra: object) -> str:
        order = place(shop, f"R-{next(promised)}", [line()], **extra)
        at = datetime.fromisoformat(order["promise_at"])
        return f"{at.astimezone(BERLIN):%a %H:%M}"

    assert due() == "Sat 15:00"
    shop.do(house.set_policy, "opening_hours", "mo-fr 08:00-20:00, sa 09:00-18:00", actor=LENA)
    assert due() == "Sat 15:00", "open all the while"
    shop.clock.advance(timedelta(hours=4))
    assert due() == "Mon 09:00", "an hour until six, and one on Monday"
    said = shop.store.read(promising.told, shop.clock.now())
    assert said == (40 * 60, "mo-fr 08:00-20:00, sa 09:00-18:00", "Europe/Berlin", "normal")
    shop.do(house.set_pace, "slow", actor=LENA)
    assert due() == "Mon 11:00"
    shop.do(house.set_pace, "paused", 90, actor=LENA)
    assert due() == "Mon 10:00", "the pause ends when nobody is there any more"
    shop.do(house.set_pace, "normal", actor=LENA)
    shop.clock.advance(timedelta(hours=10))
    assert due() == "Mon 10:00", "at night nobody picks"
    assert due(promise_at="2026-11-22T03:00:00Z") == "Sun 04:00", "its own promise it keeps"
    shop.do(house.set_policy, "opening_hours", None, actor=LENA)
    assert due() == "Sun 05:00"
