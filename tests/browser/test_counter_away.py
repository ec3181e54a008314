"""The counter without its hub, in a real browser: shows the last board, hands over, tells later."""

import json
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from hub.pickup import queries
from kiosk_ui.server import Running
from tests.browser.conftest import AXE, Complaints, picture
from tests.browser.proxy import Proxy
from tests.browser.test_counter import scan
from tests.browser.test_handover import TWO, state
from tests.browser.test_looks import too_small, violations
from tests.kiosk_ui.sample import SampleStore

SignIn = Callable[[str, str], None]


@pytest.fixture
def line(server: Running) -> Iterator[Proxy]:
    proxy = Proxy(server.port)
    yield proxy
    proxy.close()


@pytest.fixture
def at(line: Proxy, shop: SampleStore, page: Page, sign_in: SignIn) -> str:
    """A counter at six: three orders, two of them one customer's; its board is kept."""
    shop.made_ready("R-1", TWO, shelf="B-12", name="Maria Keller", ref="c-maria", code="7K4M")
    shop.made_ready("R-2", TWO, shelf="C-3", name="Maria Keller", ref="c-maria", code="2PX9")
    shop.made_ready("R-3", [("4713", 1)], shelf="D-1", name="Jonas Weber", code="3WE8")
    shop.place("R-4", [("4714", 1)], name="Olga Nowak", code="6CD7")
    address = f"http://127.0.0.1:{line.port}"
    sign_in(address, "ada")
    kept(page)
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    return address


def kept(page: Page) -> dict[str, object]:
    """Wait until the board is kept; return it."""
    # Waited for from outside: a page that is loaded anew meanwhile ends what runs in it.
    last = page.wait_for_function("() => localStorage.getItem('storehub.counter.last')")
    text = last.json_value()
    found: dict[str, object] = json.loads(text)
    return found


def lose(page: Page, line: Proxy) -> None:
    line.cut()
    expect(page.locator("#away-banner")).to_be_visible()


def test_what_is_kept_names_nobody(page: Page, at: str) -> None:
    found = json.dumps(kept(page))
    for personal in ("Maria", "Keller", "c-maria", "Jonas", "Olga"):
        assert personal not in found
    assert "7K4M" in found
    assert "B-12" in found


def test_handovers_by_code_go_on_and_are_sent_once_when_the_hub_is_back(
    page: Page, shop: SampleStore, line: Proxy, at: str
) -> None:
    lose(page, line)
    scan(page, shop.code("R-1", TWO))
    dialog = page.locator("#away-give")
    expect(dialog.locator(".shelf-huge")).to_have_text(["B-12", "C-3"])
    expect(dialog.locator("[data-is=proven]")).to_be_visible()
    picture(page, "away-give")
    page.evaluate(AXE.read_text())
    assert violations(page) == []
    page.locator("#away-do").tap()
    expect(page.locator("#unsent-list li")).to_have_count(2)
    expect(page.locator("#unsent-list")).to_contain_text("waits for the hub")
    picture(page, "away-unsent")
    scan(page, shop.code("R-1", TWO))
    expect(dialog).to_contain_text("already handed over at this screen")
    dialog.get_by_role("button", name="Close").tap()
    assert state(shop, "R-1") == "READY_FOR_PICKUP"
    line.mend()
    expect(page.locator("#unsent-list [data-state=confirmed]")).to_have_count(2)
    picture(page, "away-confirmed")
    assert state(shop, "R-1") == state(shop, "R-2") == "PICKED_UP"
    expect(page.locator("#away-banner")).to_be_hidden()


def test_a_form_whose_answer_was_lost_is_one_handover_of_what_was_ticked(
    page: Page, shop: SampleStore, line: Proxy, at: str
) -> None:
    page.goto(f"{at}/counter/handover/R-1")
    page.locator("[name=take][value=R-2]").uncheck()
    page.locator("[data-parcel=R-1] summary").tap()
    page.locator("[data-parcel=R-1] [data-by='-1']").first.tap()
    page.locator(".proofs .kinds label").first.tap()

    def lose_answer(route: Route) -> None:
        route.fetch()  # the hub does it ...
        line.cut()
        route.abort()  # ... and its answer is lost

    page.route("**/counter/handover/R-1", lose_answer)
    page.locator("#do-handover").tap()
    expect(page.locator("#away-banner")).to_be_visible()
    page.locator("#do-handover").tap()
    dialog = page.locator("#away-give")
    expect(dialog.locator(".shelf-huge")).to_have_text(["B-12"])
    expect(dialog.locator(".thing .count")).to_have_text(["1×", "1×"])
    picture(page, "away-ticked")
    page.locator("#away-do").tap()
    line.mend()
    expect(page.locator("#unsent-list [data-state=confirmed]")).to_have_count(1)
    with shop.hub.reader() as connection:
        found = queries.order(connection, "R-1")["lines"]
    assert [one["handed_over"] for one in found] == [1, 1]
    assert state(shop, "R-2") == "READY_FOR_PICKUP"


