"""The associate's phone in Chromium: a round is walked once, one hand, one line at a time."""

from pathlib import Path
from typing import Any

import zxingcpp
from playwright.sync_api import Browser, expect

from hub import scans
from hub.pickup import staging
from tests.browser.conftest import PATIENCE_MS, Complaints, picture
from tests.browser.phone import (
    APPLES,
    BREAD,
    COFFEE,
    MILK,
    PHONE,
    Open,
    context,
    floor,
    happened,
    order,
    phone,
    signed_in,
)
from tests.browser.test_phone_reader import film
from tests.components import which
from tests.kiosk_ui.sample import SampleStore

__all__ = ["context", "floor", "phone"]


def test_a_wave_of_three_orders_is_walked_once_with_one_scan_a_unit(
    phone: Open, floor: SampleStore, complaints: Complaints
) -> None:
    floor.place("R-1", [("4712", 1), ("4711", 1)], code="7K4M", minutes=20)
    floor.place("R-2", [("4711", 1), ("4714", 1)], code="2WXY", minutes=10)
    floor.place("R-3", [("4713", 3)], code="9ABC", minutes=200)
    one = phone()
    expect(one.page.locator(".job.order .code")).to_have_text(["2WXY", "7K4M", "9ABC"])
    picture(one.page, "associate-tasks")
    one.begin()
    walk = (
        ("Apples, 1 kg", APPLES, "9ABC"),
        ("Rye bread 750 g", BREAD, "2WXY"),
        ("Rye bread 750 g", BREAD, "7K4M"),
        ("Whole milk 1 l", MILK, "7K4M"),
        ("Ground coffee 500 g", COFFEE, "2WXY"),
    )
    for name, code, short in walk:
        one.sees(name)
        expect(one.page.locator("#line .code")).to_have_text(short)
        picture(one.page, f"associate-pick-{code[-3:]}-{short}")
        one.scan(code)
        if name.startswith("Apples"):
            expect(one.page.locator("#rest-here")).to_have_text("The other 2 are here too")
            picture(one.page, "associate-pick-rest")
            one.tap("#rest-here")
    expect(one.page.locator(".staging")).to_have_count(3)
    picture(one.page, "associate-staging")
    for n in range(3):
        expect(one.page.locator(".staging")).to_have_count(3 - n)
        one.scan(f"SH1:S:S-{n}")
        if n < 2:
            expect(one.page.locator("#which button")).to_have_count(3 - n)
            if n == 0:
                picture(one.page, "associate-which")
            one.tap("#which button")
    expect(one.page.locator("#done")).to_be_visible()
    one.confirmed()
    picture(one.page, "associate-done")
    # As docs/associate.md counts them: one scan a line and a shelf; one touch to begin, one for the
    # rest of three apples, one for each shelf that could be two orders'.
    assert (one.scans, one.touches) == (5 + 3, 1 + 1 + 2)
    for order_id in ("R-1", "R-2", "R-3"):
        now = order(floor, order_id)
        assert now["state"] == "READY_FOR_PICKUP", now
        assert all(line["picked"] == line["ordered"] for line in now["lines"])
        assert {event["actor"] for event in now["timeline"][2:]} == {"staff:ada"}
    assert complaints == []


def test_a_round_is_picked_by_the_phones_camera_alone(
    floor: SampleStore, address: str, chromium: Browser, tmp_path: Path, complaints: Complaints
) -> None:
    floor.place("R-1", [("4711", 1), ("4712", 1)], code="7K4M")
    scenes: tuple[tuple[Any, float], ...] = (
        (None, 8),  # the reader is loaded with the first picture
        ((zxingcpp.EAN13, COFFEE), 2),
        (None, 1),
        ((zxingcpp.EAN13, BREAD), 2),
        (None, 1),
        ((zxingcpp.EAN13, MILK), 2),
        (None, 1),
        ((zxingcpp.QRCode, "SH1:S:A-7"), 2),
        (None, 1),
    )
    arguments = [
        "--no-sandbox",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={film(tmp_path / 'cam.y4m', *scenes)}",
    ]
    browser = chromium.browser_type.launch(executable_path=which("chromium"), args=arguments)
    context = browser.new_context(viewport=PHONE, has_touch=True, permissions=["camera"])
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    one = signed_in(page, address, "ada")
    one.begin()
    one.sees("Rye bread 750 g")
    one.tap("#open-camera")
    expect(page.locator("#reader")).to_have_attribute("data-state", "on")
    expect(page.locator("#said")).to_contain_text("That is Ground coffee 500 g")
    picture(page, "associate-camera")
    expect(page.locator("#done")).to_be_visible()
    one.confirmed()
    now = order(floor, "R-1")
    assert (now["state"], now["shelf"]) == ("READY_FOR_PICKUP", "A-7")
    assert one.touches == 2, "begin, and the camera's switch"
    assert complaints == []
    browser.close()


