"""Frozen and ordinary goods of one order on two shelves: the phone asks for each, the counter
fetches from each."""

from playwright.sync_api import expect

from hub.pickup import staging
from tests.browser.conftest import AXE, Complaints, picture
from tests.browser.phone import BREAD, COFFEE, Open, context, floor, order, phone
from tests.browser.test_looks import violations
from tests.kiosk_ui.sample import SampleStore

__all__ = ["context", "floor", "phone"]


def test_each_kind_of_goods_is_put_on_its_shelf_and_fetched_from_it(
    phone: Open, floor: SampleStore, complaints: Complaints
) -> None:
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
