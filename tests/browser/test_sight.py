"""Twice as large a text and high contrast: every main screen is whole, in either direction."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import AXE, PATIENCE_MS, Complaints, picture
from tests.browser.test_looks import busy, too_small, violations
from tests.kiosk_ui.sample import PIN, SampleStore

__all__ = ["busy"]

# What stands where, and how large that screen is.
COUNTER = (1280, 800)
PHONE = (360, 740)
TALL = (1080, 1920)
TOUR = {
    "language": ("/language", COUNTER),
    "counter": ("/counter", COUNTER),
    "order-picking": ("/counter/orders/R-3", COUNTER),
    "handover": ("/counter/handover/R-4", COUNTER),
    "returns": ("/counter/returns", COUNTER),
    "console": ("/console", COUNTER),
    "lobby": ("/lobby", COUNTER),
    "tasks": ("/associate", PHONE),
    "order-new": ("/counter/orders/R-2", PHONE),
    "start": ("/", TALL),
}
# A screen takes a second; what is mirrored is the same style, so the densest ones stand for all.
ALSO_IN_ARABIC = ("counter", "handover", "tasks", "order-new")
PUSHED_OUT = """() => [...document.querySelectorAll("button, .btn, .chip, h1, h2, .code, dd, p")]
    .filter((e) => e.checkVisibility() && !e.closest(".visually-hidden, .rail, table, .board"))
    .map((e) => [e, e.getBoundingClientRect()])
    .filter(([e, r]) => r.width > 1 && (r.left < -1 || r.right > innerWidth + 1))
    .map(([e]) => e.outerHTML.slice(0, 110))"""
SHADOW = "getComputedStyle(document.documentElement).getPropertyValue('--shadow').trim()"


def choose_both(page: Page, address: str) -> None:
    """Choose on the page of languages, from the sign-in page, as a person does."""
    page.goto(f"{address}/signin?next=/counter")
    page.get_by_role("main").locator("a[href*='/language']").click()
    page.locator("button[value=largest]").click()
    expect(page.locator("html")).to_have_attribute("data-text", "largest")
    page.locator("button[value=more]").click()
    expect(page.locator("button[value=more]")).to_have_attribute("aria-current", "true")


@contextmanager
def visit(chromium: Browser, language: str, complaints: Complaints) -> Iterator[Page]:
    context = chromium.new_context(
        viewport={"width": 1280, "height": 800}, locale=language, reduced_motion="reduce"
    )
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()


def test_every_main_screen_is_whole_with_the_largest_text_and_high_contrast(
    chromium: Browser, busy: SampleStore, address: str, complaints: Complaints
) -> None:
    wrong: dict[str, list[object]] = {}
    for language in ("en", "ar"):
        with visit(chromium, language, complaints) as page:
            choose_both(page, address)
            page.goto(f"{address}/signin?next=/counter")
            page.locator("input[value=ivy]").check(force=True)
            page.locator("#pin").fill(PIN)
            page.locator(".pad .go").click()
            page.wait_for_url("**/counter")
            for name, (path, (width, height)) in TOUR.items():
                if language == "ar" and name not in ALSO_IN_ARABIC:
                    continue
                page.set_viewport_size({"width": width, "height": height})
                page.goto(address + path)
                expect(page.locator("body")).to_have_attribute("data-link", "on")
                picture(page, f"{name}-{language}-sight")
                page.evaluate(AXE.read_text())
                found = [*page.evaluate(PUSHED_OUT), *too_small(page), *violations(page)]
                if page.evaluate("document.documentElement.scrollWidth") > width:
                    found.append(f"wider than {width}")
                if found:
                    wrong[f"{name}-{language}"] = found
    assert wrong == {}
    assert complaints == []


def test_a_system_that_asks_for_contrast_gets_it_without_a_choice(
    page: Page, shop: SampleStore, address: str
) -> None:
    page.goto(f"{address}/signin")
    assert page.evaluate(SHADOW) != "none"
    page.emulate_media(contrast="more")
    assert page.evaluate(SHADOW) == "none"
    page.emulate_media(contrast="no-preference", forced_colors="active")
    panel = page.locator(".gate .panel")
    expect(panel).to_have_css("border-top-style", "solid")
    assert panel.evaluate("e => getComputedStyle(e).boxShadow") == "none"
    chosen = page.locator("label:has(input[value=ada])")
    page.locator("input[value=ada]").check(force=True)
    expect(chosen).to_have_css("outline-width", "4px")
