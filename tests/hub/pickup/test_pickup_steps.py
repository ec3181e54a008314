"""An order on its way through the store: every step, its refusals, its stock."""

import pytest

from hub.errors import Invalid, NotFound, Refusal
from hub.pickup import actions as pickup
from hub.pickup import code
from tests.hub.shop import ANNA, BEN, BREAD, KEY, LENA, MILK, Shop

SEEN = {"kind": "id_seen", "value": "passport"}


def test_an_order_goes_from_proposed_to_picked_up_and_its_units_with_it(shop: Shop) -> None:
    shop.receive("MILK", 5)
    order = shop.place("R-1", ("MILK", 2), promise_at="2026-11-21T14:00:00Z")
    assert order["state"] == "RESERVED"
    assert order["lines"][0]["name"] == "Milk"
    assert shop.buckets("MILK") == {"available": 3, "committed": 2}
    assert shop.tasks() == [("pick", "order:R-1", "NEW_ORDER")]

    shop.do(pickup.claim, "R-1")
    shop.do(pickup.pick, "R-1", "L1", 2, MILK)
    shop.do(pickup.stage, "R-1", "SH1:S:A1")
    assert shop.order("R-1")["shelf"] == "A1"
    assert shop.buckets("MILK") == {"available": 3, "staged": 2}
    assert shop.tasks() == []

    shop.do(pickup.ready, "R-1")
    shop.do(pickup.handover, "R-1", SEEN)
    order = shop.order("R-1")
    assert order["state"] == "PICKED_UP"
    assert order["lines"][0]["handed_over"] == 2
    assert shop.stock("MILK")["on_hand"] == 3
    assert [one["type"] for one in order["timeline"]] == [
        "OrderProposed",
        "OrderReserved",
        "PickingClaimed",
        "LinePicked",
        "OrderStaged",
        "OrderReady",
        "OrderHandedOver",
    ]
    assert order["version"] == 7
    shop.is_sound()


def test_an_order_that_cannot_be_promised_whole_is_rejected_and_takes_nothing(shop: Shop) -> None:
    shop.receive("MILK", 1)
    shop.receive("BREAD", 9)
    assert shop.place("R-1", ("BREAD", 1), ("MILK", 2))["state"] == "REJECTED"
    assert shop.buckets("MILK") == {"available": 1}
    assert shop.buckets("BREAD") == {"available": 9}


def test_two_lines_of_one_sku_are_summed_before_they_are_promised(shop: Shop) -> None:
    shop.receive("MILK", 3)
    assert shop.place("R-1", ("MILK", 2), ("MILK", 2))["state"] == "REJECTED"
    assert shop.place("R-2", ("MILK", 2), ("MILK", 1))["state"] == "RESERVED"
    assert shop.promise("MILK") == 0


def test_the_same_order_twice_is_one_order(shop: Shop) -> None:
    shop.receive("MILK", 5)
    shop.place("R-1", ("MILK", 2))
    before = shop.length()
    shop.place("R-1", ("MILK", 2))
    assert shop.length() == before


def test_another_associate_is_told_who_picks_the_order(shop: Shop) -> None:
    shop.receive("MILK", 5)
    shop.place("R-1", ("MILK", 2))
    shop.do(pickup.claim, "R-1", actor=ANNA)
    with pytest.raises(Refusal, match="Anna is picking order"):
        shop.do(pickup.claim, "R-1", actor=BEN)
    with pytest.raises(Refusal, match="Anna is picking order"):
        shop.do(pickup.pick, "R-1", "L1", 1, actor=BEN)
    shop.do(pickup.release, "R-1", actor=LENA)
    shop.do(pickup.claim, "R-1", actor=BEN)
    assert shop.order("R-1")["claimed_by"] == BEN


@pytest.mark.parametrize("step", [pickup.claim, pickup.ready])
def test_the_same_step_twice_is_one_fact(shop: Shop, step: object) -> None:
    shop.receive("MILK", 5)
    if step is pickup.claim:
        shop.place("R-1", ("MILK", 1))
    else:
        shop.picked("R-1", ("MILK", 1))
        shop.do(pickup.stage, "R-1", "A1")
    shop.do(step, "R-1")  # type: ignore[arg-type]
    before = shop.length()
    shop.do(step, "R-1")  # type: ignore[arg-type]
    assert shop.length() == before


