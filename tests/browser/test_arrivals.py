"""A parcel comes for an order: scanned, looked into, put on a shelf, in a real browser."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from hub.pickup import actions
from tests.browser.conftest import AXE, Complaints, picture
from tests.browser.test_counter import scan
from tests.browser.test_handover import state
from tests.browser.test_looks import too_small, violations
from tests.kiosk_ui.sample import SampleStore

SSCC = "340123450000000017"
LINES = (("4711", 2), ("4714", 1))


def sent(shop: SampleStore, order_id: str, code: str, *parcels: str) -> None:
    shop.place(order_id, LINES, code=code, supply="ship_to_store")
    shop.store.writer.run(
        lambda tx: actions.ship(
            tx, order_id, parcels, "DPD", "0144", actor="central", cause=f"ship:{order_id}"
        )
    )


def test_a_parcel_is_scanned_looked_into_and_put_on_a_shelf(
    page: Page,
    shop: SampleStore,
    address: str,
    sign_in: Callable[[str, str], None],
    complaints: Complaints,
) -> None:
    sent(shop, "W-1", "7K4M", SSCC)
    sent(shop, "W-2", "2PX9", "DPD-1", "DPD-2")
    shop.place("W-3", LINES, code="9TRC", supply="ship_to_store")
    sign_in(address, "ada")
    expect(page.locator("#card-W-1")).to_contain_text("On its way")
    picture(page, "board-with-arrivals")
    page.locator(".tabs a", has_text="Arrivals").tap()
    expect(page.locator("#to-come .row-card")).to_have_count(3)
    scan(page, f"(00){SSCC}")
    expect(page.locator("#arriving")).to_contain_text("For order 7K4M")
    picture(page, "arrival-scanned")
    page.evaluate(AXE.read_text())
    assert violations(page) == []
    assert too_small(page) == []
    page.locator("#not-whole").tap()
    page.locator("[name='damaged:L1']").fill("1")
    picture(page, "arrival-not-whole")
    page.locator("#receive-some").tap()
    expect(page.locator("#done")).to_have_text("Received")
    expect(page.locator("#arriving")).to_contain_text("1 short")
    picture(page, "arrival-received")
    scan(page, "SH1:S:A1")
    expect(page.locator("#arriving")).to_contain_text("Nothing is to be done here")
    assert state(shop, "W-1") == "PREPARED"
    scan(page, "DPD-9")
    expect(page.locator("#unknown")).to_contain_text("DPD-9")
    picture(page, "arrival-unknown")
    page.locator("#put-aside").tap()
    expect(page.locator("#aside-title")).to_be_visible()
    page.evaluate(AXE.read_text())
    assert violations(page) == []
    assert complaints == []
