"""The AsyncAPI document is made from the code, and says of a body what the code says of it."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from hub import wire
from hub.wire import Observation, asyncapi
from tests.hub.ingesting import body

PAGE = Path(asyncapi.__file__).parents[2] / "docs" / "asyncapi.json"


def test_the_document_is_made_from_the_code() -> None:
    assert PAGE.read_text() == asyncapi.text(), (
        "run: python -m hub.wire.asyncapi > docs/asyncapi.json"
    )


def allows(name: str, value: Any) -> bool:
    document = asyncapi.document()
    schema = {"components": document["components"]}
    payload = document["components"]["messages"][name]["payload"]
    try:
        jsonschema.validate(value, schema | payload)
    except jsonschema.ValidationError:
        return False
    return True


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("scan", body({"code": "4006381333931"})),
        ("scan", body({"code": ""})),
        ("scan", body({"code": "x", "more": 1})),
        ("scan", body({"code": "x"}, id="a b")),
        ("scan", body({"code": "x"}, id="a\n")),
        ("scan", body({"code": "x"}, at=None, time_quality="unknown")),
        ("scan", body({"code": "x"}, time_quality="ntp")),
        ("scan", {"id": "x"}),
        ("weight", body({"grams": 1.5})),
        ("weight", body({"grams": "1"})),
        ("sale", body({"sale_id": "T1", "lines": [{"sku": "1", "qty": 1}]})),
        ("sale", body({"sale_id": "T1", "lines": []})),
        ("sale", body({"sale_id": "T1", "lines": [{"sku": "1", "qty": 0}]})),
        ("heartbeat", body({})),
        ("heartbeat", body({"battery_pct": 101})),
        ("batch", [body({"grams": 1}, kind="weight"), body({"code": "x"}, kind="scan")]),
        ("batch", {}),
    ],
)
def test_document_and_code_agree_on_each_body(kind: str, value: Any) -> None:
    read = list(wire.read("d1", kind, json.dumps(value).encode()))
    assert allows(f"obs-{kind}", value) == all(isinstance(one, Observation) for one in read)


def test_what_the_hub_writes_is_as_described() -> None:
    acks = wire.write_acks([wire.Ack("a", "committed"), wire.Ack("b", "refused", "No.")])
    assert allows("ack", json.loads(acks))
