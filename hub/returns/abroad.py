"""Decides about goods that another store handed over, by central's word or until it comes; pure.

It must never ask for a refund before central knows what was bought and that it came back once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from hub.errors import Invalid, NotFound, Refusal
from hub.returns.facts import (
    ConfirmedLine,
    ReturnConfirmed,
    ReturnConflicted,
    ReturnLineDisposed,
    ReturnOpened,
    brought_as,
)
from hub.returns.rules import CONFLICT, WAITS, Line, Return, Source, decide_open


@dataclass(frozen=True, slots=True)
class HandedLine:
    """A line of an order of another store: `handed` over, and come `back` at whatever store."""

    line_id: str
    sku: str
    name: str
    handed: int
    back: int
    unit_price_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Handed:
    """What central knows of an order: `store` keeps it, `stores` (by name) took units back.

    Not `ended`: the store may have handed over more than it could say yet.
    """

    order_id: str
    store: str
    name: str
    currency: str | None
    lines: list[HandedLine]
    ended: bool = True
    stores: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Claim:
    """Central's answer to a claim: CLAIMED, WAITS for the store that keeps the order, REFUSED."""

    says: Literal["CLAIMED", "WAITS", "REFUSED"]
    reason: str
    stores: list[str]
    handed: Handed


def by_line(handed: Handed, lines: Iterable[Mapping[str, Any]]) -> list[tuple[str, int]]:
    """Return (line of the order, units) of `lines`, which name a `line_id` or a `sku`.

    A SKU is of its lines in their order, as far as units may still come back; what none has left
    is asked for of the last one, for central to say no.
    """
    left = {line.line_id: line.handed - line.back for line in handed.lines}
    wanted: dict[str, int] = {}
    for asked in lines:
        qty, sku = int(asked["qty"]), asked.get("sku")
        named = asked.get("line_id")
        ids = [named] if named else [line.line_id for line in handed.lines if line.sku == sku]
        for n, line_id in enumerate(ids or [str(sku)]):
            last = n + 1 >= len(ids)
            part = qty if last else max(0, min(qty, left[line_id]))
            if part:
                wanted[line_id] = wanted.get(line_id, 0) + part
                left[line_id] = left.get(line_id, 0) - part
            qty -= part
    return list(wanted.items())


def decide_abroad(
    return_id: str,
    wanted: Sequence[tuple[str, int]],
    claim: Claim,
    reason: str,
    disposition: str | None = None,
) -> list[ReturnOpened | ReturnLineDisposed]:
    """Take goods of another store onto the counter, as central answered the claim of their units.

    `wanted`: (line of the order, units).
    """
    handed = claim.handed
    if claim.says == "REFUSED":
        _refuse(claim)
    if claim.says == "WAITS":
        skus = {line.line_id: line.sku for line in handed.lines}
        if any(key not in skus for key, _ in wanted):
            raise Invalid("This order has no such line.", field="lines")
        brought = [(skus[key], qty) for key, qty in wanted]
        origin = (handed.store, handed.name)
        return decide_provisional(
            return_id, brought, reason, handed.order_id, disposition, origin=origin
        )
    sources = {
        line.line_id: Source(line.sku, line.handed, 0, line.unit_price_minor)
        for line in handed.lines
    }
    opened, *disposed = decide_open(
        return_id,
        wanted,
        sources,
        reason,
        order_id=handed.order_id,
        currency=handed.currency,
        disposition=disposition,
        origin=(handed.store, handed.name),
    )
    return [opened, *disposed]


def _refuse(claim: Claim) -> None:
    if claim.reason == "CAME_BACK" and claim.stores:
        stores = " · ".join(claim.stores)
        raise Refusal(f"These goods came back already at {stores}.", slug="came-back")
    raise Refusal("Fewer of these goods were handed over with this order.", slug="too-many")


def decide_provisional(
    return_id: str,
    brought: Sequence[tuple[str, int]],
    reason: str,
    order_id: str,
    disposition: str | None = None,
    *,
    origin: tuple[str, str] | None = None,
) -> list[ReturnOpened | ReturnLineDisposed]:
    """Take goods whose order is not known here: central decides later, nothing is refunded before.

    `brought`: (SKU, units). `origin`: the other store and its name, where that is known.
    """
    sources = {sku: Source(sku, sum(qty for _, qty in brought), 0) for sku, _ in brought}
    return decide_open(
        return_id,
        brought,
        sources,
        reason,
        order_id=order_id,
        disposition=disposition,
        origin=origin,
        provisional=True,
    )


def unknown_at_central(order_id: str) -> NotFound:
    return NotFound(f"Neither this store nor head office knows order {order_id[:64]}.")


def decide_confirmed(back: Return, said: ReturnConfirmed) -> list[ReturnConfirmed]:
    """Central knows what was bought: the refund of what is there is asked for once it is closed.

    The same word twice is one fact; a return that went home again needs none.
    """
    if back.word != WAITS or back.state == "CANCELED":
        return []
    refund = None
    if back.state == "CLOSED":
        known = {line.line_id: line for line in back.lines}
        there = [line for line in said.lines if _is_there(known, line)]
        priced = all(line.unit_price_minor is not None for line in there)
        refund = sum(one.qty * (one.unit_price_minor or 0) for one in there) if priced else None
    return [
        ReturnConfirmed(
            return_id=back.return_id,
            lines=said.lines,
            origin=said.origin,
            origin_name=said.origin_name,
            currency=said.currency,
            refund_minor=refund,
        )
    ]


def _is_there(known: Mapping[str, Line], line: ConfirmedLine) -> bool:
    of = known.get(line.line_id) or known.get(brought_as(line.line_id))
    return of is not None and of.disposition != "MISSING"


def decide_conflict(back: Return, reason: str, stores: Sequence[str]) -> list[ReturnConflicted]:
    """Central says no: the goods stay where they lie, and nothing is refunded without a person."""
    if back.word == CONFLICT or back.state == "CANCELED":
        return []
    return [ReturnConflicted(return_id=back.return_id, reason=reason, stores=tuple(stores))]
