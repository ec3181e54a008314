"""Two counters and two scanners of one make: each acts on the screen whose code it read."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import cv2
import numpy as np
import pytest
import zxingcpp
from playwright.sync_api import Browser, Page, expect

from devices.scanners import hid
from devices.scanners.hid import HidSettings
from hub import scans
from tests.browser.conftest import PATIENCE_MS, Complaints, picture
from tests.devices.scanners.plugboard import Pipe, Plugboard
from tests.kiosk_ui.sample import PIN, SampleStore

LEFT, RIGHT = "usb-0000:00:14.0-1", "usb-0000:00:14.0-2"


class Wire:
    """Takes what a scanner observed to the hub, as broker and ingest do."""

    def __init__(self, shop: SampleStore, device: str) -> None:
        self.shop, self.device, self.count = shop, device, 0
        self.did: list[str] = []

    def observe(self, kind: str, data: Mapping[str, Any]) -> str:
        self.count += 1
        name = f"o{self.count}"
        done = self.shop.store.writer.run(
            lambda tx: scans.route(tx, self.device, data, observation_id=name, store="store-1")
        )
        self.did.append(done.did)
        return name


class Gun:
    """A keyboard-wedge scanner in somebody's hand."""

    def __init__(self, wire: Wire, pipe: Pipe) -> None:
        self.wire, self.pipe = wire, pipe

    def read(self, text: str) -> str:
        before = len(self.wire.did)
        self.pipe.scan(text)
        end = time.monotonic() + 60
        while len(self.wire.did) == before:
            assert time.monotonic() < end, "the scan did not arrive"
            time.sleep(0.01)
        return self.wire.did[-1]


@pytest.fixture
def guns(shop: SampleStore) -> Iterator[list[Gun]]:
    board, stop, threads, made = Plugboard(), threading.Event(), [], []
    for port, device in ((LEFT, "gun-1"), (RIGHT, "gun-2")):
        wire = Wire(shop, device)
        thread = threading.Thread(
            target=hid.run, args=(HidSettings(port), wire, stop), kwargs={"plugs": board}
        )
        threads.append(thread)
        made.append(Gun(wire, board.plug(port)))
        thread.start()
    yield made
    stop.set()
    for thread in threads:
        thread.join(60)


@pytest.fixture
def counters(
    chromium: Browser, address: str, shop: SampleStore, complaints: Complaints
) -> Iterator[Callable[[str], Page]]:
    contexts = []

    def counter(staff_id: str) -> Page:
        context = chromium.new_context(viewport={"width": 1280, "height": 800})
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{address}/signin?next=/counter")
        page.locator(f"input[value={staff_id}]").check(force=True)
        for digit in PIN:
            page.locator(f"[data-pin='{digit}']").click()
        page.locator(".pad .go").click()
        page.wait_for_url("**/counter")
        return page

    yield counter
    for context in contexts:
        context.close()


def pair(page: Page, gun: Gun) -> None:
    """Press the button, and read the code that the screen shows as a scanner's lens does."""
    page.get_by_role("link", name="Pair a scanner").click()
    page.wait_for_url("**/scan/pair")
    expect(page.locator("body")).to_have_attribute("data-link", "on")
    shot = np.frombuffer(page.locator(".pairing-code").screenshot(), np.uint8)
    (code,) = zxingcpp.read_barcodes(cv2.imdecode(shot, cv2.IMREAD_COLOR))
    assert "Micro" not in str(code.format)  # most scanners read no Micro QR
    assert code.text == page.locator("#pairing-text").inner_text()
    assert gun.read(code.text) == "paired"
    expect(page.locator("#paired")).to_contain_text(gun.wire.device)


def test_two_scanners_of_one_make_open_each_its_order_on_its_own_screen(
    shop: SampleStore,
    guns: list[Gun],
    counters: Callable[[str], Page],
    complaints: Complaints,
) -> None:
    shop.place("R-1", [("4711", 2)], code="7K4M")
    shop.place("R-2", [("4712", 1)], code="9XQ2")
    shop.hire("sam", "Sam Okoro", "lead")
    one, two = counters("ada"), counters("sam")
    pair(one, guns[0])
    pair(two, guns[1])
    picture(two, "scan-paired")
    guns[0].read("7K4M")
    guns[1].read("9XQ2")
    one.wait_for_url("**/counter/orders/R-1")
    two.wait_for_url("**/counter/orders/R-2")
    one.locator("#do-claim").click()
    expect(one.locator("#pick-L1")).to_be_visible()
    for picked in ("1", "2"):
        guns[0].read("]E09521234543213")
        expect(one.locator("#line-L1 .qty")).to_contain_text(picked)
    assert two.url.endswith("/R-2")
    guns[1].read("9521234543220")  # nothing of this order is being picked: it is looked up
    expect(two.locator("#toast")).to_contain_text("Whole milk")
    assert complaints == []


def test_a_scan_while_the_page_changes_waits_for_the_next_page(
    shop: SampleStore, guns: list[Gun], counters: Callable[[str], Page]
) -> None:
    shop.place("R-1", [("4711", 3)], code="7K4M")
    page = counters("ada")
    pair(page, guns[0])
    for text in ("7K4M", "9521234543220"):
        guns[0].read(text)
    page.wait_for_url("**/counter/orders/R-1")
    expect(page.locator("#toast")).to_contain_text("Whole milk")


def test_a_screen_that_is_signed_out_is_acted_on_no_more(
    shop: SampleStore, guns: list[Gun], counters: Callable[[str], Page]
) -> None:
    page = counters("ada")
    pair(page, guns[0])
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/signin**")
    assert guns[0].read("4711") == "looked_up"


def test_a_scanner_is_unpaired_by_a_button(
    shop: SampleStore, guns: list[Gun], counters: Callable[[str], Page]
) -> None:
    page = counters("ada")
    pair(page, guns[0])
    page.get_by_role("button", name="Unpair").click()
    expect(page.locator("#paired")).to_contain_text("No scanner yet")
    assert guns[0].read("4711") == "looked_up"
