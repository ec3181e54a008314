"""Points follow the goods: whatever came in whatever order, the balance is what is kept."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from sync.central import points_rules as rules
from sync.central.points_rules import Bought, Moved, Terms

AT = "2026-11-29T10:00:00.000Z"


@st.composite
def histories(draw: st.DrawFn) -> tuple[Terms, list[Moved], Mapping[str, int]]:
    """Draw an order, what happened to it, and the units of each line that its customer has."""
    rate = draw(st.integers(0, rules.MOST_RATE))
    currency = draw(st.sampled_from(("EUR", "JPY", "KWD")))
    prices = draw(st.lists(st.integers(0, 50_000), min_size=1, max_size=4))
    lines = {f"L{n}": Bought(draw(st.integers(1, 9)), price) for n, price in enumerate(prices)}
    moved: list[Moved] = []
    kept: dict[str, int] = {}

    def say(kind: rules.Kind, line_id: str, qty: int) -> None:
        if qty:
            moved.append(Moved("s1", f"f{len(moved)}", kind, AT, ((line_id, qty),)))

    for line_id, line in lines.items():
        # Given in two parts, some of it found not to have been given after all.
        first = draw(st.integers(0, line.ordered))
        wrong = draw(st.integers(0, first))
        say("handover", line_id, first)
        say("correction", line_id, wrong)
        again = draw(st.integers(0, line.ordered - first + wrong))
        say("handover", line_id, again)
        has = first - wrong + again
        while has and draw(st.booleans()):
            part = draw(st.integers(1, has))
            say("return", line_id, part)
            if draw(st.booleans()):
                say("refund_refused", line_id, part)
            else:
                has -= part
        kept[line_id] = has
    twice = draw(st.lists(st.sampled_from(moved), max_size=3)) if moved else []
    return Terms(rate, currency, lines), draw(st.permutations(moved + twice)), kept


@given(histories())
def test_the_balance_is_what_the_kept_goods_are_worth_in_any_order_and_however_often_it_is_told(
    history: tuple[Terms, list[Moved], Mapping[str, int]],
) -> None:
    terms, moved, kept = history
    worth = sum(kept[name] * line.unit_price_minor for name, line in terms.lines.items())
    entries = rules.entries(terms, moved)
    assert len(entries) == len(set(moved))
    assert sum(one.amount_minor for one in entries) == worth
    points = sum(one.points for one in entries)
    assert points == rules.points_of(worth, terms.rate, terms.currency)
    assert 0 <= points * 10 ** rules.digits(terms.currency) <= worth * terms.rate


def entries(rate: int, price: int, *moved: tuple[rules.Kind, int], ordered: int = 9) -> list[int]:
    terms = Terms(rate, "EUR", {"L1": Bought(ordered, price)})
    told = [Moved("s1", str(n), kind, AT, (("L1", qty),)) for n, (kind, qty) in enumerate(moved)]
    return [one.points for one in rules.entries(terms, told)]


def test_what_came_back_unit_by_unit_takes_back_exactly_what_was_earned() -> None:
    # 3 units of 0.99 are 2.97: two points. Each alone is worth none, all of them take back two.
    assert entries(1, 99, ("handover", 3), *[("return", 1)] * 3) == [2, -1, -1, 0]


def test_nobody_earns_twice_for_goods_that_were_given_twice() -> None:
    assert entries(2, 100, ("handover", 2), ("handover", 2), ordered=2) == [4, 0]
    assert entries(2, 100, ("handover", 2), ("handover", 2), ("correction", 2), ordered=2) == [
        4,
        0,
        0,
    ]


def test_a_refund_that_was_refused_gives_the_points_back() -> None:
    assert entries(1, 500, ("handover", 1), ("return", 1), ("refund_refused", 1)) == [5, -5, 5]


def test_currencies_have_as_many_decimals_as_they_have() -> None:
    assert rules.points_of(250, 1, "EUR") == 2
    assert rules.points_of(250, 1, "JPY") == 250
    assert rules.points_of(2500, 1, "KWD") == 2
