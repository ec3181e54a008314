"""Every screen: no violation that axe knows, targets for fingers, no complaint of the policy."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from hub.clock import stamp
from hub.ingest.travels import Travel
from tests.browser.conftest import AXE, Complaints, picture
from tests.kiosk_ui.sample import SampleStore

PATHS = {
    "start": "/",
    "signin": "/signin",
    "counter": "/counter",
    "order-new": "/counter/orders/R-2",
    "order-picking": "/counter/orders/R-3",
    "order-ready": "/counter/orders/R-4",
    "console": "/console",
    "message": "/console/quarantine/1",
    "order-paper-doubted": "/counter/orders/R-5",
    "paper": "/print",
    "scan": "/scan",
    "scan-pair": "/scan/pair",
}
LEAST = 48


@pytest.fixture
def busy(shop: SampleStore) -> SampleStore:
    """A store in the middle of its day."""
    from tests.kiosk_ui.sample import facts

    shop.place("R-1", [("4711", 2), ("4712", 1)], minutes=-70, name="Maria Keller", code="7K4M")
    shop.place("R-2", [("4713", 1), ("4714", 2)], minutes=9, name="Jonas Weber", code="2PX9")
    shop.place("R-3", [("4711", 2), ("4714", 1)], minutes=42, name="Olga Nowak", code="3WE8")
    shop.place("R-4", [("4713", 2)], minutes=30, name="Amélie Fontaine", code="6CD7")
    shop.append(facts.PickingClaimed(order_id="R-3", by="staff:ada"))
    shop.append(facts.LinePicked(order_id="R-3", line_id="L1", qty=1))
    shop.append(facts.PickingClaimed(order_id="R-4", by="staff:ada"))
    shop.append(facts.LinePicked(order_id="R-4", line_id="L1", qty=2))
    shop.append(facts.OrderStaged(order_id="R-4", shelf="B-12"))
    shop.append(facts.OrderReady(order_id="R-4"))
    shop.place("R-5", [("4711", 1)], minutes=70, code="4ZT2")
    # As wide as a card on a phone can be: four pictures, hours, a code of wide letters.
    four = [("4711", 3), ("4712", 9), ("4713", 1), ("4714", 4)]
    shop.place("R-6", four, minutes=149, name="محمد عبد الرحمن", code="MWQM")
    shop.paper("R-5", "in_doubt")
    shop.paper("R-2", "no_paper")
    shop.quarantine("scanner-03", b'{"id": "x", <script>alert(1)</script>')
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    shop.travels = [
        Travel(
            "scanner-01",
            "scan",
            "a1",
            "4711",
            now_ms,
            sent_ms=-0.9,
            writer_ms=0.4,
            fact_ms=0.9,
            commit_ms=2.1,
            outcome="committed",
        )
    ]
    return shop


@pytest.mark.parametrize("name", PATHS)
def test_a_screen_is_accessible_in_light_and_dark_and_fits_fingers_and_phones(
    page: Page,
    busy: SampleStore,
    address: str,
    sign_in: Callable[[str, str], None],
    complaints: Complaints,
    name: str,
) -> None:
    page.emulate_media(reduced_motion="reduce")
    if name not in ("start", "signin"):
        sign_in(address, "ivy")
    page.goto(address + PATHS[name])
    expect(page.locator("body")).to_have_attribute("data-link", "on")
    page.evaluate(AXE.read_text())
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.wait_for_timeout(150)
        picture(page, f"{name}-{scheme}")
        assert violations(page) == [], scheme
    assert too_small(page) == []
    assert complaints == []
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_timeout(150)
    picture(page, f"{name}-phone")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def violations(page: Page) -> list[tuple[str, list[str]]]:
    """Return what axe finds once colours have stopped to fade into one another."""
    found = page.evaluate(
        """async () => {
          await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
          const fading = document.getAnimations().filter((one) => one instanceof CSSTransition);
          await Promise.allSettled(fading.map((one) => one.finished));
          return (await axe.run(document)).violations;
        }"""
    )
    return [(one["id"], [node["html"][:160] for node in one["nodes"]]) for one in found]


def too_small(page: Page) -> list[str]:
    """Return what is to be touched and smaller than a finger."""
    shown: list[str] = page.evaluate(
        """(least) => [...document.querySelectorAll("button, .btn, select, input, summary, nav a")]
        .filter((e) => e.checkVisibility() && e.type !== "hidden"
            && !(e.matches("[type=checkbox], [type=radio]") && e.closest("label")))
        .map((e) => [e.outerHTML.slice(0, 90), e.getBoundingClientRect()])
        .filter(([, r]) => r.height < least || r.width < least)
        .map(([html, r]) => `${html} ${r.width}×${r.height}`)""",
        LEAST,
    )
    return shown


def test_a_scan_travels_over_the_start_page(page: Page, busy: SampleStore, address: str) -> None:
    page.goto(address)
    expect(page.locator("#ms-commit")).to_have_text("3.0 ms")
    busy.travels = [
        Travel("scanner-02", "scan", "b2", "4712", 1, writer_ms=1.0, commit_ms=12.0, outcome="x")
    ]
    busy.append_nothing("obs")
    expect(page.locator("#way-what")).to_contain_text("scanner-02")
    expect(page.locator("#ms-fact")).to_have_text("–")


def test_the_line_is_cut_and_mended_from_the_start_page(
    page: Page, busy: SampleStore, address: str
) -> None:
    page.goto(address)
    switch = page.locator("#line-switch")
    expect(switch).to_have_attribute("aria-checked", "true")
    switch.click()
    expect(page.locator("#line-switch")).to_have_attribute("aria-checked", "false")
    assert busy.line.status() == "down"
    busy.sync = {"state": "offline", "as_of": stamp(datetime.now(UTC)), "backlog": 2}
    expect(page.locator("#offline")).to_be_visible()
    picture(page, "start-offline")
