"""Describes the MQTT contract as AsyncAPI 3.0, made from the very types that read the messages.

It must never describe by hand what a type already says.
"""

import inspect
from typing import Any, Final, Literal

import msgspec

from hub.wire import BATCH_LIMIT, BATCH_MOST, KINDS, MESSAGE_LIMIT, ROOT
from hub.wire.messages import Acks, Envelope, Status

DEVICE: Final = f"{ROOT}/{{store}}/{{device}}"


class Command(msgspec.Struct):
    """What a device is asked to do; other fields depend on the command's name."""

    key: str


class Alert(msgspec.Struct):
    """A light or buzzer (a device of kind `alert`) shows `state` until it hears another one.

    `step`: how urgent, 1 or 2; `orders`: short codes of the orders that nobody picks.
    """

    key: str
    state: Literal["on", "off"]
    step: int
    orders: list[str]


def document() -> dict[str, Any]:
    """Return the whole document."""
    kinds = {f"obs-{kind}": f"{DEVICE}/obs/{kind}" for kind in KINDS}
    addresses = kinds | {
        "obs-batch": f"{DEVICE}/obs/batch",
        "status": f"{DEVICE}/status",
        "ack": f"{DEVICE}/ack",
        "cmd": f"{DEVICE}/cmd/{{name}}",
        "cmd-alert": f"{DEVICE}/cmd/alert",
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Store Hub, devices",
            "version": "1",
            "description": (
                "QoS 1. A device resends an observation until an ack names its id. A message has "
                f"at most {MESSAGE_LIMIT} bytes, a batch {BATCH_LIMIT}. See docs/devices.md."
            ),
        },
        "defaultContentType": "application/json",
        "channels": {name: _channel(name, address) for name, address in addresses.items()},
        "operations": {
            name: {
                "action": "receive" if name in ("ack", "cmd", "cmd-alert") else "send",
                "channel": {"$ref": f"#/channels/{name}"},
            }
            for name in addresses
        },
        "components": {"messages": _messages(), "schemas": _schemas()},
    }


def _channel(name: str, address: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "address": address,
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
        "parameters": {
            part: {} for part in ("store", "device", "name") if f"{{{part}}}" in address
        },
    }
    if name == "status":
        found["description"] = "Retained; the last will says online: false."
    return found


def _messages() -> dict[str, Any]:
    found = {f"obs-{kind}": {"payload": _observation(kind)} for kind in KINDS}
    elements = {"oneOf": [_observation(kind, named=True) for kind in KINDS]}
    found["obs-batch"] = {
        "payload": {"type": "array", "maxItems": BATCH_MOST, "items": elements},
    }
    named = {"status": "Status", "ack": "Acks", "cmd": "Command", "cmd-alert": "Alert"}
    for name, kind in named.items():
        found[name] = {"payload": {"$ref": f"#/components/schemas/{kind}"}}
    return found


def _observation(kind: str, *, named: bool = False) -> dict[str, Any]:
    """The envelope with this kind's data; in a batch the element names its kind itself."""
    (_, components) = msgspec.json.schema_components(
        [Envelope], ref_template="#/components/schemas/{name}"
    )
    envelope = components["Envelope"]
    properties = dict(envelope["properties"])
    properties["data"] = {"$ref": f"#/components/schemas/{KINDS[kind].__name__}"}
    properties["kind"] = {"const": kind}
    required = [*envelope["required"], *(["kind"] if named else [])]
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _schemas() -> dict[str, Any]:
    types: list[type] = [*KINDS.values(), Status, Acks, Command, Alert]
    (_, components) = msgspec.json.schema_components(
        types, ref_template="#/components/schemas/{name}"
    )
    for kind in types:
        if kind.__doc__:
            components[kind.__name__]["description"] = inspect.cleandoc(kind.__doc__)
    return components


def text() -> str:
    return msgspec.json.format(msgspec.json.encode(document(), order="sorted")).decode() + "\n"


if __name__ == "__main__":
    print(text(), end="")
