"""A customer orders at central's page in a real browser and follows the order to the counter."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Page, expect

from hub.pickup import actions
from sync.central.customer_page import key_of
from tests.browser.conftest import AXE, Complaints, picture
from tests.sync.pair import Both, until


@pytest.fixture
def shop_and_central(tmp_path: Path) -> Iterator[Both]:
    both = Both(tmp_path)
    rows = [
        {"kind": "product", "sku": "4711", "names": {"en": "Rye bread, 500 g"}, "brand": "Mill"},
        {"kind": "price", "sku": "4711", "amount_minor": 249, "currency": "EUR"},
        {"kind": "product", "sku": "4712", "names": {"en": "<b>Butter</b>, 250 g"}},
    ]
    assert both.central.post("/catalog/import", {"rows": rows}).status_code == 200
    both.hub.receive("4711", 9, "one")
    yield both
    both.close()


def test_an_order_is_placed_followed_and_its_code_can_be_scanned(
    page: Page, complaints: Complaints, shop_and_central: Both
) -> None:
    both = shop_and_central
    page.goto(f"{both.central.url}/")
    page.get_by_label("Search products").fill("rye")
    expect(page.locator(".product")).to_have_count(1)
    page.get_by_label("Add Rye bread, 500 g").click()
    page.get_by_label("One Rye bread, 500 g more").first.click()
    expect(page.locator("#total strong")).to_have_text("€4.98")
    page.get_by_label("Name").fill("Ida Probe")
    picture(page, "central-shop")
    page.get_by_role("button", name="Place order").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you!")
    order_id = page.url.split("/orders/")[1].split("?")[0]
    shown = both.central.get(f"/orders/{order_id}").json()
    page.get_by_text("Your pickup code").click()
    expect(page.locator(".short")).to_have_text(shown["short_code"])
    expect(page.locator(".ticket img")).to_have_js_property("complete", value=True)
    image = Image.open(io.BytesIO(page.locator(".ticket img").screenshot()))
    assert [code.text for code in zxingcpp.read_barcodes(image)] == [shown["pickup_code"]]

    both.hub.agent.start()
    expect(page.get_by_role("heading", level=1)).to_have_text("Confirmed")
    both.hub.store.writer.run(
        lambda tx: actions.claim(tx, order_id, actor="staff:ada", cause="claim")
    )
    expect(page.get_by_role("heading", level=1)).to_have_text("Being prepared")
    picture(page, "central-order")
    assert complaints == []


def test_central_pages_have_no_violation_that_axe_knows(page: Page, shop_and_central: Both) -> None:
    both = shop_and_central
    both.central.place("R-1", {"4711": 1})
    for path in ("/", "/?q=nothing-like-it", f"/orders/R-1?key={_key(both)}", "/orders/unknown"):
        page.goto(f"{both.central.url}{path}")
        page.evaluate(AXE.read_text())
        found = page.evaluate("async () => (await axe.run(document)).violations")
        assert [(path, one["id"], one["nodes"][0]["html"]) for one in found] == []


def _key(both: Both) -> str:
    with both.central.running.app.app_context():
        return key_of("R-1")


def test_without_the_key_nobody_sees_the_code(page: Page, shop_and_central: Both) -> None:
    both = shop_and_central
    both.central.place("R-1", {"4711": 1})
    page.goto(f"{both.central.url}/orders/R-1")
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you!")
    expect(page.locator(".ticket")).to_have_count(0)
    expect(page.get_by_role("button", name="Cancel this order")).to_have_count(0)
    assert page.request.get(f"{both.central.url}/orders/R-1/code.svg").status == 404


def test_a_missing_name_is_said_and_the_basket_stays(page: Page, shop_and_central: Both) -> None:
    page.goto(f"{shop_and_central.central.url}/?q=4712")
    expect(page.locator(".product strong")).to_have_text("<b>Butter</b>, 250 g")
    page.get_by_label("Add <b>Butter</b>, 250 g").click()
    page.get_by_label("Name").fill("   ")
    page.get_by_role("button", name="Place order").click()
    expect(page.get_by_role("alert")).to_contain_text("your name")
    expect(page.locator("#lines li")).to_have_count(1)


def test_the_page_works_without_scripts(
    chromium: object, shop_and_central: Both, browser_without_scripts: Page
) -> None:
    page = browser_without_scripts
    page.goto(f"{shop_and_central.central.url}/?q=4711")
    page.get_by_label("Quantity of Rye bread, 500 g").fill("2")
    page.get_by_label("Name").fill("Ida Probe")
    page.get_by_role("button", name="Place order").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you!")


@pytest.fixture
def browser_without_scripts(chromium) -> Iterator[Page]:  # type: ignore[no-untyped-def]
    context = chromium.new_context(java_script_enabled=False)
    yield context.new_page()
    context.close()


def test_an_order_that_the_store_cancels_is_told(page: Page, shop_and_central: Both) -> None:
    both = shop_and_central
    page.goto(f"{both.central.url}/?q=4711")
    page.get_by_label("Add Rye bread, 500 g").click()
    page.get_by_label("Name").fill("Ida Probe")
    page.get_by_role("button", name="Place order").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you!")
    page.get_by_role("button", name="Cancel this order").click()
    expect(page.locator(".notice")).to_contain_text("You asked to cancel")
    both.hub.agent.start()
    expect(page.get_by_role("heading", level=1)).to_have_text("Canceled")
    until(lambda: both.hub.agent.state()["backlog"] == 0, "central has all")
