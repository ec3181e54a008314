"""What a scan means: the router takes the same steps as the buttons, or says why not."""

from datetime import timedelta
from typing import Any

import pytest

from hub import scans
from hub.errors import Invalid, Refusal
from hub.pickup import actions as pickup
from hub.pickup import code, selling
from hub.scans import Outcome
from hub.staff import actions as staff
from tests.hub.shop import ANNA, BADGE, BEN, BREAD, KEY, MILK, Shop

ORDER, SHELF = "SH1:O:R-1", "SH1:S:A1"


class Scanner:
    """A scanner on the floor; each scan is an observation of its own."""

    def __init__(self, shop: Shop, device: str = "gun-1") -> None:
        self.shop, self.device, self.seq = shop, device, 0

    def __call__(self, text: str, **scan: Any) -> Outcome:
        self.seq += 1
        number = f"o{self.seq}"
        return self.shop.run(
            lambda tx: scans.route(
                tx,
                self.device,
                {"code": text, **scan},
                observation_id=number,
                occurred_at=tx.now,
                store="s1",
            )
        )


@pytest.fixture
def gun(shop: Shop) -> Scanner:
    shop.receive("MILK", 5)
    shop.receive("BREAD", 5)
    return Scanner(shop)


def test_an_order_is_picked_and_staged_by_scans_alone(shop: Shop, gun: Scanner) -> None:
    shop.place("R-1", ("MILK", 2), ("BREAD", 1))
    did = [gun(text).did for text in (BADGE["anna"], ORDER, MILK, BREAD, MILK, SHELF, SHELF)]
    assert did == ["bound", "claimed", "picked", "picked", "picked", "staged", "staged"]
    order = shop.order("R-1")
    assert (order["state"], order["shelf"], order["version"]) == ("PREPARED", "A1", 7)
    assert {one["actor"] for one in order["timeline"][2:]} == {ANNA}
    assert order["timeline"][3]["entry"].startswith("gun-1:o3.")


@pytest.mark.parametrize(
    "carrier",
    [
        "4006381333931",
        "]E04006381333931",
        "(01)04006381333931(10)LOT7",
        "https://id.gs1.org/01/04006381333931",
        "]d20104006381333931",
    ],
)
def test_an_article_is_known_in_every_carrier(shop: Shop, gun: Scanner, carrier: str) -> None:
    shop.place("R-1", ("MILK", 1))
    gun(BADGE["anna"])
    gun(ORDER)
    assert gun(carrier) == Outcome("picked", order_id="R-1", line_id="L1", sku="MILK")


def test_a_scanner_that_nobody_holds_picks_and_stages_nothing(shop: Shop, gun: Scanner) -> None:
    shop.place("R-1", ("MILK", 1))
    assert gun(ORDER).did == "opened"
    shop.do(pickup.claim, "R-1")
    for text in (MILK, SHELF):
        with pytest.raises(Refusal, match="Scan your badge first"):
            gun(text)