def test_a_paired_scanner_picks_on_the_phone(phone: Open, floor: SampleStore) -> None:
    floor.place("R-1", [("4711", 1)], code="7K4M")
    one = phone()
    one.tap(".pair a")
    text = one.page.locator("#pairing-text").inner_text()

    def gun(code: str, n: int) -> None:
        floor.store.writer.run(
            lambda tx: scans.route(
                tx, "gun-1", {"code": code}, observation_id=f"o{n}", store="store-1"
            )
        )

    gun(text, 0)
    one.begin()
    one.sees("Rye bread 750 g")
    gun(BREAD, 1)
    expect(one.page.locator(".staging")).to_have_count(1)
    gun("SH1:S:A-7", 2)
    expect(one.page.locator("#done")).to_be_visible()
    one.confirmed()
    assert order(floor, "R-1")["shelf"] == "A-7"


def test_what_another_phone_claims_leaves_this_one_at_once(
    phone: Open, floor: SampleStore, address: str, chromium: Browser
) -> None:
    floor.hire("ben", "Ben Osei", "associate")
    floor.place("R-1", [("4711", 1)], code="7K4M")
    one = phone()
    expect(one.page.locator("body")).to_have_attribute("data-link", "on")
    context = chromium.new_context(viewport=PHONE, has_touch=True)
    other = signed_in(context.new_page(), address, "ben")
    other.begin()
    expect(one.page.locator(".job.order")).to_have_count(0)
    expect(one.page.locator("#tasks")).to_contain_text("Picking now: Ben Osei")
    context.close()


def test_a_wrong_article_is_refused_with_what_it_is_and_where_it_belongs(
    phone: Open, floor: SampleStore
) -> None:
    floor.place("R-1", [("4711", 1), ("4712", 1)], code="7K4M")
    one = phone()
    one.begin()
    one.sees("Rye bread 750 g")
    one.scan(COFFEE)
    expect(one.page.locator("#said")).to_contain_text(
        "That is Ground coffee 500 g. This line needs Rye bread 750 g."
    )
    one.scan("4006381333931")
    expect(one.page.locator("#said")).to_contain_text("does not sell GTIN")
    one.scan(MILK)
    expect(one.page.locator("#said")).to_contain_text("That is Whole milk")
    picture(one.page, "associate-wrong")
    assert happened(floor, "R-1") == ["PickingClaimed"]
    one.tap("#goto")
    one.sees("Whole milk 1 l")
    one.scan(MILK)
    one.sees("Rye bread 750 g")
    one.confirmed()
    assert happened(floor, "R-1") == ["PickingClaimed", "LinePicked"]
    one.tap("#undo")
    expect(one.page.locator("#said")).to_contain_text("Taken back")
    one.confirmed()
    assert happened(floor, "R-1")[-1] == "LineStepUndone"


