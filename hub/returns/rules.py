"""Decides what is taken back, where it goes and what is refunded, or refuses with a sentence.

It must never take a unit back twice, and never refund what was missing, nor what waits for central.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from hub.errors import Invalid, Refusal
from hub.returns.facts import (
    RefundSettled,
    ReturnCanceled,
    ReturnClosed,
    ReturnedLine,
    ReturnLineDisposed,
    ReturnOpened,
)
from hub.stock.facts import StockMoved

# Where the units of a line go; None: the parcel was empty, and nothing moves.
DISPOSITIONS: Final[dict[str, str | None]] = {
    "RESTOCKED": "available",
    "NOT_RESTOCKED": "damaged",
    "PROCESSING_REQUIRED": "quality_control",
    "MISSING": None,
}
# Why goods come back, and where they go unless somebody who looks at them says otherwise.
DEFAULTS: Final[dict[str, str]] = {
    "DEFECTIVE": "NOT_RESTOCKED",
    "WRONG_ITEM": "RESTOCKED",
    "NOT_AS_DESCRIBED": "PROCESSING_REQUIRED",
    "CHANGED_MIND": "RESTOCKED",
    "OTHER": "PROCESSING_REQUIRED",
}
REASONS: Final = tuple(DEFAULTS)
REFUNDS: Final = ("PAID", "REFUSED")
# What central said of a return, or is still to say; "" where this store knew by itself.
CLAIMED, WAITS, CONFIRMED, CONFLICT = "CLAIMED", "WAITS", "CONFIRMED", "CONFLICT"
WAITS_FOR_CENTRAL: Final = "WAITS_FOR_CENTRAL"
HELD: Final = "HELD"


class Line(NamedTuple):
    line_id: str
    sku: str
    qty: int
    source_line: str | None = None
    unit_price_minor: int | None = None
    disposition: str | None = None


class Return(NamedTuple):
    """`state`: OPEN, CLOSED or CANCELED. `refund`: NONE, REQUESTED, PAID, REFUSED,
    WAITS_FOR_CENTRAL, or HELD: central says no. `word`: central's."""

    return_id: str
    state: str
    refund: str
    lines: tuple[Line, ...]
    word: str = ""


class Source(NamedTuple):
    """What a customer may bring back of one line: `got` were handed over, `back` came already."""

    sku: str
    got: int
    back: int
    unit_price_minor: int | None = None


def decide_open(
    return_id: str,
    wanted: Sequence[tuple[str, int]],
    sources: Mapping[str, Source],
    reason: str,
    *,
    order_id: str | None = None,
    sale_id: str | None = None,
    currency: str | None = None,
    disposition: str | None = None,
    origin: tuple[str, str] | None = None,
    provisional: bool = False,
) -> list[ReturnOpened | ReturnLineDisposed]:
    """Take goods onto the counter. `wanted`: (line of the order, or SKU of the receipt, units).

    `disposition`: what becomes of all of it for now; None leaves each line to be said. `origin`:
    the other store that handed them over, and its name.
    """
    if reason not in REASONS:
        raise Invalid(f"reason must be one of {', '.join(REASONS)}.", field="reason")
    if disposition is not None:
        _check_disposition(disposition)
    lines = tuple(
        ReturnedLine(
            line_id=f"B{n}",
            sku=sources[key].sku,
            qty=qty,
            source_line=key if order_id is not None and not provisional else None,
            unit_price_minor=sources[key].unit_price_minor,
        )
        for n, (key, qty) in enumerate(_units(wanted, sources).items(), start=1)
    )
    opened = ReturnOpened(
        return_id=return_id,
        lines=lines,
        reason=reason,
        order_id=order_id,
        sale_id=sale_id,
        currency=currency,
        origin=origin[0] if origin else None,
        origin_name=origin[1] if origin else None,
        provisional=provisional,
    )
    if disposition is None:
        return [opened]
    return [opened, *(_disposed(return_id, line.line_id, disposition) for line in lines)]


def _units(wanted: Sequence[tuple[str, int]], sources: Mapping[str, Source]) -> dict[str, int]:
    """Return the units by line; refuse more than may still come back."""
    total: dict[str, int] = {}
    for key, qty in wanted:
        total[key] = total.get(key, 0) + qty
    if not total:
        raise Invalid("lines must name at least one line.", field="lines")
    for key, qty in total.items():
        source = sources.get(key)
        if source is None:
            raise Invalid(f"There is no line {key[:64]} to bring back.", field="lines")
        left = source.got - source.back
        if qty > left:
            raise Refusal(
                f"Only {max(0, left)} of SKU {source.sku} can still be brought back:"
                f" {source.got} were handed over, {source.back} came back.",
                slug="too-many",
            )
    return total


