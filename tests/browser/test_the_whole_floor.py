"""The tour in a real browser: a customer orders at head office, the counter hands over, the line
is cut between them, and both pages tell the truth at each moment.
"""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Complaints, picture
from tests.floor import Floor

PRODUCT = "Rye bread, 500 g"


def sign_in(page: Page, floor: Floor, role: str) -> None:
    person = next(one for one in floor.facts()["staff"] if one["role"] == role)
    page.goto(f"{floor.facts()['urls']['hub']}/signin?next=/counter")
    page.locator(f"input[value={person['staff_id']}]").check(force=True)
    for digit in person["pin"]:
        page.locator(f"[data-pin='{digit}']").click()
    page.locator(".pad .go").click()
    page.wait_for_url("**/counter")


def order_at_head_office(page: Page, floor: Floor) -> str:
    """Place an order as a customer does; return its id."""
    page.goto(f"{floor.facts()['urls']['central']}/?q=rye")
    page.get_by_label(f"Add {PRODUCT}").click()
    page.get_by_label("Name").fill("Ida Probe")
    page.get_by_role("button", name="Place order").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(
        # The store's own word may be there before the page is painted.
        re.compile("Thank you!|Confirmed")
    )
    return page.url.rstrip("/").rsplit("/", 1)[1].split("?")[0]


@pytest.mark.timeout(180)
def test_an_order_is_placed_picked_and_handed_over_with_the_line_cut_between(
    new_floor: Callable[..., Floor], page: Page, complaints: Complaints
) -> None:
    floor = new_floor()
    hub = floor.facts()["urls"]["hub"]
    customer = page.context.new_page()
    sign_in(page, floor, "lead")

    order_id = order_at_head_office(customer, floor)
    card = page.locator(f"#card-{order_id}")
    expect(card).to_be_visible()
    # Before the line is cut, central has the store's word.
    expect(customer.get_by_role("heading", level=1)).to_have_text("Confirmed")
    picture(page, "tour-counter")

    start = page.context.new_page()
    start.goto(f"{hub}/")
    switch = start.get_by_role("switch")
    switch.click()
    expect(start.locator("#line-words")).to_have_text("cut: the store goes on alone")
    expect(switch).to_have_attribute("aria-checked", "false")
    picture(start, "tour-line-cut")
    assert floor.storehub("line", "status").stdout.strip() == "The line is down."

    page.locator(f"#tap-{order_id}").click()
    page.goto(f"{hub}/counter/orders/{order_id}")
    page.locator("[id^=pick-]").first.click()
    page.locator("#shelf").fill("A1")
    page.locator("#do-stage").click()
    page.locator("#do-ready").click()
    page.locator("#do-handover").click()
    page.locator(".proofs input[value=passport]").check(force=True)
    page.locator("#do-handover").click()
    page.get_by_role("link", name="Look at the order").click()
    expect(page.get_by_text("The customer has it.")).to_be_visible()
    # What is over neither runs late nor asks to be shown at the counter.
    expect(page.locator(".chip.timed")).to_have_count(0)
    picture(page, "tour-handed-over")
    assert floor.central.json(f"/orders/{order_id}")["state"] == "RESERVED"

    switch.click()
    expect(customer.get_by_role("heading", level=1)).to_have_text("Picked up")
    expect(customer.locator(".ticket")).to_have_count(0)
    picture(customer, "tour-customer")
    floor.in_step()
    assert floor.verify()["ok"]
    assert complaints == []
