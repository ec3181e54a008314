"""Every code in a picture is read at any angle, with its meaning; what is no code is not."""

import subprocess
import sys
from typing import Any

import cv2
import numpy as np
import pytest

from devices.scanners import decode
from devices.scanners.decode import Options, engines
from tests.devices.scanners import drawn

CODES = [
    ("EAN13", "EAN-13", "5901234123457", "05901234123457"),
    ("EAN13", "UPC-A", "0036000291452", "00036000291452"),
    ("EAN8", "EAN-8", "96385074", "00000096385074"),
    ("UPCE", "UPC-E", "04252614", "00042100005264"),
    ("Code128", "Code128", "SHELF-0042", None),
    ("ITF", "ITF", "15901234123454", "15901234123454"),
    ("QRCode", "QR", "HTTPS://ID.GS1.ORG/01/05901234123457", "05901234123457"),
    ("DataMatrix", "DataMatrix", "lot 7", None),
]


@pytest.mark.parametrize(("fmt", "symbology", "text", "gtin"), CODES)
@pytest.mark.parametrize("angle", [0, 20, 45, 70, 180, 290])
def test_a_code_is_read_at_any_angle(
    fmt: str, symbology: str, text: str, gtin: str | None, angle: int
) -> None:
    sheet = drawn.on_sheet(drawn.code(fmt, text), angle=angle, blur=0.8, noise=4)
    reading = decode.decode(sheet)
    assert [c.symbology for c in reading.codes] == [symbology]
    code = reading.codes[0]
    assert code.text == (text[1:] if symbology == "UPC-A" else text)
    assert code.gtin == gtin
    assert 0.5 < code.confidence <= 1.0


def test_the_corners_stand_around_the_code() -> None:
    for angle in (0, 45):
        sheet = drawn.on_sheet(drawn.code("EAN13", "5901234123457"), angle=angle)
        corners = np.array(decode.decode(sheet).codes[0].corners)
        assert corners.shape == (4, 2)
        assert np.abs(corners.mean(axis=0) - 450).max() < 60
        assert 250 < np.linalg.norm(corners[0] - corners[1]) < 600


def test_several_codes_in_one_picture_are_all_read() -> None:
    sheet = np.full((900, 1200), 200, np.uint8)
    one = drawn.code("EAN13", "5901234123457", 3)
    two = drawn.on_sheet(drawn.code("EAN13", "4006381333931", 3), angle=40, size=450)
    three = drawn.code("QRCode", "hello", 5)
    sheet[50 : 50 + one.shape[0], 60 : 60 + one.shape[1]] = one
    sheet[420:870, 600:1050] = two
    sheet[500 : 500 + three.shape[0], 100 : 100 + three.shape[1]] = three
    texts = {c.text for c in decode.decode(sheet).codes}
    assert texts == {"5901234123457", "4006381333931", "hello"}


def test_only_the_symbologies_that_are_set_are_read() -> None:
    sheet = drawn.on_sheet(drawn.code("EAN13", "5901234123457"))
    assert decode.decode(sheet, Options(symbologies=frozenset({"QR"}))).codes == ()


def test_gs1_data_travels_with_its_meaning() -> None:
    link = "https://id.gs1.org/01/05901234123457/10/A7?17=261130"
    code = decode.decode(drawn.on_sheet(drawn.code("QRCode", link, 6), angle=30)).codes[0]
    assert code.gtin == "05901234123457"
    assert (code.meaning.expiry, code.meaning.lot) == ("2026-11-30", "A7")
    assert code.scan.startswith("]Q")


@pytest.mark.parametrize("blur", [4.0, 5.0, 6.0])
def test_bars_too_blurred_for_edges_are_read_by_maximum_likelihood(blur: float) -> None:
    sheet = drawn.on_sheet(drawn.code("EAN13", "5901234123457", 6), blur=blur, noise=1)
    reading = decode.decode(sheet, Options(budget_ms=None))
    assert [c.text for c in reading.codes] == ["5901234123457"]


