"""What programs outside central ask of its API: publish a catalogue, place orders.

It must never hide why central refused: the sentence is passed on.
"""

from collections.abc import Mapping
from typing import Any

from .client import post


def import_catalog(central_url: str, token: str, chunk: Mapping[str, Any]) -> dict[str, Any]:
    """Publish `{"rows": […]}`, at most 1,000; returns central's answer. Raises HubError."""
    return post(central_url, "/api/v1/catalog/import", token, chunk)


def place(central_url: str, token: str, order: Mapping[str, Any]) -> dict[str, Any]:
    """Place an order; returns `{"order_id","state","short_code","pickup_code"}`."""
    return post(central_url, "/api/v1/orders", token, order)
