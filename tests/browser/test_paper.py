"""The order page's paper lives: printed, out of paper, in doubt, without anybody reloading."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from hub.fleet import actions as fleet
from hub.printing import actions, queries
from tests.browser.conftest import Complaints
from tests.kiosk_ui.sample import SampleStore


@pytest.fixture
def printer(shop: SampleStore) -> Callable[[str], str]:
    """Return what the printer says next about the newest job."""
    shop.store.writer.run(lambda tx: fleet.enroll(tx, "printer-1", kind="printer", place="counter"))
    shop.place("R-1", [("4711", 2)], code="7K4M")

    def says(state: str) -> str:
        name = str(shop.store.read(queries.jobs, limit=1)[0].job)
        data = SimpleNamespace(job=name, state=state, detail=None)
        seen: Any = SimpleNamespace(device="printer-1", data=data, cause=f"p:{name}-{state}")
        shop.store.writer.run(lambda tx: actions.reported(tx, seen, tx.now))
        return name

    return says


def test_the_paper_of_an_order_lives(
    page: Page,
    shop: SampleStore,
    address: str,
    sign_in: Callable[[str, str], None],
    complaints: Complaints,
    printer: Callable[[str], str],
) -> None:
    sign_in(address, "ada")
    page.goto(f"{address}/counter/orders/R-1")
    expect(page.locator("body")).to_have_attribute("data-link", "on")
    page.locator("#do-print").click()
    state = page.locator("#paper-state")
    expect(state).to_have_text("On its way to the printer")
    expect(page.locator("#do-print")).to_have_count(0)
    printer("no_paper")
    expect(state).to_have_text("Waits: the printer has no paper")
    job = printer("in_doubt")
    expect(state).to_have_text("Did it print?")
    page.locator(f"#unprinted-{job}").click()
    expect(state).to_have_text("On its way to the printer")
    printer("printed")
    expect(state).to_have_text("Printed")
    expect(page.locator("#do-print")).to_contain_text("Print again")
    # Another step of the order leaves the paper where it is.
    page.locator("#do-claim").click()
    expect(page.locator("#paper-state")).to_have_text("Printed")
    assert complaints == []


def test_the_page_of_printers_keeps_what_somebody_types(
    page: Page,
    shop: SampleStore,
    address: str,
    sign_in: Callable[[str, str], None],
    complaints: Complaints,
    printer: Callable[[str], str],
) -> None:
    sign_in(address, "ada")
    page.goto(f"{address}/print")
    expect(page.locator("body")).to_have_attribute("data-link", "on")
    page.locator("#print-kind").select_option("shelf_label")
    page.locator("#print-ref").fill("4711")
    page.locator("#test-printer-1").click()
    expect(page.locator("#prints tbody tr")).to_have_count(1)
    printer("cover_open")
    expect(page.locator("#prints tbody")).to_contain_text("cover is open")
    expect(page.locator("#print-ref")).to_have_value("4711")
    for copies in (2, 3):
        page.locator("#do-print").click()
        expect(page.locator("#prints tbody tr")).to_have_count(copies)
    assert complaints == []
