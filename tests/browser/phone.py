"""An associate's phone in Chromium, for tests: opened, signed in, its touches and scans counted."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from hub.pickup import queries
from hub.shelf import actions as shelf
from hub.shelf.rules import Facing, Place
from tests.browser.conftest import PATIENCE_MS, settle
from tests.browser.test_counter import scan
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
    settle(context)
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
