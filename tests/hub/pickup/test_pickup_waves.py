"""Several orders in one round: claimed whole or not at all, walked by place."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import Invalid, Refusal
from hub.pickup import actions as pickup
from hub.pickup import staging, waves
from hub.pickup.walking import walk
from hub.shelf import actions as shelf
from hub.shelf.rules import Facing, Place
from tests.hub.shop import ANNA, BEN, MILK, Shop


def picking(shop: Shop, actor: str = ANNA) -> dict[str, Any]:
    return shop.store.read(waves.picking, actor)


def walked(shop: Shop) -> list[tuple[str, str]]:
    return [(line["order_id"], line["sku"]) for line in picking(shop)["lines"]]


@pytest.fixture
def planned(shop: Shop) -> Shop:
    """Bread stands at the entrance, milk at the back; nobody planned tea."""
    for sku in ("MILK", "BREAD", "TEA"):
        shop.receive(sku, 9)
    for place, position, sku in (("Z-9", 90, "MILK"), ("A-1", 10, "BREAD")):
        shop.do(shelf.put_place, Place(place, "shelf", place, "", position))
        shop.do(shelf.set_facing, Facing(place, sku))
    return shop


def test_a_wave_is_walked_place_by_place_through_all_its_orders(planned: Shop) -> None:
    planned.place("R-1", ("TEA", 1), ("MILK", 1), promise_at="2026-11-21T15:00:00Z")
    planned.place("R-2", ("MILK", 2), ("BREAD", 1), promise_at="2026-11-21T14:00:00Z")
    planned.do(waves.claim, ["R-1", "R-2"])
    assert walked(planned) == [("R-2", "BREAD"), ("R-2", "MILK"), ("R-1", "MILK"), ("R-1", "TEA")]
    assert [order["order_id"] for order in picking(planned)["orders"]] == ["R-2", "R-1"]
    assert picking(planned)["lines"][1]["gtins"] == [MILK]


def test_a_wave_is_one_append_and_takes_the_tasks_along(planned: Shop) -> None:
    planned.place("R-1", ("MILK", 1))
    planned.place("R-2", ("MILK", 1))
    entries = planned.do(waves.claim, ["R-1", "R-2"])
    assert [entry.type for entry in entries] == [
        "PickingClaimed", "PickingClaimed", "TaskClaimed", "TaskClaimed",
    ]  # fmt: skip
    assert len({entry.cause for entry in entries}) == 1
    before = planned.length()
    planned.do(waves.claim, ["R-1", "R-2"])
    assert planned.length() == before, "claiming what is mine is no news"
    planned.is_sound()


def test_one_order_that_another_picks_refuses_the_whole_wave_by_name(planned: Shop) -> None:
    for order_id in ("R-1", "R-2", "R-3"):
        planned.place(order_id, ("MILK", 1))
    planned.do(pickup.claim, "R-2", actor=BEN)
    with pytest.raises(Refusal, match="Ben is picking order"):
        planned.do(waves.claim, ["R-1", "R-2", "R-3"])
    assert [planned.state(one) for one in ("R-1", "R-2", "R-3")] == [
        "RESERVED", "PICKING", "RESERVED",
    ]  # fmt: skip
    assert picking(planned)["orders"] == []


def test_a_wave_names_each_order_once_and_not_more_than_a_cart_carries(planned: Shop) -> None:
    planned.place("R-1", ("MILK", 1))
    with pytest.raises(Invalid, match="named twice"):
        planned.do(waves.claim, ["R-1", "R-1"])
    with pytest.raises(Invalid, match="1 to 12"):
        planned.do(waves.claim, [])


def test_what_is_put_off_comes_last_until_it_is_picked(planned: Shop) -> None:
    planned.place("R-1", ("BREAD", 2), ("MILK", 1))
    planned.do(waves.claim, ["R-1"])
    planned.do(pickup.short, "R-1", "L1", 2, "PICK_LATER")
    assert walked(planned) == [("R-1", "MILK"), ("R-1", "BREAD")]
    planned.do(pickup.pick, "R-1", "L1", 1)
    assert walked(planned) == [("R-1", "BREAD"), ("R-1", "MILK")]


def test_orders_of_one_round_are_not_all_sent_to_one_shelf(planned: Shop) -> None:
    for name in ("S-1", "S-2"):
        planned.do(staging.plan_shelf, name, 1, "ambient")
    for order_id in ("R-1", "R-2", "R-3"):
        planned.place(order_id, ("MILK", 1))
    planned.do(waves.claim, ["R-1", "R-2", "R-3"])
    shelves = [order["suggested_shelf"] for order in picking(planned)["orders"]]
    assert shelves == ["S-1", "S-2", None]


def test_a_pick_by_hand_says_why(planned: Shop) -> None:
    planned.place("R-1", ("MILK", 2))
    planned.do(waves.claim, ["R-1"])
    planned.do(pickup.pick, "R-1", "L1", 1, by_hand="UNREADABLE")
    assert planned.order("R-1")["timeline"][-1]["note"] == "UNREADABLE"
    with pytest.raises(Invalid, match="reason must be one of"):
        planned.do(pickup.pick, "R-1", "L1", 1, by_hand="BECAUSE")
    with pytest.raises(Invalid, match="not both"):
        planned.do(pickup.pick, "R-1", "L1", 1, MILK, "UNREADABLE")


@given(
    st.lists(
        st.tuples(st.sampled_from("AB"), st.integers(1, 9), st.sampled_from(["", "P1", "P2"])),
        unique_by=lambda one: one[:2],
    )
)
def test_no_place_is_visited_twice(lines: list[tuple[str, int, str]]) -> None:
    listed = [
        {
            "order_id": order,
            "line_id": f"L{n}",
            "sku": f"S{n % 3}",
            "promise_at": None,
            "place": {"order": 5, "place": place} if place else None,
        }
        for order, n, place in lines
    ]
    visited = [line["place"]["place"] if line["place"] else "" for line in walk(listed)]
    changes = [place for n, place in enumerate(visited) if n == 0 or visited[n - 1] != place]
    assert len(changes) == len(set(changes))
    assert len(visited) == len(listed)
