"""Every screen in German and in Arabic: whole, mirrored, nothing cut off, a choice that stays."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import AXE, PATIENCE_MS, picture
from tests.browser.test_looks import PATHS, busy, too_small, violations
from tests.kiosk_ui.sample import SampleStore

__all__ = ["busy"]

TOUR = {
    **{name: path for name, path in PATHS.items() if not name.endswith(("-picking", "-doubted"))},
    "shelves": "/shelves",
    "tasks": "/associate",
    "store-rules": "/console/policies",
    "staging-shelves": "/console/staging",
    "handover": "/counter/handover/R-4",
    "language": "/language",
}
# What is wider than its box: a word that was cut, or pushed over its neighbour.
OVERFLOWING = """() => [...document.querySelectorAll("button,.btn,.card,.chip,.rail span,h1,h2,th")]
    .filter((e) => e.checkVisibility() && e.scrollWidth > e.clientWidth + 2 && e.clientWidth > 1
        && getComputedStyle(e).display !== "inline")
    .map((e) => e.outerHTML.slice(0, 120) + " " + e.scrollWidth + ">" + e.clientWidth)"""


@pytest.mark.parametrize("language", ["de", "ar"])
def test_every_screen_speaks_the_language_and_fits(
    chromium: Browser, busy: SampleStore, address: str, language: str
) -> None:
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, locale=language)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    wrong: dict[str, list[str]] = {}
    page.goto(f"{address}/signin?next=/counter")
    page.locator("input[value=ivy]").check(force=True)
    for digit in "2468":
        page.locator(f"[data-pin='{digit}']").click()
    page.locator(".pad .go").click()
    page.wait_for_url("**/counter")
    for name, path in TOUR.items():
        page.goto(address + path)
        expect(page.locator("html")).to_have_attribute("lang", language)
        direction = page.evaluate("getComputedStyle(document.body).direction")
        assert direction == ("rtl" if language == "ar" else "ltr")
        picture(page, f"{name}-{language}")
        found = page.evaluate(OVERFLOWING)
        page.set_viewport_size({"width": 390, "height": 844})
        if page.evaluate("document.documentElement.scrollWidth") > 390:
            found.append("wider than a phone")
        picture(page, f"{name}-{language}-phone")
        page.set_viewport_size({"width": 1280, "height": 800})
        if found:
            wrong[name] = found
    context.close()
    assert wrong == {}


def test_a_person_chooses_a_language_and_keeps_it(
    page: Page, shop: SampleStore, address: str, sign_in: Callable[[str, str], None]
) -> None:
    page.goto(f"{address}/signin")
    page.get_by_role("button", name="Deutsch").click()
    expect(page.get_by_role("heading", name="Wer ist am Tresen?")).to_be_visible()
    sign_in(address, "ada")
    expect(page.get_by_role("heading", name="Abholtresen")).to_be_visible()
    page.get_by_role("link", name="Sprache").click()
    page.evaluate(AXE.read_text())
    assert violations(page) == []
    assert too_small(page) == []
    page.get_by_role("button", name="العربية").click()
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    expect(page).to_have_url(f"{address}/counter")
