"""What a customer's goods are worth in points: derived from what happened to an order; pure.

It must never round a part by itself: an entry is the difference of two whole sums, so what was
earned and what was taken back cancel exactly, in whatever parts and order the goods come back.
"""

from collections.abc import Iterable, Mapping
from typing import Final, Literal, NamedTuple

Kind = Literal["handover", "correction", "return", "refund_refused"]
MOST_RATE: Final = 1000
# Minor units of a major one, as powers of ten, where it is not 2 (ISO 4217).
_DIGITS: Final = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW"), 0),
    **dict.fromkeys(("PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
# What an entry adds to the units that were handed over, and to those that came back.
_HANDED: Final[Mapping[Kind, int]] = {"handover": 1, "correction": -1}
_BACK: Final[Mapping[Kind, int]] = {"return": 1, "refund_refused": -1}


class Bought(NamedTuple):
    """A line as it is paid for: no more than `ordered` units, however often they are given."""

    ordered: int
    unit_price_minor: int


class Terms(NamedTuple):
    """An order's currency, its lines, and the points that a major unit of money is worth."""

    rate: int
    currency: str
    lines: Mapping[str, Bought]


class Moved(NamedTuple):
    """A fact that moved goods of an order: units by line. `store` and `fact` name it for good."""

    store: str
    fact: str
    kind: Kind
    at: str
    units: tuple[tuple[str, int], ...]


class Entry(NamedTuple):
    """What a fact was worth: money and points, both less than 0 where goods came back."""

    store: str
    fact: str
    kind: Kind
    at: str
    amount_minor: int
    points: int


def digits(currency: str) -> int:
    """Return how many decimals a currency's major unit has."""
    return _DIGITS.get(currency, 2)


def points_of(amount_minor: int, rate: int, currency: str) -> int:
    """Return what so much money is worth: whole points, the rest of one is not given."""
    return int(amount_minor * rate // 10 ** digits(currency))


def entries(terms: Terms, moved: Iterable[Moved]) -> list[Entry]:
    """Return an entry for each fact, in the order of `moved`; the same fact again is none.

    Their points add up to what the kept goods are worth, whichever order they are read in.
    """
    found: list[Entry] = []
    handed: dict[str, int] = {}
    back: dict[str, int] = {}
    known: set[tuple[str, str]] = set()
    amount = points = 0
    for one in moved:
        if (one.store, one.fact) in known:
            continue
        known.add((one.store, one.fact))
        for line_id, qty in one.units:
            handed[line_id] = handed.get(line_id, 0) + _HANDED.get(one.kind, 0) * qty
            back[line_id] = back.get(line_id, 0) + _BACK.get(one.kind, 0) * qty
        after = kept(terms.lines, handed, back)
        worth = points_of(after, terms.rate, terms.currency)
        more = after - amount, worth - points
        found.append(Entry(one.store, one.fact, one.kind, one.at, *more))
        amount, points = after, worth
    return found


def kept(lines: Mapping[str, Bought], handed: Mapping[str, int], back: Mapping[str, int]) -> int:
    """Return the money for the goods that a customer has: given, paid for, and not brought back."""
    total = 0
    for line_id, line in lines.items():
        given = min(handed.get(line_id, 0), line.ordered)
        total += max(0, given - max(0, back.get(line_id, 0))) * line.unit_price_minor
    return total
