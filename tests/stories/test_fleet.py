"""The fleet from outside: let in, told, moved, renewed; adopted, and spoken for by its gateway."""

import json
import time
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.device import Device
from tests.floor import Floor

pytestmark = pytest.mark.slow


def connected(floor: Floor, name: str, password: str) -> Device:
    url = urlsplit(floor.facts()["urls"]["mqtt"])
    host, port = url.hostname or "127.0.0.1", url.port or 1883
    return Device(floor.store, name, host, port, name, password)


def told(floor: Floor, name: str) -> dict[str, Any]:
    shown: dict[str, Any] = floor.hub.json(f"/devices/{name}")["device"]
    return shown


def test_a_device_is_let_in_heard_told_moved_and_renewed(floor: Floor) -> None:
    made = floor.hub.done("/devices/fleet-1/enrol", {"kind": "till", "place": "counter"})
    assert told(floor, "fleet-1")["state"] == "never"
    with connected(floor, "fleet-1", made["password"]) as device:
        heartbeat = {"battery_pct": 12, "firmware": "9.1", "outbox": 3, "oldest_s": 700}
        assert device.send("heartbeat", heartbeat)["status"] == "committed"
        device.seq += 4
        device.send("scan", {"code": "4006381333931"})
        shown = told(floor, "fleet-1")
        assert (shown["state"], shown["firmware"], shown["outbox"]) == ("online", "9.1", 3)
        assert shown["needs"] == ["waiting", "battery_low", "gaps"]
        assert floor.hub.json("/devices/fleet-1")["missing"] == [[2, 5]]

        key = floor.hub.done("/devices/fleet-1/commands", {"name": "identify"})["key"]
        floor.until(lambda: device.commands, "the command has come")
        topic, payload = device.commands[0]
        assert (topic.rpartition("/")[2], json.loads(payload)["key"]) == ("identify", key)
        device.send("done", {"key": key, "state": "done"})
        (command,) = floor.hub.json("/devices/fleet-1")["commands"]
        assert (command["state"], command["answer"]) == ("done", "done")

        floor.storehub("device", "move", "fleet-1", "door 2")
        listed = json.loads(floor.storehub("device", "list", "--json").stdout)
        assert next(one for one in listed if one["id"] == "fleet-1")["place"] == "door 2"

        renewed = json.loads(floor.storehub("device", "rotate", "fleet-1", "--json").stdout)
        floor.until(lambda: not device.client.is_connected(), "the old password's line is cut")
    with connected(floor, "fleet-1", renewed["password"]) as device:
        assert device.send("scan", {"code": "4006381333931"})["status"] == "committed"
    floor.hub.done("/devices/fleet-1/revoke", {})
    assert told(floor, "fleet-1")["state"] == "revoked"


def test_what_a_gateway_noticed_is_adopted_and_speaks_through_it(floor: Floor) -> None:
    made = floor.hub.done("/devices/fleet-gate/enrol", {"kind": "gateway", "place": "back room"})
    with connected(floor, "fleet-gate", made["password"]) as gateway:
        seen = {"family": "zigbee2mqtt", "address": "0xf1ee7", "name": "Fridge 9"}
        assert gateway.send("sighted", seen)["status"] == "committed"
        waiting = json.loads(floor.storehub("device", "list", "--waiting", "--json").stdout)
        assert [one["via"] for one in waiting if one["address"] == "0xf1ee7"] == ["fleet-gate"]

        # Not adopted yet, nobody may speak for it.
        topic = f"storehub/v1/{floor.store}/fleet-fridge/obs/measure"
        body = gateway.body({"quantity": "temperature", "value": 4.5, "unit": "C"})
        gateway.publish_raw(topic, json.dumps(body).encode())
        time.sleep(1)
        assert floor.hub.get("/devices/fleet-fridge").status_code == 404

        arguments = ("zigbee2mqtt", "0xf1ee7", "fleet-fridge", "--kind", "climate")
        adopted = floor.storehub("device", "adopt", *arguments, "--power", "battery", "--json")
        assert json.loads(adopted.stdout)["password"] == ""
        floor.until(lambda: any("devices" in t for t, _ in gateway.commands), "it is told of it")

        def spoken() -> bool:
            gateway.publish_raw(topic, json.dumps(gateway.body(body["data"])).encode())
            return bool(told(floor, "fleet-fridge")["received"])

        floor.until(spoken, "its gateway speaks for it")
        shown = told(floor, "fleet-fridge")
        assert (shown["state"], shown["guarantee"], shown["via"]) == ("online", "C", "fleet-gate")
        gateway.publish_raw(f"{gateway.base}/status", b'{"online":false}')
    floor.until(lambda: told(floor, "fleet-gate")["state"] == "away", "the gateway is away")
    shown = told(floor, "fleet-fridge")
    assert (shown["state"], shown["reason"]) == ("away", "gateway")
