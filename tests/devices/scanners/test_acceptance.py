"""A scan is what stands in enough frames; a single frame of bars is never one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.scanners.acceptance import NEEDED, OPT_IN, WINDOW, Acceptance, Seen, Settings

EVERY = Settings(symbologies=frozenset(NEEDED))


def seen(
    symbology: str = "EAN-13",
    text: str = "5901234123457",
    x: float = 100.0,
    known: bool | None = None,
) -> Seen:
    return Seen(symbology, text, (x, 100.0), 80.0, known)


def accepted(reading: Acceptance, frames: list[list[Seen]], start: int = 0) -> list[int]:
    """Return the numbers of the frames in which something was accepted."""
    return [start + n for n, reads in enumerate(frames) if reading.see(reads, (start + n) / 30.0)]


@pytest.mark.parametrize("symbology", sorted(NEEDED))
def test_each_symbology_needs_its_number_of_equal_reads(symbology: str) -> None:
    frames = [[seen(symbology)]] * 5
    assert accepted(Acceptance(EVERY), frames) == [NEEDED[symbology] - 1]


def test_weak_symbologies_are_read_only_when_they_are_set() -> None:
    for symbology in OPT_IN:
        assert accepted(Acceptance(), [[seen(symbology)]] * 8) == []


def test_two_reads_count_only_within_ten_frames() -> None:
    near = [[seen()], *[[]] * (WINDOW - 2), [seen()]]
    far = [[seen()], *[[]] * (WINDOW - 1), [seen()]]
    assert accepted(Acceptance(), near) == [WINDOW - 1]
    assert accepted(Acceptance(), far) == []


def test_an_item_that_lies_before_the_lens_is_one_scan() -> None:
    reading = Acceptance()
    assert accepted(reading, [[seen()]] * 200) == [1]


def test_an_item_that_comes_back_after_a_while_is_a_new_scan() -> None:
    reading = Acceptance()
    accepted(reading, [[seen()]] * 5)
    accepted(reading, [[]] * 50, start=5)
    assert accepted(reading, [[seen()]] * 5, start=55) == [56]


def test_a_still_scene_keeps_its_item_even_unread() -> None:
    reading = Acceptance()
    accepted(reading, [[seen()]] * 3)
    for n in range(3, 300):
        reading.hold(n / 30.0)
    assert accepted(reading, [[seen()]] * 5, start=300) == []


def test_different_codes_at_one_place_hold_each_other_up() -> None:
    reading = Acceptance()
    frames = [[seen(text="1")], [seen(text="2")], [seen(text="1")], [seen(text="2")]]
    assert accepted(reading, frames) == [2]  # twice "1" against once "2"
    reading = Acceptance()
    frames = [[seen(text="1")], [seen(text="2")], [seen(text="2")]]
    assert accepted(reading, frames) == [2]
    reading = Acceptance()
    frames = [[seen(text="1"), seen(text="2")]] * 9
    assert accepted(reading, frames) == []


def test_two_items_side_by_side_are_two_scans() -> None:
    frames = [[seen(text="1"), seen(text="2", x=300.0)]] * 2
    reading = Acceptance()
    assert [len(reading.see(f, n / 30.0)) for n, f in enumerate(frames)] == [0, 2]


def test_an_item_that_the_catalogue_does_not_know_needs_one_read_more() -> None:
    assert accepted(Acceptance(), [[seen(known=False)]] * 5) == [2]
    assert accepted(Acceptance(), [[seen(known=True)]] * 5) == [1]


@given(st.lists(st.sampled_from(["", "a", "b"]), max_size=60))
def test_nothing_is_accepted_on_fewer_reads_than_needed(frames: list[str]) -> None:
    reading = Acceptance()
    for n, text in enumerate(frames):
        for scan in reading.see([seen(text=text)] if text else [], n / 30.0):
            window = frames[max(0, n - WINDOW + 1) : n + 1]
            assert window.count(scan.text) >= 2
