"""The wall screen calls what became ready, outlives its hub, and never says a name."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Response, expect

from kiosk_ui.server import Running, serve
from tests.browser.conftest import AXE, Complaints, picture
from tests.browser.proxy import Proxy
from tests.browser.test_looks import violations
from tests.kiosk_ui.sample import SampleStore, facts

NAMES = ("Jonas", "Weber", "Maria", "Keller", "R-1", "R-2", "+49")


def pick(shop: SampleStore, order_id: str) -> None:
    shop.append(facts.PickingClaimed(order_id=order_id, by="staff:ada"))
    shop.append(facts.LinePicked(order_id=order_id, line_id="L1", qty=1))
    shop.append(facts.OrderStaged(order_id=order_id, shelf="B-12"))
    shop.append(facts.OrderReady(order_id=order_id))


@pytest.fixture
def waiting(shop: SampleStore) -> SampleStore:
    shop.place("R-1", [("4711", 1)], minutes=9, name="Jonas Weber", code="2PX9")
    shop.place("R-2", [("4712", 1)], minutes=20, name="Maria Keller", code="7K4M")
    return shop


@pytest.fixture
def wall(page: Page) -> Page:
    page.set_viewport_size({"width": 1920, "height": 1080})
    return page


@pytest.fixture
def line(server: Running) -> Iterator[Proxy]:
    proxy = Proxy(server.port)
    yield proxy
    proxy.close()


def test_what_becomes_ready_is_called_and_no_name_is_sent(
    wall: Page, waiting: SampleStore, address: str, complaints: Complaints
) -> None:
    sent: list[str] = []

    def read(answer: Response) -> None:
        if "/lobby" in answer.url:
            sent.append(answer.text())

    wall.on("response", read)
    wall.goto(f"{address}/lobby?lang=de,ar")
    expect(wall.locator(".preparing [data-code='2PX9']")).to_be_visible()
    picture(wall, "lobby-none-ready")
    pick(waiting, "R-1")
    called = wall.locator(".ready [data-code='2PX9']")
    expect(called).to_have_class("new")
    expect(called).to_contain_text("B-12")
    expect(wall.locator("#called")).to_have_text("Bestellung 2PX9 ist bereit")
    picture(wall, "lobby-called")
    wall.evaluate(AXE.read_text())
    assert violations(wall) == []
    assert len(sent) >= 2
    assert [name for name in NAMES for text in sent if name in text] == []
    assert complaints == []


def test_a_cut_line_is_calm_and_what_was_missed_is_called_when_it_is_back(
    wall: Page, waiting: SampleStore, line: Proxy
) -> None:
    wall.clock.install()
    wall.goto(f"http://127.0.0.1:{line.port}/lobby")
    expect(wall.locator("body")).to_have_attribute("data-link", "on")
    line.cut()
    pick(waiting, "R-1")
    expect(wall.locator("body")).not_to_have_attribute("data-link", "on")
    expect(wall.locator("#away")).to_be_hidden()
    wall.clock.run_for(11_000)
    expect(wall.locator("#away")).to_be_visible()
    expect(wall.locator(".preparing [data-code='2PX9']")).to_be_visible()
    picture(wall, "lobby-away")
    line.mend()
    wall.clock.run_for(5_000)
    expect(wall.locator(".ready [data-code='2PX9']")).to_have_class("new")
    expect(wall.locator("#away")).to_be_hidden()


def test_a_wall_outlives_a_restart_of_the_hub(
    wall: Page, waiting: SampleStore, server: Running, line: Proxy
) -> None:
    wall.goto(f"http://127.0.0.1:{line.port}/lobby")
    expect(wall.locator("body")).to_have_attribute("data-link", "on")
    line.cut()
    server.stop()
    pick(waiting, "R-2")
    again = serve(waiting.hub, "127.0.0.1", 0)
    line.lead_to(again.port)
    line.mend()
    try:
        expect(wall.locator(".ready [data-code='7K4M']")).to_have_class("new")
        pick(waiting, "R-1")
        expect(wall.locator(".ready [data-code='2PX9']")).to_be_visible()
    finally:
        again.stop()


def test_an_empty_and_a_crowded_wall(wall: Page, shop: SampleStore, address: str) -> None:
    wall.clock.install()
    wall.goto(f"{address}/lobby?lang=ar,en")
    expect(wall.locator(".none")).to_have_count(2)
    picture(wall, "lobby-empty-ar")
    for n in range(26):
        shop.place(f"R-{n}", [(f"471{1 + n % 4}", 1)], minutes=5 + n, code=f"{n + 2:02}KX")
        if n < 13:
            pick(shop, f"R-{n}")
    expect(wall.locator(".ready .sheet")).to_have_count(2)
    expect(wall.locator(".ready .sheet:visible li")).to_have_count(10)
    picture(wall, "lobby-crowded-ar")
    wall.clock.run_for(8_500)
    expect(wall.locator(".preparing .sheet").nth(1)).to_be_visible()
    assert wall.evaluate("document.documentElement.scrollHeight") <= 1080
