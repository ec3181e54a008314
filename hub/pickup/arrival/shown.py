"""How an order's way here is shown; pure.

It must never show more than the carrier's own words.
"""

from typing import Any

from hub.pickup.order import PickupOrder


def shown(order: PickupOrder) -> dict[str, Any]:
    """What `GET /orders/{id}` says of an order's way here."""
    here = order.parcels_here.split()
    return {
        "parcels": [{"code": code, "here": code in here} for code in order.parcels.split()],
        "carrier": order.carrier,
        "tracking": order.tracking,
        "received_at": order.received_at,
    }
