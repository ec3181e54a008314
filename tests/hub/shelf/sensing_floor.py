"""A shop with a planned floor and devices that report, without a broker."""

import itertools
import json
from datetime import datetime, timedelta
from sqlite3 import Connection
from typing import Any

from hub import wire
from hub.clock import stamp
from hub.gs1 import encode_sgtin96
from hub.shelf import actions, queries, sensors
from hub.shelf.rules import Facing, Place
from hub.shelf.sensing import Sensor
from hub.shelf.sensing import Tuning as Scales
from hub.shelf.tagging import Tuning as Readers
from hub.shelf.tags import Watch
from hub.wire import Observation
from tests.hub.shop import BREAD, MILK, Shop

DEVICES = {"scale-1": "A-1", "eye-1": "B-7", "reader-1": "DOOR", "reader-2": "A-1", "lost": "?"}
SCALES = Scales()
READERS = Readers()
_numbers = itertools.count(1)


def place_of(conn: Connection, device: str) -> str:
    return DEVICES.get(device, "")


def seen(device: str, kind: str, data: dict[str, Any], **changes: Any) -> Observation:
    number = next(_numbers)
    body = {
        "id": f"o{number}", "boot": "b", "seq": number, "at": None, "uptime_ms": number,
        "time_quality": "unknown", "data": data,
    } | changes  # fmt: skip
    (found,) = wire.read(device, kind, json.dumps(body).encode())
    assert isinstance(found, Observation), found
    return found


def epc(gtin: str, serial: int) -> str:
    return encode_sgtin96(gtin, serial)


class Floor:
    """A-1 holds milk (24, low 6), B-7 bread; a door and a backroom."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.watch = Watch(READERS, place_of)
        for number, (name, kind) in enumerate(
            (("DOOR", "door"), ("A-1", "shelf"), ("B-7", "shelf"), ("BACK", "backroom"))
        ):
            shop.do(actions.put_place, Place(name, kind, name, "1", number))
        shop.do(actions.set_facing, Facing("A-1", "MILK", 4, 24, 6))
        shop.do(actions.set_facing, Facing("B-7", "BREAD", 2, 12, 3))

    @property
    def now_ms(self) -> int:
        return round(self.shop.clock.now().timestamp() * 1000)

    def wait(self, seconds: float) -> None:
        self.shop.clock.advance(timedelta(seconds=seconds))

    def weigh(self, *grams: float, device: str = "scale-1", every_s: float = 1.0) -> None:
        for one in grams:
            self.wait(every_s)
            sensed = [(seen(device, "weight", {"grams": one}), self.now_ms)]
            self.shop.run(lambda tx, s=sensed: sensors.weigh(tx, s, place_of, SCALES))

    def look(self, present: bool, device: str = "eye-1") -> None:
        self.wait(1)
        sensed = [(seen(device, "presence", {"present": present}), self.now_ms)]
        self.shop.run(lambda tx: sensors.notice(tx, sensed, place_of, SCALES))

    def tick(self, seconds: float = 0) -> None:
        self.wait(seconds)
        self.shop.do(sensors.settle, SCALES)

    def calibrate(self, units: int = 6, unit: float = 100.0) -> None:
        self.weigh(500, 500, 500)
        self.shop.do(sensors.calibrate, "scale-1", place_of, SCALES)
        self.weigh(*[500 + units * unit] * 3)
        self.shop.do(sensors.calibrate, "scale-1", place_of, SCALES, units=units, sku="MILK")

    def load(self, units: float, seconds: int = 4) -> None:
        self.weigh(*[500 + 100 * units] * seconds)

    def read(
        self, tags: list[str], device: str = "reader-1", rssi: float = -60.0, antenna: int = 1,
        watch: Watch | None = None, at_ms: int | None = None,
    ) -> None:  # fmt: skip
        at = self.now_ms if at_ms is None else at_ms
        sensed = [
            (seen(device, "rfid", {"epc": tag, "antenna": antenna, "rssi_dbm": rssi}), at)
            for tag in tags
        ]
        memory = watch or self.watch
        self.shop.run(lambda tx: memory.hear(tx, sensed))

    # -- looking

    def sensor(self, device: str = "scale-1") -> Sensor:
        found: Sensor = self.shop.store.read(queries.sensor, device)
        return found

    def gaps(self) -> list[tuple[str, str]]:
        return [(one["place"], one["sku"]) for one in self.shop.store.read(queries.gaps)]

    def tags(self) -> dict[str, str]:
        return {one["epc"]: one["place"] for one in self.shop.store.read(queries.tags_at)}

    def facts(self, *kinds: str) -> list[str]:
        def types(conn: Connection) -> list[str]:
            rows = conn.execute("SELECT json_extract(CAST(entry AS TEXT), '$.type') FROM journal")
            return [row[0] for row in rows]

        return [one for one in self.shop.store.read(types) if one in kinds]


__all__ = ["BREAD", "MILK", "Floor", "datetime", "epc", "place_of", "seen", "stamp"]
