"""How much of a SKU this store may still promise, and why: the one function that says so.

It must never promise what the record itself makes doubtful beyond the store's policy.
"""

from typing import Final, NamedTuple

from hub.stock.ledger import Evidence, Stock

CHANNELS: Final = ("store", "kiosk", "web", "phone")


class Term(NamedTuple):
    name: str
    qty: int


class Promise(NamedTuple):
    """What may be promised to `channel`: the sum of `terms`, or nothing when that is below zero."""

    sku: str
    channel: str
    terms: tuple[Term, ...]
    confidence: str

    @property
    def qty(self) -> int:
        return max(0, sum(term.qty for term in self.terms))


def score(evidence: Evidence) -> int:
    """Return 0–100: how far a record may be trusted. It loses by age, sales and corrections."""
    lost = min(30, max(0, evidence.days) // 3) + min(20, evidence.sold // 20)
    lost += min(75, 25 * evidence.adjustments)
    return max(0, min(100, 100 - lost + min(20, 2 * evidence.agreed)))


def confidence(evidence: Evidence) -> str:
    return "low" if score(evidence) < 50 else "normal"


def available_to_promise(
    stock: Stock,
    channel: str,
    now: str | None,
) -> Promise:
    """The one function that says what this store may still promise to `channel`."""
    trust, policy = confidence(stock.evidence), stock.policy
    terms = (
        Term("available", stock.units("available")),
        Term("expired_holds", sum(hold.open_qty for hold in stock.expired(now))),
        Term("safety_stock", -(policy.safety_stock_low if trust == "low" else policy.safety_stock)),
        Term("channel_threshold", 0 if channel == "store" else -policy.channel_threshold),
        Term("rights_elsewhere", -stock.lent),
    )
    return Promise(stock.sku, channel, terms, trust)
