"""The associate's phone where the hub is not heard: each step has its effect once, or is told."""

import re

from playwright.sync_api import Route, expect

from hub.pickup import actions as pickup
from kiosk_ui.server import Running
from tests.browser.conftest import picture
from tests.browser.phone import (
    APPLES,
    BREAD,
    MILK,
    Open,
    context,
    floor,
    happened,
    phone,
    signed_in,
)
from tests.browser.proxy import Proxy
from tests.kiosk_ui.sample import PIN, SampleStore

__all__ = ["context", "floor", "phone"]


def test_in_a_dead_zone_the_round_goes_on_and_each_step_has_its_effect_once(
    phone: Open, floor: SampleStore, server: Running
) -> None:
    floor.place("R-1", [("4711", 1), ("4712", 1)], code="7K4M")
    floor.place("R-2", [("4713", 1)], code="2WXY")
    line = Proxy(server.port)
    one = phone(f"http://127.0.0.1:{line.port}")
    one.begin()
    one.sees("Apples, 1 kg")
    expect(one.page.locator("#picking")).to_have_attribute("data-heard", "yes")
    line.cut()
    one.scan(APPLES)
    one.sees("Rye bread 750 g")
    one.scan(BREAD)
    one.sees("Whole milk 1 l")
    expect(one.page.locator("#doubt")).to_contain_text("Not confirmed yet: 2")
    picture(one.page, "associate-dead-zone")
    one.scan("4006381333931")
    expect(one.page.locator("#said")).to_contain_text("the hub can’t be asked")
    one.scan(MILK)
    expect(one.page.locator(".staging")).to_have_count(2)
    one.page.locator(".upcoming summary").tap()
    expect(one.page.locator("#rest .unsure:visible")).to_have_count(3)
    picture(one.page, "associate-dead-zone-round")
    assert happened(floor, "R-1") == ["PickingClaimed"]
    line.mend()
    one.confirmed()
    expect(one.page.locator("#doubt")).to_be_hidden()
    assert happened(floor, "R-1") == ["PickingClaimed", "LinePicked", "LinePicked"]
    assert happened(floor, "R-2") == ["PickingClaimed", "LinePicked"]
    line.close()


def test_a_pick_whose_answer_was_lost_is_one_pick(phone: Open, floor: SampleStore) -> None:
    floor.place("R-1", [("4711", 3), ("4712", 1)], code="7K4M")
    one = phone()
    one.begin()
    one.sees("Rye bread 750 g")
    lost: list[str] = []

    def lose(route: Route) -> None:
        if lost:
            route.continue_()
            return
        lost.append(route.request.headers["idempotency-key"])
        route.fetch()  # the hub does it ...
        route.abort()  # ... and its answer is lost

    one.page.route("**/orders/R-1/pick", lose)
    one.scan(BREAD)
    expect(one.page.locator("#line .take b")).to_have_text("Take 2")
    one.confirmed()
    assert len(lost) == 1
    expect(one.page.locator("#line .take b")).to_have_text("Take 2")
    assert happened(floor, "R-1") == ["PickingClaimed", "LinePicked"]


def test_what_the_hub_refuses_on_return_is_told_line_by_line_with_what_to_do(
    phone: Open, floor: SampleStore, server: Running
) -> None:
    floor.place("R-1", [("4711", 1)], code="7K4M")
    floor.place("R-2", [("4712", 1)], code="2WXY")
    line = Proxy(server.port)
    one = phone(f"http://127.0.0.1:{line.port}")
    one.begin()
    one.sees("Rye bread 750 g")
    expect(one.page.locator("#picking")).to_have_attribute("data-heard", "yes")
    line.cut()
    one.scan(BREAD)
    one.sees("Whole milk 1 l")
    one.scan(MILK)
    floor.store.writer.run(
        lambda tx: pickup.cancel(tx, "R-1", "BUYER_REQUEST", actor="central", cause="central:c")
    )
    line.mend()
    refusal = one.page.locator("#refusals .banner")
    expect(refusal).to_contain_text("Rye bread 750 g · 7K4M: Order 7K4M is canceled")
    expect(refusal).to_contain_text("Put the goods back")
    expect(one.page.locator(".staging")).to_have_count(1)
    picture(one.page, "associate-refused-later")
    one.tap("#refusals button")
    expect(refusal).to_have_count(0)
    one.confirmed()
    assert happened(floor, "R-2") == ["PickingClaimed", "LinePicked"]
    line.close()


