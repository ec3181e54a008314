"""Goods that come back: once, where they were handed over, each into its bucket."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import Invalid, NotFound, Refusal
from hub.pickup import actions as pickup
from hub.pickup import selling
from hub.returns import actions, queries, rules
from hub.returns.rules import Line, Return, Source
from tests.hub.shop import LENA, Shop

SEEN = {"kind": "id_seen", "value": "passport"}
MIND = "CHANGED_MIND"


def handed_over(shop: Shop, qty: int = 4) -> None:
    shop.receive("MILK", qty)
    shop.made_ready("R-1", ("MILK", qty))
    shop.do(pickup.handover, "R-1", SEEN)


def bring(shop: Shop, qty: int) -> str:
    lines = [{"line_id": "L1", "qty": qty}]
    return str(shop.do(actions.open_return, lines, MIND, "R-1")[0])


def seen(shop: Shop, name: str) -> dict[str, Any]:
    found: dict[str, Any] = shop.store.read(queries.shown, name)
    return found


@pytest.mark.parametrize(
    ("disposition", "buckets", "refund"),
    [
        ("RESTOCKED", {"available": 3}, (300, "REQUESTED")),
        ("NOT_RESTOCKED", {"damaged": 3}, (300, "REQUESTED")),
        ("PROCESSING_REQUIRED", {"quality_control": 3}, (300, "REQUESTED")),
        ("MISSING", {}, (0, "NONE")),
    ],
)
def test_each_disposition_moves_its_bucket_and_what_is_missing_is_not_refunded(
    shop: Shop, disposition: str, buckets: dict[str, int], refund: tuple[int, str]
) -> None:
    handed_over(shop)
    name = bring(shop, 3)
    with pytest.raises(Refusal, match="1 line waits"):
        shop.do(actions.close, name)
    other = "MISSING" if disposition != "MISSING" else "RESTOCKED"
    shop.do(actions.dispose, name, "B1", other)
    shop.do(actions.dispose, name, "B1", disposition)
    assert shop.buckets("MILK") == {}, "nothing moves before the return is closed"
    shop.do(actions.close, name)
    assert shop.do(actions.close, name) == [], "closed twice is once"
    assert shop.buckets("MILK") == buckets
    assert (seen(shop, name)["refund_minor"], seen(shop, name)["refund"]) == refund
    shop.is_sound()


def test_a_unit_comes_back_once_whoever_asks_first(shop: Shop) -> None:
    handed_over(shop)
    first = bring(shop, 3)
    with pytest.raises(Refusal, match="Only 1 of SKU MILK"):
        bring(shop, 2)
    shop.do(actions.cancel, first, "MISTAKE")
    assert seen(shop, bring(shop, 4))["state"] == "OPEN"
    with pytest.raises(Refusal, match="Only 0 of SKU MILK"):
        bring(shop, 1)


def test_what_came_back_is_not_corrected_as_if_it_had_never_left(shop: Shop) -> None:
    handed_over(shop)
    bring(shop, 3)
    shop.run(lambda tx: actions.check_correction(tx, "R-1", [{"line_id": "L1", "qty": 1}]))
    for lines in (None, [{"line_id": "L1", "qty": 2}], [{"line_id": "L1", "qty": 1}] * 2):
        with pytest.raises(Refusal, match="came back by a return"):
            shop.run(lambda tx, lines=lines: actions.check_correction(tx, "R-1", lines))


def test_two_lines_of_one_return_are_summed_before_they_are_taken(shop: Shop) -> None:
    handed_over(shop)
    lines = [{"line_id": "L1", "qty": 3}, {"line_id": "L1", "qty": 2}]
    with pytest.raises(Refusal, match="Only 4"):
        shop.do(actions.open_return, lines, MIND, "R-1")


def test_goods_that_this_store_never_handed_over_are_not_taken(shop: Shop) -> None:
    with pytest.raises(NotFound):
        bring(shop, 1)
    shop.receive("MILK", 2)
    shop.made_ready("R-1", ("MILK", 2))
    with pytest.raises(Invalid, match="no line L1"):
        bring(shop, 1)
    lines = [{"sku": "MILK", "qty": 1}]
    with pytest.raises(NotFound, match="No receipt S-1"):
        shop.do(actions.open_return, lines, MIND, None, "S-1")


def test_goods_of_a_receipt_come_back_by_their_sku(shop: Shop) -> None:
    shop.receive("MILK", 5)
    shop.do(selling.sell, "S-1", [{"sku": "MILK", "qty": 2}])
    name, _ = shop.do(actions.open_return, [{"sku": "MILK", "qty": 2}], MIND, None, "S-1")
    shop.do(actions.dispose, name, "B1", "RESTOCKED")
    shop.do(actions.close, name)
    assert shop.buckets("MILK") == {"available": 5}
    back = seen(shop, name)
    assert (back["refund_minor"], back["refund"]) == (None, "REQUESTED"), "the till knows the price"
    with pytest.raises(Refusal, match="Only 0"):
        shop.do(actions.open_return, [{"sku": "MILK", "qty": 1}], MIND, None, "S-1")


def test_a_refund_is_settled_once(shop: Shop) -> None:
    handed_over(shop)
    name = bring(shop, 1)
    with pytest.raises(Refusal, match="is none"):
        shop.do(actions.settle_refund, name, "PAID", actor=LENA)
    shop.do(actions.dispose, name, "B1", "RESTOCKED")
    shop.do(actions.close, name)
    shop.do(actions.settle_refund, name, "PAID", actor=LENA)
    assert shop.do(actions.settle_refund, name, "PAID", actor=LENA) == []
    with pytest.raises(Refusal, match="is paid"):
        shop.do(actions.settle_refund, name, "REFUSED", actor=LENA)
    with pytest.raises(Refusal, match="is closed"):
        shop.do(actions.cancel, name, "MISTAKE")


@given(
    st.lists(
        st.tuples(st.integers(1, 9), st.integers(0, 999), st.sampled_from([*rules.DISPOSITIONS])),
        min_size=1,
        max_size=6,
    )
)
def test_what_moves_is_what_is_refunded(drawn: list[tuple[int, int, str]]) -> None:
    lines = tuple(
        Line(f"B{n}", f"S{n}", qty, None, price, disposition)
        for n, (qty, price, disposition) in enumerate(drawn)
    )
    closed, *moves = rules.decide_close(Return("B-1", "OPEN", "NONE", lines))
    price_of = {line.sku: line.unit_price_minor or 0 for line in lines}
    moved = [move for move in moves if not isinstance(move, rules.ReturnClosed)]
    refund = sum(move.qty * price_of[move.sku] for move in moved)
    assert isinstance(closed, rules.ReturnClosed)
    assert closed.refund_minor == refund


@given(st.integers(0, 9), st.integers(0, 9), st.lists(st.integers(1, 5), min_size=1, max_size=4))
def test_never_more_comes_back_than_was_handed_over(got: int, back: int, asked: list[int]) -> None:
    sources = {"L1": Source("MILK", got, back)}
    wanted = [("L1", qty) for qty in asked]
    if sum(asked) <= got - back:
        (opened,) = rules.decide_open("B-1", wanted, sources, MIND, order_id="R-1")
        assert sum(line.qty for line in opened.lines) == sum(asked)
    else:
        with pytest.raises(Refusal):
            rules.decide_open("B-1", wanted, sources, MIND, order_id="R-1")


def test_a_return_opened_with_a_place_for_its_goods_is_one_append_and_may_still_be_changed(
    shop: Shop,
) -> None:
    handed_over(shop)
    lines = [{"line_id": "L1", "qty": 2}]
    name, entries = shop.do(
        actions.open_return, lines, "DEFECTIVE", "R-1", disposition=rules.DEFAULTS["DEFECTIVE"]
    )
    assert [entry.type for entry in entries] == ["ReturnOpened", "ReturnLineDisposed"]
    assert seen(shop, name)["lines"][0]["disposition"] == "NOT_RESTOCKED"
    shop.do(actions.dispose, name, "B1", "RESTOCKED")
    shop.do(actions.close, name)
    assert shop.buckets("MILK") == {"available": 2}
    with pytest.raises(Invalid, match="disposition must be one of"):
        shop.do(actions.open_return, lines, MIND, "R-1", disposition="EATEN")


def test_each_reason_sends_goods_where_goods_can_go() -> None:
    assert set(rules.DEFAULTS.values()) <= set(rules.DISPOSITIONS)
    assert rules.DEFAULTS["DEFECTIVE"] != "RESTOCKED", "nothing broken goes back on the shelf"
