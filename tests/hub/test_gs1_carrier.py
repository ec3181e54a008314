"""One item number, whichever carrier it comes in; what is wrong never becomes an item."""

import biip
import pytest
from biip import gs1_prefixes
from hypothesis import given
from hypothesis import strategies as st

from hub.gs1 import check_digit, is_valid_gtin, read

GTIN = "07032069804988"


@pytest.mark.parametrize(
    ("text", "symbology"),
    [
        ("7032069804988", None),
        ("7032069804988", "EAN-13"),
        ("]E07032069804988", None),
        ("7032069804988\r\n", "]E0"),
        ("]I107032069804988", None),
        ("07032069804988", "ITF"),
        ("07032069804988", "Code128"),
        ("]C10107032069804988", None),
        ("]e00107032069804988", None),
        ("0107032069804988", "DataBar"),
        ("]d2\x1d0107032069804988", None),
        ("]Q3https://id.gs1.org/01/07032069804988", None),
        ("HTTPS://ID.GS1.ORG/01/07032069804988?17=261231", None),
        ("https://brand.example/some/path/01/7032069804988", "QR"),
        ("(01)07032069804988", None),
        ("01070320698049881726123110ABC", None),
    ],
)
def test_one_item_number_in_every_carrier(text: str, symbology: str | None) -> None:
    meaning = read(text, symbology)
    assert meaning.gtin == GTIN
    assert meaning.problem is None


@pytest.mark.parametrize(
    "text",
    [
        "]C101070320698049881726113010A1(b)/c\x1d21S-9\x1d3103000195",
        "]d201070320698049881726113010A1(b)/c\x1d3103000195\x1d21S-9",
        "(01)07032069804988(17)261130(10)A1(b)/c(21)S-9(3103)000195",
        "https://id.gs1.org/01/07032069804988/10/A1(b)%2Fc/21/S-9?17=261130&3103=000195",
    ],
)
def test_lot_expiry_serial_and_weight_travel_with_the_item(text: str) -> None:
    meaning = read(text)
    assert meaning.gtin == GTIN
    assert (meaning.lot, meaning.serial, meaning.expiry) == ("A1(b)/c", "S-9", "2026-11-30")
    assert meaning.weight_g == 195


@pytest.mark.parametrize(
    ("digits", "day"),
    [
        ("261100", "2026-11-30"),  # day 00 is the month's last
        ("280200", "2028-02-29"),
        ("760101", "2076-01-01"),  # 50 years ahead
        ("770101", "1977-01-01"),  # 51: the last century
        ("000229", "2000-02-29"),
    ],
)
def test_a_two_digit_year_is_read_without_a_clock(digits: str, day: str) -> None:
    assert read(f"]C101{GTIN}15{digits}").best_before == day


def test_element_strings_of_every_length_of_weight() -> None:
    weights = [read(f"]C101{GTIN}310{n}001505").weight_g for n in range(6)]
    assert weights == [1505000, 150500, 15050, 1505, 151, 15]


def test_a_upce_is_expanded_when_the_scanner_did_not() -> None:
    assert read("04252614", "UPC-E").gtin == "00042100005264"
    assert read("]E004252614").gtin == "00042100005264"
    assert read("]E00042100005264").gtin == "00042100005264"


def test_an_ean8_is_never_taken_for_a_upce() -> None:
    assert read("]E496385074").gtin == "00000096385074"
    assert read("]E404252614").gtin is None


def test_add_ons_are_kept_apart_from_the_item() -> None:
    meaning = read("]E3977123456700412")
    assert meaning.gtin is None  # the check digit is 3: nothing is guessed
    right = "977123456700" + check_digit("977123456700")
    meaning = read(f"]E3{right}12")
    assert (meaning.gtin, meaning.add_on) == ("0" + right, "12")
    assert read(f"]E3{right}52495").add_on == "52495"
    assert read("]E252495").add_on == "52495"


@pytest.mark.parametrize(
    "text", ["5901234123458", "]E05901234123458", "]C10107032069804989", "(01)07032069804989"]
)
def test_a_wrong_check_digit_is_a_problem_and_not_an_item(text: str) -> None:
    meaning = read(text)
    assert meaning.gtin is None
    assert meaning.problem
    assert "check digit" in meaning.problem


@pytest.mark.parametrize(
    "text",
    [
        "SH1:O:abc",
        "SH1:B:123456",
        "https://example.com/",
        "HTTPS://[bad",
        "005-3379497200006",
        "hello",
        "",
        "]C0hello",
        "(99",
        "(hello)",
        "(9999)x",
    ],
)
def test_what_is_not_gs1_stays_opaque(text: str) -> None:
    meaning = read(text)
    assert (meaning.kind, meaning.gtin) == ("opaque", None)


def test_a_short_number_in_a_carrier_that_is_not_gs1s_is_no_item() -> None:
    assert read("96385074", "Code128").gtin is None
    assert read("96385074", "QR").gtin is None


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=60))
def test_nothing_that_a_scanner_sends_raises(text: str) -> None:
    for prefix in ("", "]C1", "]d2", "]E0", "]Q3", "]e0", "(01)", "https://id.gs1.org/01/"):
        meaning = read(prefix + text)
        assert meaning.gtin is None or is_valid_gtin(meaning.gtin)
        assert meaning.problem is None or meaning.problem.isprintable()


@given(st.text("0123456789\x1d()/", max_size=60), st.sampled_from(["]C1", "]d2", "(01)", "(17)"]))
def test_digits_in_any_order_never_raise_and_never_make_a_wrong_item(text: str, aim: str) -> None:
    meaning = read(aim + text)
    assert meaning.gtin is None or (len(meaning.gtin) == 14 and is_valid_gtin(meaning.gtin))


def test_a_scan_longer_than_any_barcode_is_cut_and_said_so() -> None:
    meaning = read("9" * 100_000)
    assert len(meaning.text) == 4096
    assert meaning.problem


def test_the_list_of_company_prefixes_takes_no_memory() -> None:
    # biip keeps it under this private name; if that changes, 10 MiB come back.
    assert "_GS1_COMPANY_PREFIX_TRIE" in vars(gs1_prefixes)
    message = biip.parse("]C10104006381333931").gs1_message
    assert message is not None
    item = message.element_strings[0].gtin
    assert item is not None
    assert item.company_prefix is None
