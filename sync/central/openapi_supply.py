"""The distribution centre in the OpenAPI document; never more than the routes do."""

from collections.abc import Callable
from typing import Any, Final

_COUNT: Final = {
    "type": "object",
    "required": ["rows"],
    "properties": {
        "ref": {"type": "string", "maxLength": 100},
        "rows": {
            "type": "array",
            "minItems": 1,
            "maxItems": 1000,
            "items": {
                "type": "object",
                "required": ["sku", "on_hand"],
                "properties": {
                    "sku": {"type": "string"},
                    "on_hand": {"type": "integer", "minimum": 0},
                },
            },
        },
    },
}
_NOTHING: Final = {"type": "object"}


def paths(get: Callable[..., dict[str, Any]], post: Callable[..., dict[str, Any]]) -> Any:
    """Return the paths, made as those of the document are."""
    one = "/api/v1/stores/{store}/aisle-orders/{order_id}"
    parts = ("store", "order_id")
    return {
        "/api/v1/distribution/stock": {
            "post": post("The distribution centre's count; differences become moves.", _COUNT, 200)
        },
        "/api/v1/distribution/stock/{sku}": {
            "get": get("A SKU there: on hand, promised, lent to hubs, free.", "sku")
        },
        "/api/v1/stores/{store}/aisle-orders": {
            "get": get("A store's endless-aisle orders.", "store")
        },
        one: {"get": get("An endless-aisle order as it stands.", *parts)},
        f"{one}/customer": {"get": get("Who gets the goods, and where.", *parts)},
        f"{one}/shipped": {"post": post("The goods have left.", _NOTHING, 200, *parts)},
        f"{one}/decline": {"post": post("End the waiting of an order.", _NOTHING, 200, *parts)},
        "/api/v1/stores/{store}/rights": {
            "get": get("Rights to its units and to the distribution centre's.", "store")
        },
        "/api/v1/stores/{store}/rights/return": {
            "post": post("Sell nothing more of a store that may be dead.", _NOTHING, 200, "store")
        },
        "/api/v1/stores/{store}/rights/reclaim": {
            "post": post("Take back what a dead store was lent.", _NOTHING, 200, "store")
        },
    }