def test_a_page_that_is_opened_without_the_hub_shows_the_last_board(
    page: Page, shop: SampleStore, line: Proxy, at: str
) -> None:
    line.cut()
    page.goto(f"{at}/counter")
    expect(page.locator("[data-away-states^=READY] .card")).to_have_count(3)
    expect(page.locator("body")).not_to_contain_text("Maria")
    page.evaluate(AXE.read_text())
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        picture(page, f"away-shell-{scheme}")
        assert violations(page) == []
    assert too_small(page) == []
    page.locator("#away-code").fill("3we8")
    page.locator("#away-banner button").tap()
    page.locator("#away-give .kinds label").first.tap()
    picture(page, "away-shell-id")
    page.locator("#away-do").tap()
    expect(page.locator("[data-away-states^=READY]")).to_contain_text("not confirmed")
    line.mend()
    expect(page.locator("#card-R-1")).to_be_visible(timeout=40_000)  # the board itself again
    assert state(shop, "R-3") == "PICKED_UP"


def test_a_code_is_checked_without_the_hub(
    page: Page, shop: SampleStore, line: Proxy, at: str
) -> None:
    lose(page, line)
    dialog = page.locator("#away-give")
    genuine = shop.code("R-1", TWO)
    forged = genuine[:-8] + ("A" * 8 if not genuine.endswith("A" * 8) else "B" * 8)
    for text, sentence in (
        (forged, "not genuine"),
        (shop.code("R-4", TWO), "not ready when the hub was last heard"),
        (shop.code("R-77", TWO), "does not know that order"),
    ):
        scan(page, text)
        expect(dialog).to_contain_text(sentence)
        expect(page.locator("#away-do")).to_be_hidden()
        dialog.get_by_role("button", name="Close").tap()


def test_a_refusal_that_comes_later_is_shown_as_one(
    page: Page, shop: SampleStore, line: Proxy, at: str
) -> None:
    from hub.pickup import actions

    lose(page, line)
    scan(page, shop.code("R-3", [("4713", 1)]))
    page.locator("#away-do").tap()
    proof = {"kind": "id_seen", "value": "passport"}
    shop.store.writer.run(
        lambda tx: actions.handover(tx, "R-3", proof, actor="staff:ben", cause="hub:" + "b" * 32)
    )
    line.mend()
    refused = page.locator("#unsent-list [data-state=refused]")
    expect(refused).to_contain_text("already handed over")
    picture(page, "away-refused")
    refused.get_by_role("button", name="Seen").tap()
    expect(page.locator("#unsent")).to_be_hidden()


def test_an_idle_counter_that_no_worker_serves_stays_without_its_hub_and_names_nobody(
    page: Page, shop: SampleStore, line: Proxy, sign_in: SignIn
) -> None:
    page.add_init_script("delete Navigator.prototype.serviceWorker")  # as over plain HTTP
    page.clock.install()
    shop.made_ready("R-1", TWO, shelf="B-12", name="Maria Keller", code="7K4M")
    sign_in(f"http://127.0.0.1:{line.port}", "ada")
    expect(page.locator("#card-R-1")).to_contain_text("Maria")
    page.clock.fast_forward("00:02")
    kept(page)
    lose(page, line)
    page.clock.fast_forward("12:00")
    expect(page.locator("[data-away-states^=READY] .card")).to_contain_text("7K4M")
    expect(page.locator("#away-nobody")).to_be_visible()
    expect(page.get_by_role("button", name="Hand over")).to_have_count(0)
    picture(page, "away-nobody")
    assert page.url.endswith("/counter")
    for personal in ("Maria", "Ada"):
        assert personal not in page.locator("body").inner_text()
    assert page.evaluate("localStorage.getItem('storehub.counter.who')") is None
    line.mend()
    expect(page.locator("#card-R-1")).to_be_visible()


def test_who_signs_out_leaves_no_board_behind(page: Page, at: str, complaints: Complaints) -> None:
    page.locator(".rail form button").click()
    page.wait_for_url("**/signin**")
    assert page.evaluate("localStorage.getItem('storehub.counter.last')") is None
    assert page.evaluate("localStorage.getItem('storehub.counter.who')") is None
    assert complaints == []
