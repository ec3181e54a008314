"""GTINs keep their leading zeros and never pass with a wrong check digit."""

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from hub.errors import Invalid
from hub.gs1 import check_digit, compress_upce, expand_upce, is_valid_gtin, normalize

digits = st.text("0123456789")


def gtins(length: int) -> st.SearchStrategy[str]:
    bodies = st.text("0123456789", min_size=length - 1, max_size=length - 1)
    return bodies.filter(lambda b: b.strip("0")).map(lambda b: b + check_digit(b))


any_gtin = st.sampled_from((8, 12, 13, 14)).flatmap(gtins)


@pytest.mark.parametrize(
    ("body", "digit"),
    [
        ("629104150021", "3"),  # GS1's own worked example of the check digit, gs1.org
        ("9638507", "4"),  # ISO/IEC 15420, the EAN-8 of its figures
        ("03600029145", "2"),  # the UPC-A of GS1 US's documentation
        ("590123412345", "7"),  # the EAN-13 of ISO/IEC 15420
        ("10614141234567890", "8"),  # an SSCC: the same rule
    ],
)
def test_the_check_digit_is_gs1s(body: str, digit: str) -> None:
    assert check_digit(body) == digit


@given(any_gtin)
@example("00000017")
@example("012345678905")
@example("0012345678905")
def test_a_gtin_becomes_14_digits_with_its_leading_zeros(gtin: str) -> None:
    assert normalize(gtin) == "0" * (14 - len(gtin)) + gtin
    assert normalize(normalize(gtin)) == normalize(gtin)


@given(any_gtin, st.data())
def test_one_wrong_digit_is_always_refused(gtin: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(gtin) - 1))
    other = data.draw(st.sampled_from([d for d in "0123456789" if d != gtin[place]]))
    wrong = gtin[:place] + other + gtin[place + 1 :]
    assert not is_valid_gtin(wrong)
    if len(gtin) != 8:  # eight digits may be a UPC-E as well
        with pytest.raises(Invalid):
            normalize(wrong)


@given(st.text(max_size=20))
def test_what_is_no_gtin_is_refused_with_a_sentence(text: str) -> None:
    assume(not text.replace(" ", "").strip().isdigit())
    with pytest.raises(Invalid) as refused:
        normalize(text)
    assert refused.value.sentence.endswith("digits only.")
    assert refused.value.sentence.isprintable()


@pytest.mark.parametrize(
    "text", ["", "1234567", "12345678901", "123456789012345", "٤٠١٢٣٤٥١", "00000000000000", "²"]
)
def test_wrong_lengths_foreign_digits_and_zeros_are_refused(text: str) -> None:
    with pytest.raises(Invalid):
        normalize(text)


def test_the_sentence_names_the_right_check_digit() -> None:
    with pytest.raises(Invalid, match="its check digit is 8 and should be 7"):
        normalize("5901234123458")


def test_spaces_as_printed_under_the_bars_are_ignored() -> None:
    assert normalize(" 5 901234 123457 ") == "05901234123457"


UPCE_FORMS = [  # every last digit; GS1 General Specifications 5.2.2.4.2
    ("123450", "01200000345"),
    ("123451", "01210000345"),
    ("123452", "01220000345"),
    ("123453", "01230000045"),
    ("123454", "01234000005"),
    ("123455", "01234500005"),
    ("123456", "01234500006"),
    ("123457", "01234500007"),
    ("123458", "01234500008"),
    ("123459", "01234500009"),
]


@pytest.mark.parametrize(("six", "body"), UPCE_FORMS)
@pytest.mark.parametrize("system", ["0", "1"])
def test_each_form_of_upce_expands(six: str, body: str, system: str) -> None:
    upca = system + body[1:] + check_digit(system + body[1:])
    assert expand_upce(system + six) == upca
    assert expand_upce(system + six + upca[-1]) == upca
    assert normalize(system + six + upca[-1], "UPC-E") == "00" + upca
    if system == "0":
        assert expand_upce(six) == upca
        assert normalize(six) == "00" + upca


@given(st.sampled_from("01"), st.text("0123456789", min_size=6, max_size=6))
def test_an_expanded_upce_is_a_valid_upca_and_compresses_to_an_equal_one(
    system: str, six: str
) -> None:
    upca = expand_upce(system + six)
    assert check_digit(upca[:-1]) == upca[-1]
    if upca.strip("0"):
        short = compress_upce(upca)
        assert short is not None
        assert expand_upce(short) == upca


def test_eight_digits_are_gtin8_unless_only_the_upce_fits() -> None:
    assert normalize("96385074") == "00000096385074"
    assert normalize("04252614") == "00042100005264"  # a published UPC-E / UPC-A pair
    with pytest.raises(Invalid):
        normalize("04252614", "EAN-8")


@pytest.mark.parametrize("text", ["2123450", "12345", "123456789", "12a456", "04252615"])
def test_what_is_no_upce_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        expand_upce(text)


def test_a_upca_without_a_short_form_has_none() -> None:
    assert compress_upce("036000291452") is None
    assert compress_upce("042100005264") == "04252614"
