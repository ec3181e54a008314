"""Returns at the counter in Chromium: a typing scanner, fingers, a keyboard, the line down."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from hub.pickup import actions as pickup
from hub.returns import queries
from tests.browser.conftest import AXE, PIN, Complaints, picture
from tests.browser.test_counter import scan
from tests.browser.test_looks import too_small, violations
from tests.kiosk_ui.sample import SampleStore

SignIn = Callable[[str, str], None]
LINES = (("4711", 2), ("4714", 1), ("4713", 1))
BREAD = "09521234543213"
COFFEE = "09521234543244"


@pytest.fixture
def shop(tmp_path):  # type: ignore[no-untyped-def]
    """A store that has handed one order over, with the line to central down."""
    store = SampleStore(tmp_path / "data", pins_shown=(("Ada Lindqvist", "associate", PIN),))
    store.hire("ada", "Ada Lindqvist", "associate")
    store.hire("sam", "Sam Okoro", "lead")
    for sku, _qty in LINES:
        store.receive(sku, 20)
    store.made_ready("R-1", LINES, name="Maria Keller", code="7K4M", phone="+49 170 555 1234")
    proof = {"kind": "id_seen", "value": "passport"}
    store.store.writer.run(
        lambda tx: pickup.handover(tx, "R-1", proof, actor="staff:ada", cause="hub:" + "d" * 32)
    )
    store.sync["state"] = "offline"
    yield store
    store.close()


def accessible(page: Page) -> None:
    page.evaluate(AXE.read_text())
    assert violations(page) == []
    assert too_small(page) == []


def the_return(shop: SampleStore) -> dict[str, object]:
    with shop.hub.reader() as connection:
        (found,) = queries.recent(connection, None, None, 10)
    return found


def on_hand(shop: SampleStore, sku: str) -> dict[str, int]:
    from hub.stock import queries as stock

    with shop.hub.reader() as connection:
        found: dict[str, int] = stock.stock(connection, sku, shop.clock.now())["buckets"]
    return found


def test_three_scans_and_three_touches_take_two_articles_back_and_a_lead_notes_the_refund(
    page: Page, shop: SampleStore, address: str, sign_in: SignIn, complaints: Complaints
) -> None:
    sign_in(address, "ada")
    before = on_hand(shop, "4711")["available"]
    page.locator(".tabs a", has_text="Returns").tap()
    expect(page.get_by_text("no return is open")).to_be_visible()
    accessible(page)
    picture(page, "returns-empty")
    scan(page, shop.code("R-1", LINES))  # 1st scan
    page.wait_for_url("**/counter/returns/take**")
    scan(page, BREAD)  # 2nd and 3rd scan, quicker than the hub answers
    scan(page, COFFEE)
    expect(page.locator("input[name='qty:L1']")).to_have_value("1")
    expect(page.locator("input[name='qty:L2']")).to_have_value("1")
    page.locator(".why label", has_text="Changed their mind").tap()  # 1st touch
    expect(page.locator("[name=disposition][value=RESTOCKED]")).to_be_checked()
    accessible(page)
    picture(page, "returns-take")
    page.locator("#do-take").tap()  # 2nd touch
    expect(page.locator("#do-close")).to_be_visible()
    expect(page.locator("#asked")).to_have_text("€6.98")
    accessible(page)
    picture(page, "returns-open")
    page.locator("#do-close").tap()  # 3rd touch
    expect(page.get_by_role("heading", name="The goods are back")).to_be_visible()
    picture(page, "returns-closed")
    accessible(page)
    assert on_hand(shop, "4711")["available"] == before + 1
    found = the_return(shop)
    assert (found["state"], found["refund"], found["refund_minor"]) == ("CLOSED", "REQUESTED", 698)
    expect(page.locator("#refund-PAID")).to_have_count(0)  # that is a lead's
    page.locator("#next-return").tap()
    expect(page.locator("#ended")).to_contain_text("Refund asked for")
    page.locator(".rail form button").click()
    sign_in(address, "sam")
    page.goto(f"{address}/counter/returns/{found['return_id']}")
    page.locator("#refund-PAID").tap()
    expect(page.get_by_text("Refund paid")).to_be_visible()
    assert the_return(shop)["refund"] == "PAID"
    assert complaints == []


def test_a_wrong_touch_is_taken_back_until_the_return_is_closed(
    page: Page, shop: SampleStore, address: str, sign_in: SignIn, complaints: Complaints
) -> None:
    sign_in(address, "ada")
    page.goto(f"{address}/counter/returns/take?order=R-1")
    page.locator("#do-take").tap()
    expect(page.locator("#refused")).to_contain_text("Choose at least one unit")
    page.get_by_role("button", name="One more of Rye bread").tap()
    page.locator("#do-take").tap()
    expect(page.locator("#refused")).to_contain_text("Say why")
    expect(page.locator("input[name='qty:L1']")).to_have_value("1")
    page.locator(".why label", has_text="Broken or spoiled").tap()
    page.locator("#do-take").tap()
    expect(page.locator("#B1-NOT_RESTOCKED")).to_be_checked()
    page.locator("label:has(#B1-MISSING)").tap()
    expect(page.locator("#asked")).to_have_text("€0.00")
    page.locator("label:has(#B1-RESTOCKED)").tap()
    expect(page.locator("#asked")).to_have_text("€3.49")
    page.locator("#do-cancel").tap()
    expect(page.get_by_role("heading", name="The customer kept it")).to_be_visible()
    assert the_return(shop)["state"] == "CANCELED"
    page.goto(f"{address}/counter/returns/take?order=R-1")
    expect(page.locator("input[name='qty:L1']")).to_have_attribute("max", "2")
    assert complaints == []


def test_more_than_was_handed_over_is_not_counted_however_often_it_is_scanned(
    page: Page, shop: SampleStore, address: str, sign_in: SignIn
) -> None:
    sign_in(address, "ada")
    page.goto(f"{address}/counter/returns/take?order=R-1")
    for _ in range(3):
        scan(page, BREAD)
    expect(page.locator("#refused")).to_contain_text("all that was handed over is counted")
    expect(page.locator("input[name='qty:L1']")).to_have_value("2")
    scan(page, "09521234543251")
    expect(page.locator("#refused")).to_contain_text("was not handed over with this order")


@pytest.mark.parametrize("typed", ["keller", "1234", "7K4M", "Ground coffee 500 g", COFFEE])
def test_what_comes_back_is_found_by_name_phone_code_or_article_with_the_keyboard_alone(
    page: Page, shop: SampleStore, address: str, sign_in: SignIn, typed: str
) -> None:
    if typed.startswith("Ground"):
        typed = "4714"
    sign_in(address, "ada")
    page.goto(f"{address}/counter/returns")
    page.locator("#bring").focus()
    page.keyboard.type(typed, delay=120)
    expect(page.locator("#brought .hit")).to_contain_text("7K4M")
    picture(page, "returns-found")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/counter/returns/take?order=R-1")
    expect(page.get_by_role("heading", level=1)).to_have_text("Maria Keller")


def test_returns_read_from_right_to_left_and_on_a_phone(
    page: Page, shop: SampleStore, address: str, sign_in: SignIn, complaints: Complaints
) -> None:
    sign_in(address, "ada")
    page.context.add_cookies([{"name": "storehub_language", "value": "ar", "url": address}])
    page.goto(f"{address}/counter/returns/take?order=R-1")
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    accessible(page)
    picture(page, "returns-take-ar")
    page.set_viewport_size({"width": 390, "height": 844})
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0
    picture(page, "returns-take-phone")
    assert complaints == []
