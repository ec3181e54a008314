"""Sparkplug B edge nodes (version 3 of the specification): scales, PLCs, refrigeration, meters.

| topic | read | becomes |
|---|---|---|
| `spBv1.0/<group>/NBIRTH/<node>`, `…/DBIRTH/<node>/<device>` | names of aliases, values | status |
| `…/NDATA/…`, `…/DDATA/…` | numbers: quantity = the metric's name | `measure` |
| | true and false | `input`, on or off |
| | a metric called `…battery…`, 0 to 100 | `heartbeat` |
| `…/NDEATH/…` (last will), `…/DDEATH/…` | of a node: its devices go with it | status |

Identity: `<group>/<node>` or `<group>/<node>/<device>`. Dedupe key: a value is news when it differs
from the last one (a birth repeats all); historical ones: metric, time and value. Clock: the
metric's `timestamp`, else the payload's, ms since 1970. Retained: never counted; births and deaths
are not retained. Last will: NDEATH, believed when its `bdSeq` is that of the last birth. Texts,
data sets, templates, commands and `Node Control/…` say nothing to a shop; `seq` is not watched.

It must never guess what an alias means: before its birth it is unreadable, and can be read again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from devices.adapters import protobuf
from devices.adapters.shapes import (
    Adapter,
    Glitch,
    Heard,
    Learned,
    Reading,
    Received,
    Status,
    UnreadableError,
    careful,
    happened,
    named,
    number,
    since_1970,
    text,
)

FAMILY: Final = "sparkplug"
ROOT: Final = "spBv1.0"
BIRTHS: Final = frozenset({"NBIRTH", "DBIRTH"})
DATA: Final = frozenset({"NDATA", "DDATA"})
DEATHS: Final = frozenset({"NDEATH", "DDEATH"})
# Signed data types and their width in bits; Int8 to Int32 travel in 32 bits.
_SIGNED: Final = {1: 32, 2: 32, 3: 32, 4: 64}
_BOOLEAN: Final = 11
_MANY: Final = 2_000
_OWN: Final = ("Node Control/", "Device Control/", "Node Info/", "Properties/")


@dataclass(slots=True)
class _Metric:
    name: str = ""
    alias: int | None = None
    stamp: int | None = None
    datatype: int = 0
    historical: bool = False
    value: float | bool | None = None


@careful
def read(topic: str, payload: bytes, received: Received) -> Iterator[Heard]:
    """Read what one message says."""
    parts = topic.split("/")
    if len(parts) not in (4, 5) or parts[0] != ROOT or not all(parts):
        if parts[:2] != [ROOT, "STATE"]:
            yield Glitch("bad_topic", f"{topic[:200]!r} is no topic of Sparkplug")
        return
    group, kind, *path = parts[1:]
    node, address = f"{group}/{path[0]}", "/".join((group, *path))
    if kind not in BIRTHS | DATA | DEATHS:
        return
    stamp, metrics = _payload(payload)
    if kind in DEATHS:
        yield from _death(kind, node, address, metrics, received)
        return
    if kind in BIRTHS:
        yield from _birth(node, address, metrics, received)
    for metric in metrics:
        try:
            found = _reading(address, node, metric, stamp, received)
        except UnreadableError as error:
            yield error.glitch
            continue
        if found is not None:
            yield found


def _birth(node: str, address: str, metrics: list[_Metric], received: Received) -> Iterator[Heard]:
    yield Status(address, True)
    for metric in metrics:
        if metric.alias is not None and metric.name:
            # Aliases are unique in a node, its devices' included.
            yield Learned(f"{node} alias {metric.alias}", text(metric.name, "a metric's name"))
        if metric.name == "bdSeq":
            yield Learned(f"{node} bdSeq", str(metric.value))
    if address != node:
        below = set((received.known(f"{node} devices") or "").split("\n")) - {""}
        yield Learned(f"{node} devices", "\n".join(sorted(below | {address})))


def _death(
    kind: str, node: str, address: str, metrics: list[_Metric], received: Received
) -> Iterator[Heard]:
    born = received.known(f"{node} bdSeq")
    said = next((str(one.value) for one in metrics if one.name == "bdSeq"), None)
    if kind == "NDEATH" and None not in (born, said) and born != said:
        return  # the will of an earlier life, which came late
    yield Status(address, False)
    if kind == "NDEATH":
        for device in (received.known(f"{node} devices") or "").split("\n"):
            if device:
                yield Status(device, False)


def _reading(
    address: str, node: str, metric: _Metric, stamp: int | None, received: Received
) -> Reading | None:
    name = metric.name
    if not name and metric.alias is not None:
        name = received.known(f"{node} alias {metric.alias}") or ""
        if not name:
            raise UnreadableError("unknown_alias", f"alias {metric.alias} has no birth yet")
    if metric.value is None or name == "bdSeq" or name.startswith(_OWN):
        return None
    kind, data = _said(text(name, "a metric's name"), metric.value)
    told = metric.stamp if metric.stamp is not None else stamp
    at, quality = happened(since_1970(told, 0.001), received)
    if metric.historical:
        key = None if told is None else named(FAMILY, address, name, told, metric.value)
        return Reading(address, kind, data, key, at, quality)
    return Reading(address, kind, data, None, at, quality, name)


def _said(name: str, value: float | bool) -> tuple[str, dict[str, Any]]:
    if isinstance(value, bool):
        return "input", {"input": name, "event": "on" if value else "off"}
    value = number(value, name)
    if "battery" in name.lower() and 0 <= value <= 100:
        return "heartbeat", {"battery_pct": value}
    return "measure", {"quantity": name, "value": value}


# --- the payload


def _payload(raw: bytes) -> tuple[int | None, list[_Metric]]:
    stamp: int | None = None
    metrics: list[_Metric] = []
    for field, _, value in protobuf.fields(raw):
        if field == 1 and isinstance(value, int):
            stamp = value
        elif field == 2 and isinstance(value, bytes):
            if len(metrics) >= _MANY:
                raise UnreadableError("too_many", f"more than {_MANY} metrics in one message")
            metrics.append(_metric(value))
    return stamp, metrics


def _metric(raw: bytes) -> _Metric:
    made = _Metric()
    held: tuple[int, int | bytes] | None = None
    for field, _, value in protobuf.fields(raw):
        if isinstance(value, int):
            match field:
                case 2:
                    made.alias = value
                case 3:
                    made.stamp = value
                case 4:
                    made.datatype = value
                case 5:
                    made.historical = bool(value)
                case 10 | 11 | 14:
                    held = (field, value)
        elif field == 1:
            made.name = value.decode("utf-8", "replace")
        elif field in (12, 13):
            held = (field, value)
    if held is not None:
        made.value = _value(made.datatype, *held)
    return made


def _value(datatype: int, field: int, value: int | bytes) -> float | bool:
    if isinstance(value, bytes):
        if len(value) != (4 if field == 12 else 8):
            raise UnreadableError("not_protobuf", f"field {field} has {len(value)} bytes")
        return protobuf.float32(value) if field == 12 else protobuf.float64(value)
    if field == 14 or datatype == _BOOLEAN:
        return bool(value)
    return protobuf.signed(value, _SIGNED[datatype]) if datatype in _SIGNED else value


ADAPTER: Final = Adapter(FAMILY, read, bridge=True)
