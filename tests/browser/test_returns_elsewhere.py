"""Goods of another store at the counter in Chromium, with a real central: line up, line down."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from hub.staff import actions as staff
from kiosk_ui.server import serve
from tests.browser.conftest import Complaints, picture
from tests.browser.test_counter import scan
from tests.browser.test_returns import SignIn, accessible
from tests.kiosk_ui.sample import HASHED
from tests.sync.pair import until
from tests.sync.stores import Stores

COFFEE = "09521234543244"
ROWS = [
    {"kind": "product", "sku": "4714", "names": {"en": "Ground coffee 500 g"}, "unit": "piece"},
    {"kind": "barcode", "gtin": COFFEE, "sku": "4714"},
]


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    opened = Stores(tmp_path, None, count=2)
    assert opened.central.post("/catalog/import", {"rows": ROWS}).status_code == 200
    _, harbour = opened.shops
    for who, name, role in (("ada", "Ada Lindqvist", "associate"), ("sam", "Sam Okoro", "lead")):
        harbour.side.store.writer.run(
            lambda tx, who=who, name=name, role=role: staff.add(
                tx, who, name, role, pin_hash=HASHED
            )
        )
    until(lambda: "4714" in str(harbour.get("/catalog/search?q=coffee")), "the store has coffee")
    yield opened
    opened.close()


@pytest.fixture
def counter(stores: Stores) -> Iterator[str]:
    """The address of the second store's screens."""
    running = serve(stores.shops[1].hub, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{running.port}"
    running.stop()


def test_goods_of_another_store_are_claimed_taken_provisionally_and_held_in_conflict(
    page: Page, stores: Stores, counter: str, sign_in: Callable[[str, str], None] | SignIn,
    complaints: Complaints,
) -> None:  # fmt: skip
    mill, harbour = stores.shops
    order_id = mill.handed_over(stores.central, {"4714": 2})
    stores.knows(order_id)
    sign_in(counter, "sam")

    # The line is up: the customer's code, twice the article, and head office says the price.
    page.goto(f"{counter}/counter/returns")
    scan(page, stores.central.get(f"/orders/{order_id}").json()["pickup_code"])
    page.wait_for_url("**/counter/returns/take**")
    expect(page.locator("#origin")).to_have_text("Handed over at Mill Lane")
    scan(page, COFFEE)
    expect(page.locator("input[name='qty:L1']")).to_have_value("1")
    scan(page, COFFEE)
    expect(page.locator("input[name='qty:L1']")).to_have_value("2")
    page.locator(".why label", has_text="Changed their mind").tap()
    accessible(page)
    picture(page, "returns-elsewhere-take")
    page.locator("#do-take").tap()
    expect(page.locator("#asked")).to_have_text("€3.98")
    picture(page, "returns-elsewhere-open")
    page.locator("#do-close").tap()
    expect(page.get_by_role("heading", name="The goods are back")).to_be_visible()

    # The line is down: the order's number, and what is brought.
    harbour.down()
    page.goto(f"{counter}/counter/returns")
    page.locator("#bring").fill(order_id)
    page.locator("#abroad").tap()
    expect(page.locator("#waits")).to_contain_text("The refund waits until head office knows")
    accessible(page)
    picture(page, "returns-elsewhere-down")
    page.locator("#article").fill("4714")
    page.locator("#article").press("Enter")
    expect(page.locator("input[name='qty:4714']")).to_have_value("1")
    page.locator(".why label", has_text="Changed their mind").tap()
    picture(page, "returns-elsewhere-provisional")
    page.locator("#do-take").tap()
    expect(page.locator("#waits")).to_be_visible()
    page.locator("#do-close").tap()
    expect(page.get_by_text("Refund waits for head office")).to_be_visible()
    expect(page.locator("#refund-PAID")).to_have_count(0)
    accessible(page)
    picture(page, "returns-elsewhere-waits")

    # The line is back: both units came back already, and the page says so by itself.
    harbour.up()
    expect(page.locator("#conflict")).to_contain_text("These goods came back already at Harbour.")
    accessible(page)
    picture(page, "returns-elsewhere-conflict")
    page.goto(f"{counter}/associate")
    expect(page.get_by_text("Return in conflict")).to_be_visible()
    page.get_by_role("link", name="Look at the return").tap()
    page.locator("#refund-REFUSED").tap()
    expect(page.get_by_text("Refund refused")).to_be_visible()
    page.goto(f"{counter}/counter/returns")
    expect(page.locator("#ended")).to_contain_text("In conflict")
    picture(page, "returns-elsewhere-list")
    assert complaints == []
