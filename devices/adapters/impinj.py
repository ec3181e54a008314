"""Impinj R700 and R510 fixed RFID readers, by their "IoT device interface" over MQTT.

| topic | read | becomes |
|---|---|---|
| as configured in the reader | `eventType: tagInventory`: `epcHex` or `epc` (base64) | `rfid` |
| | `antennaPort` (0 where the field is switched off) | `antenna` |
| | `peakRssiCdbm` (hundredths of a dBm; −99 where switched off) | `rssi_dbm` |
| | `eventType: gpiTransition` | `input` |
| …`/status` (set as the will's topic in the reader) | `online`, `offline` | status |

Identity: `hostname` where it is sent, else the topic. Dedupe key: host, time (nanoseconds), EPC,
antenna. Clock: `lastSeenTime`, else `timestamp`. Retained: never counted; the reader retains
nothing by itself. Last will: as configured, on a topic that ends in `/status`. Other event types
(diagnostic, overflow, inventory status …) are known and say nothing to a shop.

It must never let one bad event of an array spoil the others.
"""

import base64
import binascii
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

FAMILY: Final = "impinj"
# A field that is switched off: no antenna is 0, and no tag is weaker than this.
NO_ANTENNA: Final = 0
NO_RSSI: Final = -99.0


@careful
def read(topic: str, payload: bytes, received: Received) -> Iterator[Heard]:
    """Read what one message says; a webhook's array and a stream's lines are read as well."""
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
    address = event.get("hostname") or topic
    what = event.get("eventType", "tagInventory" if "tagInventoryEvent" in event else None)
    if what == "tagInventory":
        inside = an_object(event.get("tagInventoryEvent"), "tagInventoryEvent")
        yield _tag(text(address, "hostname"), event, inside, received)
    elif what == "gpiTransition":
        inside = an_object(event.get("gpiTransitionEvent"), "gpiTransitionEvent")
        stamp = event.get("timestamp")
        pin, way = whole(inside.get("gpi"), "gpi"), text(inside.get("transition"), "transition")
        at, quality = happened(rfc3339(stamp), received)
        key = named(FAMILY, address, "gpi", pin, way, stamp) if fine(stamp) else None
        data = {"input": f"gpi-{pin}", "event": way}
        yield Reading(text(address, "hostname"), "input", data, key, at, quality)
    elif not isinstance(what, str):
        yield Glitch("unknown_event", "there is no eventType")


def _tag(
    address: str, event: dict[str, Any], inside: dict[str, Any], received: Received
) -> Reading:
    epc = a_tag(inside["epcHex"]) if "epcHex" in inside else _from_base64(inside.get("epc"))
    stamp = inside.get("lastSeenTime") or event.get("timestamp")
    at, quality = happened(rfc3339(stamp), received)
    antenna, rssi = inside.get("antennaPort"), inside.get("peakRssiCdbm")
    data = {
        "epc": epc,
        "antenna": NO_ANTENNA if antenna is None else whole(antenna, "antennaPort"),
        "rssi_dbm": NO_RSSI if rssi is None else number(rssi, "peakRssiCdbm") / 100,
    }
    key = named(FAMILY, address, stamp, epc, antenna) if fine(stamp) else None
    return Reading(address, "rfid", data, key, at, quality)


def _from_base64(value: Any) -> str:
    try:
        # In the alphabet for URLs, its padding left away now and then.
        raw = value.replace("+", "-").replace("/", "_").rstrip("=")
        return a_tag(base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4)).hex())
    except (AttributeError, binascii.Error, ValueError) as error:
        raise UnreadableError("bad_epc", "there is neither epcHex nor epc in base64") from error


ADAPTER: Final = Adapter(FAMILY, read)
