"""The counter in a real browser: live, by buttons, by a scanner that types."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from kiosk_ui.server import Running
from tests.browser.conftest import Complaints, picture
from tests.browser.proxy import Proxy
from tests.kiosk_ui.sample import BADGE, SampleStore

SignIn = Callable[[str, str], None]


@pytest.fixture
def line(server: Running) -> Iterator[Proxy]:
    proxy = Proxy(server.port)
    yield proxy
    proxy.close()


def scan(page: Page, text: str) -> None:
    """Type as a keyboard-wedge scanner does: all at once, then Enter, wherever the focus is."""
    page.evaluate(
        """(text) => {
            for (const key of [...text, "Enter"]) {
                const place = document.activeElement || document.body;
                const init = { key, bubbles: true, cancelable: true };
                place.dispatchEvent(new KeyboardEvent("keydown", init));
            }
        }""",
        text,
    )


def test_an_order_appears_on_the_board_without_a_reload(
    page: Page, shop: SampleStore, address: str, sign_in: SignIn, complaints: Complaints
) -> None:
    sign_in(address, "ada")
    expect(page.get_by_text("No new orders.")).to_be_visible()
    picture(page, "counter-empty")
    shop.place("R-77AB", name="Maria Keller")
    expect(page.locator("#card-R-77AB")).to_contain_text("Maria Keller")
    picture(page, "counter-one")
    assert complaints == []


def test_a_board_whose_stream_was_cut_misses_nothing(
    page: Page, shop: SampleStore, line: Proxy, sign_in: SignIn
) -> None:
    sign_in(f"http://127.0.0.1:{line.port}", "ada")
    expect(page.locator("body")).to_have_attribute("data-link", "on")
    line.cut()
    expect(page.locator("body")).to_have_attribute("data-link", "off")
    shop.place("R-MISS", name="Jonas Weber")
    expect(page.locator("#away-banner")).to_be_visible()
    picture(page, "counter-unheard")
    line.mend()
    expect(page.locator("#card-R-MISS")).to_be_visible()
    expect(page.locator("#away-banner")).to_be_hidden()


def test_a_board_of_an_earlier_hub_reloads_itself(
    page: Page, shop: SampleStore, address: str, sign_in: SignIn
) -> None:
    sign_in(address, "ada")
    expect(page.locator("body")).to_have_attribute("data-link", "on")
    with page.expect_navigation():
        shop.store.ring.epoch = "feedbeef"  # as after a rebase
        shop.place("R-NEWEPOCH")
    expect(page.locator("#card-R-NEWEPOCH")).to_be_visible()


def test_an_order_goes_its_whole_way_by_buttons(
    page: Page, shop: SampleStore, address: str, sign_in: SignIn, complaints: Complaints
) -> None:
    shop.place("R-1", [("4711", 2), ("4712", 1)], name="Maria Keller", code="7K4M")
    sign_in(address, "ada")
    page.locator("#tap-R-1").click()
    expect(page.locator("#cards-picking #card-R-1")).to_be_visible()
    page.locator("#card-R-1 .cover").click()
    page.locator("#pick-all-L1").click()
    expect(page.locator("#line-L1 .qty")).to_have_text(re.compile(r"^\s*2"))
    page.locator("#line-L2 summary").first.click()
    page.get_by_role("button", name="Not in stock").click()
    expect(page.locator("#line-L2")).to_contain_text("1 short")
    picture(page, "order-staging")
    page.locator("#shelf").fill("B-12")
    page.locator("#do-stage").click()
    page.locator("#do-ready").click()
    expect(page.locator("#do-handover")).to_be_visible()
    page.locator("#do-handover").click()
    page.locator(".proofs input[value=passport]").check(force=True)
    picture(page, "order-handover")
    page.locator("#do-handover").click()
    expect(page.locator("#given")).to_be_visible()
    page.get_by_role("link", name="Look at the order").click()
    expect(page.get_by_text("The customer has it.")).to_be_visible()
    picture(page, "order-done")
    assert complaints == []


def test_a_refusal_is_said_in_place_and_nothing_is_lost(
    page: Page, shop: SampleStore, address: str, sign_in: SignIn
) -> None:
    shop.place("R-1", [("4711", 1)])
    sign_in(address, "ada")
    page.goto(f"{address}/counter/orders/R-1")
    page.locator("#do-claim").click()
    page.locator("#pick-L1").click()
    page.locator("#shelf").fill("???")
    page.locator("#do-stage").click()
    expect(page.locator("#refused")).to_contain_text("shelf")
    picture(page, "order-refused")
    page.locator("#shelf").fill("A-1")
    page.locator("#do-stage").click()
    expect(page.locator("#do-ready")).to_be_visible()


def test_a_scanner_that_types_is_understood_anywhere(
    page: Page, shop: SampleStore, address: str, sign_in: SignIn
) -> None:
    shop.place("R-1", [("4711", 2)], code="7K4M")
    sign_in(address, "ada")
    page.locator("#column-new").click()
    scan(page, "7K4M")
    page.wait_for_url("**/counter/orders/R-1")
    page.locator("#do-claim").click()
    expect(page.locator("#pick-L1")).to_be_visible()
    page.locator("h1").click()
    for picked in ("1", "2"):
        scan(page, "9521234543213")
        expect(page.locator("#line-L1 .qty")).to_contain_text(picked)
    scan(page, "SH1:S:C-3")
    expect(page.locator("#do-ready")).to_be_visible()


def test_a_badge_signs_in_from_the_sign_in_page(
    page: Page, address: str, shop: SampleStore
) -> None:
    page.goto(f"{address}/counter")
    page.wait_for_url("**/signin**")
    page.locator("h1").click()
    scan(page, BADGE)
    page.wait_for_url("**/counter")
