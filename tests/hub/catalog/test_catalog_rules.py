"""Which price counts at a time, what tax it holds, and what a feed row may look like."""

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.catalog import rows, rules
from hub.errors import Invalid


@dataclass(frozen=True)
class Price:
    valid_from: str
    valid_until: str | None


REGULAR = Price("", None)
WEEKEND = Price("2026-11-27T00:00:00.000Z", "2026-11-30T00:00:00.000Z")


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-11-26T23:59:59.999Z", REGULAR),
        ("2026-11-27T00:00:00.000Z", WEEKEND),
        ("2026-11-29T23:59:59.999Z", WEEKEND),
        ("2026-11-30T00:00:00.000Z", REGULAR),
    ],
)
def test_an_offer_covers_the_regular_price_to_the_millisecond(at: str, expected: Price) -> None:
    assert rules.price_at([WEEKEND, REGULAR], at) is expected


def test_before_every_price_there_is_none() -> None:
    assert rules.price_at([WEEKEND], "2026-11-01T00:00:00.000Z") is None


@pytest.mark.parametrize(
    ("amount", "per_qty", "qty", "total"),
    [(349, 1, 3, 1047), (398, 1000, 250, 100), (398, 1000, 1, 0), (1, 2, 1, 1), (0, 1, 9, 0)],
)
def test_a_line_costs_its_share_with_halves_rounded_up(
    amount: int, per_qty: int, qty: int, total: int
) -> None:
    assert rules.line_amount(amount, per_qty, qty) == total


@given(st.integers(0, 10**9), st.integers(0, 10_000))
def test_tax_within_a_gross_amount_is_the_tax_on_what_is_left(gross: int, rate: int) -> None:
    tax = rules.tax_within(gross, rate)
    assert 0 <= tax <= gross
    assert abs(rules.tax_on_top(gross - tax, rate) - tax) <= 1


@pytest.mark.parametrize(
    ("gtin", "internal"),
    [
        ("00000000000017", True),
        ("00000096385074", False),
        ("02012345678906", True),
        ("00212345678905", True),
        ("04006381333931", False),
        ("14006381333938", False),
    ],
)
def test_numbers_for_use_inside_one_company_are_told_apart(gtin: str, internal: bool) -> None:
    assert rules.is_company_internal(gtin) is internal


PRODUCT = {"kind": "product", "sku": "A", "names": {"en": "Pen"}}
PRICE = {"kind": "price", "sku": "A", "amount_minor": 1, "currency": "EUR"}


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({}, "kind"),
        ({"kind": "planet"}, "kind"),
        ({"kind": ["product"]}, "kind"),
        ({**PRODUCT, "sku": ""}, "sku"),
        ({**PRODUCT, "sku": " A"}, "sku"),
        ({**PRODUCT, "sku": "A\nB"}, "sku"),
        ({**PRODUCT, "sku": 4711}, "sku"),
        ({**PRODUCT, "names": {}}, "names"),
        ({**PRODUCT, "names": {"en": "  "}}, "names"),
        ({**PRODUCT, "names": {"English": "Pen"}}, "names"),
        ({**PRODUCT, "names": {"en": 7}}, "names[...]"),
        ({**PRODUCT, "unit": "box"}, "unit"),
        ({**PRODUCT, "popularity": -1}, "popularity"),
        ({**PRODUCT, "popularity": 2**80}, "popularity"),
        ({**PRICE, "amount_minor": 1.5}, "amount_minor"),
        ({**PRICE, "amount_minor": float("nan")}, "amount_minor"),
        ({**PRICE, "currency": "eur"}, "currency"),
        ({**PRICE, "tax_rate_bp": 10_001}, "tax_rate_bp"),
        ({**PRICE, "valid_from": "tomorrow"}, "valid_from"),
        (
            {
                **PRICE,
                "valid_from": "2026-11-27T00:00:00.000Z",
                "valid_until": "2026-11-27T00:00:00.000Z",
            },
            "valid_until",
        ),
        ({"kind": "barcode", "gtin": "4006381333932", "sku": "A"}, "gtin"),
        ({"kind": "barcode", "gtin": "4006381333931"}, "sku"),
        ({"kind": "pickup_key", "key_id": "k", "public_key": "short"}, "public_key"),
        ({"kind": "pickup_key", "key_id": "k", "public_key": "ключ"}, "public_key"),
    ],
)
def test_a_row_that_no_hub_could_apply_is_refused_with_its_field(
    row: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        rows.check_row(row)
    assert refused.value.field == field


@given(
    st.dictionaries(
        st.sampled_from(["kind", "sku", "names", "gtin", "amount_minor", "deleted", "x"]),
        st.one_of(
            st.none(),
            st.text(),
            st.integers(),
            st.floats(),
            st.booleans(),
            st.sampled_from(rows.KINDS),
            st.dictionaries(st.text(), st.text()),
        ),
    )
)
def test_whatever_is_sent_either_passes_or_is_refused_with_a_sentence(row: dict[str, Any]) -> None:
    sentence = ""
    try:
        rows.check_row(row)
    except Invalid as refused:
        sentence = refused.sentence
    assert sentence == "" or sentence.endswith(".")
