"""The floor plan in a real browser: planned by search and scan, gaps seen at once, fits a phone."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from hub import wire
from hub.shelf import actions, inventory, sensors
from hub.shelf.rules import Facing, Place
from hub.shelf.sensing import Tuning
from tests.browser.conftest import AXE, Complaints, picture
from tests.browser.test_counter import scan
from tests.browser.test_looks import too_small, violations
from tests.kiosk_ui.sample import SampleStore

TUNING = Tuning(stable_ms=0, gap_ms=0)
SignIn = Callable[[str, str], None]


class Plan:
    """Two aisles, a door, and a scale at A-1."""

    def __init__(self, shop: SampleStore) -> None:
        self.shop = shop
        self._causes = 0
        for number, (name, kind, label, aisle) in enumerate(
            (
                ("DOOR", "door", "Entrance", ""),
                ("A-1", "shelf", "Bread, left", "Bakery"),
                ("A-2", "shelf", "Cakes", "Bakery"),
                ("C-7", "shelf", "Coffee and chocolate", "Dry goods"),
                ("BACK", "backroom", "Backroom", "Behind"),
            )
        ):
            self.do(actions.put_place, Place(name, kind, label, aisle, number))
        for place, sku, capacity, low in (
            ("A-1", "4711", 24, 6),
            ("C-7", "4714", 40, 8),
            ("C-7", "4716", 30, 5),
            ("BACK", "4714", 0, 0),
        ):
            self.do(actions.set_facing, Facing(place, sku, 2, capacity, low), tagged=sku == "4714")

    def do(self, action, *arguments, **named):  # type: ignore[no-untyped-def]
        self._causes += 1
        cause = f"test:{self._causes}"
        return self.shop.store.writer.run(
            lambda tx: action(tx, *arguments, actor="hub", cause=cause, **named)
        )

    def weigh(self, grams: float, device: str = "scale-1", place: str = "A-1") -> None:
        self._causes += 1
        now = datetime.now(UTC)
        body = {"id": f"w{self._causes}", "boot": "b", "seq": self._causes, "at": None,
                "uptime_ms": 0, "time_quality": "unknown", "data": {"grams": grams}}  # fmt: skip
        (seen,) = wire.read(device, "weight", json.dumps(body).encode())
        assert isinstance(seen, wire.Observation)
        at_ms = round(now.timestamp() * 1000) + self._causes

        def work(tx):  # type: ignore[no-untyped-def]
            sensors.weigh(tx, [(seen, at_ms)], lambda conn, name: place, TUNING)
            tx.touch("shelf")

        self.shop.store.writer.run(work)

    def teach(self) -> None:
        for grams, units in ((500, None), (6500, 12)):
            for _ in range(3):
                self.weigh(grams)
            self.do(
                sensors.calibrate, "scale-1", lambda conn, name: "A-1", TUNING,
                units=units, sku="4711",
            )  # fmt: skip


@pytest.fixture
def plan(shop: SampleStore) -> Plan:
    shop.hire("lea", "Lea Marin", "lead")
    return Plan(shop)


def test_the_floor_and_a_place_are_accessible_and_fit_fingers_and_phones(
    page: Page, plan: Plan, address: str, sign_in: SignIn, complaints: Complaints
) -> None:
    plan.teach()
    plan.weigh(500)
    plan.weigh(500)
    plan.weigh(500, "scale-9", "nowhere")
    plan.do(inventory.begin, "C-7")
    page.emulate_media(reduced_motion="reduce")
    sign_in(address, "lea")
    for name, path in (("shelves", "/shelves"), ("shelf-place", "/shelves/at/A-1"),
                       ("shelf-sweep", "/shelves/at/C-7")):  # fmt: skip
        page.set_viewport_size({"width": 1280, "height": 800})
        page.goto(address + path)
        expect(page.locator("body")).to_have_attribute("data-link", "on")
        page.evaluate(AXE.read_text())
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.wait_for_timeout(150)
            picture(page, f"{name}-{scheme}")
            assert violations(page) == [], (name, scheme)
        page.emulate_media(color_scheme="light")
        page.locator("details").evaluate_all("all => all.forEach(one => { one.open = true; })")
        page.wait_for_timeout(100)
        picture(page, f"{name}-open")
        assert violations(page) == [], name
        assert too_small(page) == []
        page.set_viewport_size({"width": 390, "height": 844})
        page.wait_for_timeout(150)
        picture(page, f"{name}-phone")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert complaints == []


def test_a_gap_appears_on_the_floor_without_a_reload(
    page: Page, plan: Plan, address: str, sign_in: SignIn
) -> None:
    plan.teach()
    sign_in(address, "lea")
    page.goto(f"{address}/shelves")
    expect(page.locator("li.late")).to_have_count(0)
    plan.weigh(500)
    plan.weigh(500)
    expect(page.locator("li.late")).to_contain_text("Rye bread")
    plan.weigh(6500)
    plan.weigh(6500)
    expect(page.locator("li.late")).to_have_count(0)


def test_a_product_is_added_by_search_and_by_scan_and_changed_in_place(
    page: Page, plan: Plan, address: str, sign_in: SignIn, complaints: Complaints
) -> None:
    sign_in(address, "lea")
    page.goto(f"{address}/shelves/at/A-2")
    expect(page.get_by_text("Nothing is planned")).to_be_visible()
    page.locator("#add").fill("choco")
    page.get_by_role("button", name="Add Dark chocolate").click()
    expect(page.locator("#p-1")).to_contain_text("Dark chocolate")
    page.locator("h1").click()
    scan(page, "9521234543220")
    expect(page.locator("#place")).to_contain_text("Whole milk")
    scan(page, "4006381333931")
    expect(page.locator("#toast")).to_contain_text("No product has this code")
    page.locator("#p-1 summary").click()
    page.locator("#p-1 [name=capacity]").fill("30")
    page.locator("#p-1 [name=low]").fill("40")
    plan.do(actions.put_place, Place("Z-1", "shelf", "Elsewhere", "", 99))
    page.wait_for_timeout(700)
    expect(page.locator("#p-1 [name=low]")).to_have_value("40")
    page.locator("#p-1 [type=checkbox]").check()
    page.get_by_role("button", name="Save").first.click()
    expect(page.locator("#toast")).to_contain_text("low must not be above capacity")
    page.locator("#p-1 summary").click()
    page.locator("#p-1 [name=low]").fill("4")
    page.locator("#p-1 [name=capacity]").fill("30")
    page.get_by_role("button", name="Save").first.click()
    expect(page.locator("#place")).to_contain_text("fill up below 4")
    page.locator("#p-1 summary").click()
    page.locator("#p-1").get_by_role("button", name="No longer here").click()
    expect(page.locator(".shelf-line")).to_have_count(1)
    assert complaints == []


def test_a_place_is_made_and_a_scale_is_taught_from_the_screen(
    page: Page, plan: Plan, address: str, sign_in: SignIn, shop: SampleStore,
    monkeypatch: pytest.MonkeyPatch, complaints: Complaints,
) -> None:  # fmt: skip
    from kiosk_ui.shelves import views

    monkeypatch.setattr(views.fleet, "place_of", lambda conn, device: "A-1")
    sign_in(address, "lea")
    page.goto(f"{address}/shelves")
    page.get_by_text("New place").click()
    page.locator("[name=place][required]").fill("N-1")
    page.locator("[name=name]").fill("New fridge")
    page.get_by_role("button", name="Make this place").click()
    page.wait_for_url("**/shelves/at/N-1")
    for _ in range(3):
        plan.weigh(500)
    page.goto(f"{address}/shelves/at/A-1")
    page.locator(".shelf-sensor summary").click()
    page.get_by_role("button", name="It is empty now").click()
    expect(page.locator(".shelf-steps li.done")).to_be_visible()
    for _ in range(3):
        plan.weigh(3500)
    picture(page, "shelf-calibrate")
    page.locator("[name=units]").fill("6")
    page.get_by_role("button", name="They lie there now").click()
    expect(page.locator(".shelf-sensor")).to_contain_text("500 g each")
    expect(page.locator("#p-1 .qty")).to_contain_text("6")
    assert complaints == []


def test_an_inventory_is_begun_and_given_up_from_the_screen(
    page: Page, plan: Plan, address: str, sign_in: SignIn
) -> None:
    sign_in(address, "ada")
    page.goto(f"{address}/shelves/at/C-7")
    expect(page.get_by_text("Change this place")).to_have_count(0)
    page.get_by_role("button", name="Sweep this place").click()
    expect(page.locator(".shelf-sweep")).to_contain_text("going on")
    page.get_by_role("button", name="End and count").click()
    expect(page.locator("#toast")).to_contain_text("No tag was read")
    page.get_by_role("button", name="Give up").click()
    expect(page.locator(".shelf-sweep")).to_contain_text("given up")
