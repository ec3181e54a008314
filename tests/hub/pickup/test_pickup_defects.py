"""What other systems got wrong, as it would happen in this room: DOMAIN, defects 1–4, 8 and 15."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from hub import commands
from hub.errors import Refusal
from hub.journal import Transaction
from hub.pickup import actions as pickup
from hub.pickup import queries
from hub.stock import actions as stock
from hub.stock import queries as ledger
from tests.hub.shop import ANNA, LENA, NOON, Shop

SEEN = {"kind": "id_seen", "value": "passport"}


def order(order_id: str, sku: str) -> dict[str, object]:
    return {"order_id": order_id, "lines": [{"line_id": "L1", "sku": sku, "qty": 1}]}


def test_the_last_unit_is_sold_once_however_two_checks_race(shop: Shop) -> None:
    rounds = 100
    for n in range(rounds):
        shop.receive(f"LAST{n}", 1)
    with ThreadPoolExecutor(4) as clients:
        for n in range(rounds):
            for side in "ab":
                work = partial(
                    pickup.place, order=order(f"R{n}{side}", f"LAST{n}"), cause=f"c:{n}{side}"
                )
                clients.submit(shop.run, work)
    for n in range(rounds):
        states = sorted(shop.state(f"R{n}{side}") for side in "ab")
        assert states == ["REJECTED", "RESERVED"]
    shop.is_sound()


def test_an_order_a_basket_and_a_substitute_race_for_one_unit(shop: Shop) -> None:
    shop.receive("LAST", 1)
    shop.receive("OTHER", 1)
    shop.place("R-0", ("OTHER", 1))
    shop.do(pickup.claim, "R-0")
    wishes = [
        lambda: shop.do(stock.hold, "LAST", 1),
        lambda: shop.do(pickup.substitute, "R-0", "L1", "LAST", 1),
        lambda: shop.place("R-1", ("LAST", 1)),
    ]
    with ThreadPoolExecutor(3) as clients:
        asked = [clients.submit(wish) for wish in wishes]
    refused = sum(isinstance(one.exception(), Refusal) for one in asked[:2])
    rejected = shop.state("R-1") == "REJECTED"
    assert refused + rejected == 2
    account = shop.store.read(ledger.load, "LAST", NOON)
    assert account.on_hand == 1
    assert account.units("available") == 0


def test_what_is_recomputed_never_drifts_from_what_is_kept(shop: Shop) -> None:
    shop.receive("MILK", 50)
    for n in range(8):
        order_id = f"R-{n}"
        shop.made_ready(order_id, ("MILK", 3))
        if n % 4 == 0:
            shop.do(pickup.handover, order_id, SEEN)
        if n % 4 == 1:
            shop.do(pickup.cancel, order_id, "BUYER_REQUEST")
        if n % 4 == 2:
            shop.do(pickup.handover, order_id, SEEN, [{"line_id": "L1", "qty": 1}])
            shop.do(pickup.correct, order_id, actor=LENA)
            shop.do(pickup.undo, order_id)
            shop.do(pickup.undo, order_id)
            shop.do(pickup.undo, order_id)
    promised = shop.stock("MILK")
    assert promised["on_hand"] == 50 - 2 * 3
    assert promised["buckets"]["committed"] == 2 * 3
    assert promised["buckets"]["staged"] == 2 * 3
    shop.is_sound()


def test_a_double_click_ships_once_and_answers_twice_the_same(shop: Shop) -> None:
    shop.receive("MILK", 5)
    shop.made_ready("R-1", ("MILK", 2))

    def click(tx: Transaction) -> commands.Reply:
        def work(cause: str) -> tuple[int, object]:
            pickup.handover(tx, "R-1", SEEN, actor=ANNA, cause=cause)
            return 200, queries.order(tx.conn, "R-1")

        route = "POST /orders/R-1/handover"
        return commands.run(tx, actor=ANNA, route=route, key="k1", body=b"{}", work=work)

    with ThreadPoolExecutor(2) as clients:
        first, second = clients.map(shop.run, [click, click])
    assert (first.status, first.body) == (second.status, second.body)
    assert {first.replayed, second.replayed} == {False, True}
    assert shop.stock("MILK")["on_hand"] == 3


@pytest.mark.parametrize("done", ["placed", "claimed", "picked", "staged", "ready"])
def test_no_step_but_a_handover_completes_an_order(shop: Shop, done: str) -> None:
    shop.receive("MILK", 5)
    shop.place("R-1", ("MILK", 1))
    steps = {
        "placed": [],
        "claimed": [partial(shop.do, pickup.claim, "R-1")],
        "picked": [partial(shop.do, pickup.pick, "R-1", "L1", 1)],
        "staged": [partial(shop.do, pickup.stage, "R-1", "A1")],
        "ready": [partial(shop.do, pickup.ready, "R-1")],
    }
    for name, taken in steps.items():
        for step in taken:
            step()
        if name == done:
            break
    assert shop.state("R-1") != "PICKED_UP"
    assert shop.order("R-1")["picked_up_at"] is None
    assert shop.stock("MILK")["on_hand"] == 5


def test_a_line_named_twice_is_not_handed_over_twice(shop: Shop) -> None:
    shop.receive("MILK", 5)
    shop.made_ready("R-1", ("MILK", 2))
    with pytest.raises(Refusal, match="Only 2 of Milk can be handed over"):
        shop.do(pickup.handover, "R-1", SEEN, [{"line_id": "L1", "qty": n} for n in (2, 1)])
    shop.do(pickup.handover, "R-1", SEEN, [{"line_id": "L1", "qty": 1}] * 2)
    assert shop.stock("MILK")["on_hand"] == 3
    shop.is_sound()


def test_a_correction_never_takes_back_more_than_was_handed_over(shop: Shop) -> None:
    shop.receive("MILK", 5)
    shop.made_ready("R-1", ("MILK", 2))
    shop.do(pickup.handover, "R-1", SEEN)
    with pytest.raises(Refusal, match="Only 2 of Milk were handed over"):
        shop.do(pickup.correct, "R-1", [{"line_id": "L1", "qty": n} for n in (2, 1)], actor=LENA)