def test_an_article_without_an_order_is_only_looked_up(shop: Shop, gun: Scanner) -> None:
    before = shop.length()
    assert gun(MILK).did == "looked_up"
    gun(BADGE["anna"])
    assert gun(MILK).did == "looked_up"
    with pytest.raises(Refusal, match="Scan the order first"):
        gun(SHELF)
    assert shop.length() == before


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (BREAD, "Bread is not in order"),
        ("4012345678901", "No product has the barcode 4012345678901"),
        ("4006381333932", "check digit"),
        ("hello", "No product has the barcode hello"),
        (SHELF, "1 unit is still to be picked"),
        ("SH1:O:R-9", "has not received order R-9"),
        ("SH1:B:nobody", "badge is not known"),
        ("SH1:S:<b>", "shelf must be"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_sentence(
    shop: Shop, gun: Scanner, text: str, sentence: str
) -> None:
    shop.place("R-1", ("MILK", 1))
    gun(BADGE["anna"])
    gun(ORDER)
    before = shop.length()
    with pytest.raises((Refusal, Invalid), match=sentence):
        gun(text)
    assert shop.length() == before
    assert gun(MILK).did == "picked"


def test_one_unit_too_many_is_refused(shop: Shop, gun: Scanner) -> None:
    shop.place("R-1", ("MILK", 1))
    for text in (BADGE["anna"], ORDER, MILK):
        gun(text)
    with pytest.raises(Refusal, match="All units of Milk are already done"):
        gun(MILK)


def test_an_order_that_somebody_else_picks_stays_theirs(shop: Shop, gun: Scanner) -> None:
    shop.place("R-1", ("MILK", 1))
    shop.do(pickup.claim, "R-1", actor=BEN)
    gun(BADGE["anna"])
    with pytest.raises(Refusal, match="Ben is picking order"):
        gun(ORDER)
    assert gun(MILK).did == "looked_up"


def test_another_badge_takes_the_scanner_over_without_the_order(shop: Shop, gun: Scanner) -> None:
    shop.place("R-1", ("MILK", 2))
    for text in (BADGE["anna"], ORDER, BADGE["anna"], MILK, BADGE["ben"]):
        gun(text)
    assert gun(MILK).did == "looked_up"
    assert shop.order("R-1")["lines"][0]["picked"] == 1


def test_a_badge_holds_a_scanner_for_a_shift_and_while_its_person_works_here(
    shop: Shop, gun: Scanner
) -> None:
    shop.place("R-1", ("MILK", 3))
    gun(BADGE["anna"])
    gun(ORDER)
    shop.clock.advance(timedelta(hours=12, seconds=1))
    with pytest.raises(Refusal, match="badge first"):
        gun(MILK)
    gun(BADGE["anna"])
    assert gun(MILK).did == "picked"
    shop.run(lambda tx: staff.deactivate(tx, "anna"))
    with pytest.raises(Refusal, match="badge first"):
        gun(MILK)


def test_a_ready_order_is_opened_for_handover_and_never_handed_over_by_a_scan(
    shop: Shop, gun: Scanner
) -> None:
    shop.made_ready("R-1", ("MILK", 1))
    text = code.make("R-1", "s1", [("L1", "MILK", 1)], KEY, "k1")
    gun(BADGE["anna"])
    assert gun(text) == Outcome("handover", order_id="R-1")
    assert gun(text).did == "handover"
    assert shop.state("R-1") == "READY_FOR_PICKUP"


def test_a_code_of_another_store_is_told_apart(shop: Shop, gun: Scanner) -> None:
    text = code.make("R-1", "s2", [("L1", "MILK", 1)], KEY, "k1")
    with pytest.raises(Refusal, match="collected at store s2"):
        gun(text)


def test_an_order_that_only_its_code_tells_of_is_picked_and_merges_once(
    shop: Shop, gun: Scanner
) -> None:
    text = code.make("R-7", "s1", [("L1", "MILK", 2)], KEY, "k1")
    assert [gun(one).did for one in (BADGE["anna"], text, text)] == ["bound", "opened", "claimed"]
    for one in (MILK, MILK, SHELF):
        gun(one)
    sent = {
        "customer_ref": "c-1",
        "short_code": "K7QX",
        "promise_at": "2026-11-21T15:00:00Z",
    }
    for _ in range(2):
        order = shop.place("R-7", ("MILK", 2), **sent)
    assert (order["state"], order["customer_ref"], order["short_code"]) == (
        "PREPARED",
        "c-1",
        "K7QX",
    )
    assert [one["type"] for one in order["timeline"]].count("OrderMatched") == 1
    assert shop.buckets("MILK") == {"available": 3, "staged": 2}
    shop.is_sound()


def test_centrals_copy_adds_what_a_code_has_no_room_for(shop: Shop, gun: Scanner) -> None:
    text = code.make("R-7", "s1", [("L1", "MILK", 2)], KEY, "k1")
    for one in (BADGE["anna"], text, text, MILK):
        gun(one)
    wish = {"age_min": 18, "substitutes": "never", "unit_price_minor": 129}
    line = {"line_id": "L1", "sku": "MILK", "qty": 2, **wish}
    sent = {"order_id": "R-7", "lines": [line], "currency": "EUR"}
    shop.do(pickup.place, sent, actor="central")
    (found,) = shop.order("R-7")["lines"]
    assert {name: found[name] for name in wish} == wish
    assert (found["currency"], found["name"], found["picked"]) == ("EUR", "Milk", 1)
    shop.receive("BREAD", 1)
    with pytest.raises(Refusal) as refused:
        shop.do(pickup.substitute, "R-7", "L1", "BREAD", 1)
    assert refused.value.slug == "never-substitute"
    for one in (MILK, SHELF):
        gun(one)
    shop.do(pickup.ready, "R-7")
    with pytest.raises(Refusal, match="18 or older"):
        shop.do(pickup.handover, "R-7", {"kind": "id_seen", "value": "passport"})
    shop.is_sound()


def test_what_a_code_asks_for_must_be_there(shop: Shop, gun: Scanner) -> None:
    shop.do(selling.sell, "S-1", [{"sku": "MILK", "qty": 4}])
    text = code.make("R-7", "s1", [("L1", "MILK", 2)], KEY, "k1")
    with pytest.raises(Refusal, match="Only 1 of SKU MILK is free"):
        gun(text)


def test_the_order_on_the_devices_own_screen_is_the_one_meant(shop: Shop, gun: Scanner) -> None:
    shop.place("R-1", ("MILK", 1))
    shop.place("R-2", ("MILK", 1))
    gun(BADGE["anna"])
    gun("SH1:O:R-2")
    gun(ORDER)
    assert gun(MILK, context={"order_id": "R-2"}).order_id == "R-2"
    assert gun(MILK).order_id == "R-1"


def test_two_scanners_of_one_make_are_told_apart_by_their_device_id(shop: Shop) -> None:
    shop.receive("MILK", 5)
    shop.place("R-1", ("MILK", 1))
    shop.place("R-2", ("MILK", 1))
    one, two = Scanner(shop, "gun-1"), Scanner(shop, "gun-2")
    one(BADGE["anna"])
    two(BADGE["ben"])
    one("SH1:O:R-1")
    two("SH1:O:R-2")
    assert one(MILK).order_id == "R-1"
    assert two(MILK).order_id == "R-2"


def test_the_counter_scans_as_the_person_who_is_signed_in(shop: Shop, gun: Scanner) -> None:
    shop.place("R-1", ("MILK", 1))

    def scan(text: str, order_id: str | None = "R-1") -> Outcome:
        cause = shop.cause()
        return shop.run(
            lambda tx: scans.at_counter(tx, text, actor=BEN, cause=cause, order_id=order_id)
        )

    assert scan(ORDER, None).did == "claimed"
    assert scan(MILK).did == "picked"
    assert scan(SHELF).did == "staged"
    assert scan(MILK, None) == Outcome("looked_up", sku="MILK")


def test_a_scan_is_text(gun: Scanner) -> None:
    with pytest.raises(Invalid):
        gun("  ")
