"""Devices that do not speak our protocol, from outside: enrolled with grants, heard by a gateway,
sighted, adopted, counted under their own names; the gateway is killed in the middle.
"""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from devices.account import Account
from tests.floor import COMMAND, ROOT, Floor

READS = 900
PRESSES = 500
BELL, DOOR = "zigbee2mqtt/counter/bell", "zigbee2mqtt/floor/back door"


class Beside:
    """`storehub devices run` in a directory of its own, as on another machine of the store."""

    def __init__(self, floor: Floor, directory: Path) -> None:
        self.floor, self.directory = floor, directory
        self.log = directory / "devices.log"
        self._process: subprocess.Popen[bytes] | None = None
        account = enrolled(floor, "gateway-1", "--kind", "gateway")
        account.save(directory / "devices" / "gateway-1.json")
        (directory / "devices.toml").write_text('[gateway]\ndevice = "gateway-1"\n')

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*COMMAND, "devices", "run", "--data", str(self.directory)],
                cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=log,
                stderr=subprocess.STDOUT,
            )  # fmt: skip

    def end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(how)
            process.wait(60)


class Foreigner:
    """A reader or a bridge: an account that may write its own topics, QoS 1."""

    def __init__(self, account: Account) -> None:
        self.client = Client(CallbackAPIVersion.VERSION2, client_id=f"{account.device}-itself")
        self.client.username_pw_set(account.username, account.password)
        self.client.max_queued_messages_set(100_000)
        self.client.connect(account.host, account.port)
        self.client.loop_start()

    def say(self, topic: str, payload: object, *, retain: bool = False) -> None:
        raw = payload if isinstance(payload, str) else json.dumps(payload)
        self.client.publish(topic, raw, qos=1, retain=retain).wait_for_publish(20)

    def leave(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def enrolled(floor: Floor, name: str, *how: str) -> Account:
    made = json.loads(floor.storehub("device", "enrol", name, *how, "--json").stdout)
    url = urlsplit(floor.facts()["urls"]["mqtt"])
    host, port = url.hostname or "127.0.0.1", url.port or 1883
    return Account(floor.store, name, host, port, name, made["password"])


def shown(floor: Floor, name: str) -> dict[str, Any]:
    found: dict[str, Any] = floor.hub.json(f"/devices/{name}")
    return found


def received(floor: Floor, name: str) -> int:
    return int(shown(floor, name)["device"]["received"] or 0)


def waiting(floor: Floor) -> list[dict[str, Any]]:
    return list(floor.hub.json("/sightings")["items"])


def quarantined(floor: Floor) -> list[dict[str, Any]]:
    rows = floor.hub.json("/quarantine")["items"]
    return [row for row in rows if row["source"] == "foreign"]


def tag(n: int) -> dict[str, Any]:
    return {
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime()) + f"{n:09d}Z",
        "eventType": "tagInventory",
        "tagInventoryEvent": {
            "epcHex": f"303435FC8803D056D15B{n % 50:04X}", "antennaPort": 1, "peakRssiCdbm": -6000,
        },
    }  # fmt: skip


@pytest.fixture
def stage(
    new_floor: Callable[..., Floor], tmp_path: Path
) -> Iterator[tuple[Floor, Beside, Foreigner, Foreigner]]:
    floor = new_floor("mosquitto")
    beside = Beside(floor, tmp_path / "beside")
    reader_of = ("--kind", "rfid", "--family", "impinj", "--via", "gateway-1")
    bridge_of = ("--kind", "bridge", "--family", "zigbee2mqtt", "--via", "gateway-1")
    reader = Foreigner(enrolled(floor, "door-1", *reader_of, "--grant", "rfid/door-1/#"))
    bridge = Foreigner(enrolled(floor, "z2m", *bridge_of, "--grant", "zigbee2mqtt/#"))
    beside.start()
    try:
        floor.until(lambda: received(floor, "gateway-1") > 0, "the gateway lives")
        yield floor, beside, reader, bridge
    except BaseException:
        print(beside.log.read_text()[-3000:])
        raise
    finally:
        with contextlib.suppress(subprocess.TimeoutExpired):
            beside.end(signal.SIGTERM)
        beside.end(signal.SIGKILL)
        reader.leave()
        bridge.leave()


