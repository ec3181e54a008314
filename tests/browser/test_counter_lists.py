"""Who did not come, the day's figures and a lead's correction, in a real browser."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from hub.clock import FixedClock
from hub.pickup import actions as pickup
from tests.browser.conftest import AXE, PIN, Complaints, picture
from tests.browser.test_handover import TWO, state
from tests.browser.test_looks import too_small, violations
from tests.kiosk_ui.sample import SampleStore

SignIn = Callable[[str, str], None]


@pytest.fixture
def shop(tmp_path):  # type: ignore[no-untyped-def]
    """A store whose evening comes when the test says so."""
    clock = FixedClock(datetime.now(UTC) - timedelta(days=3))
    store = SampleStore(tmp_path / "data", clock, pins_shown=(("Ada Lindqvist", "associate", PIN),))
    store.hire("ada", "Ada Lindqvist", "associate")
    store.hire("sam", "Sam Okoro", "lead")
    for sku in ("4711", "4712", "4713"):
        store.receive(sku, 20)
    yield store
    store.close()


def later(shop: SampleStore, **length: int) -> None:
    assert isinstance(shop.clock, FixedClock)
    shop.clock.advance(timedelta(**length))


def test_who_did_not_come_is_called_or_given_up(
    page: Page, shop: SampleStore, address: str, sign_in: SignIn, complaints: Complaints
) -> None:
    shop.made_ready("R-1", TWO, name="Maria Keller", code="7K4M", phone="+49 170 555 1234")
    later(shop, hours=60)
    shop.made_ready("R-2", TWO, name="Jonas Weber", code="2PX9")
    sign_in(address, "ada")
    page.locator(".tabs a", has_text="Not collected").tap()
    rows = page.locator(".row-card")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Call +49 170 555 1234")
    picture(page, "missed")
    page.evaluate(AXE.read_text())
    assert violations(page) == []
    assert too_small(page) == []
    rows.locator("summary").tap()
    picture(page, "missed-giving-up")
    rows.get_by_role("button", name="Nobody came").tap()
    expect(page.get_by_text("Everybody came so far")).to_be_visible()
    assert state(shop, "R-1") == "CANCELED"
    page.locator(".tabs a", has_text="Put back").tap()
    expect(page.locator(".row-card")).to_contain_text("7K4M")
    assert complaints == []


def test_the_day_in_figures(
    page: Page, shop: SampleStore, address: str, sign_in: SignIn, complaints: Complaints
) -> None:
    later(shop, days=3)
    shop.made_ready("R-1", TWO, name="Maria Keller")
    shop.made_ready("R-2", TWO, short=1, name="Jonas Weber")
    sign_in(address, "ada")
    page.locator(".tabs a", has_text="Today").tap()
    expect(page.locator(".tile").first).to_contain_text("2")
    expect(page.locator(".tile", has_text="Units not found")).to_contain_text("Not in stock 1")
    picture(page, "day")
    page.evaluate(AXE.read_text())
    assert violations(page) == []
    assert complaints == []


def test_a_lead_corrects_a_handover_and_an_associate_may_not(
    page: Page, shop: SampleStore, address: str, sign_in: SignIn, complaints: Complaints
) -> None:
    from hub.pickup import actions

    shop.made_ready("R-1", TWO, name="Maria Keller")
    proof = {"kind": "id_seen", "value": "passport"}
    shop.store.writer.run(
        lambda tx: actions.handover(tx, "R-1", proof, actor="staff:ada", cause="hub:" + "d" * 32)
    )
    sign_in(address, "ada")
    page.goto(f"{address}/counter/orders/R-1")
    expect(page.locator("#correct")).to_have_count(0)
    page.locator(".rail form button").click()
    sign_in(address, "sam")
    page.goto(f"{address}/counter/orders/R-1")
    page.locator("#correct").tap()
    picture(page, "order-correct")
    page.get_by_role("button", name="Touched by mistake").tap()
    expect(page.locator("#do-handover")).to_be_visible()
    assert state(shop, "R-1") == "READY_FOR_PICKUP"
    assert complaints == []


def test_a_lead_reads_what_customers_said_and_looks_at_a_signature(
    page: Page, shop: SampleStore, address: str, sign_in: SignIn, complaints: Complaints
) -> None:
    from hub.customers import actions as customers
    from hub.experience import actions as experience
    from tests.kiosk_ui.test_lead import judged

    for number, (score, felt) in enumerate((
        (2, ["found"]), (4, ["fast"]), (5, ["fast", "friendly", "found", "clear"]), (5, ["clear"])
    )):  # fmt: skip
        judged(shop, f"R-K7M{number}", score, *felt)
        later(shop, hours=20)
    shop.made_ready("R-2PX9", TWO, name="Maria Keller")
    drawn = [[60 + n * 24 + x for n in range(30) for x in (0, 180 + (n * 37) % 110 - n * 26)]]
    run, why = shop.store.writer.run, {"actor": "staff:ada", "cause": "hub:signed"}
    run(lambda tx: customers.sign(tx, "c-R-2PX9", "R-2PX9", str(drawn).replace("-", "")))
    proof = {"kind": "signature", "value": "drawn"}
    run(lambda tx: pickup.handover(tx, "R-2PX9", proof, **why))
    said = {"actor": "customer", "cause": "central:felt"}
    run(lambda tx: experience.give(tx, "R-2PX9", 5, ["friendly"], **said))

    sign_in(address, "sam")
    page.locator(".tabs a", has_text="Today").tap()
    expect(page.locator("#said tr.now")).to_contain_text("Today")
    expect(page.locator(".answers li")).to_have_count(5)
    page.locator("#said").scroll_into_view_if_needed()
    picture(page, "day-said")
    page.evaluate(AXE.read_text())
    assert violations(page) == []
    assert too_small(page) == []
    page.locator(".answers a", has_text="2PX9").tap()
    page.locator("#look-signature").tap()
    expect(page.locator("#signed polyline")).to_have_count(1)
    expect(page.locator(".looks")).to_contain_text("Sam Okoro")
    picture(page, "signature")
    page.evaluate(AXE.read_text())
    assert violations(page) == []
    assert complaints == []