def test_a_scan_that_is_not_the_lines_article_is_no_pick(shop: Shop) -> None:
    shop.receive("MILK", 5)
    shop.place("R-1", ("MILK", 1))
    shop.do(pickup.claim, "R-1")
    with pytest.raises(Refusal, match="The scan is SKU BREAD; this line needs Milk"):
        shop.do(pickup.pick, "R-1", "L1", 1, BREAD)
    with pytest.raises(Refusal, match="No product has the barcode"):
        shop.do(pickup.pick, "R-1", "L1", 1, "4012345678901")


def test_no_more_is_picked_than_was_ordered(shop: Shop) -> None:
    shop.receive("MILK", 5)
    shop.place("R-1", ("MILK", 2))
    shop.do(pickup.claim, "R-1")
    shop.do(pickup.pick, "R-1", "L1", 1)
    with pytest.raises(Refusal, match="Only 1 of Milk is still to be picked"):
        shop.do(pickup.pick, "R-1", "L1", 2)
    shop.do(pickup.pick, "R-1", "L1", 1)
    with pytest.raises(Refusal, match="All units of Milk are already done"):
        shop.do(pickup.pick, "R-1", "L1", 1)


@pytest.mark.parametrize("qty", [0, -1, True, 1_000_001])
def test_a_quantity_is_a_whole_number_from_one(shop: Shop, qty: int) -> None:
    shop.receive("MILK", 5)
    shop.place("R-1", ("MILK", 2))
    shop.do(pickup.claim, "R-1")
    with pytest.raises(Invalid):
        shop.do(pickup.pick, "R-1", "L1", qty)


@pytest.mark.parametrize(
    ("reason", "left", "counted"),
    [
        ("NOT_IN_STOCK", {"available": 3, "committed": 1}, True),
        ("MISMATCH", {"available": 3, "committed": 1, "quality_control": 1}, True),
        ("DAMAGED", {"available": 3, "committed": 1, "damaged": 1}, False),
        ("WORN_DISPLAY", {"available": 3, "committed": 1, "quality_control": 1}, False),
        ("PICK_LATER", {"available": 3, "committed": 2}, False),
    ],
)
def test_each_reason_for_a_short_moves_its_own_buckets(
    shop: Shop, reason: str, left: dict[str, int], counted: bool
) -> None:
    shop.receive("MILK", 5)
    shop.place("R-1", ("MILK", 2))
    shop.do(pickup.claim, "R-1")
    shop.do(pickup.short, "R-1", "L1", 1, reason)
    assert shop.buckets("MILK") == left
    assert bool(shop.tasks("count")) is counted
    line = shop.order("R-1")["lines"][0]
    assert line["short"] == (0 if reason == "PICK_LATER" else 1)
    shop.is_sound()


def test_a_substitute_is_linked_to_the_line_that_it_replaces(shop: Shop) -> None:
    shop.receive("MILK", 2)
    shop.receive("BREAD", 2)
    shop.place("R-1", ("MILK", 2))
    shop.do(pickup.claim, "R-1")
    shop.do(pickup.pick, "R-1", "L1", 1)
    shop.do(pickup.substitute, "R-1", "L1", "BREAD", 1)
    first, second = shop.order("R-1")["lines"]
    assert (first["picked"], first["substituted"], first["pending"]) == (1, 1, 0)
    assert (second["substitute_for"], second["sku"], second["picked"]) == ("L1", "BREAD", 1)
    shop.do(pickup.stage, "R-1", "A1")
    shop.do(pickup.ready, "R-1")
    shop.do(pickup.handover, "R-1", SEEN)
    assert shop.stock("MILK")["on_hand"] == 0
    assert shop.stock("BREAD")["on_hand"] == 1
    shop.is_sound()


def test_what_is_promised_to_others_is_no_substitute(shop: Shop) -> None:
    shop.receive("MILK", 2)
    shop.receive("BREAD", 1)
    shop.place("R-0", ("BREAD", 1))
    shop.place("R-1", ("MILK", 2))
    shop.do(pickup.claim, "R-1")
    with pytest.raises(Refusal, match="None of SKU BREAD is free"):
        shop.do(pickup.substitute, "R-1", "L1", "BREAD", 1)
    assert shop.buckets("MILK") == {"committed": 2}


def test_staging_needs_every_line_resolved_and_something_picked(shop: Shop) -> None:
    shop.receive("MILK", 5)
    shop.place("R-1", ("MILK", 2))
    shop.do(pickup.claim, "R-1")
    with pytest.raises(Refusal, match="2 units are still to be picked"):
        shop.do(pickup.stage, "R-1", "A1")
    shop.do(pickup.short, "R-1", "L1", 2, "DAMAGED")
    with pytest.raises(Refusal, match="Nothing was picked"):
        shop.do(pickup.stage, "R-1", "A1")


