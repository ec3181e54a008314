"""The board and its search box in a real browser: who is here, what is where, found by anything."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from hub.tasks.facts import TaskOpened
from tests.browser.conftest import AXE, Complaints, picture
from tests.browser.test_counter import scan
from tests.browser.test_looks import too_small, violations
from tests.kiosk_ui.sample import SampleStore, facts

SignIn = Callable[[str, str], None]


@pytest.fixture
def six(shop: SampleStore) -> SampleStore:
    """Six in the evening."""
    many = [("4711", 2), ("4712", 1)]
    shop.made_ready("R-1", many, name="Maria Keller", code="7K4M", phone="+49 170 555 1234")
    shop.made_ready("R-2", [("4713", 1)], shelf="C-3", name="Jonas Weber", code="2PX9", minutes=5)
    shop.place("R-3", [("4714", 1)], name="Olga Nowak", code="3WE8", minutes=-7)
    shop.place("R-4", [("4711", 1)], name="Amélie Fontaine", code="6CD7", minutes=12)
    shop.append(facts.PickingClaimed(order_id="R-4", by="staff:ada"))
    shop.append(
        TaskOpened(
            task_id="T-1", kind="unclaimed", subject="order:R-3", reason="UNCLAIMED", order_id="R-3"
        )
    )
    shop.place("R-77", [("4712", 1)], code="8NB4", minutes=300)
    shop.append(
        TaskOpened(
            task_id="T-2", kind="unclaimed", subject="order:R-77", reason="STILL_UNCLAIMED",
            order_id="R-77",
        )
    )  # fmt: skip
    shop.append(facts.BuyerSeen(order_id="R-2", where="arrived"))
    shop.append(facts.BuyerSeen(order_id="R-1", where="on_the_way"))
    shop.append(facts.BuyerSeen(order_id="R-4", where="on_the_way", eta_minutes=45))
    return shop


def test_the_board_at_six_in_the_evening(
    page: Page, six: SampleStore, address: str, sign_in: SignIn, complaints: Complaints
) -> None:
    page.emulate_media(reduced_motion="reduce")
    sign_in(address, "ada")
    assert page.locator(".arrival b").all_inner_texts() == ["2PX9", "7K4M", "6CD7"]
    expect(page.locator("#coming-R-4 .expected")).to_have_text(re.compile("^4[0-5] min$"))
    expect(page.locator("#card-R-3")).to_contain_text("Nobody picks it")
    expect(page.locator("#board .card", has_text="Still nobody picks it")).to_have_count(1)
    expect(page.locator("#calling")).to_contain_text("Still nobody picks: Start one")
    assert page.locator("#calling a").all_inner_texts()[0].startswith("8NB4")
    page.evaluate(AXE.read_text())
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.wait_for_timeout(150)
        picture(page, f"board-{scheme}")
        assert violations(page) == []
    assert too_small(page) == []
    page.locator("#coming-R-2").tap()
    page.wait_for_url("**/counter/handover/R-2")
    assert complaints == []


def test_a_board_takes_in_what_changed_and_asks_for_all_when_it_lacks_a_card(
    page: Page, six: SampleStore, address: str, sign_in: SignIn, complaints: Complaints
) -> None:
    sign_in(address, "ada")
    expect(page.locator("body[data-link=on]")).to_be_attached()
    page.locator("#card-R-4").evaluate("card => { card.dataset.mark = 'untouched'; }")
    six.place("R-7", [("4711", 1)], name="Theo Brandt", code="5TB1")
    expect(page.locator("#cards-new #card-R-7")).to_contain_text("Theo Brandt")
    expect(page.locator("#card-R-4[data-mark=untouched]")).to_contain_text("Amélie Fontaine")
    six.append(facts.PickingClaimed(order_id="R-7", by="staff:ada"))
    expect(page.locator("#cards-picking #card-R-7")).to_contain_text("Theo Brandt")
    expect(page.locator("#cards-new #card-R-7")).to_have_count(0)
    # Somebody took a card out of the page: the hub's short answer does not fit any more.
    page.locator("#card-R-4").evaluate("card => card.remove()")
    six.place("R-6", [("4711", 1)], name="Vera Holm", code="6VH2")
    expect(page.locator("#cards-new #card-R-6")).to_contain_text("Vera Holm")
    expect(page.locator("#cards-picking #card-R-4")).to_contain_text("Amélie Fontaine")
    expect(page.locator("#board [data-same]")).to_have_count(0)
    assert complaints == []


def test_one_box_finds_an_order_by_anything(
    page: Page, six: SampleStore, address: str, sign_in: SignIn
) -> None:
    sign_in(address, "ada")
    for typed, codes in (
        ("keller", ["7K4M"]),
        ("amelie", ["6CD7"]),
        ("1234", ["7K4M"]),
        ("R-3", ["3WE8"]),
        ("2px", ["2PX9"]),
        ("9521234543213", ["6CD7", "7K4M"]),
    ):
        page.locator("#find").press_sequentially(typed, delay=90)  # as a person types
        hits = page.locator("#found .hit .code")
        for code in codes:
            expect(hits.filter(has_text=code)).to_have_count(1)
        expect(hits).to_have_count(len(codes))
        picture(page, f"find-{typed}")
        assert typed not in page.url
        page.keyboard.press("Escape")
        expect(page.locator("#found")).to_be_empty()


def test_a_scanned_article_lists_who_waits_for_it_and_a_touch_opens_it(
    page: Page, six: SampleStore, address: str, sign_in: SignIn, complaints: Complaints
) -> None:
    sign_in(address, "ada")
    scan(page, "9521234543213")
    expect(page.locator("#found")).to_contain_text("Rye bread 750 g")
    page.evaluate(AXE.read_text())
    assert violations(page) == []
    page.locator("#found .hit", has_text="7K4M").tap()
    page.wait_for_url("**/counter/handover/R-1")
    assert complaints == []


def test_what_nobody_knows_is_said_and_escape_closes(
    page: Page, six: SampleStore, address: str, sign_in: SignIn
) -> None:
    sign_in(address, "ada")
    page.locator("#find").press_sequentially("nobody like this", delay=90)
    expect(page.locator("#found")).to_contain_text("Nothing found")
    picture(page, "find-nothing")
    page.keyboard.press("Escape")
    expect(page.locator("#found")).to_be_empty()


def test_cards_that_did_not_change_stay_as_they_are(
    page: Page, six: SampleStore, address: str, sign_in: SignIn
) -> None:
    sign_in(address, "ada")
    page.evaluate("document.getElementById('card-R-1').dataset.mine = ''")
    page.evaluate("document.getElementById('card-R-4').kept = true")
    six.place("R-9", [("4713", 1)], name="Else Koch", code="9AAA")
    expect(page.locator("#cards-new #card-R-9")).to_be_visible()
    assert page.evaluate("document.getElementById('card-R-4').kept") is True
    page.locator("#tap-R-9").tap()
    expect(page.locator("#cards-picking #card-R-9")).to_be_visible()
    expect(page.locator("#cards-new #card-R-9")).to_have_count(0)


def test_goods_of_a_canceled_order_are_ticked_off_when_they_are_back(
    page: Page, six: SampleStore, address: str, sign_in: SignIn, complaints: Complaints
) -> None:
    from hub.pickup import actions

    sign_in(address, "ada")
    page.locator(".tabs a", has_text="Put back").tap()
    expect(page.get_by_text("Nothing to put back")).to_be_visible()
    picture(page, "back-empty")
    six.store.writer.run(
        lambda tx: actions.cancel(
            tx, "R-1", "BUYER_NO_SHOW", actor="staff:ada", cause="hub:" + "c" * 32
        )
    )
    row = page.locator(".row-card")
    expect(row).to_contain_text("Nobody came for it")
    expect(row.locator(".shelf-huge")).to_have_text("B-12")
    picture(page, "back")
    page.evaluate(AXE.read_text())
    assert violations(page) == []
    row.get_by_role("button", name="Put back").tap()
    expect(row).to_have_count(0)
    assert complaints == []