def test_what_is_not_there_is_said_by_its_reason_by_hand_too_and_later(
    phone: Open, floor: SampleStore, complaints: Complaints
) -> None:
    floor.place("R-1", [("4711", 2), ("4712", 1), ("4713", 1)], code="7K4M")
    one = phone()
    one.begin()
    one.sees("Apples, 1 kg")
    one.tap("#later")
    one.sees("Rye bread 750 g")
    one.tap("[data-sheet=hand]")
    picture(one.page, "associate-by-hand")
    one.tap("[data-hand=UNREADABLE]")
    one.sees("Whole milk 1 l")
    one.tap("[data-sheet=short]")
    picture(one.page, "associate-short")
    one.tap("[data-short=DAMAGED]")
    one.sees("Apples, 1 kg")
    one.confirmed()
    one.tap("[data-sheet=hand]")
    one.page.locator("#sheet-hand input[name=code]").fill(APPLES)
    one.tap("[data-typed]")
    expect(one.page.locator(".staging")).to_have_count(1)
    one.confirmed()
    events = order(floor, "R-1")["timeline"][3:]
    assert [(event["type"], event.get("note")) for event in events] == [
        ("LinePostponed", None),
        ("LinePicked", "UNREADABLE"),
        ("LineShorted", "DAMAGED"),
        ("LinePicked", None),
    ]
    one.tap(".staging .other")
    picture(one.page, "associate-shelf")
    one.page.locator("#sheet-shelf input[name=shelf]").fill("B-12")
    one.tap("[data-shelved]")
    expect(one.page.locator("#done")).to_be_visible()
    one.confirmed()
    assert order(floor, "R-1")["shelf"] == "B-12"
    assert complaints == []


def test_another_article_is_given_instead_by_its_scan(phone: Open, floor: SampleStore) -> None:
    floor.place("R-1", [("4711", 1)], code="7K4M")
    one = phone()
    one.begin()
    one.sees("Rye bread 750 g")
    one.tap("[data-sheet=swap]")
    picture(one.page, "associate-swap")
    one.scan(MILK)
    expect(one.page.locator(".staging")).to_have_count(1)
    one.confirmed()
    lines = order(floor, "R-1")["lines"]
    assert [(line["sku"], line["picked"], line["substituted"]) for line in lines] == [
        ("4711", 0, 1),
        ("4712", 1, 0),
    ]


def test_the_customer_says_what_may_be_given_instead(phone: Open, floor: SampleStore) -> None:
    floor.place("R-1", [("4711", 1)], code="7K4M", substitutes=["4714"], minutes=10)
    floor.place("R-2", [("4712", 1)], code="2WXY", substitutes="never")
    one = phone()
    one.begin()
    one.sees("Rye bread 750 g")
    one.tap("[data-sheet=swap]")
    expect(one.page.locator("#allowed .name")).to_have_text(["Ground coffee 500 g"])
    picture(one.page, "associate-swap-list")
    one.scan(APPLES)
    expect(one.page.locator("#said")).to_contain_text("does not take Apples, 1 kg instead")
    one.tap("[data-sheet=swap]")
    one.tap("#allowed button")
    one.sees("Whole milk 1 l")
    one.tap("[data-sheet=swap]")
    expect(one.page.locator("#said")).to_contain_text("The customer wants no substitute.")
    expect(one.page.locator("#undo")).to_be_hidden()
    picture(one.page, "associate-never")
    one.confirmed()
    lines = order(floor, "R-1")["lines"]
    assert [(line["sku"], line["picked"], line["substituted"]) for line in lines] == [
        ("4711", 0, 1),
        ("4714", 1, 0),
    ]


def test_the_shelf_that_the_store_suggests_is_one_touch(phone: Open, floor: SampleStore) -> None:
    for name in ("S-1", "S-2"):
        floor.store.writer.run(
            lambda tx, n=name: staging.plan_shelf(
                tx, n, 1, "ambient", actor="staff:ada", cause=f"plan:{n}"
            )
        )
    floor.place("R-1", [("4711", 1)], code="7K4M", minutes=10)
    floor.place("R-2", [("4711", 1)], code="2WXY")
    one = phone()
    one.begin()
    one.sees("Rye bread 750 g")
    one.scan(BREAD)
    expect(one.page.locator("#picking")).to_contain_text("1 of 2")
    one.scan(BREAD)
    puts = one.page.locator(".staging .put")
    expect(puts).to_have_text(["It stands on S-1", "It stands on S-2"])
    picture(one.page, "associate-suggested")
    one.tap(".staging .put")
    expect(puts).to_have_text(["It stands on S-2"])
    one.tap(".staging .put")
    expect(one.page.locator("#done")).to_be_visible()
    one.confirmed()
    assert [order(floor, name)["shelf"] for name in ("R-1", "R-2")] == ["S-1", "S-2"]
    assert (one.scans, one.touches) == (2, 3)
