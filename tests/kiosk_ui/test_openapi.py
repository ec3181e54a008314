"""The OpenAPI document is valid, holds every route, and the real answers fit it."""

import re
from typing import Any

import jsonschema
import pytest
from flask import Flask
from openapi_spec_validator import validate

from tests.kiosk_ui.conftest import Program
from tests.kiosk_ui.sample import SampleStore

CALLS = [
    ("GET", "/orders", None),
    ("GET", "/orders/R-1", None),
    ("POST", "/orders/R-1/claim", {}),
    ("POST", "/orders/R-1/pick", {"line_id": "L1", "qty": 1}),
    ("POST", "/orders/R-1/undo", {}),
    ("POST", "/orders/R-1/release", {}),
    ("POST", "/orders/R-1/hold", {"reason": "ASK_CUSTOMER"}),
    ("POST", "/orders/R-1/resume", {}),
    ("POST", "/orders/R-1/ready", {}),
    ("POST", "/orders/R-1/buyer", {"where": "on_the_way", "eta_minutes": 9}),
    ("POST", "/orders/R-1/receive", {}),
    ("POST", "/orders/R-1/correct", {}),
    ("GET", "/orders?customer_ref=nobody", None),
    ("GET", "/policies", None),
    (
        "POST",
        "/returns",
        {"order_id": "R-1", "lines": [{"line_id": "L1", "qty": 1}], "reason": "OTHER"},
    ),
    ("GET", "/returns", None),
    ("POST", "/returns/none/close", {}),
    ("POST", "/policies/no_show_hours", {"value": 5}),
    ("POST", "/staging-shelves", {"shelf": "K-9", "capacity": 4, "kind": "chilled"}),
    ("GET", "/staging-shelves", None),
    ("POST", "/staging-shelves/K-9/drop", {}),
    ("POST", "/pickup/pace", {"pace": "slow", "minutes": 30}),
    ("GET", "/pickup/pace", None),
    ("GET", "/pickup/no-shows", None),
    ("GET", "/pickup/figures", None),
    ("GET", "/experience/feedback", None),
    ("POST", "/orders/R-1/cancel", {"reason": "BUYER_REQUEST"}),
    ("GET", "/stock/4711", None),
    ("GET", "/stock/4711/explain", None),
    ("POST", "/holds", {"sku": "4711", "qty": 1}),
    ("POST", "/holds", {"sku": "4711"}),
    ("POST", "/sales", {"sale_id": "S-1", "lines": [{"gtin": "9521234543213", "qty": 1}]}),
    ("POST", "/counts", {"sku": "4711", "counted": 5}),
    ("POST", "/receipts", {"receipt_id": "G-1", "lines": [{"sku": "4711", "qty": 1}]}),
    ("GET", "/catalog/search?q=bread", None),
    ("GET", "/quarantine", None),
    ("GET", "/devices", None),
    ("POST", "/devices/till-9/enrol", {"kind": "till"}),
    ("POST", "/devices/till-9/move", {"place": "door"}),
    ("POST", "/devices/till-9/rotate", {}),
    ("POST", "/devices/till-9/replace", {}),
    ("POST", "/devices/till-9/commands", {"name": "identify"}),
    ("POST", "/devices/till-9/code", {"kind": "till"}),
    ("POST", "/devices/join", {"code": "ABCD-2345"}),
    ("GET", "/devices/till-9/sheet", None),
    ("GET", "/devices/till-9", None),
    ("POST", "/devices/till-9/revoke", {}),
    ("POST", "/devices/x/adopt", {"family": "shelly", "address": "a", "kind": "button"}),
    ("GET", "/sightings", None),
    ("GET", "/tasks", None),
    ("GET", "/status", None),
    ("GET", "/orders/none", None),
]


@pytest.fixture
def document(app: Flask) -> dict[str, Any]:
    shown: dict[str, Any] = app.test_client().get("/api/v1/openapi.json").json
    return shown


def test_the_document_is_valid_openapi(document: dict[str, Any]) -> None:
    validate(document)  # type: ignore[arg-type]


def test_every_route_of_the_api_is_in_the_document_and_no_other(
    app: Flask, document: dict[str, Any]
) -> None:
    routes = {
        (method.lower(), re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    described = {(method, path) for path, item in document["paths"].items() for method in item}
    assert routes == described


@pytest.mark.parametrize(("method", "path", "body"), CALLS)
def test_real_answers_fit_the_document(
    program: Program,
    shop: SampleStore,
    document: dict[str, Any],
    method: str,
    path: str,
    body: dict[str, Any] | None,
) -> None:
    shop.place("R-1", [("4711", 2)])
    if "/orders/R-1/" in path and path.rsplit("/", 1)[1] in ("pick", "undo", "release"):
        program.post("/orders/R-1/claim", {})
    if path.endswith("undo"):
        program.post("/orders/R-1/pick", {"line_id": "L1", "qty": 1})
    if path.endswith("resume"):
        program.post("/orders/R-1/hold", {"reason": "ASK_CUSTOMER"})
    shop.quarantine("scanner-1", b"x")
    answer = program.get(path) if method == "GET" else program.post(path, body)
    responses = operation(document, method, path)["responses"]
    assert str(answer.status_code) in responses, answer.text
    content = responses[str(answer.status_code)]["content"]
    schema = content[answer.content_type]["schema"]
    jsonschema.validate(answer.json, {**schema, "components": document["components"]})


def operation(document: dict[str, Any], method: str, path: str) -> dict[str, Any]:
    bare = "/api/v1" + path.partition("?")[0]
    for known, item in document["paths"].items():
        if re.fullmatch(re.sub(r"{\w+}", "[^/]+", known), bare) and method.lower() in item:
            found: dict[str, Any] = item[method.lower()]
            return found
    raise AssertionError(f"{method} {path} is not described")