def test_the_shelf_scanned_again_is_no_news_and_another_shelf_is(shop: Shop) -> None:
    shop.receive("MILK", 5)
    shop.made_ready("R-1", ("MILK", 1))
    before = shop.length()
    shop.do(pickup.stage, "R-1", "a1")
    assert shop.length() == before
    shop.do(pickup.stage, "R-1", "B2")
    order = shop.order("R-1")
    assert (order["state"], order["shelf"]) == ("READY_FOR_PICKUP", "B2")
    assert shop.buckets("MILK") == {"available": 4, "staged": 1}


def test_every_misclick_before_the_handover_can_be_taken_back(shop: Shop) -> None:
    shop.receive("MILK", 5)
    shop.receive("BREAD", 5)
    shop.place("R-1", ("MILK", 3))
    start = shop.buckets("MILK"), shop.buckets("BREAD")
    shop.do(pickup.claim, "R-1")
    shop.do(pickup.pick, "R-1", "L1", 1)
    shop.do(pickup.short, "R-1", "L1", 1, "NOT_IN_STOCK")
    shop.do(pickup.substitute, "R-1", "L1", "BREAD", 1)
    shop.do(pickup.stage, "R-1", "A1")
    shop.do(pickup.ready, "R-1")
    for state in ("PREPARED", "PICKING", "PICKING", "PICKING", "PICKING"):
        shop.do(pickup.undo, "R-1")
        assert shop.state("R-1") == state
    assert (shop.buckets("MILK"), shop.buckets("BREAD")) == start
    assert shop.order("R-1")["lines"][0]["pending"] == 3
    with pytest.raises(Refusal, match="Nothing of order"):
        shop.do(pickup.undo, "R-1")
    shop.is_sound()


def test_a_handover_is_undone_by_a_leads_correction_alone(shop: Shop) -> None:
    shop.receive("MILK", 5)
    shop.made_ready("R-1", ("MILK", 2))
    shop.do(pickup.handover, "R-1", SEEN, [{"line_id": "L1", "qty": 1}])
    with pytest.raises(Refusal, match="a lead can correct"):
        shop.do(pickup.undo, "R-1")
    shop.do(pickup.handover, "R-1", SEEN)
    assert shop.state("R-1") == "PICKED_UP"
    shop.do(pickup.correct, "R-1", [{"line_id": "L1", "qty": 1}], actor=LENA)
    assert shop.state("R-1") == "READY_FOR_PICKUP"
    assert shop.buckets("MILK") == {"available": 3, "staged": 1}
    shop.do(pickup.handover, "R-1", SEEN)
    assert shop.stock("MILK")["on_hand"] == 3
    shop.is_sound()


def test_a_partial_handover_stays_ready_until_the_rest_is_collected(shop: Shop) -> None:
    shop.receive("MILK", 5)
    shop.receive("BREAD", 5)
    shop.made_ready("R-1", ("MILK", 2), ("BREAD", 1))
    shop.do(pickup.handover, "R-1", SEEN, [{"line_id": "L1", "qty": 2}])
    assert shop.state("R-1") == "READY_FOR_PICKUP"
    assert shop.buckets("MILK") == {"available": 3}
    with pytest.raises(Refusal, match="Only 0 of Milk can be handed over"):
        shop.do(pickup.handover, "R-1", SEEN, [{"line_id": "L1", "qty": 1}])
    shop.do(pickup.handover, "R-1", SEEN)
    assert shop.state("R-1") == "PICKED_UP"


def test_a_second_click_on_handover_hands_nothing_over(shop: Shop) -> None:
    shop.receive("MILK", 5)
    shop.made_ready("R-1", ("MILK", 2))
    shop.do(pickup.handover, "R-1", SEEN)
    with pytest.raises(Refusal, match="was already handed over"):
        shop.do(pickup.handover, "R-1", SEEN)
    assert shop.stock("MILK")["on_hand"] == 3


def test_nothing_is_handed_over_before_it_is_ready(shop: Shop) -> None:
    shop.receive("MILK", 5)
    shop.picked("R-1", ("MILK", 2))
    shop.do(pickup.stage, "R-1", "A1")
    with pytest.raises(Refusal, match="it can't be handed over now"):
        shop.do(pickup.handover, "R-1", SEEN)


