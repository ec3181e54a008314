"""Head office sees two thousand stores in a real browser; a customer sees who has what."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import AXE, Complaints, picture
from tests.sync.test_fleet_page import NOON, Office, many
from tests.sync.test_promise import office as two_stores

__all__ = ["two_stores"]
VARIED = """
UPDATE store SET fence = '{"life":"x.0","last":2,"used":2,"oldest":1,"given":[[1,"a"],[2,"b"]]}'
  WHERE store_id = 'n-0111';
UPDATE store SET refused = 'damaged', refused_since = '2026-11-21T11:20:00.000Z',
  refused_at = '2026-11-21T11:59:30.000Z' WHERE store_id IN ('n-0222', 'n-0223');
UPDATE store SET told = '{"at":"2026-11-21T12:00:00.000Z","release":"0.0.9","schema":1,"head":9100,
  "oldest_s":5400,"quarantine":4}' WHERE store_id = 'n-0333';
UPDATE store SET told = '{"at":"2026-11-21T12:00:00.000Z","release":"0.1.0","schema":1,"head":100,
  "quarantine":2}' WHERE store_id = 'n-0444';
"""


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path)
    many(office, 2000)
    for statement in VARIED.split(";"):
        office.running.inventory.store.run(
            lambda tx, statement=statement: tx.conn.execute(statement)
        )
    yield office
    office.running.stop()


def test_the_fleet_is_seen_at_a_glance(page: Page, complaints: Complaints, fleet: Office) -> None:
    page.goto(f"{fleet.url}/fleet")
    picture(page, "central-fleet-sign-in")
    complaints.clear()  # The sign-in page is a 401.
    page.get_by_label("Token of central's API").fill(fleet.token)
    page.get_by_role("button", name="Show the fleet").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("2001 stores")
    rows = page.locator(".stores tbody tr")
    expect(rows).to_have_count(100)
    expect(rows.nth(0)).to_contain_text("Two hubs")
    expect(rows.nth(1)).to_contain_text("Failed")
    expect(page.locator(".together")).to_contain_text("37 stores silent since 11:50")
    picture(page, "central-fleet")
    page.evaluate(AXE.read_text())
    found = page.evaluate("async () => (await axe.run(document)).violations")
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
    page.get_by_role("link", name="Late 1").click()
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("9000 facts wait to be sent")
    page.get_by_label("Find a store").fill("nowhere")
    page.keyboard.press("Enter")
    expect(page.locator(".nothing")).to_have_text("No store is like that.")
    page.goto(f"{fleet.url}/fleet")
    page.get_by_role("link", name="37 stores silent").click()
    expect(rows).to_have_count(37)
    # What changes is shown in place.
    fleet.clock.advance(timedelta(seconds=400))
    page.goto(f"{fleet.url}/fleet")
    expect(page.get_by_role("link", name="Well 0")).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 844})
    picture(page, "central-fleet-phone")
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Token of central's API")).to_be_visible()
    assert fleet.clock.now() > NOON


def test_a_store_that_is_sold_out_is_not_offered(page: Page, two_stores: Office) -> None:
    rows = [{"kind": "product", "sku": "4712", "names": {"en": "Butter"}}]
    assert two_stores.post("/catalog/import", {"rows": rows}).status_code == 200  # type: ignore[attr-defined]
    page.goto(f"{two_stores.url}/?q=4712")
    page.locator("#store").select_option("store-1")
    page.get_by_label("Add Butter").click()
    expect(page.locator("#offered")).to_contain_text("Mill Lane is sold out")
    expect(page.locator("#store")).to_have_value("harbour")
    picture(page, "central-offers")
