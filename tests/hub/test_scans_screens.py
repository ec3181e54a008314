"""A scanner acts on the screen whose pairing code it read, on no other, and on each scan once."""

from datetime import timedelta
from typing import Any

import pytest

from hub.errors import Refusal
from hub.scans import Outcome, screens, tables
from hub.staff import actions as staff
from hub.store import Store
from tests.hub.shop import BADGE, MILK, Shop
from tests.hub.test_scans import ORDER, Scanner


class Counter:
    """A screen where somebody is signed in."""

    def __init__(self, shop: Shop, name: str, who: str = "anna") -> None:
        self.shop, self.name, self.who = shop, name, who

    def code(self) -> str:
        return self.shop.run(lambda tx: screens.show_code(tx, self.name, self.who))

    def take(self) -> str | None:
        waiting = self.shop.run(lambda tx: screens.take(tx, self.name))
        return None if waiting is None else waiting.text

    def close(self) -> None:
        self.shop.run(lambda tx: screens.close(tx, self.name))

    def paired(self) -> list[str]:
        with self.shop.store.database.reader() as connection:
            return tables.paired(connection, self.name)


@pytest.fixture
def left(shop: Shop) -> Counter:
    return Counter(shop, "left")


@pytest.fixture
def right(shop: Shop) -> Counter:
    return Counter(shop, "right", "ben")


@pytest.fixture
def gun(shop: Shop) -> Scanner:
    return Scanner(shop)


def test_a_scanner_acts_on_the_screen_whose_code_it_read(gun: Scanner, left: Counter) -> None:
    assert gun(left.code()) == Outcome("paired", screen="left")
    assert left.paired() == ["gun-1"]
    for text in (ORDER, MILK, "7K4M"):
        assert gun(text) == Outcome("shown", screen="left")
    assert [left.take() for _ in range(4)] == [ORDER, MILK, "7K4M", None]


def test_two_scanners_of_one_make_act_each_on_its_own_screen(
    shop: Shop, left: Counter, right: Counter
) -> None:
    one, two = Scanner(shop, "gun-1"), Scanner(shop, "gun-2")
    one(left.code())
    two(right.code())
    one(MILK)
    two(ORDER)
    assert (left.take(), left.take()) == (MILK, None)
    assert (right.take(), right.take()) == (ORDER, None)


def test_a_screen_is_told_when_something_waits_for_it(
    shop: Shop, gun: Scanner, left: Counter
) -> None:
    rung: list[Any] = []
    shop.store.ring.subscribe(lambda ringing: rung.append(ringing.topics))
    gun(left.code())
    gun(MILK)
    assert [topic for topics in rung for topic in topics if topic.startswith("screen:")] == [
        "screen:left",
        "screen:left",
    ]


def test_another_screens_code_moves_the_scanner_there(
    shop: Shop, gun: Scanner, left: Counter, right: Counter
) -> None:
    gun(left.code())
    gun(right.code())
    gun(MILK)
    assert (left.take(), right.take()) == (None, MILK)
    assert (left.paired(), right.paired()) == ([], ["gun-1"])


def test_a_badge_takes_the_scanner_from_its_screen_and_is_never_passed_on(
    shop: Shop, gun: Scanner, left: Counter
) -> None:
    gun(left.code())
    assert gun(BADGE["anna"]).did == "bound"
    assert gun(MILK).did == "looked_up"
    assert (left.take(), left.paired()) == (None, [])


def test_a_badge_in_letters_that_nobody_prints_is_masked(gun: Scanner, left: Counter) -> None:
    gun(left.code())
    gun("sh1:b:" + "A" * 26)
    assert "AAAA" not in (left.take() or "")


def test_a_code_takes_the_scanner_from_its_person_with_the_open_order(
    shop: Shop, gun: Scanner, left: Counter
) -> None:
    shop.receive("MILK", 5)
    shop.place("R-1", ("MILK", 1))
    gun(BADGE["anna"])
    gun(ORDER)
    gun(left.code())
    assert gun(MILK).did == "shown"
    assert shop.order("R-1")["lines"][0]["picked"] == 0
    gun(BADGE["anna"])
    assert gun(MILK).did == "looked_up"


def test_a_screen_that_signs_out_lets_its_scanners_go(
    gun: Scanner, left: Counter, right: Counter
) -> None:
    gun(left.code())
    gun(MILK)
    left.close()
    assert (left.take(), left.paired()) == (None, [])
    assert gun(MILK).did == "looked_up"


