"""Keys become scans: in each layout, never mixed, never out of what a person types."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.scanners.layouts import LAYOUTS
from devices.scanners.wedge import (
    Event,
    Gone,
    Lost,
    Opened,
    Rules,
    Scan,
    Silence,
    State,
    Stroke,
    step,
)
from hub.errors import Invalid
from tests.devices.scanners.keys import ALT, CAPS, CTRL, ENTER, KEYPAD, SHIFT, TAB, strokes

US = Rules()
# What a barcode carries, in every layout: no letter with an accent.
PLAIN = "".join(chr(n) for n in range(32, 127))
TEXTS = st.text(PLAIN, min_size=3, max_size=40)


def fed(*events: Event, rules: Rules = US, state: State | None = None) -> tuple[State, list[Scan]]:
    state, scans = state or State(), []
    for event in events:
        state, made = step(state, event, rules)
        scans += made
    return state, scans


def texts(*events: Event, rules: Rules = US) -> list[str]:
    return [scan.text for scan in fed(*events, rules=rules)[1]]


def down(*codes: int, at_ms: int = 1_000, every_ms: int = 2, node: str = "event3") -> list[Stroke]:
    return [Stroke(node, code, 1, at_ms + n * every_ms) for n, code in enumerate(codes)]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_layout_gives_back_every_character_of_a_barcode(layout: str) -> None:
    assert texts(*strokes(PLAIN, layout=layout), rules=Rules(layout=layout)) == [PLAIN]


@pytest.mark.parametrize(
    ("layout", "codes", "text"),
    [
        ("us", (44, 21, 16), "zyq"),
        ("de", (44, 21, 16), "yzq"),
        ("fr", (44, 21, 16), "wya"),
        ("fr", (2, 3, 4), '&é"'),
        ("de", (12, 39, 26), "ßöü"),
        ("de", (13, 18, 30), "éa"),  # acute, e → é; a alone
        ("de", (41, 50, 30), "^ma"),  # an accent that fits no letter stays
        ("fr", (26, 18, 30), "êq"),
        ("uk", (43, 86, 30), "#\\a"),
    ],
)
def test_keys_stand_for_what_the_layout_says(
    layout: str, codes: tuple[int, ...], text: str
) -> None:
    rules = Rules(layout=layout, shortest=1)
    assert texts(*down(*codes, ENTER), rules=rules) == [text]


def test_shift_counts_while_it_is_down_and_caps_lock_until_it_is_pressed_again() -> None:
    assert texts(*strokes("aB9!c")) == ["aB9!c"]
    locked = [Stroke("event3", CAPS, value, 990) for value in (1, 0)]
    assert texts(*locked, *strokes("aB9!c")) == ["Ab9!C"]
    assert texts(*locked, *locked, *strokes("aB9!c")) == ["aB9!c"]
    assert texts(Opened("event3", caps=True), *strokes("abc")) == ["ABC"]


def test_what_is_down_or_locked_stays_so_for_the_next_scan() -> None:
    two = [*strokes("abc"), *strokes("def", at_ms=2_000)]
    assert texts(Stroke("event3", SHIFT, 1, 990), *two) == ["ABC", "DEF"]
    assert texts(Stroke("event3", CAPS, 1, 990), *two) == ["ABC", "DEF"]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_gs_comes_as_ctrl_and_a_bracket(layout: str) -> None:
    scan = strokes("0104006381333931\x1d10AB", layout=layout)
    assert texts(*scan, rules=Rules(layout=layout)) == ["0104006381333931\x1d10AB"]


@pytest.mark.parametrize(
    ("number", "mark"), [("029", "\x1d"), ("29", "\x1d"), ("065", "A"), ("0228", "ä"), ("132", "ä")]
)
def test_alt_and_a_number_is_one_character(number: str, mark: str) -> None:
    keys = [Stroke("event3", ALT, 1, 1_006)]
    keys += [Stroke("event3", KEYPAD[one], 1, 1_008) for one in number]
    keys += [Stroke("event3", ALT, 0, 1_010)]
    assert texts(*down(2, 3, 4), *keys, *down(5, ENTER, at_ms=1_012)) == [f"123{mark}4"]


def test_a_number_that_is_no_character_spoils_the_scan() -> None:
    keys = [Stroke("event3", ALT, 1, 1_006)]
    keys += [Stroke("event3", KEYPAD[one], 1, 1_008) for one in "999"]
    keys += [Stroke("event3", ALT, 0, 1_010)]
    state, scans = fed(*down(2, 3, 4), *keys, *down(5, ENTER, at_ms=1_012))
    assert (scans, state.counted) == ([], {"unknown_key": 1})


@pytest.mark.parametrize(
    "suffix",
    [
        [(ENTER, 1)],
        [(96, 1)],
        [(TAB, 1)],
        [(CTRL, 1), (50, 1), (CTRL, 0)],  # Ctrl+M
        [(CTRL, 1), (36, 1), (CTRL, 0)],  # Ctrl+J
        [(ENTER, 1), (ENTER, 0), (CTRL, 1), (36, 1), (CTRL, 0)],  # CR LF
    ],
)
def test_each_suffix_ends_one_scan_once(suffix: list[tuple[int, int]]) -> None:
    end = [Stroke("event3", code, value, 1_040) for code, value in suffix]
    scan = [*strokes("12345", suffix=None), *end]
    state, scans = fed(*scan, *strokes("67890", at_ms=1_060))
    assert [one.text for one in scans] == ["12345", "67890"]
    assert state.counted == {}


def test_a_key_that_is_no_suffix_here_belongs_to_the_scan() -> None:
    keys = [*down(2, 3, TAB, 4, ENTER)]
    assert texts(*keys, rules=Rules(suffixes=("cr",))) == ["12\t3"]


def test_a_prefix_is_taken_off() -> None:
    rules = Rules(prefix="~")
    assert texts(*strokes("~4711"), *strokes("4712", at_ms=2_000), rules=rules) == ["4711", "4712"]


@pytest.mark.parametrize(("gap_ms", "scans"), [(49, ["12345"]), (50, [])])
def test_keys_closer_than_the_gap_are_a_scan(gap_ms: int, scans: list[str]) -> None:
    state, made = fed(*strokes("12345", every_ms=gap_ms))
    assert [one.text for one in made] == scans
    assert state.counted == ({} if scans else {"typed": 1})


def test_one_slow_key_makes_the_whole_line_typing() -> None:
    line = [*down(2, 3, at_ms=1_000), *down(4, 5, 6, ENTER, at_ms=1_060)]
    state, scans = fed(*line)
    assert (scans, state.counted) == ([], {"typed": 1})
    assert texts(*line, *strokes("789012", at_ms=1_080)) == ["789012"]


def test_a_slow_suffix_is_a_finger_on_enter() -> None:
    assert texts(*strokes("12345", suffix=None), *down(ENTER, at_ms=1_100)) == []


def test_a_key_that_repeats_is_held_by_a_finger() -> None:
    held = [Stroke("event3", 2, 2, 1_000 + n) for n in (1, 2, 3)]
    assert texts(*down(2), *held, *down(ENTER, at_ms=1_010)) == []


@pytest.mark.parametrize(("after_ms", "counted"), [(499, {}), (500, {"partial": 1})])
def test_a_scan_without_its_suffix_is_over_after_a_pause(
    after_ms: int, counted: dict[str, int]
) -> None:
    begun = strokes("12345", suffix=None, every_ms=0)
    state, scans = fed(*begun, Silence(1_000 + after_ms))
    assert (scans, state.counted) == ([], counted)


def test_what_an_unfinished_scan_left_never_begins_the_next_one() -> None:
    begun = strokes("99999", suffix=None)
    state, scans = fed(*begun, *strokes("12345", at_ms=2_000))
    assert [one.text for one in scans] == ["12345"]
    assert state.counted == {"partial": 1}


def test_a_node_that_goes_takes_its_keys_with_it() -> None:
    begun = [Stroke("event3", SHIFT, 1, 1_000), *strokes("99999", suffix=None)]
    state, scans = fed(*begun, Gone("event3"), *strokes("abc12", at_ms=1_030))
    assert [one.text for one in scans] == ["abc12"]
    assert state.counted == {"partial": 1}


def test_a_key_without_a_character_spoils_the_scan_instead_of_shortening_it() -> None:
    state, scans = fed(*down(2, 3, 59, 4, 5, ENTER))  # F1 in the middle
    assert (scans, state.counted) == ([], {"unknown_key": 1})


def test_a_scan_of_which_the_kernel_dropped_keys_is_none() -> None:
    begun = strokes("12345", suffix=None)
    state, scans = fed(*begun, Lost("event3"), *strokes("678901", at_ms=1_020))
    assert (scans, state.counted) == ([], {"lost_keys": 1})
    state, scans = fed(Lost("event3"), *strokes("678901"), *strokes("112233", at_ms=3_000))
    assert [one.text for one in scans] == ["112233"]


def test_short_and_endless_lines_are_counted_and_bounded() -> None:
    state, scans = fed(*down(2, 3, ENTER))
    assert (scans, state.counted) == ([], {"short": 1})
    rules = Rules(longest=10)
    assert texts(*strokes("1" * 10), rules=rules) == ["1" * 10]
    state, scans = fed(*strokes("1" * 11), rules=rules)
    assert (scans, state.counted) == ([], {"too_long": 1})
    state, _ = fed(*strokes("1" * 50, suffix=None), rules=rules)
    assert len(state.lines["event3"].text) == 10


def test_a_finger_on_enter_alone_is_nothing() -> None:
    state, scans = fed(*down(ENTER), *down(ENTER, at_ms=3_000))
    assert (scans, state.counted) == ([], {})


@pytest.mark.parametrize(
    "wrong",
    [
        {"layout": "klingon"},
        {"suffixes": ()},
        {"suffixes": ("crlf",)},
        {"gap_ms": 500},
        {"gap_ms": 0},
        {"shortest": 0},
        {"longest": 5000},
    ],
)
def test_rules_that_cannot_be_are_told(wrong: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        Rules(**wrong)  # type: ignore[arg-type]


@given(texts=st.lists(TEXTS, min_size=1, max_size=4), layout=st.sampled_from(sorted(LAYOUTS)))
def test_scans_come_as_they_were_made(texts: list[str], layout: str) -> None:
    events: list[Event] = []
    for n, text in enumerate(texts):
        events += strokes(text, layout=layout, at_ms=10_000 * n)
    state, scans = fed(*events, rules=Rules(layout=layout))
    assert [scan.text for scan in scans] == texts
    assert state.counted == {}


@given(
    one=st.lists(TEXTS, min_size=1, max_size=3),
    two=st.lists(TEXTS, min_size=1, max_size=3),
    data=st.data(),
)
def test_two_scanners_never_mix_however_their_keys_come(
    one: list[str], two: list[str], data: st.DataObject
) -> None:
    lanes = [
        list(itertools.chain.from_iterable(strokes(text, node=node, every_ms=0) for text in texts))
        for node, texts in (("event3", one), ("event4", two))
    ]
    turns = data.draw(st.permutations([0] * len(lanes[0]) + [1] * len(lanes[1])))
    queues = [iter(lane) for lane in lanes]
    _, scans = fed(*(next(queues[turn]) for turn in turns))
    assert [scan.text for scan in scans if scan.node == "event3"] == one
    assert [scan.text for scan in scans if scan.node == "event4"] == two


@given(
    keys=st.lists(
        st.tuples(st.integers(1, 110), st.sampled_from((0, 1, 1, 1, 2)), st.integers(50, 900)),
        max_size=80,
    )
)
def test_typing_is_never_a_scan(keys: list[tuple[int, int, int]]) -> None:
    at_ms, events = 0, []
    for code, value, gap_ms in keys:
        at_ms += gap_ms
        events.append(Stroke("event3", code, value, at_ms))
    rules = Rules(shortest=1, pause_ms=100_000)
    lone = [scan for scan in fed(*events, rules=rules)[1] if len(scan.text) > 1]
    assert lone == []
    assert fed(*events)[1] == []


@given(
    events=st.lists(
        st.one_of(
            st.builds(
                Stroke,
                st.sampled_from(("a", "b")),
                st.integers(0, 300),
                st.integers(0, 3),
                st.integers(0, 3_000),
            ),
            st.builds(Gone, st.sampled_from(("a", "b"))),
            st.builds(Lost, st.sampled_from(("a", "b"))),
            st.builds(Opened, st.sampled_from(("a", "b")), st.booleans()),
            st.builds(Silence, st.integers(0, 5_000)),
        ),
        max_size=60,
    ),
    layout=st.sampled_from(sorted(LAYOUTS)),
)
def test_no_key_breaks_it_and_what_it_keeps_is_bounded(events: list[Event], layout: str) -> None:
    rules = Rules(layout=layout, longest=5, shortest=1)
    state, scans = fed(*events, rules=rules)
    assert all(1 <= len(scan.text) <= 6 for scan in scans)
    assert all(len(line.text) <= 6 and len(line.number) <= 4 for line in state.lines.values())