def test_a_pickup_code_proves_its_own_order_alone(shop: Shop) -> None:
    shop.receive("MILK", 5)
    shop.made_ready("R-1", ("MILK", 1))
    mine = code.make("R-1", "s1", [("L1", "MILK", 1)], KEY, "k1")
    other = code.make("R-2", "s1", [("L1", "MILK", 1)], KEY, "k1")
    forged = mine[:-6] + ("AAAAAA" if not mine.endswith("AAAAAA") else "BBBBBB")
    for text, sentence in (
        (other, "belongs to another order"),
        (forged, "not genuine|not a pickup code"),
        ("SH1:O:R-1", "not a pickup code"),
        ("", "not a pickup code"),
    ):
        with pytest.raises(Refusal, match=sentence):
            shop.do(pickup.handover, "R-1", {"kind": "code", "value": text})
    shop.do(pickup.handover, "R-1", {"kind": "code", "value": mine})
    assert shop.order("R-1")["proof_kind"] == "code"


def test_one_code_of_a_customer_collects_all_of_their_orders_and_nobody_elses(shop: Shop) -> None:
    shop.receive("MILK", 9)
    for order_id, ref in (("R-1", "c-1"), ("R-2", "c-1"), ("R-3", "c-2"), ("R-4", None)):
        shop.made_ready(order_id, ("MILK", 1), customer_ref=ref)
    mine = {"kind": "code", "value": code.make("R-1", "s1", [("L1", "MILK", 1)], KEY, "k1")}
    shop.do(pickup.handover, "R-2", mine)
    for other in ("R-3", "R-4"):
        with pytest.raises(Refusal, match="belongs to another order"):
            shop.do(pickup.handover, other, mine)
    assert shop.order("R-2")["state"] == "PICKED_UP"


def test_of_an_id_only_its_kind_is_kept_and_of_a_signature_nothing(shop: Shop) -> None:
    shop.receive("MILK", 5)
    shop.made_ready("R-1", ("MILK", 2))
    with pytest.raises(Refusal, match="never its number"):
        shop.do(pickup.handover, "R-1", {"kind": "id_seen", "value": "passport C01X00T47"})
    with pytest.raises(Refusal, match="not signed"):
        shop.do(pickup.handover, "R-1", {"kind": "signature", "value": ""})
    shop.do(pickup.handover, "R-1", {"kind": "id_seen", "value": "Erika's club card"}, [
        {"line_id": "L1", "qty": 1}
    ])  # fmt: skip
    shop.do(pickup.handover, "R-1", {"kind": "signature", "value": "<svg>Erika</svg>"})
    with shop.store.database.reader() as connection:
        everything = b"".join(row[0] for row in connection.execute("SELECT entry FROM journal"))
    assert b"Erika" not in everything
    assert b'"id_kind":"other"' in everything


def test_a_canceled_order_frees_its_units_and_asks_to_put_them_back(shop: Shop) -> None:
    shop.receive("MILK", 5)
    shop.made_ready("R-1", ("MILK", 2))
    shop.do(pickup.cancel, "R-1", "BUYER_REQUEST", actor="central")
    order = shop.order("R-1")
    assert (order["state"], order["reason"]) == ("CANCELED", "BUYER_REQUEST")
    assert order["lines"][0]["canceled"] == 2
    assert shop.buckets("MILK") == {"available": 5}
    assert shop.tasks() == [("reshelve", "order:R-1", "BUYER_REQUEST")]
    shop.is_sound()


def test_an_order_canceled_before_picking_leaves_no_work_behind(shop: Shop) -> None:
    shop.receive("MILK", 5)
    shop.place("R-1", ("MILK", 2))
    shop.do(pickup.cancel, "R-1", "OUT_OF_STOCK")
    assert shop.tasks() == []
    with pytest.raises(Invalid, match="reason must be one of"):
        shop.do(pickup.cancel, "R-1", "BECAUSE")


@pytest.mark.parametrize("steps", [0, 1, 2, 3])
def test_an_order_on_hold_goes_back_to_where_it_was(shop: Shop, steps: int) -> None:
    shop.receive("MILK", 5)
    shop.place("R-1", ("MILK", 1))
    ways = [
        lambda: None,
        lambda: (shop.do(pickup.claim, "R-1"), shop.do(pickup.pick, "R-1", "L1", 1)),
        lambda: shop.do(pickup.stage, "R-1", "A1"),
        lambda: shop.do(pickup.ready, "R-1"),
    ]
    for way in ways[: steps + 1]:
        way()
    before = shop.state("R-1")
    shop.do(pickup.hold, "R-1", "payment")
    assert shop.state("R-1") == "ON_HOLD"
    with pytest.raises(Refusal, match="is on hold"):
        shop.do(pickup.claim, "R-1")
    shop.do(pickup.resume, "R-1")
    assert shop.state("R-1") == before