@pytest.mark.timeout(240)
def test_foreign_devices_from_the_first_word_to_a_kill_in_the_middle(
    stage: tuple[Floor, Beside, Foreigner, Foreigner],
) -> None:
    floor, beside, reader, bridge = stage

    # Heard, and nobody knows it: it waits to be adopted, and nothing is counted before.
    def sighted() -> bool:
        bridge.say(BELL, {"action": "single"})
        time.sleep(0.3)
        return any(one["address"] == "counter/bell" for one in waiting(floor))

    floor.until(sighted, "the bell is sighted")
    for address, name in (("counter/bell", "bell-1"), ("floor/back door", "back-door")):
        if address != "counter/bell":
            bridge.say(DOOR, {"contact": True}, retain=True)
            floor.until(
                lambda: any(one["address"] == "floor/back door" for one in waiting(floor)),
                "the door is sighted",
            )
        floor.storehub("device", "adopt", "zigbee2mqtt", address, name, "--kind", "sensor",
                       "--place", "counter", "--power", "battery")  # fmt: skip
    assert waiting(floor) == []

    # Adopted, it speaks under its own name; a repeated state is told once.
    def state_told() -> bool:
        bridge.say(DOOR, {"contact": False, "linkquality": 87})
        return any(one["kind"] == "presence" for one in shown(floor, "back-door")["observations"])

    floor.until(state_told, "the door is observed")
    told = [one for one in shown(floor, "back-door")["observations"] if one["kind"] == "presence"]
    assert [json.loads(one["body"]) for one in told] == [{"present": False}]
    floor.until(lambda: shown(floor, "back-door")["device"]["state"] == "online", "it is there")

    # 0 lost, 0 doubled, though the gateway is killed in the middle.
    before = received(floor, "bell-1")
    for n in range(max(READS, PRESSES)):
        if n < READS:
            raw = json.dumps(tag(n))
            reader.client.publish("rfid/door-1/tags", raw, qos=1)
        if n < PRESSES:
            # Without last_seen: nothing tells one press from the next but the broker's delivery.
            bridge.client.publish(BELL, '{"action":"single"}', qos=1)
        if n in (200, 450):
            beside.end(signal.SIGKILL)
            beside.start()
        time.sleep(0.001)
    floor.until(lambda: received(floor, "door-1") >= READS, "each read has come")
    floor.until(lambda: received(floor, "bell-1") >= before + PRESSES, "each press has come")
    time.sleep(1.5)
    assert received(floor, "door-1") == READS
    assert received(floor, "bell-1") == before + PRESSES
    assert shown(floor, "door-1")["device"]["missing"] == 0

    # What nobody can read lies in quarantine with family and reason, and goes back to be read.
    reader.say("rfid/door-1/tags", "{broken")
    floor.until(lambda: quarantined(floor), "it is quarantined")
    (bad,) = quarantined(floor)
    assert (bad["reason"], bad["topic"]) == ("impinj: not_json", "rfid/door-1/tags")
    answer = floor.storehub("quarantine", "replay", str(bad["id"]), "--json")
    assert json.loads(answer.stdout)[0]["outcome"] == "sent back"

    def twice() -> bool:
        return [row["times"] for row in quarantined(floor)] == [2]

    floor.until(twice, "it is as unreadable as before")

    # A last will is told in the device's own name.
    bridge.say(f"{DOOR}/availability", {"state": "offline"}, retain=True)
    floor.until(lambda: shown(floor, "back-door")["device"]["state"] == "away", "it is away")
    bridge.say("zigbee2mqtt/bridge/state", {"state": "offline"}, retain=True)
    floor.until(lambda: shown(floor, "bell-1")["device"]["state"] == "away", "the bell is too")
    assert beside.log.read_text().count("back-door is away") == 1

    # What is retained is not counted again by the next life.
    counted = received(floor, "back-door")
    beside.end(signal.SIGTERM)
    beside.start()
    bridge.say(BELL, {"action": "double"})
    floor.until(lambda: received(floor, "bell-1") > before + PRESSES, "the next life hears")
    assert received(floor, "back-door") == counted