@pytest.mark.parametrize("seed", range(6))
def test_random_stripes_and_half_codes_are_never_read(seed: int) -> None:
    rng = np.random.default_rng(seed)
    widths = rng.integers(2, 12, 80)
    row = np.concatenate([np.full(w, 255 * (i % 2), np.uint8) for i, w in enumerate(widths)])
    stripes = drawn.on_sheet(drawn.bars(row, 4), angle=float(rng.uniform(0, 90)), blur=1.0)
    assert decode.decode(stripes, Options(budget_ms=None)).codes == ()
    half = drawn.code("EAN13", "5901234123457")[:, :260]
    picture = drawn.on_sheet(half, angle=float(rng.uniform(0, 90)), blur=2.0)
    assert decode.decode(picture, Options(budget_ms=None)).codes == ()


def test_the_budget_bounds_the_time_of_a_hopeless_picture() -> None:
    noise = np.random.default_rng(3).integers(0, 255, (700, 900)).astype(np.uint8)
    stripes = cv2.GaussianBlur(noise, (1, 31), 6.0)
    reading = decode.decode(stripes, Options(budget_ms=50.0))
    assert reading.codes == ()


def test_it_works_without_libzbar_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyzbar", None)
    engines.second_reader.cache_clear()
    try:
        blank = np.full((300, 300), 200, np.uint8)
        reading = decode.decode(blank)
        assert reading.note is not None
        assert "libzbar" in reading.note
        sheet = drawn.on_sheet(drawn.code("EAN13", "5901234123457"), angle=45)
        assert decode.decode(sheet).codes[0].gtin == "05901234123457"
    finally:
        engines.second_reader.cache_clear()


def test_importing_the_package_loads_no_vision_library() -> None:
    program = (
        "import sys, devices.scanners.decode as d; d.Options();"
        "sys.exit(any(m in sys.modules for m in ('cv2', 'zxingcpp', 'pyzbar', 'numpy', 'PIL')))"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_add_ons_are_read_beside_the_item() -> None:
    left = drawn.code("EAN13", "9780345348036", 3)
    made: Any = _ean5("50695", 3)
    gap = np.full((left.shape[0], 6), 255, np.uint8)
    right = np.tile(made, (left.shape[0], 1))
    sheet = np.hstack([left[:, :-30], gap, right, np.full((left.shape[0], 60), 255, np.uint8)])
    code = decode.decode(drawn.on_sheet(sheet)).codes[0]
    assert (code.text, code.add_on) == ("9780345348036", "50695")


def _ean5(digits: str, unit: int) -> Any:
    """Draw an EAN-5 (ISO/IEC 15420, annex): 01011, then digits with 01 between them."""
    from devices.scanners.decode.symbols import PATTERNS

    parity = "EEOOO EOEOO EOOEO EOOOE OEEOO OOEEO OOOEE OEOEO OEOOE OOEOE".split()
    total = sum(int(d) * (3 if i % 2 == 0 else 9) for i, d in enumerate(digits)) % 10
    parts = ["01011"]
    for i, (d, p) in enumerate(zip(digits, parity[total], strict=True)):
        if i:
            parts.append("01")
        parts.append("".join(str(int(m)) for m in PATTERNS["OE".index(p), int(d)]))
    return np.repeat([0 if m == "1" else 255 for m in "".join(parts)], unit).astype(np.uint8)


@pytest.mark.parametrize("angle", [0, 20, 45])
@pytest.mark.parametrize("faded", [0.08, 0.2, 0.4])
def test_the_clear_half_of_a_faded_item_is_not_taken_for_a_short_code(
    angle: int, faded: float
) -> None:
    """The left half of this EAN-13 passes for the UPC-E 17804419."""
    picture = drawn.code("EAN13", "9780441014989", 3).astype(np.float32)
    picture[:, 185:] = 255.0 - (255.0 - picture[:, 185:]) * faded
    sheet = drawn.on_sheet(picture.astype(np.uint8), angle=angle, blur=1.0, noise=3)
    assert {c.text for c in decode.decode(sheet).codes} <= {"9780441014989"}
