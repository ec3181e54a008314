"""The customer's page on a phone: what one reads, taps and says, in each language and state."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from hub.pickup import actions
from hub.pickup import queries as pickup
from sync.central.customer_page import path_of
from tests.browser.conftest import AXE, PATIENCE_MS, Complaints, picture
from tests.sync.pair import Both, order_body, until


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Both]:
    joined = Both(tmp_path)
    rows = [
        {"kind": "product", "sku": "4711", "names": {"en": "Rye bread, 500 g"}, "brand": "Mill"},
        {"kind": "price", "sku": "4711", "amount_minor": 249, "currency": "EUR"},
    ]
    assert joined.central.post("/catalog/import", {"rows": rows}).status_code == 200
    joined.hub.receive("4711", 9, "goods")
    joined.hub.agent.start()
    yield joined
    joined.close()


@pytest.fixture
def phone(chromium: Browser, complaints: Complaints) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()


def link(both: Both, order_id: str) -> str:
    return both.central.url + path_of(both.central.running.inventory.page_secret, order_id)


def placed(both: Both, order_id: str, language: str = "en") -> None:
    customer = {"name": "Ida Probe", "email": "ida@example.test", "language": language}
    answer = both.central.post("/orders", order_body(order_id, {"4711": 2}, customer=customer))
    assert answer.status_code == 201, answer.text
    until(lambda: both.hub.read(pickup.find, order_id), "the store has it")


def go(both: Both, order_id: str, *steps: str) -> None:
    named: dict[str, dict[str, Any]] = {
        "pick": {"line_id": "L1", "qty": 2},
        "stage": {"shelf": "A1"},
        "handover": {"proof": {"kind": "signature", "value": "x"}},
    }
    for step in steps:
        action = getattr(actions, step)
        more = named.get(step, {})
        both.hub.store.writer.run(
            lambda tx, action=action, step=step, more=more: action(
                tx, order_id, **more, actor="staff:ada", cause=f"{order_id}{step}"
            )
        )


def healthy(page: Page, name: str) -> None:
    page.evaluate(AXE.read_text())
    found = page.evaluate("async () => (await axe.run(document)).violations")
    assert [(name, one["id"], one["nodes"][0]["html"]) for one in found] == []
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390, f"{name} is {width} wide"
    picture(page, f"customer-{name}")


def test_from_confirmed_to_the_last_word_with_one_thumb(
    phone: Page, complaints: Complaints, both: Both
) -> None:
    both.central.post("/loyalty", {"points_per_unit": 3})
    placed(both, "R-1")
    phone.goto(link(both, "R-1"))
    expect(phone.get_by_role("heading", level=1)).to_have_text("Confirmed")
    healthy(phone, "confirmed")
    phone.get_by_role("button", name="10 min").tap()
    expect(phone.locator(".heard").first).to_contain_text("on your way, about 10 minutes")
    until(
        lambda: both.hub.read(pickup.load, "R-1").buyer_eta_minutes == 10, "the store hears of it"
    )
    phone.get_by_text("Somebody else collects").tap()
    phone.get_by_label("Their name").fill("Uncle Bo")
    phone.get_by_role("button", name="Tell the store", exact=True).tap()
    expect(phone.get_by_text("Uncle Bo may collect your order.")).to_be_visible()
    healthy(phone, "delegate")
    go(both, "R-1", "claim", "pick", "stage", "ready")
    expect(phone.get_by_role("heading", level=1)).to_have_text("Ready for pickup")
    expect(phone.locator(".ticket img")).to_be_visible()
    healthy(phone, "ready")
    phone.get_by_label("Stall").fill("A 4")
    phone.get_by_label("Number plate").fill("AB 123")
    phone.get_by_role("button", name="I'm here").tap()
    expect(phone.locator(".heard").first).to_contain_text("at stall A 4")
    healthy(phone, "here")
    go(both, "R-1", "handover")
    expect(phone.get_by_role("heading", level=1)).to_have_text("Picked up")
    expect(phone.locator(".ticket")).to_have_count(0)
    healthy(phone, "feedback")
    phone.get_by_role("radio", name="Good", exact=False).first.check(force=True)
    phone.get_by_label("Friendly people").check(force=True)
    phone.get_by_role("button", name="Send").tap()
    expect(phone.get_by_text("Thank you for telling us.")).to_be_visible()
    expect(phone.locator("#balance")).to_have_text("11")  # 2 at 1.99, three points each unit
    phone.locator("#balance").scroll_into_view_if_needed()
    healthy(phone, "thanks")
    assert complaints == []


def test_what_somebody_types_is_not_taken_away_by_news(phone: Page, both: Both) -> None:
    placed(both, "R-1")
    phone.goto(link(both, "R-1"))
    phone.get_by_label("Stall").fill("A 4")
    go(both, "R-1", "claim")
    phone.wait_for_timeout(2500)
    expect(phone.get_by_label("Stall")).to_have_value("A 4")


@pytest.mark.parametrize(("lang", "heading"), [("de", "Abholbereit"), ("es", "Listo para recoger")])
def test_the_page_speaks_the_language_that_came_with_the_order(
    phone: Page, complaints: Complaints, both: Both, lang: str, heading: str
) -> None:
    placed(both, "R-1", lang)
    go(both, "R-1", "claim", "pick", "stage", "ready")
    both.in_step()
    phone.goto(link(both, "R-1"))
    expect(phone.get_by_role("heading", level=1)).to_have_text(heading)
    healthy(phone, f"ready-{lang}")
    assert complaints == []


def test_arabic_runs_from_right_to_left(phone: Page, complaints: Complaints, both: Both) -> None:
    placed(both, "R-1", "ar")
    both.in_step()
    phone.goto(link(both, "R-1"))
    expect(phone.locator("html")).to_have_attribute("dir", "rtl")
    healthy(phone, "confirmed-ar")
    go(both, "R-1", "claim", "pick", "stage", "ready", "handover")
    expect(phone.locator(".scores")).to_be_visible()
    healthy(phone, "feedback-ar")
    phone.goto(f"{both.central.url}/?lang=ar")
    healthy(phone, "shop-ar")
    assert complaints == []
