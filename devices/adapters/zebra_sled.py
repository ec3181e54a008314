"""Zebra RFD40 and RFD90 RFID sleds, by MQTT; the Premium Plus models scan barcodes as well.

| topic | read | becomes |
|---|---|---|
| `<tenant>/DATA/clients/data1event/<serial>` | `data.tagData[]`: `EPCid`, `peakRssi` | `rfid` |
| | `data.barcodeData[]`: `decodedBarcode`, `symbology` | `scan` |
| `<tenant>/MGMT/clients/event/<serial>` | `eventName: heartbeat`: charge | `heartbeat` |
| `<tenant>/…/clients/rfid/<serial>` | `connectionState` | status |

Identity: the serial number, last in the topic. Dedupe key: tags: serial, `timestamp`, `eventNum`,
EPC; barcodes: only where `timestamp` has a fraction (two scans of one code in one second are two
scans). Clock: `timestamp`. Retained: never counted. Last will: `DISCONNECTED` on the `rfid` topic.
A sled has one antenna: 1. Zebra calls its tag stream a statistical view, not a log of every read.

It must never count one bar code twice because a tag beside it was sent again.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final, NamedTuple

from devices.adapters.shapes import (
    Adapter,
    Glitch,
    Heard,
    Quality,
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
)

FAMILY: Final = "zebra-sled"
ANTENNA: Final = 1
NO_RSSI: Final = -99.0


class _Event(NamedTuple):
    serial: str
    stamp: Any
    at: datetime | None
    quality: Quality


@careful
def read(topic: str, payload: bytes, received: Received) -> Iterator[Heard]:
    """Read what one message says."""
    channel, _, serial = topic.rpartition("/")
    if not serial or "/clients/" not in topic:
        yield Glitch("bad_topic", f"{topic[:200]!r} is no topic of a sled")
        return
    if channel.endswith("/rfid"):
        yield Status(serial, online(payload))
        return
    for found in read_glued(payload):
        event = an_object(found, "an event")
        stamp = event.get("timestamp")
        at, quality = happened(rfc3339(stamp), received)
        yield from _event(event, _Event(serial, stamp, at, quality))


def _event(event: dict[str, Any], of: _Event) -> Iterator[Heard]:
    inside = an_object(event.get("data", {}), "data")
    if str(event.get("eventName", "")).lower().startswith("heartbeat"):
        yield _heartbeat(event, inside, of)
        return
    for name, reads in (("tagData", _tag), ("barcodeData", _barcode)):
        several = inside.get(name, [])
        if not isinstance(several, list):
            raise UnreadableError("not_a_list", f"{name} is no list")
        for n, one in enumerate(several):
            try:
                yield reads(an_object(one, name), n, of)
            except UnreadableError as error:
                yield error.glitch


def _tag(tag: dict[str, Any], _n: int, of: _Event) -> Reading:
    epc, count = a_tag(tag.get("EPCid", tag.get("EPC"))), tag.get("eventNum")
    rssi = tag.get("peakRssi")
    data = {
        "epc": epc,
        "antenna": ANTENNA,
        "rssi_dbm": NO_RSSI if rssi is None else number(rssi, "peakRssi"),
    }
    sure = (isinstance(count, int) and rfc3339(of.stamp) is not None) or fine(of.stamp)
    key = named(FAMILY, of.serial, of.stamp, count, epc) if sure else None
    return Reading(of.serial, "rfid", data, key, of.at, of.quality)


def _barcode(code: dict[str, Any], n: int, of: _Event) -> Reading:
    read_code = code.get("decodedBarcode")
    if not isinstance(read_code, str) or not 0 < len(read_code) <= 4096:
        raise UnreadableError("bad_text", "decodedBarcode is no text")
    data = {"code": read_code}
    if code.get("symbology"):
        data["symbology"] = text(code["symbology"], "symbology")
    key = named(FAMILY, of.serial, of.stamp, "scan", n, read_code) if fine(of.stamp) else None
    return Reading(of.serial, "scan", data, key, of.at, of.quality)


def _heartbeat(event: dict[str, Any], inside: dict[str, Any], of: _Event) -> Reading:
    battery = an_object(inside.get("batteryAlert", {}), "batteryAlert").get("chargePercentage")
    data: dict[str, Any] = {}
    if battery is not None:
        data["battery_pct"] = min(100.0, max(0.0, number(battery, "chargePercentage")))
    count = event.get("eventNumber")
    sure = isinstance(count, int) and rfc3339(of.stamp) is not None
    key = named(FAMILY, of.serial, of.stamp, "heartbeat", count) if sure else None
    return Reading(of.serial, "heartbeat", data, key, of.at, of.quality)


ADAPTER: Final = Adapter(FAMILY, read, bridge=True)
