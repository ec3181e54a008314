"""A sample store on a real server, and a real Chromium that looks at it."""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect, sync_playwright

from kiosk_ui.server import Running, serve
from tests.components import require, which
from tests.kiosk_ui.sample import BADGE, PIN, SampleStore

# A busy machine is slow, not wrong: what a page will show is waited for this long.
PATIENCE_MS = 40_000
expect.set_options(timeout=PATIENCE_MS)
SCREENS = Path(__file__).parents[2] / "build" / "screens"
AXE = Path(__file__).parent / "vendor" / "axe-4.14.1.min.js"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    require("chromium")
    with sync_playwright() as playwright:
        path = which("chromium")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[SampleStore]:
    store = SampleStore(tmp_path / "data", pins_shown=(("Ada Lindqvist", "associate", PIN),))
    store.hire("ada", "Ada Lindqvist", "associate", BADGE)
    store.hire("ivy", "Ivy Chen", "it")
    for sku in ("4711", "4712", "4713", "4714"):
        store.receive(sku, 20)
    yield store
    store.close()


@pytest.fixture
def server(shop: SampleStore) -> Iterator[Running]:
    running = serve(shop.hub, "127.0.0.1", 0)
    yield running
    running.stop()


@pytest.fixture
def address(server: Running) -> str:
    return f"http://127.0.0.1:{server.port}"


class Complaints(list[str]):
    """What a page's console said; a policy that was violated stands here too."""


@pytest.fixture
def complaints() -> Complaints:
    return Complaints()


def settle(context: BrowserContext) -> None:
    """Lead every page to an empty one: Chromium may never close one that is still being loaded."""
    for page in context.pages:
        with contextlib.suppress(Error):
            page.wait_for_load_state("networkidle", timeout=300)
        with contextlib.suppress(Error):
            page.goto("about:blank", timeout=5_000)


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, has_touch=True)
    context.set_default_timeout(PATIENCE_MS)
    yield context
    settle(context)
    context.close()


@pytest.fixture
def page(context: BrowserContext, complaints: Complaints) -> Page:
    page = context.new_page()
    page.on(
        "console",
        lambda said: (
            complaints.append(f"{said.text} {said.location}") if said.type == "error" else None
        ),
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return page


@pytest.fixture
def sign_in(page: Page) -> Callable[[str, str], None]:
    def signed(address: str, staff_id: str) -> None:
        page.goto(f"{address}/signin?next=/counter")
        page.locator(f"input[value={staff_id}]").check(force=True)
        for digit in PIN:
            page.locator(f"[data-pin='{digit}']").click()
        page.locator(".pad .go").click()
        page.wait_for_url("**/counter")

    return signed


def picture(page: Page, name: str) -> None:
    """Keep what a screen looks like, to be looked at by a person."""
    if "CI" in os.environ:  # nobody looks there
        return
    SCREENS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENS / f"{name}.png")
