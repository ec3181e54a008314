"""Decides what happens when goods are sent to this store for an order, and when they are here.

It must never receive goods twice, and never receive for one order what another one waits for.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from hub import gs1
from hub.errors import Invalid, Refusal
from hub.pickup.checks import check_step, line_of, name_of
from hub.pickup.facts import (
    GoodsToStock,
    OrderReceived,
    OrderShipped,
    ParcelArrived,
    ParcelsNamed,
    ReceivedLine,
)
from hub.pickup.lifecycle import Status, Step
from hub.pickup.order import PickupOrder

# A carrier's own number where no SSCC (GS1 General Specifications, 2.2.1) is on the parcel.
_PARCEL: Final = re.compile(r"[A-Z0-9][A-Z0-9._:-]{0,63}", re.ASCII)
_CARRIER: Final = re.compile(r"[\w .&/-]{1,40}")
PARCELS_MOST: Final = 50
# What waits for no goods from elsewhere any more.
OVER: Final = (Status.CANCELED, Status.EXPIRED, Status.REJECTED)


def read_parcel(text: object) -> str:
    """Return a parcel's code as it is kept: 18 digits of an SSCC, else a number in capitals."""
    said = text.strip() if isinstance(text, str) else ""
    meaning = gs1.read(said)
    code = meaning.sscc or re.sub(r"[()\s]", "", meaning.text).upper()
    if re.fullmatch(r"00\d{18}", code):
        code = code[2:]
    if re.fullmatch(r"\d{18}", code) and gs1.check_digit(code[:-1]) != code[-1]:
        raise Invalid(f"The check digit of SSCC {code} is wrong.", field="parcel")
    if not _PARCEL.fullmatch(code):
        raise Invalid(
            "A parcel's code has 1 to 64 letters, digits, dots or dashes.", field="parcel"
        )
    return code


def read_parcels(parcels: Sequence[object]) -> tuple[str, ...]:
    if len(parcels) > PARCELS_MOST:
        raise Invalid(f"An order travels in at most {PARCELS_MOST} parcels.", field="parcels")
    return tuple(dict.fromkeys(read_parcel(one) for one in parcels))


def check_carrier(word: str | None, field: str) -> None:
    """Who carries it and under which number: no free text, which could name somebody."""
    if word is not None and not _CARRIER.fullmatch(word):
        raise Invalid(f"{field} is 1 to 40 letters, digits, spaces or dashes.", field=field)


def decide_ship(
    order: PickupOrder,
    parcels: Sequence[str] = (),
    carrier: str | None = None,
    tracking: str | None = None,
) -> list[OrderShipped | ParcelsNamed]:
    """The goods have left. What is known of the way is kept, however late it is heard."""
    check_carrier(carrier, "carrier")
    check_carrier(tracking, "tracking")
    facts: list[OrderShipped | ParcelsNamed] = []
    if order.supply != "ship_to_store" and not parcels:
        raise Refusal(f"Order {order.label} is supplied from this store.", slug="not-shipped")
    if order.supply == "ship_to_store" and order.state is Status.RESERVED:
        facts.append(OrderShipped(order_id=order.order_id))
    named = ParcelsNamed(
        order_id=order.order_id,
        parcels=tuple(one for one in parcels if one not in order.parcels.split()),
        carrier=carrier if carrier != order.carrier else None,
        tracking=tracking if tracking != order.tracking else None,
    )
    if named.parcels or named.carrier or named.tracking:
        facts.append(named)
    return facts


def decide_parcel(order: PickupOrder, parcel: str) -> list[ParcelArrived]:
    """One parcel is here. The same one again is said to be here, and changes nothing."""
    if parcel in order.parcels_here.split():
        raise Refusal(_already(order), slug="already-here")
    return [ParcelArrived(order_id=order.order_id, parcel=parcel)]


def check_first(order: PickupOrder, parcel: str) -> None:
    """Refuse what was received before; what came later than that is no order's any more."""
    if order.received_at is None:
        return
    lacking = any(line.short or line.canceled for line in order.lines)
    if lacking and parcel in order.parcels_to_come:
        raise Refusal(
            f"Order {order.label} was received without parcel {parcel}:"
            " book what is in it as a receipt of goods.",
            slug="received-without",
        )
    raise Refusal(_already(order), slug="already-here")


def decide_receive(
    order: PickupOrder, lines: Sequence[ReceivedLine] = (), promise_at: str | None = None
) -> list[OrderShipped | OrderReceived | GoodsToStock]:
    """The goods are here, but for what `lines` lacks. Nobody need have heard that they were sent.

    `promise_at`: by when it can be ready now that somebody can begin.
    """
    _check_lines(order, lines)
    listed = tuple(line for line in lines if line.missing or line.damaged)
    if order.received_at is not None:
        if order.state is Status.RECEIVED and not lines:
            return []
        raise Refusal(_already(order), slug="already-here")
    if order.state in OVER or (order.supply == "store" and order.parcels):
        return [GoodsToStock(order_id=order.order_id, lines=listed)]
    if order.state is Status.ON_HOLD and order.travels:
        raise Refusal(
            f"Order {order.label} is on hold: go on with it first, then receive its goods.",
            slug="on-hold",
        )
    if order.supply != "ship_to_store":
        raise Refusal(f"Order {order.label} is supplied from this store.", slug="not-shipped")
    facts: list[OrderShipped | OrderReceived | GoodsToStock] = []
    if order.state is Status.RESERVED:
        facts.append(OrderShipped(order_id=order.order_id))
    else:
        check_step(order, Step.RECEIVE)
    due = max(order.promise_at or "", promise_at or "") or None
    received = OrderReceived(order_id=order.order_id, lines=listed, promise_at=due)
    return [*facts, received]


def check_put_away(order: PickupOrder) -> None:
    """Goods that came together are picked by putting them on a shelf; no others are."""
    if order.supply != "ship_to_store":
        raise Refusal(
            f"The goods of order {order.label} stand on the sales floor: pick them first.",
            slug="not-together",
        )
    if order.travels:
        raise Refusal(f"The goods of order {order.label} are not here yet.", slug="not-here-yet")


def by_line(lines: Sequence[ReceivedLine]) -> Mapping[str, ReceivedLine]:
    return {line.line_id: line for line in lines}


def _check_lines(order: PickupOrder, lines: Sequence[ReceivedLine]) -> None:
    if len(by_line(lines)) < len(lines):
        raise Invalid("One line is named twice.", field="lines")
    for one in lines:
        line = line_of(order, one.line_id)
        if one.missing + one.damaged > line.ordered:
            raise Refusal(
                f"Of {name_of(line)} order {order.label} has only {line.ordered}.",
                slug="too-many",
            )


def _already(order: PickupOrder) -> str:
    left = len(order.parcels_to_come)
    if order.received_at is None and left:
        return f"This parcel was scanned before. Still to come for order {order.label}: {left}."
    if order.shelf:
        return f"Order {order.label} is here already: it stands on {order.shelf}."
    return f"Order {order.label} is here already."