def test_a_reason_is_a_code_and_no_sentence(shop: Shop) -> None:
    shop.receive("MILK", 5)
    shop.place("R-1", ("MILK", 1))
    with pytest.raises(Invalid, match="no free text"):
        shop.do(pickup.hold, "R-1", "Mrs Miller called")


def test_goods_that_travel_here_are_promised_when_they_arrive(shop: Shop) -> None:
    shop.place("R-1", ("MILK", 2), supply="ship_to_store")
    assert shop.state("R-1") == "RESERVED"
    with pytest.raises(Refusal, match="not here yet"):
        shop.do(pickup.claim, "R-1")
    shop.do(pickup.ship, "R-1", actor="central")
    assert shop.buckets("MILK") == {"in_transit": 2}
    assert shop.stock("MILK")["on_hand"] == 0
    shop.do(pickup.receive, "R-1")
    assert shop.state("R-1") == "RECEIVED"
    assert shop.buckets("MILK") == {"committed": 2}
    shop.do(pickup.claim, "R-1")
    shop.do(pickup.release, "R-1")
    assert shop.state("R-1") == "RECEIVED"
    shop.do(pickup.claim, "R-1")
    shop.do(pickup.pick, "R-1", "L1", 2)
    shop.do(pickup.stage, "R-1", "A1")
    shop.do(pickup.ready, "R-1")
    shop.do(pickup.handover, "R-1", SEEN)
    assert shop.stock("MILK")["on_hand"] == 0
    shop.is_sound()


def test_goods_of_an_order_canceled_on_its_way_are_not_expected(shop: Shop) -> None:
    shop.place("R-1", ("MILK", 2), supply="ship_to_store")
    shop.do(pickup.ship, "R-1", actor="central")
    shop.do(pickup.hold, "R-1", "PAYMENT")
    shop.do(pickup.cancel, "R-1", "BUYER_REQUEST", actor="central")
    assert shop.buckets("MILK") == {}
    shop.is_sound()


def test_an_order_unknown_here_is_not_found(shop: Shop) -> None:
    with pytest.raises(NotFound, match="No order R-9 in this store"):
        shop.do(pickup.claim, "R-9")


@pytest.mark.parametrize(
    "wrong",
    [
        {"order_id": "a b"},
        {"order_id": "a/b"},
        {"lines": []},
        {"lines": [{"line_id": "L1", "sku": "MILK", "qty": 0}]},
        {"lines": [{"line_id": "L1", "sku": "", "qty": 1}]},
        {"lines": [{"line_id": "L1", "sku": "MILK", "qty": 1, "unit_price_minor": 1.5}]},
        {"lines": [{"line_id": "L1", "sku": "MILK", "qty": 1}] * 2},
        {"channel": "fax"},
        {"promise_at": "soon"},
    ],
)
def test_an_order_that_makes_no_sense_is_invalid_and_names_the_field(
    shop: Shop, wrong: dict[str, object]
) -> None:
    order = {"order_id": "R-1", "lines": [{"line_id": "L1", "sku": "MILK", "qty": 1}], **wrong}
    with pytest.raises(Invalid) as refused:
        shop.do(pickup.place, order)
    assert refused.value.field.startswith(next(iter(wrong)))


def test_an_order_may_name_a_sku_that_the_catalogue_never_had(shop: Shop) -> None:
    shop.receive("X-1", 1)
    assert shop.place("R-1", ("X-1", 1))["lines"][0]["name"] == "X-1"


def test_a_substitutes_line_never_takes_the_name_of_another_line(shop: Shop) -> None:
    shop.receive("MILK", 2)
    shop.receive("BREAD", 2)
    lines = [{"line_id": name, "sku": "MILK", "qty": 1} for name in ("L1", "L1.s1")]
    shop.do(pickup.place, {"order_id": "R-1", "lines": lines})
    shop.do(pickup.claim, "R-1")
    shop.do(pickup.substitute, "R-1", "L1", "BREAD", 1)
    assert [line["line_id"] for line in shop.order("R-1")["lines"]] == ["L1", "L1.s1", "L1.s2"]
    shop.do(pickup.undo, "R-1")
    shop.do(pickup.substitute, "R-1", "L1.s1", "BREAD", 1)
    assert shop.buckets("BREAD") == {"available": 1, "committed": 1}
    shop.is_sound()
