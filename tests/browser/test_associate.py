"""The associate's phone in Chromium: one hand, one line at a time, also where nothing is heard."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from hub import scans
from hub.pickup import actions as pickup
from hub.pickup import queries, staging
from hub.shelf import actions as shelf
from hub.shelf.rules import Facing, Place
from kiosk_ui.server import Running
from tests.browser.conftest import AXE, PATIENCE_MS, Complaints, picture
from tests.browser.proxy import Proxy
from tests.browser.test_counter import scan
from tests.browser.test_phone_reader import film
from tests.components import which
from tests.kiosk_ui.sample import PIN, SampleStore

PHONE: Any = {"width": 390, "height": 844}
BREAD, MILK, APPLES, COFFEE = (
    "9521234543213",
    "9521234543220",
    "9521234543237",
    "9521234543244",
)
PLAN = (
    ("A-1", 10, "Entrance", "4713"),
    ("B-2", 20, "Bakery wall", "4711"),
    ("C-3", 30, "Cooler", "4712"),
)


@pytest.fixture
def floor(shop: SampleStore) -> SampleStore:
    """The sample store with a plan: apples, then bread, then milk; coffee has no place."""
    for place, position, name, sku in PLAN:
        for work in (
            lambda tx, p=place, n=name, o=position: shelf.put_place(
                tx, Place(p, "shelf", n, f"Aisle {o // 10}", o), actor="hub", cause=f"plan:{p}"
            ),
            lambda tx, p=place, s=sku: shelf.set_facing(
                tx, Facing(p, s), actor="hub", cause=f"facing:{p}"
            ),
        ):
            shop.store.writer.run(work)
    return shop


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    context = chromium.new_context(viewport=PHONE, has_touch=True, is_mobile=True)
    context.set_default_timeout(PATIENCE_MS)
    yield context
    context.close()


class Phone:
    """A page, with the touches and scans that were made on it counted."""

    def __init__(self, page: Page, site: str) -> None:
        self.page, self.site = page, site
        self.touches = self.scans = 0

    def tap(self, selector: str) -> None:
        self.touches += 1
        self.page.locator(selector).first.tap()

    def scan(self, code: str) -> None:
        self.scans += 1
        scan(self.page, code)

    def open(self, path: str = "/associate") -> None:
        self.page.goto(f"{self.site}{path}")

    def begin(self) -> None:
        """Claim the next orders as one wave."""
        self.open()
        self.tap("#go-pick")
        self.page.wait_for_url("**/associate/pick")

    def sees(self, text: str) -> None:
        expect(self.page.locator("#line .what")).to_have_text(text)

    def confirmed(self) -> None:
        expect(self.page.locator("#doubt")).to_have_attribute("data-waiting", "0")


def signed_in(page: Page, site: str, staff_id: str) -> Phone:
    page.goto(f"{site}/signin?next=/associate")
    page.locator(f"input[value={staff_id}]").check(force=True)
    for digit in PIN:
        page.locator(f"[data-pin='{digit}']").tap()
    page.locator(".pad .go").tap()
    page.wait_for_url(re.compile(r"^[^?]*/associate$"))
    return Phone(page, site)


Open = Callable[..., Phone]


@pytest.fixture
def phone(page: Page, address: str, floor: SampleStore) -> Open:
    def opened(site: str = address, staff_id: str = "ada") -> Phone:
        return signed_in(page, site, staff_id)

    return opened


def order(shop: SampleStore, order_id: str) -> dict[str, Any]:
    with shop.store.database.reader() as connection:
        return queries.order(connection, order_id)


def happened(shop: SampleStore, order_id: str) -> list[str]:
    return [one["type"] for one in order(shop, order_id)["timeline"][2:]]


def test_a_wave_of_three_orders_is_walked_once_with_one_scan_a_unit(
    phone: Open, floor: SampleStore, complaints: Complaints
) -> None:
    floor.place("R-1", [("4712", 1), ("4711", 1)], code="7K4M", minutes=20)
    floor.place("R-2", [("4711", 1), ("4714", 1)], code="2WXY", minutes=10)
    floor.place("R-3", [("4713", 3)], code="9ABC", minutes=200)
    one = phone()
    expect(one.page.locator(".job.order .code")).to_have_text(["2WXY", "7K4M", "9ABC"])
    picture(one.page, "associate-tasks")
    one.begin()
    walk = (
        ("Apples, 1 kg", APPLES, "9ABC"),
        ("Rye bread 750 g", BREAD, "2WXY"),
        ("Rye bread 750 g", BREAD, "7K4M"),
        ("Whole milk 1 l", MILK, "7K4M"),
        ("Ground coffee 500 g", COFFEE, "2WXY"),
    )
    for name, code, short in walk:
        one.sees(name)
        expect(one.page.locator("#line .code")).to_have_text(short)
        picture(one.page, f"associate-pick-{code[-3:]}-{short}")
        one.scan(code)
        if name.startswith("Apples"):
            expect(one.page.locator("#rest-here")).to_have_text("The other 2 are here too")
            picture(one.page, "associate-pick-rest")
            one.tap("#rest-here")
    expect(one.page.locator(".staging")).to_have_count(3)
    picture(one.page, "associate-staging")
    for n in range(3):
        expect(one.page.locator(".staging")).to_have_count(3 - n)
        one.scan(f"SH1:S:S-{n}")
        if n < 2:
            expect(one.page.locator("#which button")).to_have_count(3 - n)
            if n == 0:
                picture(one.page, "associate-which")
            one.tap("#which button")
    expect(one.page.locator("#done")).to_be_visible()
    one.confirmed()
    picture(one.page, "associate-done")
    # As docs/associate.md counts them: one scan a line and a shelf; one touch to begin, one for the
    # rest of three apples, one for each shelf that could be two orders'.
    assert (one.scans, one.touches) == (5 + 3, 1 + 1 + 2)
    for order_id in ("R-1", "R-2", "R-3"):
        now = order(floor, order_id)
        assert now["state"] == "READY_FOR_PICKUP", now
        assert all(line["picked"] == line["ordered"] for line in now["lines"])
        assert {event["actor"] for event in now["timeline"][2:]} == {"staff:ada"}
    assert complaints == []


def test_a_round_is_picked_by_the_phones_camera_alone(
    floor: SampleStore, address: str, chromium: Browser, tmp_path: Path, complaints: Complaints
) -> None:
    floor.place("R-1", [("4711", 1), ("4712", 1)], code="7K4M")
    scenes: tuple[tuple[Any, float], ...] = (
        ((zxingcpp.EAN13, COFFEE), 2),
        (None, 1),
        ((zxingcpp.EAN13, BREAD), 2),
        (None, 1),
        ((zxingcpp.EAN13, MILK), 2),
        (None, 1),
        ((zxingcpp.QRCode, "SH1:S:A-7"), 2),
        (None, 1),
    )
    arguments = [
        "--no-sandbox",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={film(tmp_path / 'cam.y4m', *scenes)}",
    ]
    browser = chromium.browser_type.launch(executable_path=which("chromium"), args=arguments)
    context = browser.new_context(viewport=PHONE, has_touch=True, permissions=["camera"])
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    one = signed_in(page, address, "ada")
    one.begin()
    one.sees("Rye bread 750 g")
    one.tap("#open-camera")
    expect(page.locator("#reader")).to_have_attribute("data-state", "on")
    expect(page.locator("#said")).to_contain_text("That is Ground coffee 500 g")
    picture(page, "associate-camera")
    one.sees("Whole milk 1 l")
    expect(page.locator("#done")).to_be_visible()
    one.confirmed()
    now = order(floor, "R-1")
    assert (now["state"], now["shelf"]) == ("READY_FOR_PICKUP", "A-7")
    assert one.touches == 2, "begin, and the camera's switch"
    assert complaints == []
    browser.close()


def test_a_paired_scanner_picks_on_the_phone(phone: Open, floor: SampleStore) -> None:
    floor.place("R-1", [("4711", 1)], code="7K4M")
    one = phone()
    one.tap(".pair a")
    text = one.page.locator("#pairing-text").inner_text()

    def gun(code: str, n: int) -> None:
        floor.store.writer.run(
            lambda tx: scans.route(
                tx, "gun-1", {"code": code}, observation_id=f"o{n}", store="store-1"
            )
        )

    gun(text, 0)
    one.begin()
    one.sees("Rye bread 750 g")
    gun(BREAD, 1)
    expect(one.page.locator(".staging")).to_have_count(1)
    gun("SH1:S:A-7", 2)
    expect(one.page.locator("#done")).to_be_visible()
    one.confirmed()
    assert order(floor, "R-1")["shelf"] == "A-7"


def test_what_another_phone_claims_leaves_this_one_at_once(
    phone: Open, floor: SampleStore, address: str, chromium: Browser
) -> None:
    floor.hire("ben", "Ben Osei", "associate")
    floor.place("R-1", [("4711", 1)], code="7K4M")
    one = phone()
    expect(one.page.locator("body")).to_have_attribute("data-link", "on")
    context = chromium.new_context(viewport=PHONE, has_touch=True)
    other = signed_in(context.new_page(), address, "ben")
    other.begin()
    expect(one.page.locator(".job.order")).to_have_count(0)
    expect(one.page.locator("#tasks")).to_contain_text("Picking now: Ben Osei")
    context.close()


def test_a_wrong_article_is_refused_with_what_it_is_and_where_it_belongs(
    phone: Open, floor: SampleStore
) -> None:
    floor.place("R-1", [("4711", 1), ("4712", 1)], code="7K4M")
    one = phone()
    one.begin()
    one.sees("Rye bread 750 g")
    one.scan(COFFEE)
    expect(one.page.locator("#said")).to_contain_text(
        "That is Ground coffee 500 g. This line needs Rye bread 750 g."
    )
    one.scan("4006381333931")
    expect(one.page.locator("#said")).to_contain_text("does not sell GTIN")
    one.scan(MILK)
    expect(one.page.locator("#said")).to_contain_text("That is Whole milk")
    picture(one.page, "associate-wrong")
    assert happened(floor, "R-1") == ["PickingClaimed"]
    one.tap("#goto")
    one.sees("Whole milk 1 l")
    one.scan(MILK)
    one.sees("Rye bread 750 g")
    one.confirmed()
    assert happened(floor, "R-1") == ["PickingClaimed", "LinePicked"]
    one.tap("#undo")
    expect(one.page.locator("#said")).to_contain_text("Taken back")
    one.confirmed()
    assert happened(floor, "R-1")[-1] == "LineStepUndone"


def test_what_is_not_there_is_said_by_its_reason_by_hand_too_and_later(
    phone: Open, floor: SampleStore, complaints: Complaints
) -> None:
    floor.place("R-1", [("4711", 2), ("4712", 1), ("4713", 1)], code="7K4M")
    one = phone()
    one.begin()
    one.sees("Apples, 1 kg")
    one.tap("#later")
    one.sees("Rye bread 750 g")
    one.tap("[data-sheet=hand]")
    picture(one.page, "associate-by-hand")
    one.tap("[data-hand=UNREADABLE]")
    one.sees("Whole milk 1 l")
    one.tap("[data-sheet=short]")
    picture(one.page, "associate-short")
    one.tap("[data-short=DAMAGED]")
    one.sees("Apples, 1 kg")
    one.confirmed()
    one.tap("[data-sheet=hand]")
    one.page.locator("#sheet-hand input[name=code]").fill(APPLES)
    one.tap("[data-typed]")
    expect(one.page.locator(".staging")).to_have_count(1)
    one.confirmed()
    events = order(floor, "R-1")["timeline"][3:]
    assert [(event["type"], event.get("note")) for event in events] == [
        ("LinePostponed", None),
        ("LinePicked", "UNREADABLE"),
        ("LineShorted", "DAMAGED"),
        ("LinePicked", None),
    ]
    one.tap(".staging .other")
    picture(one.page, "associate-shelf")
    one.page.locator("#sheet-shelf input[name=shelf]").fill("B-12")
    one.tap("[data-shelved]")
    expect(one.page.locator("#done")).to_be_visible()
    one.confirmed()
    assert order(floor, "R-1")["shelf"] == "B-12"
    assert complaints == []


def test_another_article_is_given_instead_by_its_scan(phone: Open, floor: SampleStore) -> None:
    floor.place("R-1", [("4711", 1)], code="7K4M")
    one = phone()
    one.begin()
    one.sees("Rye bread 750 g")
    one.tap("[data-sheet=swap]")
    picture(one.page, "associate-swap")
    one.scan(MILK)
    expect(one.page.locator(".staging")).to_have_count(1)
    one.confirmed()
    lines = order(floor, "R-1")["lines"]
    assert [(line["sku"], line["picked"], line["substituted"]) for line in lines] == [
        ("4711", 0, 1),
        ("4712", 1, 0),
    ]


def test_the_customer_says_what_may_be_given_instead(phone: Open, floor: SampleStore) -> None:
    floor.place("R-1", [("4711", 1)], code="7K4M", substitutes=["4714"], minutes=10)
    floor.place("R-2", [("4712", 1)], code="2WXY", substitutes="never")
    one = phone()
    one.begin()
    one.sees("Rye bread 750 g")
    one.tap("[data-sheet=swap]")
    expect(one.page.locator("#allowed .name")).to_have_text(["Ground coffee 500 g"])
    picture(one.page, "associate-swap-list")
    one.scan(APPLES)
    expect(one.page.locator("#said")).to_contain_text("does not take Apples, 1 kg instead")
    one.tap("[data-sheet=swap]")
    one.tap("#allowed button")
    one.sees("Whole milk 1 l")
    one.tap("[data-sheet=swap]")
    expect(one.page.locator("#said")).to_contain_text("The customer wants no substitute.")
    expect(one.page.locator("#undo")).to_be_hidden()
    picture(one.page, "associate-never")
    one.confirmed()
    lines = order(floor, "R-1")["lines"]
    assert [(line["sku"], line["picked"], line["substituted"]) for line in lines] == [
        ("4711", 0, 1),
        ("4714", 1, 0),
    ]


def test_the_shelf_that_the_store_suggests_is_one_touch(phone: Open, floor: SampleStore) -> None:
    for name in ("S-1", "S-2"):
        floor.store.writer.run(
            lambda tx, n=name: staging.plan_shelf(
                tx, n, 1, "ambient", actor="staff:ada", cause=f"plan:{n}"
            )
        )
    floor.place("R-1", [("4711", 1)], code="7K4M", minutes=10)
    floor.place("R-2", [("4711", 1)], code="2WXY")
    one = phone()
    one.begin()
    one.sees("Rye bread 750 g")
    one.scan(BREAD)
    expect(one.page.locator("#picking")).to_contain_text("1 of 2")
    one.scan(BREAD)
    puts = one.page.locator(".staging .put")
    expect(puts).to_have_text(["It stands on S-1", "It stands on S-2"])
    picture(one.page, "associate-suggested")
    one.tap(".staging .put")
    expect(puts).to_have_text(["It stands on S-2"])
    one.tap(".staging .put")
    expect(one.page.locator("#done")).to_be_visible()
    one.confirmed()
    assert [order(floor, name)["shelf"] for name in ("R-1", "R-2")] == ["S-1", "S-2"]
    assert (one.scans, one.touches) == (2, 3)


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


def test_a_new_order_rings_and_stands_in_the_title(phone: Open, floor: SampleStore) -> None:
    one = phone()
    expect(one.page).to_have_title(re.compile("^Tasks"))
    expect(one.page.locator("body")).to_have_attribute("data-link", "on")
    picture(one.page, "associate-nothing")
    floor.place("R-1", [("4711", 1)], code="7K4M")
    expect(one.page.locator(".job.order .code")).to_have_text("7K4M")
    expect(one.page).to_have_title(re.compile(r"^\(1\) Tasks"))
    expect(one.page.locator("body")).to_have_attribute("data-rang", "1")


def test_an_order_that_somebody_else_took_refuses_the_wave_by_name(
    phone: Open, floor: SampleStore
) -> None:
    floor.hire("ben", "Ben Osei", "associate")
    floor.place("R-1", [("4711", 1)], code="7K4M")
    floor.place("R-2", [("4712", 1)], code="2WXY")
    one = phone()
    one.page.locator(".job.order label").nth(0).tap()
    one.page.locator(".job.order label").nth(1).tap()
    expect(one.page.locator("#go-pick")).to_contain_text("Pick 2 orders in one round")
    picture(one.page, "associate-chosen")
    one.page.evaluate("() => document.querySelector('#tasks').removeAttribute('data-live')")
    floor.store.writer.run(
        lambda tx: pickup.claim(tx, "R-1", actor="staff:ben", cause="test:claim")
    )
    one.tap("#go-pick")
    expect(one.page.locator("#refused")).to_contain_text("Ben Osei is picking order 7K4M.")
    picture(one.page, "associate-taken")
    assert order(floor, "R-2")["state"] == "RESERVED"


def test_an_article_is_looked_up_by_scan_and_by_name(
    phone: Open, floor: SampleStore, complaints: Complaints
) -> None:
    one = phone()
    one.open("/associate/find")
    picture(one.page, "associate-find")
    one.page.locator("h1").tap()
    one.scan(BREAD)
    one.page.wait_for_url("**/associate/articles/4711")
    expect(one.page.locator("main")).to_contain_text("20 in the store")
    expect(one.page.locator("main")).to_contain_text("Bakery wall")
    picture(one.page, "associate-article")
    one.open("/associate/find?q=milk")
    expect(one.page.locator(".job .name")).to_have_text("Whole milk 1 l")
    picture(one.page, "associate-found")
    assert complaints == []


def test_a_count_task_is_done_with_one_number(phone: Open, floor: SampleStore) -> None:
    floor.place("R-1", [("4711", 1)], code="7K4M")
    floor.store.writer.run(lambda tx: pickup.claim(tx, "R-1", actor="staff:ivy", cause="t:1"))
    floor.store.writer.run(
        lambda tx: pickup.short(tx, "R-1", "L1", 1, "NOT_IN_STOCK", actor="staff:ivy", cause="t:2")
    )
    one = phone()
    job = one.page.locator(".job.count")
    expect(job).to_contain_text("a pick did not find it")
    one.tap(".job.count summary")
    picture(one.page, "associate-count")
    one.page.locator("[name=counted]").fill("17")
    one.tap(".job.count .inside button")
    expect(job).to_have_count(0)


def test_a_count_that_breaks_a_promise_asks_once_more(phone: Open, floor: SampleStore) -> None:
    """A slip of the thumb moves no order to another store: the number is confirmed first."""
    floor.place("R-1", [("4712", 1)], code="7K4M")
    floor.store.writer.run(lambda tx: pickup.claim(tx, "R-1", actor="staff:ivy", cause="t:1"))
    floor.store.writer.run(
        lambda tx: pickup.short(tx, "R-1", "L1", 1, "NOT_IN_STOCK", actor="staff:ivy", cause="t:2")
    )
    floor.place("R-count", [("4712", 3)], code="9ABC")
    one = phone()
    one.tap(".job.count summary")
    one.page.locator("[name=counted]").fill("1")
    one.tap(".job.count .inside button")
    expect(one.page.locator("#refused")).to_contain_text("(2 of SKU 4712)")
    expect(one.page.locator("[name=counted]")).to_have_value("1")
    picture(one.page, "associate-count-again")
    one.page.locator("[name=confirm_break]").check()
    one.tap(".job.count .inside button")
    expect(one.page.locator(".job.count")).to_have_count(0)
    expect(one.page.locator(".job.broken")).to_contain_text("9ABC")
    expect(one.page.locator(".job.broken")).to_contain_text("A count did not find it.")
    picture(one.page, "associate-broken")
    assert order(floor, "R-count")["lines"][0]["short"] == 2


def test_the_phones_pages_are_accessible_and_no_wider_than_the_phone(
    phone: Open, floor: SampleStore, complaints: Complaints
) -> None:
    floor.place("R-1", [("4711", 2), ("4712", 1)], code="7K4M")
    floor.place("R-2", [("4711", 1)], code="2WXY")
    one = phone()

    def look(place: str) -> None:
        one.page.evaluate(AXE.read_text())
        tags = "['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']"
        found = one.page.evaluate(f"() => axe.run({{runOnly: {tags}}})")["violations"]
        wrong = [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found]
        assert wrong == [], place
        wide = one.page.evaluate("() => document.documentElement.scrollWidth")
        assert wide <= PHONE["width"], place

    look("tasks")
    for path in ("find?q=milk", "articles/4711", "offline"):
        one.open(f"/associate/{path}")
        look(path)
    one.begin()
    one.sees("Rye bread 750 g")
    one.page.locator(".upcoming summary").tap()
    look("pick")
    for sheet in ("hand", "short", "swap"):
        one.tap(f"[data-sheet={sheet}]")
        look(sheet)
        one.page.keyboard.press("Escape")
    assert complaints == []
