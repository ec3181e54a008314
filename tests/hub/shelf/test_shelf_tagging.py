"""Thousands of reads become arrivals, moves and departures, few and in the order of time."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.shelf.tagging import PLACES_MOST, Change, Tag, Tuning, hear, leave

TUNING = Tuning()
T0 = 1_000_000
Read = tuple[int, str, float]


def heard(tag: Tag, reads: Iterable[Read]) -> list[Change]:
    found = [hear(tag, place, f"r-{place}", rssi, at, TUNING) for at, place, rssi in reads]
    return [one for one in found if one is not None]


def said(changes: Iterable[Change]) -> list[tuple[str, str]]:
    return [(one.what, one.place) for one in changes]


def test_a_thousand_reads_in_one_place_are_one_arrival() -> None:
    tag = Tag("e", "MILK")
    changes = heard(tag, [(T0 + 100 * n, "DOOR", -60 - n % 7) for n in range(1000)])
    assert said(changes) == [("arrived", "DOOR")]
    assert changes[0].at_ms == T0
    assert tag.last_ms == T0 + 99_900


def test_one_stray_read_moves_nothing_however_strong() -> None:
    tag = Tag("e")
    reads: list[Read] = [(T0 + 500 * n, "A", -60.0) for n in range(20)]
    reads.insert(10, (T0 + 4600, "B", -20.0))
    assert said(heard(tag, reads)) == [("arrived", "A")]


def test_another_place_takes_a_tag_by_the_margin_after_the_hold_off() -> None:
    def moves(margin: float, span_ms: int) -> list[tuple[str, str]]:
        tag = Tag("e")
        reads: list[Read] = [(T0, "A", -60.0)]
        for at in range(100, span_ms + 101, 100):
            reads += [(T0 + at, "A", -60.0), (T0 + at, "B", -60.0 + margin)]
        return said(heard(tag, reads))

    assert moves(7, 500) == [("arrived", "A"), ("moved", "B")]
    assert moves(7, 400) == [("arrived", "A")], "not before the hold-off is over"
    assert moves(6, 5000) == [("arrived", "A")], "the margin itself is not enough"


def test_a_tag_that_was_carried_away_follows_its_new_place_though_weaker() -> None:
    tag = Tag("e")
    heard(tag, [(T0, "A", -50.0)])
    changes = heard(tag, [(T0 + 1000 * n, "B", -65.0) for n in range(1, 60)])
    assert said(changes) == [("moved", "B")]
    # 15 dB weaker and 6 dB of margin: 21 s of silence, after the hold-off.
    assert (changes[0].at_ms - T0) / 1000 == pytest.approx(22, abs=1)
    assert changes[0].source == "A"


@given(st.lists(st.tuples(st.booleans(), st.floats(-62.9, -57.1)), min_size=2, max_size=200))
def test_a_tag_between_two_antennas_does_not_flap(reads: list[tuple[bool, float]]) -> None:
    """Both hear it within the margin, each at least every second."""
    tag = Tag("e")
    changes = heard(tag, [(T0, "A", -60.0), (T0 + 1, "B", -60.0)])
    for number, (at_a, rssi) in enumerate(reads):
        at_ms = T0 + 200 * (number + 1)
        changes += heard(tag, [(at_ms, "A" if at_a else "B", rssi)])
        changes += heard(tag, [(at_ms, "A", -60.0), (at_ms, "B", -60.0)])
    assert said(changes) == [("arrived", "A")]


def test_a_tag_departs_when_nobody_has_heard_it_for_ten_minutes() -> None:
    tag = Tag("e")
    heard(tag, [(T0, "A", -60.0), (T0 + 5000, "A", -60.0)])
    assert leave(tag, T0 + 5000 + TUNING.gone_ms - 1, TUNING) is None
    gone = leave(tag, T0 + 5000 + TUNING.gone_ms, TUNING)
    assert gone is not None
    assert (gone.what, gone.place, gone.at_ms) == ("departed", "A", T0 + 5000)
    assert leave(tag, T0 + 9 * TUNING.gone_ms, TUNING) is None, "once"


def test_nobody_departs_for_the_time_in_which_nobody_listened() -> None:
    tag = Tag("e")
    heard(tag, [(T0, "A", -60.0)])
    back = T0 + 5 * TUNING.gone_ms
    assert leave(tag, back + TUNING.gone_ms - 1, TUNING, resumed_ms=back) is None
    assert leave(tag, back + TUNING.gone_ms, TUNING, resumed_ms=back) is not None


def test_a_tag_that_another_place_still_hears_has_not_departed() -> None:
    tag = Tag("e")
    heard(tag, [(T0, "A", -60.0), (T0 + 590_000, "B", -80.0)])
    assert leave(tag, T0 + TUNING.gone_ms, TUNING) is None


def test_an_old_read_does_not_bring_back_what_has_departed_since() -> None:
    tag = Tag("e")
    heard(tag, [(T0, "A", -60.0)])
    at = T0 + TUNING.gone_ms
    assert leave(tag, at, TUNING) is not None
    assert heard(tag, [(T0 + 1000, "A", -60.0), (at, "B", -60.0)]) == []
    assert said(heard(tag, [(at + 1, "B", -60.0)])) == [("arrived", "B")]


def test_an_old_read_does_not_move_a_tag_back() -> None:
    tag = Tag("e")
    heard(tag, [(T0, "A", -60.0)])
    moved = heard(tag, [(T0 + 1000 + 100 * n, "B", -40.0) for n in range(10)])
    assert said(moved) == [("moved", "B")]
    late = [(T0 + 10 * n, "A", -20.0) for n in range(90)]
    assert heard(tag, late) == []
    assert tag.place == "B"


def test_late_reads_of_another_place_do_not_make_it_louder() -> None:
    tag = Tag("e")
    reads: list[Read] = [(T0, "A", -60.0)]
    for at in range(100, 2_000, 100):
        reads += [(T0 + at, "A", -60.0), (T0 + at, "B", -65.0)]
    reads += [(T0 + at, "B", -20.0) for at in range(150, 1_000, 10)]
    reads += [(T0 + 2_000, "A", -60.0), (T0 + 2_000, "B", -65.0)]
    assert said(heard(tag, reads)) == [("arrived", "A")]


def test_a_place_that_a_tag_comes_closer_to_takes_it_once_its_mean_is_louder() -> None:
    tag = Tag("e")
    reads: list[Read] = [(T0, "A", -60.0)]
    for n in range(1, 10):
        reads += [(T0 + 100 * n, "A", -60.0), (T0 + 100 * n, "B", -75.0)]
    for n in range(10, 40):
        reads += [(T0 + 100 * n, "A", -60.0), (T0 + 100 * n, "B", -45.0)]
    changes = heard(tag, reads)
    assert said(changes) == [("arrived", "A"), ("moved", "B")]
    # -75 becomes more than -54 in steps of a quarter: at the fifth loud read.
    assert changes[1].at_ms == T0 + 1_400


def test_two_stray_reads_a_minute_apart_move_nothing() -> None:
    tag = Tag("e")
    reads: list[Read] = [(T0 + 500 * n, "A", -60.0) for n in range(200)]
    reads += [(T0 + 1_100, "B", -20.0), (T0 + 61_100, "B", -20.0)]
    assert said(heard(tag, sorted(reads))) == [("arrived", "A")]


def test_a_late_read_does_not_say_that_a_tag_was_heard_less_recently() -> None:
    tag = Tag("e")
    heard(tag, [(T0, "A", -60.0), (T0 + 5_000, "A", -60.0), (T0 + 1_000, "A", -60.0)])
    assert tag.last_ms == T0 + 5_000


def test_however_many_places_hear_a_tag_its_own_is_remembered() -> None:
    tag = Tag("e")
    reads: list[Read] = [(T0, "A", -60.0)]
    reads += [(T0 + 10 * n, place, -90.0) for n, place in enumerate("BCDEFGHIJ", 1)]
    reads += [(T0 + 100 + 100 * n, "J", -90.0) for n in range(8)]
    assert said(heard(tag, reads)) == [("arrived", "A")]
    assert "A" in tag.heard
    assert len(tag.heard) == PLACES_MOST


@given(
    st.lists(
        st.tuples(
            st.integers(0, 3_000_000),
            st.sampled_from("ABCDEFGH"),
            st.floats(-90, -30),
            st.booleans(),
        ),
        max_size=150,
    )
)
def test_facts_of_a_tag_follow_each_other(reads: list[tuple[int, str, float, bool]]) -> None:
    """Whatever comes: arrived first, moved from where it was, departed from where it is."""
    tag, place, clock = Tag("e"), "", 0
    for late_ms, where, rssi, timer in reads:
        clock += 40_000
        change = hear(tag, where, "r", rssi, max(0, clock - late_ms), TUNING)
        if timer:
            change = change or leave(tag, clock, TUNING)
        if change is None:
            continue
        if change.what == "arrived":
            assert place == ""
            place = change.place
        elif change.what == "moved":
            assert (change.source, change.place != place) == (place, True)
            place = change.place
        else:
            assert change.place == place
            place = ""
    assert tag.place == place
    assert len(tag.heard) <= PLACES_MOST
