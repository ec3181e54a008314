"""Serial bytes become lines; noise, halves and endless lines are counted and let go."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.scanners import aim, lines, toledo
from devices.scanners.lines import Bounds, Lines
from hub import gs1

BOUNDS = Bounds()


def fed(*parts: bytes, bounds: Bounds = BOUNDS, every_ms: int = 10) -> tuple[Lines, list[str]]:
    state, found = Lines(), []
    for n, part in enumerate(parts):
        state, whole = lines.feed(state, part, 1_000 + n * every_ms, bounds)
        found += whole
    return state, found


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n"])
@pytest.mark.parametrize("cut", range(8))
def test_a_line_ends_with_cr_lf_or_both_wherever_it_is_cut(end: bytes, cut: int) -> None:
    data = b"4711" + end + b"4712" + end
    state, found = fed(data[:cut], data[cut:])
    assert (found, state.counted) == (["4711", "4712"], {})


def test_gs_stays_and_a_frame_of_stx_and_etx_goes() -> None:
    assert fed(b"\x02]d20104006381333931\x1d10AB\x03\r")[1] == ["]d20104006381333931\x1d10AB"]


def test_text_is_utf8_or_else_latin_1() -> None:
    assert fed("Käse\r".encode(), "Käse\r".encode("latin-1"))[1] == ["Käse", "Käse"]


@pytest.mark.parametrize("noise", [b"\x00\x00\x00\x00\r", b"47\x0711\r", b"\x80\x81\x82\x83\r"])
def test_noise_is_counted(noise: bytes) -> None:
    state, found = fed(noise, b"4711\r")
    assert (found, state.counted) == (["4711"], {"garbage": 1})


def test_a_line_at_the_bound_passes_and_one_above_is_counted_once_and_not_kept() -> None:
    bounds = Bounds(longest=10)
    assert fed(b"1" * 10 + b"\r", bounds=bounds)[1] == ["1" * 10]
    state, found = fed(b"1" * 11, b"2" * 1_000_000, bounds=bounds)
    assert (found, state.kept) == ([], b"")
    state, found = fed(b"1" * 11, b"2" * 100, b"\r4711\r", bounds=bounds)
    assert (found, state.counted) == (["4711"], {"too_long": 1})


@pytest.mark.parametrize(("after_ms", "found"), [(499, ["47114712"]), (500, ["4712"])])
def test_half_a_line_is_over_after_a_pause(after_ms: int, found: list[str]) -> None:
    state, seen = fed(b"4711", b"4712\r", every_ms=after_ms)
    assert seen == found
    assert state.counted == ({} if len(found[0]) > 4 else {"partial": 1})


def test_an_unplugged_scanner_leaves_no_half_behind() -> None:
    state, _ = fed(b"4711")
    state = lines.cut(state)
    assert lines.feed(state, b"4712\r", 1_020, BOUNDS)[1] == ["4712"]
    assert state.counted == {"partial": 1}
    assert lines.cut(Lines()) == Lines()


def test_a_line_too_short_for_a_code_is_counted() -> None:
    state, found = fed(b"47\r", b"471\r")
    assert (found, state.counted) == (["471"], {"short": 1})


@given(st.lists(st.binary(max_size=60), max_size=20))
def test_whatever_comes_is_bounded_and_lines_hold_no_ends(parts: list[bytes]) -> None:
    bounds = Bounds(longest=20)
    state, found = fed(*parts, bounds=bounds)
    assert len(state.kept) <= 20
    assert all(3 <= len(line) <= 20 and not set(line) & set("\r\n\0") for line in found)


@given(st.lists(st.text("0123456789ABC\x1d", min_size=3, max_size=30), max_size=6), st.data())
def test_lines_come_as_they_were_sent_however_they_are_cut(
    sent: list[str], data: st.DataObject
) -> None:
    stream = b"".join(line.encode() + b"\r\n" for line in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    edges = [0, *cuts, len(stream)]
    _, found = fed(*(stream[a:b] for a, b in itertools.pairwise(edges)))
    assert found == sent


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("]E04006381333931", "EAN-13"),
        ("]E34006381333931", "EAN-13"),
        ("]E412345670", "EAN-8"),
        ("]E112", "EAN-2"),
        ("]E212345", "EAN-5"),
        ("]C0ABC", "Code128"),
        ("]C10104006381333931", "GS1-128"),
        ("]C2ABC", "Code128"),
        ("]d1ABC", "DataMatrix"),
        ("]d20104006381333931", "GS1 DataMatrix"),
        ("]Q1ABC", "QR"),
        ("]Q30104006381333931", "GS1 QR"),
        ("]e00104006381333931", "DataBar"),
        ("]A0ABC", "Code39"),
        ("]I114006381333938", "ITF"),
        ("]L0ABC", "PDF417"),
        ("]J10104006381333931", "GS1 DotCode"),
        ("]J0ABC", None),
        ("]?0ABC", None),
        ("]E", None),
        ("]E-4711", None),
        ("4006381333931", None),
    ],
)
def test_an_aim_prefix_names_the_symbology(text: str, name: str | None) -> None:
    assert aim.symbology(text) == name
    assert aim.scan_of(text) == {"code": text} | ({"symbology": name} if name else {})


@given(
    st.sampled_from([p + m for p in ("]A", "]C", "]E", "]I", "]Q", "]d", "]e") for m in "01234"]),
    st.sampled_from(
        ["4006381333931", "12345670", "0104006381333931\x1d10AB", "ABC", "04006381333931"]
    ),
)
def test_the_name_beside_the_prefix_changes_no_meaning(prefix: str, text: str) -> None:
    scan = aim.scan_of(prefix + text)
    assert gs1.read(scan["code"], scan.get("symbology")) == gs1.read(prefix + text)


@pytest.mark.parametrize(
    ("answer", "unit", "grams"),
    [
        (b"\x02 0.455\r", "kg", 455.0),
        (b"\x0200.455N\r", "kg", 455.0),
        (b"\x0201.00\r", "lb", 453.6),
        (b"\x02 0.455\r\x02 0.460\r", "kg", 460.0),
        (b"\x02?@\r", "kg", None),  # in motion
        (b"\x02 0.455", "kg", None),
        (b"0.455\r", "kg", None),
        (b"", "kg", None),
    ],
)
def test_a_toledo_scale_says_grams_or_nothing(
    answer: bytes, unit: str, grams: float | None
) -> None:
    assert toledo.grams(answer, unit) == grams
