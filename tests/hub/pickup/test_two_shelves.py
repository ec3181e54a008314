"""An order of frozen and of ordinary goods lies on two shelves, and is one order all the while."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import Refusal
from hub.house.rules import STORAGE, Shelf, demanding, suggest, suggest_each
from hub.pickup import actions as pickup
from hub.pickup import queries as orders
from hub.pickup import staging
from hub.pickup.lifecycle import Status
from hub.pickup.lobby.queries import waiting
from hub.pickup.order import Line, PickupOrder
from hub.pickup.picking import part_for
from hub.printing import queries as papers
from tests.hub.shop import Shop

SEEN = {"kind": "id_seen", "value": "passport"}
KIND = st.sampled_from(STORAGE)
SHELVES = st.lists(
    st.builds(
        Shelf,
        shelf=st.sampled_from(["A1", "A2", "C1", "F1", "F2", "L1"]),
        capacity=st.integers(1, 3),
        kind=KIND,
        orders=st.integers(0, 3),
    ),
    unique_by=lambda one: one.shelf,
    max_size=6,
)
LINES = st.lists(KIND, max_size=6).map(lambda kinds: [(f"L{n}", k) for n, k in enumerate(kinds)])


@given(shelves=SHELVES, lines=LINES, beside=st.lists(st.sampled_from(["A1", "F1"]), max_size=2))
def test_each_kind_of_goods_is_suggested_one_free_shelf_of_its_kind(
    shelves: list[Shelf], lines: list[tuple[str, str]], beside: list[str]
) -> None:
    each = suggest_each(shelves, lines, beside)
    assert sorted(line for part in each for line in part["lines"]) == sorted(n for n, _ in lines)
    assert [part["kind"] for part in each] == sorted(
        {kind for _, kind in lines}, key=STORAGE.index, reverse=True
    )
    if lines:
        assert each[0]["kind"] == demanding(kind for _, kind in lines)
    known = {one.shelf: one for one in shelves}
    for part in each:
        free = [one for one in shelves if one.kind == part["kind"] and one.free]
        assert (part["shelf"] is None) == (not free)
        if free:
            chosen = known[part["shelf"]]
            assert chosen in free
            near = [one for one in free if one.shelf in beside]
            assert chosen in near if near else chosen.shelf == suggest(shelves, part["kind"])


def test_the_shelf_of_the_customers_other_order_is_better_than_an_emptier_one() -> None:
    shelves = [Shelf("A1", 2, "ambient", 1), Shelf("A2", 9, "ambient"), Shelf("F1", 2, "frozen")]
    each = suggest_each(shelves, [("L1", "ambient"), ("L2", "frozen")], ["A1"])
    assert [(part["kind"], part["shelf"]) for part in each] == [("frozen", "F1"), ("ambient", "A1")]


@given(
    shelves=SHELVES,
    lines=st.lists(st.tuples(KIND, st.sampled_from([None, "A1", "F1"])), min_size=1, max_size=5),
    scanned=st.sampled_from(["A1", "F1", "Z9"]),
)
def test_whatever_shelves_are_scanned_every_line_lies_on_one_in_the_end(
    shelves: list[Shelf], lines: list[tuple[str, Any]], scanned: str
) -> None:
    made = [
        Line(f"L{n}", "SKU", 1, picked=1, storage=kind, shelf=shelf)
        for n, (kind, shelf) in enumerate(lines)
    ]
    kinds = {one.shelf: one.kind for one in shelves}
    order = PickupOrder("R-1", state=Status.PICKING, lines=tuple(made))
    for _ in range(2):
        part = part_for(order, scanned, kinds)
        left = {line.line_id for line in order.lines if line.shelf is None}
        assert set(part) <= (left or {line.line_id for line in order.lines})
        goes = set(part) or left or {line.line_id for line in order.lines}
        order = order._replace(
            lines=tuple(
                line._replace(shelf=scanned) if line.line_id in goes else line
                for line in order.lines
            )
        )
    # The same shelf a second time takes what is left.
    assert all(line.shelf for line in order.lines)


@pytest.fixture
def mixed(shop: Shop) -> Shop:
    """Two shelves are planned; ICE is frozen, MILK stands anywhere, and R-1 wants both."""
    shop.describe(
        {"kind": "product", "sku": "ICE", "names": {"en": "Ice"}, "unit": "piece",
         "storage": "frozen"},
    )  # fmt: skip
    for sku in ("MILK", "ICE"):
        shop.receive(sku, 9)
    shop.do(staging.plan_shelf, "A1", 2, "ambient")
    shop.do(staging.plan_shelf, "F1", 2, "frozen")
    shop.picked("R-1", ("MILK", 2), ("ICE", 1))
    return shop


def stands(shop: Shop) -> dict[str, int]:
    return {one.shelf: one.orders for one in shop.store.read(orders.staging_shelves)}


def test_each_shelf_takes_what_belongs_there_and_the_last_one_makes_it_prepared(
    mixed: Shop,
) -> None:
    order = mixed.order("R-1")
    assert order["suggested_shelf"] == "F1"
    assert order["suggested_shelves"] == [
        {"kind": "frozen", "shelf": "F1", "lines": ["L2"]},
        {"kind": "ambient", "shelf": "A1", "lines": ["L1"]},
    ]
    mixed.do(pickup.stage, "R-1", "SH1:S:F1", split=True)
    order = mixed.order("R-1")
    assert order["state"] == "PICKING"
    assert order["suggested_shelves"] == [{"kind": "ambient", "shelf": "A1", "lines": ["L1"]}]
    assert stands(mixed) == {"A1": 0, "F1": 1}
    with pytest.raises(Refusal, match="order stands on shelf F1"):
        mixed.do(staging.drop_shelf, "F1")
    before = mixed.length()
    mixed.do(pickup.stage, "R-1", "F1", ["L2"])
    assert mixed.length() == before
    mixed.do(pickup.stage, "R-1", "SH1:S:A1", split=True)
    order = mixed.order("R-1")
    assert (order["state"], order["shelf"]) == ("PREPARED", "F1")
    assert order["shelves"] == [
        {"shelf": "F1", "lines": ["L2"]},
        {"shelf": "A1", "lines": ["L1"]},
    ]
    assert stands(mixed) == {"A1": 1, "F1": 1}
    assert mixed.buckets("ICE") == {"available": 8, "staged": 1}
    mixed.do(pickup.ready, "R-1")
    mixed.do(pickup.handover, "R-1", SEEN, [{"line_id": "L2", "qty": 1}])
    assert stands(mixed) == {"A1": 1, "F1": 0}
    mixed.do(pickup.handover, "R-1", SEEN)
    assert stands(mixed) == {"A1": 0, "F1": 0}
    mixed.is_sound()


def test_a_shelf_that_a_partial_handover_emptied_is_named_no_more(mixed: Shop) -> None:
    mixed.do(pickup.stage, "R-1", "F1", ["L2"])
    mixed.do(pickup.stage, "R-1", "A1")
    mixed.do(pickup.ready, "R-1")

    def on_the_wall() -> list[str | None]:
        return [one.shelf for one in mixed.store.read(waiting, "2026", 9).ready]

    assert on_the_wall() == ["F1 + A1"]
    mixed.do(pickup.handover, "R-1", SEEN, [{"line_id": "L2", "qty": 1}])
    assert on_the_wall() == ["A1"]
    assert mixed.order("R-1")["shelf"] == "A1"
    mixed.do(pickup.correct, "R-1", [{"line_id": "L2", "qty": 1}])
    assert on_the_wall() == ["F1 + A1"]
    mixed.is_sound()


def test_who_names_no_lines_puts_all_that_is_left_on_one_shelf(mixed: Shop) -> None:
    mixed.do(pickup.stage, "R-1", "A1")
    order = mixed.order("R-1")
    assert (order["state"], order["shelf"]) == ("PREPARED", "A1")
    assert order["shelves"] == [{"shelf": "A1", "lines": ["L1", "L2"]}]
    assert stands(mixed) == {"A1": 1, "F1": 0}
    # Moved afterwards, the frozen part alone; then all of it.
    mixed.do(pickup.stage, "R-1", "F1", split=True)
    assert mixed.order("R-1")["shelf"] == "F1"
    assert stands(mixed) == {"A1": 1, "F1": 1}
    mixed.do(pickup.stage, "R-1", "B7")
    assert mixed.order("R-1")["shelves"] == [{"shelf": "B7", "lines": ["L1", "L2"]}]
    mixed.is_sound()


def test_what_is_taken_back_lies_on_no_shelf(mixed: Shop) -> None:
    mixed.do(pickup.stage, "R-1", "F1", ["L2"])
    mixed.do(pickup.undo, "R-1")
    assert mixed.order("R-1")["shelves"] == []
    with pytest.raises(Refusal, match="Nothing of Ice is to be put on a shelf"):
        mixed.do(pickup.stage, "R-1", "F1", ["L2"])
    mixed.do(pickup.pick, "R-1", "L2", 1)
    mixed.do(pickup.stage, "R-1", "F1", ["L2"])
    mixed.do(pickup.stage, "R-1", "A1")
    mixed.do(pickup.undo, "R-1")
    assert mixed.order("R-1")["shelves"] == []
    assert mixed.buckets("ICE") == {"available": 8, "committed": 1}
    mixed.is_sound()


def test_what_is_left_when_the_other_part_was_not_found_is_scanned_once_more(mixed: Shop) -> None:
    mixed.do(pickup.stage, "R-1", "A1", ["L1"])
    mixed.do(pickup.undo, "R-1")
    mixed.do(pickup.short, "R-1", "L2", 1, "NOT_IN_STOCK")
    mixed.do(pickup.stage, "R-1", "A1", split=True)
    assert (mixed.state("R-1"), mixed.buckets("MILK")) == (
        "PREPARED",
        {"available": 7, "staged": 2},
    )
    mixed.is_sound()


def test_a_shelf_with_goods_of_a_picker_who_gave_up_is_not_empty(mixed: Shop) -> None:
    mixed.do(pickup.stage, "R-1", "F1", ["L2"])
    mixed.do(pickup.release, "R-1")
    assert stands(mixed) == {"A1": 0, "F1": 1}
    with pytest.raises(Refusal, match="order stands on shelf F1"):
        mixed.do(staging.drop_shelf, "F1")


def test_the_slip_names_both_shelves(mixed: Shop) -> None:
    mixed.do(pickup.stage, "R-1", "F1", ["L2"])
    mixed.do(pickup.stage, "R-1", "A1")
    slip = mixed.store.read(papers.document, "pickup_slip", "R-1", mixed.clock.now(), None)
    assert "F1 + A1" in str(slip)
