"""Zigbee2MQTT: one bridge that speaks for every Zigbee device of the store.

| topic | read | becomes |
|---|---|---|
| `<base>/<friendly name>` | the fields of `FIELDS`, each on change only | see there |
| | `action`: each time, never empty | `input` |
| `<base>/<friendly name>/availability` | `online`, `{"state":"offline"}` | status |
| `<base>/bridge/state` (retained, last will) | as above | status of all |
| `<base>/bridge/event` | `device_joined`, `_announce`, `_interview`; `_leave` | sighted; status |
| `<base>/bridge/devices` (retained) | every device but the coordinator | sighted |

Identity: the friendly name, which contains slashes in many shops; a rename is another device here
as it is in Zigbee2MQTT. Dedupe key: actions by `last_seen` where the bridge sends it finer than a
second; states by being equal to the last one. Clock: `last_seen` (ISO 8601 or ms since 1970), else
the receipt. Retained: never counted as an event, only as who is there. Last will: `bridge/state`.
`<base>` is one level, as by default.

It must never count a state again that Zigbee2MQTT repeats because another field changed.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Final, NamedTuple

from devices.adapters.shapes import (
    Adapter,
    Glitch,
    Heard,
    Quality,
    Reading,
    Received,
    Sighted,
    Status,
    UnreadableError,
    an_object,
    careful,
    fine,
    happened,
    named,
    number,
    online,
    read_json,
    rfc3339,
    since_1970,
    text,
    truth,
)

FAMILY: Final = "zigbee2mqtt"

Shape = Callable[[Any, str], dict[str, Any]]


def _present(value: Any, what: str) -> dict[str, Any]:
    return {"present": truth(value, what)}


def _measured(quantity: str, unit: str) -> Shape:
    return lambda value, what: {
        "quantity": quantity, "value": number(value, what), "unit": unit
    }  # fmt: skip


def _battery(value: Any, what: str) -> dict[str, Any]:
    return {"battery_pct": min(100.0, max(0.0, number(value, what)))}


def _switched(value: Any, what: str) -> dict[str, Any]:
    return {"input": what, "event": "on" if truth(value, what) else "off"}


# A field of the message → kind and data. `contact` true: the magnet, the door, the goods are there.
FIELDS: Final[dict[str, tuple[str, Shape]]] = {
    "contact": ("presence", _present),
    "occupancy": ("presence", _present),
    "presence": ("presence", _present),
    "vibration": ("input", _switched),
    "water_leak": ("input", _switched),
    "smoke": ("input", _switched),
    "tamper": ("input", _switched),
    "temperature": ("measure", _measured("temperature", "°C")),
    "humidity": ("measure", _measured("humidity", "%")),
    "pressure": ("measure", _measured("pressure", "hPa")),
    "illuminance": ("measure", _measured("illuminance", "lx")),
    "illuminance_lux": ("measure", _measured("illuminance", "lx")),
    "co2": ("measure", _measured("co2", "ppm")),
    "pm25": ("measure", _measured("pm25", "µg/m³")),
    "power": ("measure", _measured("power", "W")),
    "energy": ("measure", _measured("energy", "kWh")),
    "linkquality": ("measure", _measured("linkquality", "lqi")),
    "battery": ("heartbeat", _battery),
}
JOINED: Final = frozenset({"device_joined", "device_announce", "device_interview"})
# Levels under a friendly name that are commands to it, or said by nobody.
COMMANDS: Final = frozenset({"set", "get"})


class _When(NamedTuple):
    seen: Any
    at: datetime | None
    quality: Quality


@careful
def read(topic: str, payload: bytes, received: Received) -> Iterator[Heard]:
    """Read what one message says."""
    _, _, rest = topic.partition("/")
    name, _, last = rest.rpartition("/")
    if not rest:
        yield Glitch("bad_topic", f"{topic[:200]!r} names no device")
    elif rest.startswith("bridge/"):
        yield from _bridge(rest.removeprefix("bridge/"), payload)
    elif name and last == "availability":
        yield Status(name, online(payload))
    elif not (name and (last in COMMANDS or set(rest.split("/")[1:]) & COMMANDS)):
        yield from _states(rest, an_object(read_json(payload)), received)


def _bridge(what: str, payload: bytes) -> Iterator[Heard]:
    if what == "state":
        yield Status(None, online(payload))
    elif what == "event":
        event = an_object(read_json(payload))
        inside = an_object(event.get("data"), "data")
        name = text(inside.get("friendly_name"), "friendly_name")
        if event.get("type") in JOINED:
            yield Sighted(name, _described(inside))
        elif event.get("type") == "device_leave":
            yield Status(name, False)
    elif what == "devices":
        known = read_json(payload)
        if not isinstance(known, list):
            raise UnreadableError("not_a_list", "bridge/devices is no list")
        for one in known:
            inside = an_object(one, "a device")
            if inside.get("type") != "Coordinator":
                name = text(inside.get("friendly_name"), "friendly_name")
                yield Sighted(name, _described(inside))


def _described(inside: dict[str, Any]) -> str | None:
    made = inside.get("definition")
    made = made if isinstance(made, dict) else {}
    parts = (made.get("vendor"), made.get("model"), inside.get("ieee_address"))
    return " ".join(part for part in parts if isinstance(part, str))[:200] or None


def _states(name: str, fields: dict[str, Any], received: Received) -> Iterator[Heard]:
    seen = fields.get("last_seen")
    told = since_1970(seen, 0.001) if isinstance(seen, int | float) else rfc3339(seen)
    at, quality = happened(told, received)
    when = _When(seen, at, quality)
    for field, value in fields.items():
        try:
            found = _reading(name, field, value, when)
        except UnreadableError as error:
            yield error.glitch
            continue
        if found is not None:
            yield found


def _reading(name: str, field: str, value: Any, when: _When) -> Reading | None:
    if value is None or value == "":
        return None
    if field == "action":
        data = {"input": "action", "event": text(value, field)}
        # Milliseconds since 1970 are finer than a second too.
        sure = fine(when.seen) or (isinstance(when.seen, int) and when.seen % 1000 != 0)
        key = named(FAMILY, name, field, value, when.seen) if sure else None
        return Reading(name, "input", data, key, when.at, when.quality)
    if field not in FIELDS:
        return None
    kind, shape = FIELDS[field]
    return Reading(name, kind, shape(value, field), None, when.at, when.quality, field)


ADAPTER: Final = Adapter(FAMILY, read, bridge=True)
