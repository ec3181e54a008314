"""A lead sets the opening hours and plans shelves, with a finger and with the keyboard alone."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.conftest import AXE, Complaints, picture
from tests.browser.test_looks import too_small, violations
from tests.kiosk_ui.sample import SampleStore


def looked_at(page: Page, name: str) -> None:
    page.evaluate(AXE.read_text())
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.wait_for_timeout(150)
        picture(page, f"{name}-{scheme}")
        assert violations(page) == [], (name, scheme)
    page.emulate_media(color_scheme="light")
    assert too_small(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_timeout(150)
    picture(page, f"{name}-phone")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.set_viewport_size({"width": 1280, "height": 800})


def test_a_lead_sets_the_hours_and_adds_shelves_by_touch_and_by_keyboard(
    page: Page, shop: SampleStore, address: str, sign_in: Callable[[str, str], None],
    complaints: Complaints,
) -> None:  # fmt: skip
    shop.hire("lea", "Lea Marin", "lead")
    page.emulate_media(reduced_motion="reduce")
    sign_in(address, "lea")
    page.goto(f"{address}/console")
    page.get_by_role("link", name="Store rules").tap()
    hours = page.locator("#v-opening_hours")
    hours.fill("mo-fr 8-20")
    expect(page.locator("#week")).to_contain_text("Opening hours are written like")
    page.locator("#save-opening_hours").tap()
    expect(page.get_by_role("alert")).to_contain_text("Opening hours are written like")
    expect(hours).to_have_value("mo-fr 8-20")
    looked_at(page, "store-rules-refused")
    hours.fill("mo-su 00:00-24:00")
    expect(page.locator("#week .today")).to_contain_text("00:00–24:00")
    page.locator("#save-opening_hours").tap()
    expect(page.locator("#toast")).to_contain_text("It is decided.")
    expect(page.locator("#rule-opening_hours")).to_contain_text("Decided by Lea Marin")
    expect(page.locator("#week")).to_contain_text("Always open.")
    # The same by keyboard: into the field, a number, and on with Enter.
    page.get_by_label("People who pick").focus()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text("many")  # typed on a busy machine it may look like a scanner's
    page.keyboard.press("Enter")
    expect(page.locator("#wrong-pickers")).to_contain_text("The value is a whole number.")
    expect(page.get_by_label("People who pick")).to_be_focused()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("3")
    page.keyboard.press("Enter")
    expect(page.locator("#wrong-pickers")).to_have_count(0)
    expect(page.locator("#default-pickers")).to_be_visible()
    looked_at(page, "store-rules")

    page.get_by_role("link", name="Staging shelves").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Number, or several at once").focus()
    page.keyboard.insert_text("A-01..A-12")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("2")
    page.keyboard.press("Enter")
    expect(page.locator(".rack > li")).to_have_count(12)
    page.locator("#shelf-A-03 summary").tap()
    page.locator("#shelf-A-03").get_by_role("button", name="Give this shelf up").tap()
    expect(page.locator(".rack > li")).to_have_count(11)
    page.get_by_label("Number, or several at once").fill("A-12..B-01")
    page.locator("#do-plan").tap()
    expect(page.locator("#wrong-new")).to_contain_text("Several shelves are written like")
    page.locator("#shelf-A-04 summary").tap()
    looked_at(page, "staging-shelves")
    assert complaints == []
