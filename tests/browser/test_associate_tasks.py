"""What else the associate's phone is for: new orders, counts, an article that somebody asks for."""

import re

from playwright.sync_api import expect

from hub.pickup import actions as pickup
from tests.browser.conftest import AXE, Complaints, picture
from tests.browser.phone import (
    BREAD,
    PHONE,
    Open,
    context,
    floor,
    order,
    phone,
)
from tests.kiosk_ui.sample import SampleStore

__all__ = ["context", "floor", "phone"]


def test_a_new_order_rings_and_stands_in_the_title(phone: Open, floor: SampleStore) -> None:
    one = phone()
    expect(one.page).to_have_title(re.compile("^Tasks"))
    expect(one.page.locator("body")).to_have_attribute("data-link", "on")
    picture(one.page, "associate-nothing")
    floor.place("R-1", [("4711", 1)], code="7K4M")
    expect(one.page.locator(".job.order .code")).to_have_text("7K4M")
    expect(one.page).to_have_title(re.compile(r"^\(1\) Tasks"))
    expect(one.page.locator("body")).to_have_attribute("data-rang", "1")


def test_an_order_that_somebody_else_took_refuses_the_wave_by_name(
    phone: Open, floor: SampleStore
) -> None:
    floor.hire("ben", "Ben Osei", "associate")
    floor.place("R-1", [("4711", 1)], code="7K4M")
    floor.place("R-2", [("4712", 1)], code="2WXY")
    one = phone()
    one.page.locator(".job.order label").nth(0).tap()
    one.page.locator(".job.order label").nth(1).tap()
    expect(one.page.locator("#go-pick")).to_contain_text("Pick 2 orders in one round")
    picture(one.page, "associate-chosen")
    one.page.evaluate("() => document.querySelector('#tasks').removeAttribute('data-live')")
    floor.store.writer.run(
        lambda tx: pickup.claim(tx, "R-1", actor="staff:ben", cause="test:claim")
    )
    one.tap("#go-pick")
    expect(one.page.locator("#refused")).to_contain_text("Ben Osei is picking order 7K4M.")
    picture(one.page, "associate-taken")
    assert order(floor, "R-2")["state"] == "RESERVED"


def test_an_article_is_looked_up_by_scan_and_by_name(
    phone: Open, floor: SampleStore, complaints: Complaints
) -> None:
    one = phone()
    one.open("/associate/find")
    picture(one.page, "associate-find")
    one.page.locator("h1").tap()
    one.scan(BREAD)
    one.page.wait_for_url("**/associate/articles/4711")
    expect(one.page.locator("main")).to_contain_text("20 in the store")
    expect(one.page.locator("main")).to_contain_text("Bakery wall")
    picture(one.page, "associate-article")
    one.open("/associate/find?q=milk")
    expect(one.page.locator(".job .name")).to_have_text("Whole milk 1 l")
    picture(one.page, "associate-found")
    assert complaints == []


def test_a_count_task_is_done_with_one_number(phone: Open, floor: SampleStore) -> None:
    floor.place("R-1", [("4711", 1)], code="7K4M")
    floor.store.writer.run(lambda tx: pickup.claim(tx, "R-1", actor="staff:ivy", cause="t:1"))
    floor.store.writer.run(
        lambda tx: pickup.short(tx, "R-1", "L1", 1, "NOT_IN_STOCK", actor="staff:ivy", cause="t:2")
    )
    one = phone()
    job = one.page.locator(".job.count")
    expect(job).to_contain_text("a pick did not find it")
    one.tap(".job.count summary")
    picture(one.page, "associate-count")
    one.page.locator("[name=counted]").fill("17")
    one.tap(".job.count .inside button")
    expect(job).to_have_count(0)


def test_a_count_that_breaks_a_promise_asks_once_more(phone: Open, floor: SampleStore) -> None:
    """A slip of the thumb moves no order to another store: the number is confirmed first."""
    floor.place("R-1", [("4712", 1)], code="7K4M")
    floor.store.writer.run(lambda tx: pickup.claim(tx, "R-1", actor="staff:ivy", cause="t:1"))
    floor.store.writer.run(
        lambda tx: pickup.short(tx, "R-1", "L1", 1, "NOT_IN_STOCK", actor="staff:ivy", cause="t:2")
    )
    floor.place("R-count", [("4712", 3)], code="9ABC")
    one = phone()
    one.tap(".job.count summary")
    one.page.locator("[name=counted]").fill("1")
    one.tap(".job.count .inside button")
    expect(one.page.locator("#refused")).to_contain_text("(2 of SKU 4712)")
    expect(one.page.locator("[name=counted]")).to_have_value("1")
    picture(one.page, "associate-count-again")
    one.page.locator("[name=confirm_break]").check()
    one.tap(".job.count .inside button")
    expect(one.page.locator(".job.count")).to_have_count(0)
    expect(one.page.locator(".job.broken")).to_contain_text("9ABC")
    expect(one.page.locator(".job.broken")).to_contain_text("A count did not find it.")
    picture(one.page, "associate-broken")
    assert order(floor, "R-count")["lines"][0]["short"] == 2


def test_the_phones_pages_are_accessible_and_no_wider_than_the_phone(
    phone: Open, floor: SampleStore, complaints: Complaints
) -> None:
    floor.place("R-1", [("4711", 2), ("4712", 1)], code="7K4M")
    floor.place("R-2", [("4711", 1)], code="2WXY")
    one = phone()

    def look(place: str) -> None:
        one.page.evaluate(AXE.read_text())
        tags = "['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']"
        found = one.page.evaluate(f"() => axe.run({{runOnly: {tags}}})")["violations"]
        wrong = [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found]
        assert wrong == [], place
        wide = one.page.evaluate("() => document.documentElement.scrollWidth")
        assert wide <= PHONE["width"], place

    look("tasks")
    for path in ("find?q=milk", "articles/4711", "offline"):
        one.open(f"/associate/{path}")
        look(path)
    one.begin()
    one.sees("Rye bread 750 g")
    one.page.locator(".upcoming summary").tap()
    look("pick")
    for sheet in ("hand", "short", "swap"):
        one.tap(f"[data-sheet={sheet}]")
        look(sheet)
        one.page.keyboard.press("Escape")
    assert complaints == []