def test_the_pages_open_without_the_hub_and_steps_outlive_a_reload(
    phone: Open, floor: SampleStore, server: Running
) -> None:
    floor.place("R-1", [("4711", 1), ("4712", 1)], code="7K4M")
    line = Proxy(server.port)
    one = phone(f"http://127.0.0.1:{line.port}")
    one.begin()
    one.page.evaluate("() => navigator.serviceWorker.ready")
    one.page.reload()
    one.sees("Rye bread 750 g")
    expect(one.page.locator("#picking")).to_have_attribute("data-heard", "yes")
    assert "csrf" not in one.page.evaluate("localStorage['storehub.wave.staff:ada']")
    line.cut()
    one.scan(BREAD)
    one.sees("Whole milk 1 l")
    one.page.reload()
    one.sees("Whole milk 1 l")
    expect(one.page.locator("#doubt")).to_have_attribute("data-waiting", "1")
    one.open("/associate/articles/4711")
    expect(one.page.locator("h1")).to_contain_text("can’t be heard")
    expect(one.page.locator("#kept-steps")).to_contain_text("wait on this phone: 1")
    picture(one.page, "associate-offline")
    line.mend()
    one.open("/associate/pick")
    one.sees("Whole milk 1 l")
    one.confirmed()
    assert happened(floor, "R-1") == ["PickingClaimed", "LinePicked"]
    line.close()


def test_signed_out_meanwhile_the_steps_wait_for_the_same_person(
    phone: Open, floor: SampleStore
) -> None:
    floor.place("R-1", [("4711", 1), ("4712", 1)], code="7K4M")
    one = phone()
    one.begin()
    one.sees("Rye bread 750 g")
    one.page.context.clear_cookies()
    one.scan(BREAD)
    one.sees("Whole milk 1 l")
    expect(one.page.locator("#doubt")).to_contain_text("You were signed out")
    picture(one.page, "associate-signed-out")
    one.tap("#doubt a")
    one.page.locator("input[value=ada]").check(force=True)
    for digit in PIN:
        one.page.locator(f"[data-pin='{digit}']").tap()
    one.page.locator(".pad .go").tap()
    one.page.wait_for_url(re.compile(r"^[^?]*/associate/pick$"))
    one.confirmed()
    assert happened(floor, "R-1") == ["PickingClaimed", "LinePicked"]


def test_where_somebody_else_signed_in_at_the_device_the_round_is_left_and_asked_for_once(
    phone: Open, floor: SampleStore, server: Running
) -> None:
    floor.hire("ben", "Ben Osei", "associate")
    floor.place("R-1", [("4711", 1)], code="7K4M")
    one = phone()
    one.begin()
    one.sees("Rye bread 750 g")
    signed_in(one.page.context.new_page(), one.site, "ben")
    asked: list[str] = []
    one.page.on("request", lambda sent: asked.append(sent.url) if "/wave" in sent.url else None)
    floor.append_nothing("pickup")
    one.page.wait_for_url("**/signin?next=/associate/pick")
    assert len(asked) <= 1


def test_where_nothing_is_heard_claiming_and_leaving_show_no_browser_error(
    phone: Open, floor: SampleStore, server: Running
) -> None:
    floor.place("R-1", [("4711", 1)], code="7K4M")
    line = Proxy(server.port)
    one = phone(f"http://127.0.0.1:{line.port}")
    one.page.evaluate("() => navigator.serviceWorker.ready")
    one.page.reload()
    expect(one.page.locator("body")).to_have_attribute("data-link", "on")
    line.cut()
    expect(one.page.locator("body")).to_have_attribute("data-link", "off")
    one.tap("#go-pick")
    expect(one.page.locator("#unheard")).to_be_visible()
    expect(one.page.locator(".job.order .code")).to_have_text("7K4M")
    picture(one.page, "associate-unheard")
    one.tap("[data-leave] button")
    expect(one.page.locator("h1")).to_contain_text("can’t be heard")
    one.tap("text=Go on picking")
    expect(one.page.locator("h1")).to_contain_text("can’t be heard")
    line.close()


def test_who_leaves_leaves_no_page_behind(phone: Open, floor: SampleStore) -> None:
    floor.place("R-1", [("4711", 1)], code="7K4M")
    one = phone()
    one.page.evaluate("() => navigator.serviceWorker.ready")
    one.page.reload()
    names = "async () => (await caches.keys()).filter((name) => name.includes('pages'))"
    assert one.page.evaluate(names) != []
    one.tap("[data-leave] button")
    one.page.wait_for_url("**/signin")
    assert one.page.evaluate(names) == []
