"""Fleet, promise and tokens in the OpenAPI document; never more than the routes do."""

from collections.abc import Callable
from typing import Any

from . import fleet_rules
from .fleet_views import Wanted as Wanted

_QUERY = {
    "condition": {"type": "string", "enum": list(fleet_rules.URGENCY)},
    "q": {"type": "string", "description": "Words in a store's id or name."},
    "after": {"type": "integer", "minimum": 0, "description": "`next` of the page before."},
}

_TOKEN = {
    "type": "object",
    "required": ["name", "role"],
    "properties": {
        "name": {"type": "string"},
        "role": {"type": "string", "enum": ["admin", "orders", "catalog", "read"]},
    },
}


def paths(
    wanted: dict[str, Any], get: Callable[..., dict[str, Any]], post: Callable[..., dict[str, Any]]
) -> dict[str, Any]:
    """Return the paths, made as those of the document are."""
    fleet = get("How each store stands, what needs a hand first; 100 a page.")
    fleet["parameters"] = [
        {"name": name, "in": "query", "required": False, "schema": schema}
        for name, schema in _QUERY.items()
    ]
    told = "Which stores can give all of this by the rights held, then which a part."
    return {
        "/api/v1/fleet": {"get": fleet},
        "/api/v1/stores/{store}/telemetry": {
            "get": get("How a store's devices were when its hub said so last.", "store")
        },
        "/api/v1/stock/{sku}": {"get": get("What may be promised of a SKU, by store.", "sku")},
        "/api/v1/tokens": {"post": post("A token of this API; it is shown once.", _TOKEN, 201)},
        "/api/v1/tokens/{name}/revoke": {
            "post": post("Make the tokens of this name worthless.", {"type": "object"}, 200, "name")
        },
        "/api/v1/promise": {"post": post(told, wanted, 200)},
    }
