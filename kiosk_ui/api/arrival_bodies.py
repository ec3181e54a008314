"""The JSON of goods that come from elsewhere for an order: sent, received, put aside.

A request type must never accept a field that it does not know.
"""

from typing import Annotated

from msgspec import Meta

from kiosk_ui.api.bodies import Asked, Code, Id


class Ship(Asked):
    """`parcels`: what a scan of each gives, an SSCC (GS1) or the carrier's own number."""

    parcels: Annotated[tuple[Code, ...], Meta(max_length=50)] = ()
    carrier: Annotated[str, Meta(min_length=1, max_length=40)] | None = None
    tracking: Annotated[str, Meta(min_length=1, max_length=40)] | None = None


class ReceivedLine(Asked):
    """Units of a line that did not come, or came damaged."""

    line_id: Id
    missing: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    damaged: Annotated[int, Meta(ge=0, le=1_000_000)] = 0


class Receive(Asked):
    """No `lines`: as much as was sent. With `lines` no further parcel is waited for."""

    parcel: Code | None = None
    lines: list[ReceivedLine] | None = None


class ReceiveParcel(Asked):
    """`lines` as in `Receive`."""

    lines: list[ReceivedLine] | None = None


class PutAway(Asked):
    shelf: Code
