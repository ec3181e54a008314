"""The handover at the counter in a real browser: scan, fetch, prove, and nothing more."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from hub.journal import Transaction
from tests.browser.conftest import AXE, PIN, Complaints, picture
from tests.browser.test_counter import scan
from tests.browser.test_looks import too_small, violations
from tests.kiosk_ui.sample import SampleStore

SignIn = Callable[[str, str], None]
TWO = [("4711", 2), ("4712", 1)]


def state(shop: SampleStore, order_id: str) -> str:
    from hub.pickup import queries

    with shop.store.database.reader() as connection:
        return queries.load(connection, order_id).state.value


@pytest.fixture
def maria(shop: SampleStore) -> SampleStore:
    """A customer with two orders on two shelves and one that is not ready yet."""
    for number, shelf in (("R-1", "B-12"), ("R-2", "C-3")):
        shop.made_ready(number, TWO, shelf=shelf, name="Maria Keller", ref="c-maria")
    shop.place("R-3", [("4714", 1)], name="Maria Keller", ref="c-maria")
    return shop


def test_one_scan_and_one_touch_hand_over_all_of_a_customers_orders(
    page: Page, maria: SampleStore, address: str, sign_in: SignIn, complaints: Complaints
) -> None:
    sign_in(address, "ada")
    scan(page, maria.code("R-2", TWO))
    page.wait_for_url("**/counter/handover/R-2**")
    expect(page.locator("h1")).to_have_text("Maria Keller")
    assert page.locator(".shelf-huge").all_inner_texts() == ["C-3", "B-12"]
    expect(page.locator(".thing")).to_have_count(4)
    expect(page.locator("#proven")).to_be_visible()
    expect(page.get_by_text("1 more order is not ready yet")).to_be_visible()
    picture(page, "handover-code")
    page.locator("#do-handover").tap()
    expect(page.locator("#given")).to_be_visible()
    picture(page, "handover-given")
    assert [state(maria, one) for one in ("R-1", "R-2", "R-3")] == [
        "PICKED_UP",
        "PICKED_UP",
        "RESERVED",
    ]
    assert complaints == []


def test_three_touches_hand_over_to_who_shows_an_id(
    page: Page, maria: SampleStore, address: str, sign_in: SignIn
) -> None:
    sign_in(address, "ada")
    page.locator("#card-R-1 .cover").tap()
    page.locator(".proofs .kinds label").first.tap()
    picture(page, "handover-id")
    page.locator("#do-handover").tap()
    expect(page.locator("#given")).to_be_visible()
    assert state(maria, "R-1") == state(maria, "R-2") == "PICKED_UP"


def test_nothing_is_given_without_a_proof(
    page: Page, maria: SampleStore, address: str, sign_in: SignIn
) -> None:
    sign_in(address, "ada")
    page.goto(f"{address}/counter/handover/R-1")
    page.locator("#do-handover").tap()
    expect(page.locator("#given")).to_have_count(0)
    assert state(maria, "R-1") == "READY_FOR_PICKUP"
    maria.made_ready("R-9", [("4711", 1)], name="Else Koch", ref="c-else")
    scan(page, maria.code("R-9"))
    page.wait_for_url("**/counter/handover/R-9**")
    page.goto(page.url.replace("R-9?", "R-1?"))
    expect(page.get_by_text("This code does not prove this order.")).to_be_visible()


def sign(page: Page) -> None:
    pad = page.locator("#pad").bounding_box()
    assert pad is not None
    x, y = pad["x"], pad["y"]
    page.mouse.move(x + 30, y + 90)
    page.mouse.down()
    for step in range(1, 15):
        page.mouse.move(x + 30 + step * 18, y + 90 + (40 if step % 2 else -35))
    page.mouse.up()


def test_a_signature_on_the_screen_is_kept_as_personal_data_and_erased_with_it(
    page: Page, maria: SampleStore, address: str, sign_in: SignIn
) -> None:
    from hub.customers import actions, queries

    sign_in(address, "ada")
    page.goto(f"{address}/counter/handover/R-1")
    page.locator("label:has([value=signature])").tap()
    page.locator("#do-handover").tap()
    expect(page.locator("#refused").first).to_contain_text("not signed")
    page.locator("label:has([value=signature])").tap()
    sign(page)
    picture(page, "handover-signature")
    maria.append_nothing("customers")  # a refresh meanwhile wipes nothing
    page.locator("#do-handover").tap()
    expect(page.locator("#given")).to_be_visible()
    with maria.store.database.reader() as connection:
        kept = queries.signature(connection, "R-1")
        assert kept is not None
        assert len(kept[0]) > 60
        facts = "".join(str(row[0]) for row in connection.execute("SELECT entry FROM journal"))
        assert kept[0][2:30] not in facts
    page.locator("#given a", has_text="Look at the order").tap()
    maria.store.writer.run(
        lambda tx: actions.erase(tx, "c-maria", actor="central", cause="central:erase")
    )
    with maria.store.database.reader() as connection:
        assert queries.signature(connection, "R-1") is None


def test_an_age_is_looked_at_and_who_else_may_collect_is_said(
    page: Page, shop: SampleStore, address: str, sign_in: SignIn, complaints: Complaints
) -> None:
    from hub.customers import actions as customers
    from hub.pickup import actions, queries

    shop.made_ready("R-1", TWO, name="Maria Keller", age=18)

    def delegate(tx: Transaction) -> None:
        customers.add(tx, "c-R-1", {"delegate": "Lea Brandt"})
        actions.delegate_named(tx, "R-1", actor="central", cause="central:delegate")

    shop.store.writer.run(delegate)
    sign_in(address, "ada")
    page.goto(f"{address}/counter/handover/R-1?code={shop.code('R-1', TWO)}")
    page.locator("label", has_text="Lea Brandt came").tap()
    page.locator("#do-handover").tap()
    assert state(shop, "R-1") == "READY_FOR_PICKUP"  # the box is not ticked
    page.locator("#age input").check()
    page.evaluate(AXE.read_text())
    assert violations(page) == []
    picture(page, "handover-age-delegate")
    page.locator("#do-handover").tap()
    expect(page.locator("#given")).to_be_visible()
    with shop.store.database.reader() as connection:
        facts = [str(row[0]) for row in connection.execute("SELECT entry FROM journal")]
        assert queries.load(connection, "R-1").state.value == "PICKED_UP"
    given = next(fact for fact in facts if "OrderHandedOver" in fact)
    assert '"age_checked":true' in given
    assert '"collected_by":"delegate"' in given
    assert "Lea" not in "".join(facts)
    assert complaints == []


def test_some_of_it_is_handed_over_and_the_rest_waits(
    page: Page, shop: SampleStore, address: str, sign_in: SignIn
) -> None:
    shop.made_ready("R-1", TWO, name="Maria Keller")
    sign_in(address, "ada")
    page.goto(f"{address}/counter/handover/R-1")
    page.locator(".parcel summary").tap()
    page.locator(".some-line").first.locator("[data-by='-1']").tap()
    picture(page, "handover-some")
    page.locator(".proofs .kinds label").first.tap()
    page.locator("#do-handover").tap()
    expect(page.get_by_text("Handed over before: 1 × Rye bread 750 g")).to_be_visible()
    expect(page.locator(".thing")).to_have_count(1)
    assert state(shop, "R-1") == "READY_FOR_PICKUP"


def test_two_people_at_one_handover_see_each_other_at_once_and_what_one_chose_stays(
    page: Page, chromium: Browser, maria: SampleStore, address: str, sign_in: SignIn
) -> None:
    maria.hire("ben", "Ben Adeyemi", "associate")
    sign_in(address, "ada")
    page.goto(f"{address}/counter/handover/R-1")
    expect(page.locator("body")).to_have_attribute("data-link", "on")
    page.locator("[name=take][value=R-2]").uncheck()
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    other = context.new_page()
    other.goto(f"{address}/signin?next=/counter/handover/R-2")
    other.locator("input[value=ben]").check(force=True)
    for digit in PIN:
        other.locator(f"[data-pin='{digit}']").click()
    other.locator(".pad .go").click()
    expect(other.get_by_text("Ada Lindqvist has this open too")).to_be_visible()
    expect(page.get_by_text("Ben Adeyemi has this open too")).to_be_visible()
    picture(page, "handover-two-people")
    other.goto(f"{address}/counter")
    expect(page.get_by_text("Ben Adeyemi has this open too")).to_have_count(0)
    expect(page.locator("[name=take][value=R-2]")).not_to_be_checked()
    expect(other.locator("#card-R-1 .hands")).to_contain_text("Ada Lindqvist")
    page.locator(".proofs .kinds label").first.tap()
    page.locator("#do-handover").tap()
    expect(other.locator("#card-R-1")).to_have_count(0)
    assert state(maria, "R-2") == "READY_FOR_PICKUP"
    context.close()


def test_what_was_handed_over_elsewhere_says_so_at_once(
    page: Page, shop: SampleStore, address: str, sign_in: SignIn
) -> None:
    from hub.pickup import actions

    shop.made_ready("R-1", TWO, name="Maria Keller")
    sign_in(address, "ada")
    page.goto(f"{address}/counter/handover/R-1")
    expect(page.locator("body")).to_have_attribute("data-link", "on")
    page.locator(".proofs .kinds label").first.tap()
    proof = {"kind": "id_seen", "value": "passport"}
    shop.store.writer.run(
        lambda tx: actions.handover(tx, "R-1", proof, actor="staff:ada", cause="hub:" + "a" * 32)
    )
    expect(page.get_by_text("Already handed over")).to_be_visible()
    expect(page.locator("#do-handover")).to_have_count(0)
    picture(page, "handover-already")


def test_the_handover_is_accessible_and_fits_fingers(
    page: Page, maria: SampleStore, address: str, sign_in: SignIn, complaints: Complaints
) -> None:
    page.emulate_media(reduced_motion="reduce")
    sign_in(address, "ada")
    for name, path in (("id", "R-1"), ("code", f"R-1?code={maria.code('R-1', TWO)}")):
        page.goto(f"{address}/counter/handover/{path}")
        page.evaluate(AXE.read_text())
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.wait_for_timeout(150)
            picture(page, f"handover-{name}-{scheme}")
            assert violations(page) == [], scheme
        assert too_small(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert complaints == []