def test_unpairing_lets_one_scanner_go_and_only_at_its_own_screen(
    shop: Shop, left: Counter, right: Counter
) -> None:
    one, two = Scanner(shop, "gun-1"), Scanner(shop, "gun-2")
    for gun in (one, two):
        gun(left.code())
    shop.run(lambda tx: screens.unpair(tx, "right", "gun-1"))
    assert left.paired() == ["gun-1", "gun-2"]
    shop.run(lambda tx: screens.unpair(tx, "left", "gun-1"))
    assert left.paired() == ["gun-2"]
    assert one(MILK).did == "looked_up"
    assert two(MILK).did == "shown"


def test_a_binding_outlives_the_hub(shop: Shop, gun: Scanner, left: Counter) -> None:
    gun(left.code())
    directory = shop.store.database.path.parent
    shop.store.close()
    shop.store = Store(directory, shop.store.settings, clock=shop.clock)
    assert gun(MILK).did == "shown"
    assert left.take() == MILK


@pytest.mark.parametrize(("minutes", "fits"), [(10, True), (10.001, False)])
def test_a_code_pairs_for_ten_minutes(
    shop: Shop, gun: Scanner, left: Counter, minutes: float, fits: bool
) -> None:
    code = left.code()
    shop.clock.advance(timedelta(minutes=minutes))
    if fits:
        assert gun(code).did == "paired"
        return
    with pytest.raises(Refusal, match="too old"):
        gun(code)


def test_a_screen_shows_one_code_while_it_is_fresh_and_then_another(
    shop: Shop, gun: Scanner, left: Counter
) -> None:
    code = left.code()
    shop.clock.advance(timedelta(minutes=7))
    assert left.code() == code
    shop.clock.advance(timedelta(minutes=1))
    assert left.code() != code
    with pytest.raises(Refusal, match="No screen shows"):
        gun(code)


@pytest.mark.parametrize("text", ["SH1:P:", "SH1:P:NOBODYSCODE2", "]Q1SH1:P:NOBODYSCODE2"])
def test_a_code_that_no_screen_shows_pairs_nothing(gun: Scanner, left: Counter, text: str) -> None:
    left.code()
    with pytest.raises(Refusal, match="No screen shows"):
        gun(text)
    assert left.paired() == []


def test_a_code_is_read_with_an_aim_prefix_too(gun: Scanner, left: Counter) -> None:
    assert gun(f"]Q1{left.code()}").did == "paired"


@pytest.mark.parametrize(("seconds", "text"), [(15, MILK), (15.001, None)])
def test_a_scan_that_nobody_took_in_time_acts_no_more(
    shop: Shop, gun: Scanner, left: Counter, seconds: float, text: str | None
) -> None:
    gun(left.code())
    gun(MILK)
    shop.clock.advance(timedelta(seconds=seconds))
    assert left.take() == text


def test_a_screen_that_does_not_listen_is_told_to_whoever_scans(
    shop: Shop, gun: Scanner, left: Counter
) -> None:
    gun(left.code())
    gun(MILK)
    shop.clock.advance(timedelta(seconds=16))
    with pytest.raises(Refusal, match="does not listen"):
        gun(MILK)
    assert left.take() is None
    gun(MILK)
    assert left.take() == MILK


def test_a_binding_lasts_a_shift_and_while_its_person_works_here(
    shop: Shop, gun: Scanner, left: Counter, right: Counter
) -> None:
    gun(left.code())
    shop.clock.advance(timedelta(hours=12))
    assert gun(MILK).did == "shown"
    left.take()
    shop.clock.advance(timedelta(milliseconds=1))
    with pytest.raises(Refusal, match="signed out"):
        gun(MILK)
    gun(right.code())  # another screen that opens sweeps what is over
    assert left.paired() == []
    code = right.code()
    shop.run(lambda tx: staff.deactivate(tx, "ben"))
    with pytest.raises(Refusal, match="signed out"):
        gun(MILK)
    with pytest.raises(Refusal, match="No screen shows"):
        gun(code)


def test_nothing_is_too_old_while_the_clock_is_unknown(
    shop: Shop, gun: Scanner, left: Counter
) -> None:
    code = left.code()
    shop.clock._quality = "unknown"
    shop.clock.advance(timedelta(days=400))
    assert gun(code).did == "paired"
    gun(MILK)
    shop.clock.advance(timedelta(days=400))
    assert left.take() == MILK
