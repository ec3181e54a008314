"""Shelly devices of the second generation and later (Plus, Pro, Gen3, Gen4), by MQTT.

| topic | read | becomes |
|---|---|---|
| `<prefix>/events/rpc` | `NotifyStatus`, `NotifyFullStatus`: `COMPONENTS`, on change | … |
| | `NotifyEvent`: pushes of an `input:<n>` (`EVENTS`) | `input` |
| `<prefix>/online` (retained, last will) | `true`, `false` | status |

Identity: the topic's prefix, by default the device id that `src` names as well. Dedupe key: pushes:
device, component, event, `ts` (hundredths of a second); states by being equal to the last one.
Clock: `ts`, seconds since 1970; a device without NTP sends none, or a small one. Retained: `online`
alone, which is a state. Last will: `<prefix>/online`. `NotifyStatus` is an overlay that leaves out
what has not changed: what it does not name is not off. `btn_down` and `btn_up` are the edges of a
push that is told as well, `config_changed` and the like are no push. `<prefix>/status/…` tells the
same a second time and is left alone.

It must never read the absence of a field as a state.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Final, NamedTuple

from devices.adapters.shapes import (
    Adapter,
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
    since_1970,
    text,
    truth,
)

FAMILY: Final = "shelly"
RPC: Final = "/events/rpc"

Shape = Callable[[str, Any, str], dict[str, Any]]


def _measured(quantity: str, unit: str) -> Shape:
    return lambda _n, value, what: {
        "quantity": quantity, "value": number(value, what), "unit": unit
    }  # fmt: skip


def _switched(n: str, value: Any, what: str) -> dict[str, Any]:
    return {"input": n, "event": "on" if truth(value, what) else "off"}


def _present(_n: str, value: Any, what: str) -> dict[str, Any]:
    return {"present": truth(value, what)}


def _battery(_n: str, value: Any, what: str) -> dict[str, Any]:
    percent = an_object(value, what).get("percent")
    if percent is None:
        return {}
    return {"battery_pct": min(100.0, max(0.0, number(percent, "percent")))}


# (component, field) → kind and data; the number of the component is its first argument.
COMPONENTS: Final[dict[tuple[str, str], tuple[str, Shape]]] = {
    ("input", "state"): ("input", _switched),
    ("flood", "alarm"): ("input", _switched),
    ("smoke", "alarm"): ("input", _switched),
    ("presence", "state"): ("presence", _present),
    ("temperature", "tC"): ("measure", _measured("temperature", "°C")),
    ("humidity", "rh"): ("measure", _measured("humidity", "%")),
    ("illuminance", "lux"): ("measure", _measured("illuminance", "lx")),
    ("switch", "apower"): ("measure", _measured("power", "W")),
    ("pm1", "apower"): ("measure", _measured("power", "W")),
    ("voltmeter", "voltage"): ("measure", _measured("voltage", "V")),
    ("devicepower", "battery"): ("heartbeat", _battery),
}
EVENTS: Final = frozenset({"single_push", "double_push", "triple_push", "long_push"})


class _When(NamedTuple):
    at: datetime | None
    quality: Quality


@careful
def read(topic: str, payload: bytes, received: Received) -> Iterator[Heard]:
    """Read what one message says."""
    if topic.endswith("/online"):
        yield Status(topic.removesuffix("/online"), online(payload))
        return
    if not topic.endswith(RPC):
        return
    address = topic.removesuffix(RPC)
    frame = an_object(read_json(payload))
    params = an_object(frame.get("params", {}), "params")
    method = text(frame.get("method"), "method")
    if isinstance(frame.get("src"), str) and frame["src"] != address:
        yield Sighted(address, frame["src"][:200])
    if method in ("NotifyStatus", "NotifyFullStatus"):
        yield from _overlay(address, params, received)
    elif method == "NotifyEvent":
        yield from _events(address, params, received)


def _overlay(address: str, params: dict[str, Any], received: Received) -> Iterator[Heard]:
    when = _When(*happened(since_1970(params.get("ts")), received))
    for component, fields in params.items():
        kind_of, _, n = component.partition(":")
        if not isinstance(fields, dict):
            continue
        for field, value in fields.items():
            if value is None or (kind_of, field) not in COMPONENTS:
                continue
            kind, shape = COMPONENTS[kind_of, field]
            try:
                data = shape(n or "0", value, f"{component}.{field}")
            except UnreadableError as error:
                yield error.glitch
                continue
            state = f"{component}.{field}"
            yield Reading(address, kind, data, None, when.at, when.quality, state)


def _events(address: str, params: dict[str, Any], received: Received) -> Iterator[Heard]:
    several = params.get("events")
    if not isinstance(several, list):
        raise UnreadableError("not_a_list", "events is no list")
    for one in several:
        event = an_object(one, "an event")
        component, name = str(event.get("component", "")), event.get("event")
        kind_of, _, n = component.partition(":")
        if kind_of != "input" or name not in EVENTS:
            continue
        stamp = event.get("ts", params.get("ts"))
        told = since_1970(stamp)
        at, quality = happened(told, received)
        # A clock that is not set begins again at each boot: its time is no identity.
        sure = quality != "unknown" and at == told and (fine(stamp) or isinstance(stamp, float))
        key = named(FAMILY, address, component, name, stamp) if sure else None
        yield Reading(address, "input", {"input": n or "0", "event": name}, key, at, quality)


ADAPTER: Final = Adapter(FAMILY, read)
