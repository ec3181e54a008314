"""Goods come back at another store than the one that handed them over: once, in whatever order."""

import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from hub.errors import Unavailable
from hub.returns import queries
from hub.writer import Writer
from tests.sync.pair import until
from tests.sync.stores import Shop, Stores

MIND = "CHANGED_MIND"


@pytest.fixture(scope="module")
def opened(
    tmp_path_factory: pytest.TempPathFactory, engine: str, made: Callable[[str], str | None]
) -> Iterator[Stores]:
    """Three stores that all tests of an engine share: each test has articles of its own."""
    together = Stores(tmp_path_factory.mktemp("stores"), made(engine))
    yield together
    together.close()


@pytest.fixture
def stores(opened: Stores) -> Iterator[Stores]:
    yield opened
    for shop in opened.shops:
        shop.up()


@pytest.fixture
def tea() -> str:
    return f"TEA-{secrets.token_hex(4)}"


def bring(order_id: str, qty: int = 1, **line: Any) -> dict[str, Any]:
    named = line or {"line_id": "L1"}
    return {
        "order_id": order_id,
        "lines": [{"qty": qty, **named}],
        "reason": MIND,
        "disposition": "RESTOCKED",
    }


def of(shop: Shop, back: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = shop.get(f"/returns/{back['return_id']}")
    return shown


def has(shop: Shop, back: dict[str, Any], **wanted: Any) -> Callable[[], bool]:
    return lambda: all(of(shop, back)[name] == value for name, value in wanted.items())


def told(shop: Shop, order_id: str) -> list[str]:
    """Return where else units of an order of this store came back, as far as it was told."""
    return shop.side.read(queries.elsewhere, order_id)


def state_at_central(stores: Stores, order_id: str) -> str:
    return str(stores.central.get(f"/orders/{order_id}").json()["state"])


def work(shop: Shop, order_id: str) -> list[str]:
    """Return what somebody has to do about an order."""
    return [one["kind"] for one in shop.get("/tasks")["items"] if one["order_id"] == order_id]


def test_with_the_line_up_a_unit_is_claimed_once_and_restocked_where_it_came(
    stores: Stores, tea: str
) -> None:
    mill, harbour, old_town = stores.shops
    order_id = stores.collected(mill, {tea: 2})
    shown = harbour.get(f"/handed/{order_id}")
    assert (shown["store"], shown["name"]) == ("store-1", "Mill Lane")
    assert [(one["sku"], one["handed"], one["back"]) for one in shown["lines"]] == [(tea, 2, 0)]
    assert "Ida" not in str(shown)

    # Two stores ask for the same two units at once.
    with ThreadPoolExecutor(2) as pool:
        answers = list(
            pool.map(lambda shop: shop.post("/returns", bring(order_id, 2)), (harbour, old_town))
        )
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    won = answers[0].status_code == 201
    winner, loser = (harbour, old_town) if won else (old_town, harbour)
    refused = next(answer for answer in answers if answer.status_code == 409)
    called = "Harbour" if won else "Old Town"
    assert refused.json["detail"] == f"These goods came back already at {called}."
    assert loser.get(f"/returns?order_id={order_id}")["items"] == []

    back = next(answer for answer in answers if answer.status_code == 201).json
    assert (back["word"], back["origin_name"]) == ("CLAIMED", "Mill Lane")
    # The store that handed it over hears of it, and takes nothing of it back.
    until(lambda: told(mill, order_id), "the store that handed over knows")
    assert mill.post("/returns", bring(order_id)).status_code == 409
    closed = winner.done(f"/returns/{back['return_id']}/close")
    assert (closed["refund"], closed["refund_minor"]) == ("REQUESTED", 398)
    assert winner.available(tea) == 2
    assert mill.available(tea) == 0


def test_a_retry_claims_nothing_twice_and_what_goes_home_may_come_back(
    stores: Stores, tea: str
) -> None:
    mill, harbour, old_town = stores.shops
    order_id = stores.collected(mill, {tea: 2})
    first = harbour.done("/returns", bring(order_id), key="once")
    again = harbour.done("/returns", bring(order_id), key="once")
    assert again["return_id"] == first["return_id"]
    harbour.done(f"/returns/{first['return_id']}/cancel", {"reason": "BUYER_REQUEST"})
    # The key again, after it was canceled: the same answer, and no claim that nobody releases.
    harbour.done("/returns", bring(order_id), key="once")
    back = until(
        lambda: (
            (answer := old_town.post("/returns", bring(order_id, 2))).status_code == 201
            and answer.json
        ),
        "both units may come back elsewhere",
    )
    assert back["word"] == "CLAIMED"
    items = stores.central.get(f"/returns?order_id={order_id}").json()["items"]
    assert sorted(one["state"] == "CANCELED" for one in items) == [False, True]


def test_what_is_refused_here_after_the_claim_is_given_back(
    stores: Stores, tea: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mill, harbour, _ = stores.shops
    order_id = stores.collected(mill, {tea: 1})
    writer = harbour.side.store.writer
    with monkeypatch.context() as broken:
        broken.setattr(type(writer), "run", _full)
        assert harbour.post("/returns", bring(order_id)).status_code == 503
    assert harbour.done("/returns", bring(order_id))["word"] == "CLAIMED"


def _full(*_: Any) -> None:
    from hub.errors import Unavailable

    raise Unavailable("The disk is full.")


def test_with_the_line_down_goods_are_taken_provisionally_and_central_confirms(
    stores: Stores, tea: str
) -> None:
    mill, harbour, _ = stores.shops
    order_id = stores.collected(mill, {tea: 2})
    harbour.down()
    refused = harbour.post("/returns", bring(order_id))
    assert refused.status_code == 422
    assert "name the SKU" in refused.json["detail"]
    back = harbour.done("/returns", bring(order_id, sku=tea))
    assert (back["word"], back["origin"], back["refund"]) == ("WAITS", None, "NONE")
    closed = harbour.done(f"/returns/{back['return_id']}/close")
    assert (closed["refund"], closed["refund_minor"]) == ("WAITS_FOR_CENTRAL", None)
    assert harbour.available(tea) == 1, "the goods are here, whatever central says"
    early = harbour.post(f"/returns/{back['return_id']}/refund", {"state": "PAID"})
    assert early.status_code == 409
    harbour.up()
    until(has(harbour, back, refund="REQUESTED"), "central knows what was bought")
    shown = of(harbour, back)
    assert (shown["word"], shown["refund_minor"], shown["origin_name"]) == (
        "CONFIRMED", 199, "Mill Lane",
    )  # fmt: skip
    until(lambda: told(mill, order_id), "the store that handed over knows of one")
    assert mill.post("/returns", bring(order_id, 2)).status_code == 409
    assert mill.post("/returns", bring(order_id, 1)).status_code == 201


def test_two_stores_take_one_unit_with_their_lines_down_and_one_refund_is_held(
    stores: Stores, tea: str
) -> None:
    mill, harbour, old_town = stores.shops
    order_id = stores.collected(mill, {tea: 1})
    backs = []
    for shop in (harbour, old_town):
        shop.down()
        back = shop.done("/returns", bring(order_id, sku=tea))
        backs.append(shop.done(f"/returns/{back['return_id']}/close"))
    harbour.up()
    until(has(harbour, backs[0], refund="REQUESTED"), "the first is confirmed")
    old_town.up()
    until(has(old_town, backs[1], refund="HELD"), "the second is a conflict")
    shown = of(old_town, backs[1])
    assert (shown["word"], shown["conflict"], shown["came_back_at"]) == (
        "CONFLICT", "CAME_BACK", "Harbour",
    )  # fmt: skip
    assert old_town.available(tea) == 1, "what lies in the store stays in its ledger"
    assert work(old_town, order_id) == ["return"]
    found = stores.central.get("/returns?word=CONFLICT").json()["items"]
    conflicts = [one for one in found if one["order_id"] == order_id]
    assert [one["return_id"] for one in conflicts] == [backs[1]["return_id"]]
    settled = old_town.done(f"/returns/{backs[1]['return_id']}/refund", {"state": "REFUSED"})
    assert settled["refund"] == "REFUSED"
    assert work(old_town, order_id) == []


def test_the_store_that_handed_over_takes_it_with_its_line_down_and_central_finds_it(
    stores: Stores, tea: str
) -> None:
    mill, harbour, _ = stores.shops
    order_id = stores.collected(mill, {tea: 1})
    mill.down()
    own = mill.done("/returns", bring(order_id))
    harbour.done("/returns", bring(order_id))
    mill.done(f"/returns/{own['return_id']}/close")
    mill.up()
    until(has(mill, own, refund="HELD"), "central found what came back twice")
    assert of(mill, own)["came_back_at"] == "Harbour"
    assert work(mill, order_id) == ["return"]


def test_what_was_handed_over_while_central_could_not_hear_waits_for_that_store(
    stores: Stores, tea: str
) -> None:
    mill, harbour, _ = stores.shops
    order_id = mill.ready(stores.central, {tea: 1})
    other = mill.ready(stores.central, {tea: 1})
    states = {"READY_FOR_PICKUP"}
    until(
        lambda: {state_at_central(stores, one) for one in (order_id, other)} == states,
        "central knows that both are ready",
    )
    mill.down()
    mill.hand_over(order_id)
    # Central can not know: neither of the one that was collected nor of the one that was not.
    true = harbour.done("/returns", bring(order_id))
    false = harbour.done("/returns", bring(other))
    assert (true["word"], false["word"]) == ("WAITS", "WAITS")
    for back in (true, false):
        harbour.done(f"/returns/{back['return_id']}/close")
    until(
        lambda: len(stores.central.get("/returns?word=WAITS").json()["items"]) == 2,
        "central has both returns",
    )
    mill.up()
    until(has(harbour, true, refund="REQUESTED"), "the store said that it was handed over")
    until(has(harbour, false, refund="HELD"), "the store said all, and this was not in it")
    assert of(harbour, false)["conflict"] == "NOT_HANDED_OVER"


def test_an_order_that_nobody_knows_is_refused_and_with_the_line_down_held(
    stores: Stores, tea: str
) -> None:
    _, harbour, _ = stores.shops
    nowhere = f"R-NOWHERE-{secrets.token_hex(4)}"
    refused = harbour.post("/returns", bring(nowhere, sku=tea))
    assert refused.status_code == 404
    assert refused.json["detail"] == f"Neither this store nor head office knows order {nowhere}."
    harbour.down()
    back = harbour.done("/returns", bring(nowhere, sku=tea))
    harbour.up()
    # Stores that were never heard may know of it: central waits for them no longer than this.
    until(has(harbour, back, word="CONFLICT"), "nobody knows it")
    assert of(harbour, back)["conflict"] == "NOT_KNOWN"
    harbour.done(f"/returns/{back['return_id']}/cancel", {"reason": "BUYER_REQUEST"})


def test_what_was_missing_is_not_refunded_and_may_still_come_back(stores: Stores, tea: str) -> None:
    mill, harbour, old_town = stores.shops
    order_id = stores.collected(mill, {tea: 1})
    back = harbour.done("/returns", bring(order_id))
    at = f"/returns/{back['return_id']}"
    harbour.done(f"{at}/dispose", {"line_id": "B1", "disposition": "MISSING"})
    assert old_town.post("/returns", bring(order_id)).status_code == 409
    assert harbour.done(f"{at}/close")["refund"] == "NONE"
    until(
        lambda: old_town.post("/returns", bring(order_id)).status_code == 201,
        "it may come back another time",
    )


def test_central_that_folds_again_says_the_same_and_nothing_twice(stores: Stores, tea: str) -> None:
    mill, harbour, _ = stores.shops
    order_id = stores.collected(mill, {tea: 2})
    back = harbour.done("/returns", bring(order_id))
    harbour.done(f"/returns/{back['return_id']}/close")
    own = mill.done("/returns", bring(order_id))

    def known() -> Any:
        found = stores.central.get(f"/returns?order_id={order_id}").json()["items"]
        return {one["return_id"]: (one["state"], one["word"]) for one in found}

    wanted = {back["return_id"]: ("CLOSED", "CONFIRMED"), own["return_id"]: ("OPEN", "CONFIRMED")}
    until(lambda: known() == wanted, "central has both")
    for name in ("store-1", "store-2", "store-1"):
        assert stores.central.post(f"/stores/{name}/refold", {}).status_code == 200
    assert known() == wanted


def test_a_claim_whose_answer_is_lost_is_settled_by_the_return_itself(
    stores: Stores, tea: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mill, harbour, old_town = stores.shops
    order_id = stores.collected(mill, {tea: 1})
    elsewhere = harbour.side.agent.elsewhere
    heard = elsewhere.claim

    def lost(*asked: Any) -> None:
        heard(*asked)
        raise Unavailable("Head office is not heard.")

    monkeypatch.setattr(elsewhere, "claim", lost)
    back = harbour.done("/returns", bring(order_id))
    assert back["word"] == "WAITS"
    harbour.done(f"/returns/{back['return_id']}/close")
    until(has(harbour, back, word="CONFIRMED", refund="REQUESTED"), "central said its word")
    assert old_town.post("/returns", bring(order_id)).status_code == 409


def test_what_a_lead_pays_in_spite_of_a_conflict_has_come_back(stores: Stores, tea: str) -> None:
    mill, harbour, old_town = stores.shops
    order_id = stores.collected(mill, {tea: 1})
    mill.down()
    own = mill.done("/returns", bring(order_id))
    claimed = harbour.done("/returns", bring(order_id))
    mill.done(f"/returns/{own['return_id']}/close")
    mill.up()
    until(has(mill, own, refund="HELD"), "the conflict is found")

    def back() -> int:
        units: int = old_town.get(f"/handed/{order_id}")["lines"][0]["back"]
        return units

    # One after the other: what counts as back is one unit before the first and after the second.
    harbour.done(f"/returns/{claimed['return_id']}/cancel", {"reason": "BUYER_REQUEST"})
    until(lambda: back() == 0, "central counts no more what went home")
    mill.done(f"/returns/{own['return_id']}/refund", {"state": "PAID"})
    until(lambda: back() == 1, "central counts what was paid")
    assert old_town.post("/returns", bring(order_id)).status_code == 409


def test_the_origin_is_told_of_a_second_try_after_a_full_disk(
    stores: Stores, tea: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mill, harbour, _ = stores.shops
    order_id = stores.collected(mill, {tea: 1})
    run = Writer.run

    def full(writer: Writer, work: Any) -> Any:
        if writer is harbour.side.store.writer:
            raise Unavailable("The disk is full.")
        return run(writer, work)

    with monkeypatch.context() as broken:
        broken.setattr(Writer, "run", full)
        assert harbour.post("/returns", bring(order_id), key=f"{tea}-1").status_code == 503
    assert harbour.post("/returns", bring(order_id), key=f"{tea}-1").status_code == 201
    until(lambda: told(mill, order_id) == ["Harbour"], "the store that handed over knows")
    assert mill.post("/returns", bring(order_id)).status_code == 409


def test_a_page_drawn_before_the_line_fell_names_no_article_by_its_line(
    stores: Stores, tea: str
) -> None:
    mill, harbour, _ = stores.shops
    order_id = stores.collected(mill, {tea: 1})
    harbour.down()
    form = {"order": order_id, "qty:L1": "1"}
    page = harbour.page("/counter/returns/take", form)
    assert page.status_code == 200
    assert 'name="qty:L1"' not in page.text