def _check_disposition(disposition: str) -> None:
    if disposition not in DISPOSITIONS:
        raise Invalid(f"disposition must be one of {', '.join(DISPOSITIONS)}.", field="disposition")


def _disposed(return_id: str, line_id: str, disposition: str) -> ReturnLineDisposed:
    return ReturnLineDisposed(return_id=return_id, line_id=line_id, disposition=disposition)


def decide_disposition(back: Return, line_id: str, disposition: str) -> list[ReturnLineDisposed]:
    """Say what becomes of a line. Until the return is closed another word replaces it."""
    _check_disposition(disposition)
    _check_open(back)
    line = next((one for one in back.lines if one.line_id == line_id), None)
    if line is None:
        raise Invalid(f"This return has no line {line_id}.", field="line_id")
    if line.disposition == disposition:
        return []
    return [_disposed(back.return_id, line_id, disposition)]


def decide_close(back: Return) -> list[ReturnClosed | StockMoved]:
    """Move the goods where they were disposed, and ask for the refund of what is there."""
    if back.state == "CLOSED":
        return []
    _check_open(back)
    waiting = sum(line.disposition is None for line in back.lines)
    if waiting:
        noun = "line waits" if waiting == 1 else "lines wait"
        raise Refusal(f"{waiting} {noun} for a disposition.", slug="lines-open")
    closed = ReturnClosed(return_id=back.return_id, refund_minor=refund_of(back))
    return [closed, *(move for line in _there(back) for move in _moved(back, line))]


def refund_of(back: Return) -> int | None:
    """Return what closing it as it stands would ask for; None where a price is unknown."""
    there = _there(back)
    if any(line.unit_price_minor is None for line in there):
        return None
    return sum(line.qty * (line.unit_price_minor or 0) for line in there)


def _there(back: Return) -> list[Line]:
    return [line for line in back.lines if line.disposition != "MISSING"]


def _moved(back: Return, line: Line) -> list[StockMoved]:
    target = DISPOSITIONS[line.disposition or "MISSING"]
    if target is None:
        return []
    return [
        StockMoved(
            sku=line.sku,
            qty=line.qty,
            source="customer",
            target=target,
            kind="RETURN",
            reason=line.disposition,
        )
    ]


def decide_cancel(back: Return, reason: str) -> list[ReturnCanceled]:
    """The customer takes the goods home again."""
    if back.state == "CANCELED":
        return []
    _check_open(back)
    return [ReturnCanceled(return_id=back.return_id, reason=reason)]


def decide_refund(back: Return, state: str) -> list[RefundSettled]:
    """Note what the payment system says. The first word stands.

    What central holds a person decides; what waits for central may be refused before, never paid.
    """
    if state not in REFUNDS:
        raise Invalid(f"state must be one of {', '.join(REFUNDS)}.", field="state")
    if back.refund == state:
        return []
    if back.refund == WAITS_FOR_CENTRAL and state == "PAID":
        raise Refusal("The refund waits until head office knows what was bought.", slug="waits")
    if back.refund not in ("REQUESTED", HELD, WAITS_FOR_CENTRAL):
        raise Refusal(
            f"The refund of return {back.return_id} is {back.refund.lower()}.", slug="refund-state"
        )
    return [RefundSettled(return_id=back.return_id, state=state)]


def _check_open(back: Return) -> None:
    if back.state != "OPEN":
        raise Refusal(f"Return {back.return_id} is {back.state.lower()}.", slug="return-done")


def check_correction(
    handed: Mapping[str, int], back: Mapping[str, int], wanted: Mapping[str, int]
) -> None:
    """Refuse to correct the handover of units that came back by a return: they are here once.

    All by line of the order: units `handed` over, `back` by returns, `wanted` to be corrected.
    """
    for line_id, qty in wanted.items():
        if qty > handed.get(line_id, 0) - back.get(line_id, 0):
            raise Refusal(
                "Units of this order came back by a return: cancel that return, or correct fewer.",
                slug="returned",
            )
