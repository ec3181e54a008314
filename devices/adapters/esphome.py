"""ESPHome nodes by MQTT: a topic for each entity, a bare value for its state.

| topic | read | becomes |
|---|---|---|
| `<prefix>/sensor/<id>/state` | a number; `nan`: none | `measure`, quantity `<id>` |
| `<prefix>/binary_sensor/<id>/state` | `ON`, `OFF`, on change only | `presence` |
| `<prefix>/event/<id>/state` | `{"event_type": …}` or a word | `input` |
| `<prefix>/text_sensor/version/state` | the firmware, on change only | `heartbeat` |
| `<prefix>/status` (retained, last will) | `online`, `offline` | status |

Identity: the topic's prefix, by default the node's name. Dedupe key: none, a bare value has no
identity; by default it comes at QoS 0 and is never delivered twice. Clock: none, the receipt is the
estimate. Retained: every state is retained by default; what is delivered as retained is never
counted. Last will: `<prefix>/status`. A sensor called `…battery…` is the battery, in percent.
Lights, switches, fans, logs (`<prefix>/debug`) and commands say nothing to a shop.

It must never count the retained state that a subscriber gets first as a new one.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from devices.adapters.shapes import (
    Adapter,
    Glitch,
    Heard,
    Reading,
    Received,
    Status,
    UnreadableError,
    careful,
    happened,
    number,
    online,
    text,
)

FAMILY: Final = "esphome"
LONGEST: Final = 256
_SWITCH: Final = {"ON": True, "OFF": False}
_NOTHING: Final = frozenset({"nan", "unknown", "unavailable", ""})


@careful
def read(topic: str, payload: bytes, received: Received) -> Iterator[Heard]:
    """Read what one message says."""
    if topic.endswith("/status"):
        yield Status(topic.removesuffix("/status"), online(payload))
        return
    prefix, component, entity, last = ("/" + topic).rsplit("/", 3) if topic.count("/") > 2 else (
        *[""] * 3, "",
    )  # fmt: skip
    if last != "state" or component not in READERS:
        return
    said = _said(payload)
    if said.lower() in _NOTHING:
        return
    kind, data, state = READERS[component](entity, said)
    if kind:
        at, quality = happened(None, received)
        yield Reading(prefix[1:], kind, data, None, at, quality, state)


Found = tuple[str, dict[str, Any], str | None]


def _said(payload: bytes) -> str:
    try:
        said = payload.decode().strip()
    except UnicodeDecodeError as error:
        raise UnreadableError("not_text", str(error)) from error
    if len(said) > LONGEST:
        raise UnreadableError("too_large", f"{len(said)} characters are no bare value")
    return said


def _sensor(entity: str, said: str) -> Found:
    try:
        value = number(float(said), entity)
    except ValueError as error:
        raise UnreadableError("bad_number", f"{said[:80]!r} is no number") from error
    if "battery" in entity and 0 <= value <= 100:
        return "heartbeat", {"battery_pct": value}, entity
    return "measure", {"quantity": text(entity, "the entity"), "value": value}, None


def _binary(entity: str, said: str) -> Found:
    if said not in _SWITCH:
        raise UnreadableError("bad_truth", f"{said[:80]!r} is neither ON nor OFF")
    return "presence", {"present": _SWITCH[said]}, entity


def _event(entity: str, said: str) -> Found:
    if said.startswith("{"):
        try:
            said = msgspec.json.decode(said.encode(), type=dict[str, Any]).get("event_type", "")
        except msgspec.DecodeError as error:
            raise UnreadableError("not_json", str(error)) from error
    return "input", {"input": entity, "event": text(said, "event_type")}, None


def _words(entity: str, said: str) -> Found:
    if entity in ("version", "esphome_version", "firmware"):
        return "heartbeat", {"firmware": said}, "firmware"
    return "", {}, None


READERS: Final = {
    "sensor": _sensor,
    "binary_sensor": _binary,
    "event": _event,
    "text_sensor": _words,
}
ADAPTER: Final = Adapter(FAMILY, read)
__all__ = ["ADAPTER", "Glitch", "read"]
