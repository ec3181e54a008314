"""The console's devices in a real browser: found, looked at, told, let in, shut out."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Page, expect

from hub import authority
from hub.fleet import actions, queries
from kiosk_ui.ports import Trust
from tests.browser.conftest import AXE, Complaints, picture
from tests.browser.test_looks import too_small, violations
from tests.kiosk_ui.fleet import populate
from tests.kiosk_ui.sample import STORE, SampleStore

SignIn = Callable[[str, str], None]


@pytest.fixture
def shop(shop: SampleStore, tmp_path: Path) -> Iterator[SampleStore]:
    files = authority.establish(tmp_path, STORE, ["127.0.0.1"], datetime.now(UTC))
    trust = Trust(files.ca.read_text, lambda: 8443, mqtts_port=8883)
    shop.hub = replace(shop.hub, trust=trust)
    populate(shop)
    return shop


PATHS = {
    "devices": "/console/devices",
    "device": "/console/device/scanner-1",
    "device-away": "/console/device/till-2",
    "device-new": "/console/devices/new",
    "device-sheet": "/console/device/scanner-1/sheet",
}


@pytest.mark.parametrize("name", PATHS)
def test_a_page_of_devices_is_accessible_and_fits_fingers_and_phones(
    page: Page,
    shop: SampleStore,
    address: str,
    sign_in: SignIn,
    complaints: Complaints,
    name: str,
) -> None:
    page.emulate_media(reduced_motion="reduce")
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


def test_the_list_follows_what_is_typed_and_what_happens(
    page: Page, shop: SampleStore, address: str, sign_in: SignIn, complaints: Complaints
) -> None:
    sign_in(address, "ivy")
    page.goto(f"{address}/console/devices")
    first = page.locator(".fleet > li").first
    expect(first).to_contain_text("stranger-7")
    page.get_by_placeholder("Id, place, kind or firmware").fill("counter till")
    expect(page.locator(".fleet > li")).to_have_count(2)
    page.get_by_role("radio", name="Not here").check()
    expect(page.locator(".fleet > li")).to_have_count(1)
    expect(first).to_contain_text("till-2")
    expect(page.locator("body")).to_have_attribute("data-link", "on")
    shop.store.writer.run(lambda tx: actions.move(tx, "till-2", "counter by the door"))
    expect(first).to_contain_text("counter by the door")
    expect(page.locator(".fleet > li")).to_have_count(1)
    assert complaints == []


def test_a_device_is_told_and_moved_and_the_answer_shows_by_itself(
    page: Page, shop: SampleStore, address: str, sign_in: SignIn, complaints: Complaints
) -> None:
    sign_in(address, "ivy")
    page.goto(f"{address}/console/device/till-1")
    page.locator("#do-identify").tap()
    row = page.locator("li[id^=command-]").first
    expect(row).to_contain_text("waits to be sent")
    with shop.store.database.reader() as reader:
        (command,) = queries.commands(reader, "till-1")
    shop.store.writer.run(lambda tx: actions.answered(tx, "till-1", command.key, "done"))
    expect(row).to_contain_text("done")
    page.locator("#place").fill("counter 2")
    page.locator("#place").press("Enter")
    expect(page.locator("#place")).to_have_value("counter 2")
    page.get_by_text("Send settings").click()
    page.locator("#settings").fill("volume=3\nbeep=no")
    # What a person types stays while the page follows the device.
    shop.append_nothing("devices")
    page.wait_for_timeout(1200)
    expect(page.locator("#settings")).to_have_value("volume=3\nbeep=no")
    page.locator("#do-config").click()
    expect(row).to_contain_text('"volume":3')
    page.locator("#settings").fill("nonsense")
    page.locator("#do-config").click()
    expect(page.locator("#toast")).to_contain_text("name=value")
    with shop.store.database.reader() as reader:
        assert queries.place_of(reader, "till-1") == "counter 2"
    assert [one for one in complaints if "422" not in one] == []


def test_a_device_is_let_in_by_a_code_and_the_page_sees_it_come(
    page: Page, shop: SampleStore, address: str, sign_in: SignIn, complaints: Complaints
) -> None:
    sign_in(address, "ivy")
    page.goto(f"{address}/console/devices")
    page.locator("#add").focus()
    page.keyboard.press("Enter")
    page.locator("#new-id").fill("scanner-3")
    page.keyboard.press("Tab")
    page.keyboard.type("scanner")
    page.keyboard.press("Tab")
    page.keyboard.type("floor")
    page.locator("#do-code").focus()
    page.wait_for_timeout(120)  # no person is as fast as a scanner
    page.keyboard.press("Enter")
    code = page.locator("#code").inner_text().strip()
    expect(page.locator(".qr svg")).to_be_visible()
    expect(page.locator("#fingerprint")).not_to_be_empty()
    expect(page.locator("#came")).to_contain_text("Waiting for scanner-3")
    picture(page, "device-join")
    # The device is no browser and has no session.
    joined = requests.post(f"{address}/api/v1/devices/join", json={"code": code}, timeout=40)
    assert joined.status_code == 201, joined.text
    expect(page.locator("#came")).to_contain_text("scanner-3 has joined")
    picture(page, "device-joined")
    assert complaints == []


def test_what_was_noticed_is_let_in_and_a_password_is_shown_once(
    page: Page, shop: SampleStore, address: str, sign_in: SignIn
) -> None:
    sign_in(address, "ivy")
    page.goto(f"{address}/console/devices")
    page.get_by_role("link", name="Let in Fridge 2").tap()
    expect(page.locator("#new-id")).to_have_value("fridge-2")
    page.locator("#new-kind").fill("climate")
    page.locator("#new-place").fill("cold room")
    page.locator("#do-new").click()
    expect(page.locator(".given")).to_contain_text("gateway-1 speaks for it")
    picture(page, "device-adopted")
    page.goto(f"{address}/console/device/till-1")
    page.get_by_text("New password", exact=True).click()
    page.locator("#do-rotate").click()
    expect(page.locator("#password")).to_be_visible()
    picture(page, "device-password")
    page.reload()
    expect(page.locator(".given")).to_contain_text("shown then")
    assert shop.told_broker >= 2


def test_shutting_out_asks_first(
    page: Page, shop: SampleStore, address: str, sign_in: SignIn
) -> None:
    sign_in(address, "ivy")
    page.goto(f"{address}/console/device/till-1")
    expect(page.locator("#do-revoke")).to_be_hidden()
    page.get_by_role("button", name="Shut it out").focus()
    page.keyboard.press("Enter")
    picture(page, "device-revoke")
    page.locator("#do-revoke").click()
    expect(page.locator("#n-state + .chip")).to_contain_text("shut out")
    expect(page.locator("#do-identify")).to_have_count(0)
    picture(page, "device-revoked")
    with shop.store.database.reader() as reader:
        assert not queries.enrolled(reader, "till-1")


def test_a_lead_looks_and_changes_nothing(
    page: Page, shop: SampleStore, address: str, sign_in: SignIn
) -> None:
    shop.hire("lea", "Lea Okoye", "lead")
    sign_in(address, "lea")
    page.goto(f"{address}/console/devices")
    expect(page.locator(".fleet > li").first).to_be_visible()
    expect(page.locator("#add")).to_have_count(0)
    page.goto(f"{address}/console/device/till-1")
    expect(page.locator("#do-identify, #do-revoke, #do-move")).to_have_count(0)
