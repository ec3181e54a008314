"""Frozen and ordinary goods of one order on two shelves: the phone asks for each, the counter
fetches from each."""

from playwright.sync_api import expect

from hub.house import actions as house
from hub.pickup import staging
from tests.browser.conftest import AXE, Complaints, picture
from tests.browser.phone import BREAD, COFFEE, Open, Phone, context, floor, order, phone
from tests.browser.test_looks import violations
from tests.kiosk_ui.sample import SampleStore
from tests.sync.pair import until

__all__ = ["context", "floor", "phone"]


def picked(phone: Open, floor: SampleStore) -> Phone:
    """Bread and frozen coffee of one order are in the cart, before a shelf for each."""
    for shelf, kind in (("A1", "ambient"), ("F1", "frozen")):
        floor.store.writer.run(
            lambda tx, s=shelf, k=kind: staging.plan_shelf(
                tx, s, 3, k, actor="staff:ada", cause=f"plan:{s}"
            )
        )
    floor.place("R-1", [("4711", 1), ("4714", 1)], code="7K4M", frozen="4714")
    one = phone()
    one.begin()
    for name, code in (("Rye bread 750 g", BREAD), ("Ground coffee 500 g", COFFEE)):
        one.sees(name)
        one.scan(code)
    return one


def test_each_kind_of_goods_is_put_on_its_shelf_and_fetched_from_it(
    phone: Open, floor: SampleStore, complaints: Complaints
) -> None:
    one = picked(phone, floor)
    expect(one.page.locator(".staging h2")).to_have_text(
        ["7K4M, Frozen is complete", "7K4M, Room temperature is complete"]
    )
    picture(one.page, "associate-two-shelves")
    one.scan("SH1:S:F1")
    expect(one.page.locator(".staging .put:visible")).to_have_text(["It stands on A1"])
    picture(one.page, "associate-second-shelf")
    one.tap(".staging .put:visible")
    expect(one.page.locator("#done")).to_be_visible()
    one.confirmed()
    now = order(floor, "R-1")
    assert now["state"] == "READY_FOR_PICKUP"
    assert {one["shelf"]: one["lines"] for one in now["shelves"]} == {"A1": ["L1"], "F1": ["L2"]}
    one.page.set_viewport_size({"width": 1280, "height": 800})
    one.page.goto(f"{one.site}/counter/handover/R-1")
    expect(one.page.locator(".parcel .shelf-huge")).to_have_text("F1 + A1")
    expect(one.page.locator(".parcel .from")).to_have_text(["F1", "A1"])
    picture(one.page, "handover-two-shelves")
    one.page.evaluate(AXE.read_text())
    assert violations(one.page) == []
    assert complaints == []


def test_a_shelf_refused_after_a_dead_zone_puts_frozen_goods_on_no_other(
    phone: Open, floor: SampleStore
) -> None:
    one = picked(phone, floor)
    floor.store.writer.run(
        lambda tx: house.set_policy(tx, "unknown_shelves", "refuse", actor="hub", cause="hub:p1")
    )
    one.confirmed()
    one.page.context.set_offline(True)
    one.scan("SH1:S:F9")
    one.page.locator("#which button", has_text="Frozen").click()
    one.tap(".staging .put:visible")
    one.page.context.set_offline(False)
    until(lambda: order(floor, "R-1")["shelves"], "the other part was sent")
    now = order(floor, "R-1")
    assert (now["state"], now["shelves"]) == ("PICKING", [{"shelf": "A1", "lines": ["L1"]}])
