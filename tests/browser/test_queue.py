"""The queue of commands that the hub has not confirmed, in a real browser: sent once, or told."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page

from kiosk_ui.assets import ROOT
from kiosk_ui.server import Running
from tests.browser.proxy import Proxy
from tests.kiosk_ui.sample import SampleStore

SignIn = Callable[[str, str], None]
QUEUE = (ROOT / "queue.js").read_text(encoding="utf-8")


@pytest.fixture
def line(server: Running) -> Iterator[Proxy]:
    proxy = Proxy(server.port)
    yield proxy
    proxy.close()


def open_queue(page: Page, person: str = "staff:ada") -> None:
    page.evaluate(QUEUE)
    page.evaluate("(person) => { window.queue = storehubQueue('test', { person }); }", person)


def add(page: Page, order_id: str, step: str) -> dict[str, str]:
    told: dict[str, str] = page.evaluate(
        "([id, step]) => queue.add({ url: `/api/v1/orders/${id}/${step}`, body: {}, label: id })",
        [order_id, step],
    )
    return told


def waiting(page: Page) -> list[list[str]]:
    found: list[list[str]] = page.evaluate("queue.items().map((one) => [one.label, one.state])")
    return found


def state_of(shop: SampleStore, order_id: str) -> tuple[str, int]:
    from hub.pickup import queries

    with shop.store.database.reader() as connection:
        order = queries.load(connection, order_id)
    return order.state.value, order.version


def settled(page: Page, count: int) -> None:
    page.evaluate(
        """async (count) => {
            while (queue.items().filter((one) => one.state === "waiting").length > count) {
                await new Promise((done) => queue.addEventListener("change", done, { once: true }));
            }
        }""",
        count,
    )


def test_a_command_is_confirmed_at_once_while_the_hub_is_there(
    page: Page, shop: SampleStore, address: str, sign_in: SignIn
) -> None:
    shop.place("R-1", [("4711", 1)])
    sign_in(address, "ada")
    open_queue(page)
    assert add(page, "R-1", "claim")["state"] == "confirmed"
    assert waiting(page) == []
    assert state_of(shop, "R-1")[0] == "PICKING"


def test_what_was_queued_without_the_hub_outlives_the_page_and_is_done_once(
    page: Page, shop: SampleStore, line: Proxy, sign_in: SignIn
) -> None:
    shop.place("R-1", [("4711", 1)])
    shop.place("R-2", [("4712", 1)])
    sign_in(f"http://127.0.0.1:{line.port}", "ada")
    open_queue(page)
    line.cut()
    assert add(page, "R-1", "claim")["state"] == "waiting"
    assert add(page, "R-2", "claim")["state"] == "waiting"
    line.mend()
    page.goto(f"http://127.0.0.1:{line.port}/counter")
    before = {name: state_of(shop, name)[1] for name in ("R-1", "R-2")}
    open_queue(page)
    page.evaluate("queue.retry()")
    settled(page, 0)
    for name, version in before.items():
        assert state_of(shop, name) == ("PICKING", version + 1)


def test_an_answer_that_was_lost_is_asked_for_again_with_the_same_key(
    page: Page, shop: SampleStore, address: str, sign_in: SignIn
) -> None:
    shop.place("R-1", [("4711", 1)])
    sign_in(address, "ada")
    open_queue(page)

    def lose(route) -> None:  # type: ignore[no-untyped-def]
        route.fetch()  # the hub does it ...
        route.abort()  # ... and its answer is lost

    page.route("**/claim", lose, times=1)
    assert add(page, "R-1", "claim")["state"] == "waiting"
    once = state_of(shop, "R-1")
    page.evaluate("queue.retry()")
    settled(page, 0)
    assert state_of(shop, "R-1") == once
    assert waiting(page) == []


def test_a_refusal_stays_until_a_person_has_seen_it_and_stops_nothing(
    page: Page, shop: SampleStore, address: str, sign_in: SignIn
) -> None:
    shop.place("R-1", [("4711", 1)])
    shop.place("R-2", [("4712", 1)])
    sign_in(address, "ada")
    open_queue(page)
    told = add(page, "R-1", "ready")
    assert told["state"] == "refused"
    assert "waiting to be picked" in told["sentence"]
    assert add(page, "R-2", "claim")["state"] == "confirmed"
    assert waiting(page) == [["R-1", "refused"]]
    page.evaluate("queue.drop(queue.items()[0].id)")
    assert waiting(page) == []


def test_what_one_person_did_is_not_sent_in_anothers_name_unless_they_say_so(
    page: Page, shop: SampleStore, line: Proxy, sign_in: SignIn
) -> None:
    shop.place("R-1", [("4711", 1)])
    sign_in(f"http://127.0.0.1:{line.port}", "ada")
    open_queue(page, "staff:ben")
    line.cut()
    add(page, "R-1", "claim")
    line.mend()
    page.goto(f"http://127.0.0.1:{line.port}/counter")
    # Ben's page still stands open; the hub knows that Ada is signed in now.
    for person in ("staff:ben", "staff:ada"):
        open_queue(page, person)
        page.evaluate("queue.flush()")
        assert waiting(page) == [["R-1", "waiting"]]
        assert state_of(shop, "R-1")[0] == "RESERVED"
    page.evaluate("queue.adopt(queue.items()[0].id)")
    settled(page, 0)
    assert state_of(shop, "R-1")[0] == "PICKING"


def test_a_token_from_before_is_renewed(
    page: Page, shop: SampleStore, address: str, sign_in: SignIn
) -> None:
    shop.place("R-1", [("4711", 1)])
    sign_in(address, "ada")
    open_queue(page)
    page.evaluate("queue.csrf = 'of another life'")
    assert add(page, "R-1", "claim")["state"] == "confirmed"
