"""The floor from outside: a plan imported, a scale taught, a gap opened and closed, tags at a door,
an inventory that becomes a count. The hub is killed in the middle."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from hub.gs1 import encode_sgtin96
from tests.device import Device
from tests.floor import Floor

# Seconds instead of minutes, so that a story does not take an hour.
FAST = {
    "STOREHUB_SHELF_STABLE_S": "0.3",
    "STOREHUB_SHELF_GAP_S": "1",
    "STOREHUB_TAG_GONE_S": "8",
}


@pytest.fixture
def floor(new_floor: Callable[..., Floor]) -> Floor:
    return new_floor("mosquitto", **FAST)


def enrolled(floor: Floor, name: str, kind: str, place: str) -> Device:
    said = floor.storehub("device", "enrol", name, "--kind", kind, "--place", place, "--json")
    known = json.loads(said.stdout)
    url = urlsplit(floor.facts()["urls"]["mqtt"])
    host, port = url.hostname or "127.0.0.1", url.port or 1883
    return Device(floor.store, name, host, port, known["username"], known["password"])


def gtin_of(item: dict[str, Any]) -> str:
    found = item["gtin"]
    return str(found[0] if isinstance(found, list) else found).zfill(14)


def planned(floor: Floor, directory: Path, milk: str, tea: str) -> None:
    path = directory / "plan.csv"
    path.write_text(
        "place,kind,place_name,aisle,position,sku,capacity,low,tagged\n"
        f"A-1,shelf,Cooler,Dairy,10,{milk},24,6,\n"
        f"B-2,shelf,Tea,Dry,20,{tea},30,5,yes\n"
        "DOOR,door,Entrance,,1,,,,\n",
        encoding="utf-8",
    )
    dry = floor.storehub("import", "planogram", str(path), "--dry-run", "--json")
    assert json.loads(dry.stdout)["rows"] == 3
    assert floor.hub.get("/shelf/places/A-1").status_code == 404, "a dry run changes nothing"
    floor.storehub("import", "planogram", str(path))


def product(floor: Floor, place: str) -> dict[str, Any]:
    (found,) = floor.hub.json(f"/shelf/places/{place}")["products"]
    return dict(found)


def tasks(floor: Floor, kind: str) -> list[str]:
    return [one["subject"] for one in floor.hub.json("/tasks", kind=kind)["items"]]


def types(floor: Floor) -> list[str]:
    lines = floor.storehub("export", "journal").stdout.splitlines()
    return [json.loads(line)["entry"]["type"] for line in lines]


@pytest.mark.timeout(240)
def test_a_shelf_and_a_door_are_watched_and_counted(floor: Floor, tmp_path: Path) -> None:
    first, second = floor.goods(2)
    milk, tea = first["sku"], second["sku"]
    planned(floor, tmp_path, milk, tea)
    walked = [one["place"] for one in floor.hub.json("/shelf/places")["items"]]
    assert [one for one in walked if one in ("A-1", "B-2", "DOOR")] == ["DOOR", "A-1", "B-2"]
    floor.receive({milk: 40})

    # A scale is taught in two steps, then goods leave, and the hub is killed while it is empty.
    with enrolled(floor, "scale-a1", "scale", "A-1") as scale:
        weigh(scale, 800, 3)
        floor.storehub("shelf", "calibrate", "scale-a1")
        weigh(scale, 800 + 12 * 1030, 3)
        done = floor.hub.done("/shelf/sensors/scale-a1/calibrate", {"units": 12, "sku": milk})
        assert (done["units"], done["calibrated"]) == (12, True)
        assert product(floor, "A-1")["units"] == 12
        weigh(scale, 800 + 4 * 1030, 4)
        floor.until(lambda: tasks(floor, "replenish") == [f"shelf:A-1:{milk}"], "it runs low")
        weigh(scale, 815, 4)
        floor.kill("hub")
        floor.wait_ready()
        floor.until(lambda: product(floor, "A-1")["state"] == "gap", "the gap is open")
        weigh(scale, 790, 5)
        weigh(scale, 800 + 20 * 1030, 4)
        floor.until(lambda: product(floor, "A-1")["state"] == "ok", "restocked")
        assert tasks(floor, "replenish") == []

    # Five hundred reads of twenty tags at the door, with a kill in the middle.
    tags = [encode_sgtin96(gtin_of(second), serial) for serial in range(20)]
    with enrolled(floor, "door-1", "rfid", "DOOR") as reader:
        reader.wait(reads(reader, tags, 12))
        floor.kill("hub")
        reader.wait(reads(reader, tags, 13), timeout=60)
        floor.wait_ready()
        here = floor.hub.json("/shelf/tags", place="DOOR")["items"]
        assert sorted(one["epc"] for one in here) == sorted(tags)
        floor.until(lambda: floor.hub.json("/shelf/tags")["items"] == [], "all have left")

    # An inventory with a sled: a small difference is counted, a large one waits for a person.
    floor.hub.done("/counts", {"sku": tea, "counted": 21})
    with enrolled(floor, "sled-1", "rfid", "") as sled:
        begun = floor.storehub("shelf", "inventory", "begin", "--device", "sled-1", "--json")
        sweep = json.loads(begun.stdout)["id"]
        sled.wait(reads(sled, tags, 3))
        counted = floor.hub.done(f"/shelf/inventories/{sweep}/end")
        assert [(one["tags"], one["state"]) for one in counted["result"]] == [(20, "counted")]
        assert floor.on_hand(tea) == 20
        sweep = floor.hub.done("/shelf/inventories", {"place": "*", "device": "sled-1"})["id"]
        sled.wait(reads(sled, tags[:9], 2))
        floor.kill("hub")
        floor.wait_ready()
        sled.wait(reads(sled, tags[:12], 1), timeout=60)
        waiting = floor.hub.done(f"/shelf/inventories/{sweep}/end")
        assert [(one["tags"], one["state"]) for one in waiting["result"]] == [(12, "waiting")]
        assert floor.on_hand(tea) == 20
        assert tasks(floor, "confirm") == [f"inventory:{sweep}"]
        floor.storehub("shelf", "inventory", "confirm", sweep, tea)
        assert floor.on_hand(tea) == 12
        assert tasks(floor, "confirm") == []

    said = types(floor)
    assert (said.count("ShelfGapOpened"), said.count("ShelfGapClosed")) == (1, 1)
    assert (said.count("TagArrived"), said.count("TagDeparted")) == (20, 20)
    assert said.count("TagsCounted") == 2
    floor.in_step()
    report = floor.verify()
    assert report["ok"], report


def weigh(scale: Device, grams: float, times: int) -> None:
    for number in range(times):
        assert scale.send("weight", {"grams": grams + number})["status"] == "committed"
        time.sleep(0.15)


def reads(reader: Device, tags: list[str], times: int) -> list[str]:
    bodies = [
        reader.body({"epc": tag, "antenna": 1, "rssi_dbm": -61.5})
        for _ in range(times)
        for tag in tags
    ]
    for body in bodies:
        reader.publish("rfid", body)
    return [body["id"] for body in bodies]
