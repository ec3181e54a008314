"""An SGTIN-96 gives its GTIN and serial, and everything else stays opaque."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hub.errors import Invalid
from hub.gs1 import Epc, check_digit, decode_epc, encode_sgtin96, read

gtin14 = (
    st.text("0123456789", min_size=13, max_size=13)
    .filter(lambda b: b.strip("0"))
    .map(lambda b: b + check_digit(b))
)


def test_a_published_tag_is_decoded() -> None:
    """Impinj's and Zebra's documentation show this tag; DEVICES names it too."""
    tag = decode_epc("303435fc8803d056d15b963f")
    assert tag.gtin == "00884514039059"
    assert tag.serial == str(0x303435FC8803D056D15B963F & (2**38 - 1))
    assert (tag.filter, tag.company_prefix) == (1, "0884514")


def test_the_standards_own_example() -> None:
    """EPC Tag Data Standard 1.13, section E.3: urn:epc:id:sgtin:0614141.812345.6789, filter 3."""
    assert (
        encode_sgtin96("80614141123458", 6789, company_digits=7, filter_value=3)
        == "3074257bf7194e4000001a85"
    )
    tag = decode_epc("3074257BF7194E4000001A85")
    assert tag.uri == "urn:epc:id:sgtin:0614141.812345.6789"
    assert tag.gtin == "80614141123458"


LONG = "3674257bf6b7a659b2c2bf1000000000000000000000000000"


@pytest.mark.parametrize("padding", ["", "00"])
def test_the_standards_own_example_with_a_serial_of_letters(padding: str) -> None:
    """EPC Tag Data Standard 1.13, section E.3: SGTIN-198, (01)70614141123451(21)32a/b."""
    tag = decode_epc(LONG.upper() + padding)
    assert (tag.gtin, tag.serial, tag.filter) == ("70614141123451", "32a/b", 3)
    assert tag.uri == "urn:epc:id:sgtin:0614141.712345.32a%2Fb"
    assert tag.hex == LONG + padding


@pytest.mark.parametrize(
    "code",
    [
        LONG[:-1] + "1",  # something in the padding
        LONG + "0000",  # longer than the words of 198 bits
        LONG[:24],  # cut to 96 bits
        "3674257bf6b7a6" + "0" * 36,  # no serial
        "3674257bf6b7a65900c2bf1000000000000000000000000000",  # a zero within the serial
        "36742" + "f" * 45,  # characters that no serial has
        "367e257bf6b7a659b2c2bf1000000000000000000000000000",  # partition 7 is reserved
    ],
)
def test_a_long_tag_that_is_not_well_formed_is_opaque(code: str) -> None:
    assert decode_epc(code) == Epc(hex=code)


@given(st.integers(0, 2**190 - 1), st.sampled_from(["30", "36", "32", "e2", "00"]))
def test_whatever_a_tag_holds_is_read_without_an_error(value: int, header: str) -> None:
    code = header + f"{value:048x}"
    assert decode_epc(code).hex == code


@given(gtin14, st.integers(0, 2**38 - 1), st.integers(6, 12), st.integers(0, 7))
@example("00000000000017", 0, 6, 0)
@example("99999999999997", 2**38 - 1, 12, 7)
def test_what_is_encoded_is_decoded(gtin: str, serial: int, company: int, kind: int) -> None:
    tag = decode_epc(encode_sgtin96(gtin, serial, company_digits=company, filter_value=kind))
    assert (tag.gtin, tag.serial, tag.filter) == (gtin, str(serial), kind)
    assert tag.company_prefix == gtin[1 : 1 + company]


@given(st.integers(0, 2**96 - 1))
def test_any_96_bits_are_an_sgtin_that_encodes_to_itself_or_opaque(value: int) -> None:
    code = f"{value:024x}"
    tag = decode_epc(code)
    assert tag.hex == code
    if tag.gtin is None:
        assert tag == Epc(hex=code)
    else:
        assert tag.serial is not None
        assert tag.company_prefix is not None
        assert tag.filter is not None
        again = encode_sgtin96(
            tag.gtin,
            int(tag.serial),
            company_digits=len(tag.company_prefix),
            filter_value=tag.filter,
        )
        assert again == code


@pytest.mark.parametrize(
    "code",
    [
        "e28011606000020497cb0031",  # a tag's TID, not an EPC
        "3014257bf4",  # cut short
        "303c35fc8803d056d15b963f",  # partition 7 is reserved
        "3037ffffff03d056d15b963f",  # a company prefix above 9999999
        "",
        "not hexadecimal at all!!",
        "3",  # less than a header
    ],
)
def test_what_is_no_sgtin_stays_opaque_and_is_kept(code: str) -> None:
    tag = decode_epc(code)
    assert tag.gtin is None
    assert tag.hex == code.lower().replace(" ", "")


def test_a_read_tag_means_an_item_with_its_serial() -> None:
    meaning = read("303435FC8803D056D15B963F", "EPC")
    assert (meaning.kind, meaning.gtin) == ("epc", "00884514039059")


@pytest.mark.parametrize(
    ("gtin", "serial", "company"),
    [("884514039059", 1, 7), ("00884514039059", 2**38, 7), ("00884514039059", 1, 5)],
)
def test_what_does_not_fit_is_not_encoded(gtin: str, serial: int, company: int) -> None:
    with pytest.raises(Invalid):
        encode_sgtin96(gtin, serial, company_digits=company)
