"""Central's API as an OpenAPI document; it must never say what the routes do not do."""

from typing import Any, Final

import msgspec

from . import intake, openapi_fleet, openapi_supply, points_views

_PROBLEM: Final = {
    "description": "A problem (RFC 9457); `detail` is a sentence for people.",
    "content": {
        "application/problem+json": {
            "schema": {
                "type": "object",
                "required": ["type", "title", "detail"],
                "properties": {
                    "type": {"type": "string", "pattern": "^urn:storehub:problem:"},
                    "title": {"type": "string"},
                    "status": {"type": "integer"},
                    "detail": {"type": "string"},
                    "errors": {"type": "array", "items": {"type": "object"}},
                },
            }
        }
    },
}
_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 200},
    "description": "The same key gets the same answer for 72 hours.",
}
_ROWS: Final = {
    "type": "object",
    "required": ["rows"],
    "properties": {"rows": {"type": "array", "maxItems": 1000, "items": {"type": "object"}}},
}


def document() -> dict[str, Any]:
    """Return the document."""
    (order, sent, wanted, rate), parts = msgspec.json.schema_components(
        [intake.Order, intake.Shipped, openapi_fleet.Wanted, points_views.Loyalty],
        ref_template="#/components/schemas/{name}",
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Store Hub central inventory",
            "version": "1",
            "description": "One retailer, many stores. The store's own facts are the truth about "
            "its stock and orders; central proposes.",
        },
        "components": {
            "schemas": parts,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
        "paths": {
            "/api/v1/orders": {
                "post": _post("Place an order; it is PROPOSED until the store's word.", order, 201)
            },
            "/api/v1/orders/{order_id}": {"get": _get("An order as it stands.", "order_id")},
            "/api/v1/orders/{order_id}/cancel": {
                "post": _post(
                    "Ask the store to cancel.",
                    {
                        "type": "object",
                        "properties": {"reason": {"type": "string"}},
                    },
                    200,
                    "order_id",
                )
            },
            "/api/v1/orders/{order_id}/shipped": {
                "post": _post("The goods have left for the store.", sent, 200, "order_id")
            },
            "/api/v1/customers/{ref}/erase": {
                "post": _post("Forget a person everywhere.", {"type": "object"}, 200, "ref")
            },
            "/api/v1/customers/{ref}/points": {
                "get": _get(
                    "A customer's points: balance, and what each fact was worth; `after`.", "ref"
                )
            },
            "/api/v1/loyalty": {
                "get": _get("Points for each major unit of money, for orders to come."),
                "post": _post("Set it; 0: none. Orders handed over keep theirs.", rate, 200),
            },
            "/api/v1/catalog/import": {
                "post": _post("Publish products, barcodes and prices.", _ROWS, 200)
            },
            "/api/v1/stores": {
                "get": _get("The stores, and how far central has them."),
                "post": _post(
                    "Make a store known.",
                    {
                        "type": "object",
                        "required": ["store", "name"],
                        "properties": {"store": {"type": "string"}, "name": {"type": "string"}},
                    },
                    201,
                ),
            },
            "/api/v1/stores/{store}/enrolment": {
                "post": _post("A one-time token for a hub.", {"type": "object"}, 201, "store")
            },
            "/api/v1/stores/{store}/revoke": {
                "post": _post(
                    "Shut a store's hub out; an enrolment token lets it in again.",
                    {"type": "object"},
                    200,
                    "store",
                )
            },
            "/api/v1/stores/{store}/confirm": {
                "post": _post(
                    "Two hubs of a store are on line: say which machine stays.",
                    {
                        "type": "object",
                        "required": ["hardware"],
                        "properties": {"hardware": {"type": "string"}},
                    },
                    200,
                    "store",
                )
            },
            "/api/v1/stores/{store}/refold": {
                "post": _post(
                    "Fold a store's facts again; what was quarantined is tried again.",
                    {"type": "object"},
                    200,
                    "store",
                )
            },
            "/api/v1/stores/{store}/stock/{sku}": {
                "get": _get("A SKU's units by the store's facts, and as of when.", "store", "sku")
            },
            "/api/v1/stores/{store}/experience": {
                "get": _get(
                    "What its customers said of their pickups, `from` and `to` as times.", "store"
                )
            },
            "/api/v1/notices": {
                "get": _get(
                    "Messages to customers and what became of them; `state`, `order_id`, `after`."
                )
            },
            "/api/v1/notices/{message_id}/retry": {
                "post": _post(
                    "Try a message again that failed.", {"type": "object"}, 200, "message_id"
                )
            },
            "/api/v1/returns": {
                "get": _get(
                    "What came back of orders, at which store, and central's word on it;"
                    " `order_id`, `word` (CONFIRMED, WAITS or CONFLICT), `after`."
                )
            },
            "/api/v1/keys": {
                "get": _get("The keys of pickup codes, and how many stores each signs for.")
            },
            "/api/v1/keys/rotate": {
                "post": _post("Draw a new key for pickup codes.", {"type": "object"}, 201)
            },
            "/api/v1/keys/{key_id}/revoke": {
                "post": _post(
                    "Make a key's codes worthless; those of open orders are signed anew.",
                    {"type": "object"},
                    200,
                    "key_id",
                )
            },
            "/api/v1/quarantine": {"get": _get("Entries that central could not fold.")},
            **openapi_fleet.paths(wanted, _get, _post),
            **openapi_supply.paths(_get, _post),
            "/api/v1/openapi.json": {"get": _get("This document.")},
        },
    }


def _get(summary: str, *parts: str) -> dict[str, Any]:
    return {
        "summary": summary,
        "parameters": [_part(part) for part in parts],
        "responses": {"200": {"description": "As asked."}, "default": _PROBLEM},
    }


def _post(summary: str, schema: dict[str, Any], status: int, *parts: str) -> dict[str, Any]:
    return {
        "summary": summary,
        "parameters": [*(_part(part) for part in parts), _KEY],
        "requestBody": {"content": {"application/json": {"schema": schema}}},
        "responses": {str(status): {"description": "Done."}, "default": _PROBLEM},
    }


def _part(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
