"""Zebra FX7500, FX9600 and FXR90 fixed RFID readers, by their "IoT Connector" over MQTT.

| topic | read | becomes |
|---|---|---|
| data topic, as configured | `data.idHex`, objects alone, in an array, or glued as `}{` | `rfid` |
| | `data.antenna` (0 where switched off), `data.peakRssi` (dBm; −99 where switched off) | |
| management events topic | `type: heartbeat` | `heartbeat` |
| | `type: gpi`: `data.pin`, `data.state` | `input` |
| …`/status` (set as the will's topic) | `online`, `offline` | status |

Identity: `data.hostName`, `data.MAC` or `reader_name`, where one of them is sent, else the topic.
Dedupe key: reader, `eventNum`, `timestamp`, EPC. Clock: `timestamp`. Retained: never counted. Last
will: as configured, on a topic that ends in `/status`. Errors, warnings and user events of the
management topic are known and say nothing to a shop.

It must never let a message that breaks off spoil what came whole before it.
"""

from collections.abc import Iterator
from typing import Any, Final

from devices.adapters.shapes import (
    Adapter,
    Glitch,
    Heard,
    Reading,
    Received,
    Status,
    UnreadableError,
    a_tag,
    an_object,
    careful,
    fine,
    happened,
    named,
    number,
    online,
    read_glued,
    rfc3339,
    text,
    whole,
)

FAMILY: Final = "zebra-fx"
NO_ANTENNA: Final = 0
NO_RSSI: Final = -99.0
_NAMES: Final = ("hostName", "hostname", "MAC", "mac")


@careful
def read(topic: str, payload: bytes, received: Received) -> Iterator[Heard]:
    """Read what one message says."""
    if topic.endswith("/status"):
        yield Status(topic.removesuffix("/status"), online(payload))
        return
    for found in read_glued(payload):
        for event in found if isinstance(found, list) else [found]:
            try:
                yield from _event(topic, an_object(event, "an event"), received)
            except UnreadableError as error:
                yield error.glitch


def _event(topic: str, event: dict[str, Any], received: Received) -> Iterator[Heard]:
    inside = an_object(event.get("data", {}), "data")
    told = next((inside[name] for name in _NAMES if inside.get(name)), event.get("reader_name"))
    address = text(told or topic, "the reader's name")
    stamp, count = event.get("timestamp"), inside.get("eventNum", event.get("eventNum"))
    at, quality = happened(rfc3339(stamp), received)
    # The counter begins again with the reader: with its time it names one event.
    sure = (isinstance(count, int) and rfc3339(stamp) is not None) or fine(stamp)
    if "idHex" in inside:
        epc = a_tag(inside["idHex"])
        antenna, rssi = inside.get("antenna"), inside.get("peakRssi")
        data = {
            "epc": epc,
            "antenna": NO_ANTENNA if antenna is None else whole(antenna, "antenna"),
            "rssi_dbm": NO_RSSI if rssi is None else number(rssi, "peakRssi"),
        }
        key = named(FAMILY, address, count, stamp, epc, antenna) if sure else None
        yield Reading(address, "rfid", data, key, at, quality)
    elif event.get("type") == "gpi":
        pin, state = whole(inside.get("pin"), "pin"), text(inside.get("state"), "state")
        key = named(FAMILY, address, "gpi", count, stamp, pin, state) if sure else None
        yield Reading(address, "input", {"input": f"gpi-{pin}", "event": state}, key, at, quality)
    elif event.get("type") == "heartbeat":
        key = named(FAMILY, address, "heartbeat", count, stamp) if sure else None
        yield Reading(address, "heartbeat", {}, key, at, quality)
    elif not isinstance(event.get("type"), str):
        yield Glitch("unknown_event", "there is neither data.idHex nor a type")


ADAPTER: Final = Adapter(FAMILY, read)
