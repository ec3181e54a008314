"""The SDK through a real broker, with a test in the hub's place that answers when it likes."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from devices import client
from devices.client import Account, DeviceClient
from hub import broker, settings
from tests.hub.ingesting import STORE, free_port, running_broker, until
from tests.hub.test_broker import Party, needs_mosquitto

pytestmark = needs_mosquitto
BASE = f"storehub/v1/{STORE}/a"


class Hub(Party):
    """What a hub hears from one device."""

    def observations(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for topic, raw in self.heard:
            if "/obs/" in topic:
                read = json.loads(raw)
                found += read if isinstance(read, list) else [read]
        return found

    def ack(self, *ids: str, status: str = "committed") -> None:
        acks = [{"id": one, "status": status, "reason": None} for one in ids]
        self.say(f"{BASE}/ack", json.dumps({"acks": acks}).encode())

    def ask(self, name: str, **command: Any) -> list[str]:
        """Ask once more; return how the device says that this command ended."""
        self.say(f"{BASE}/cmd/{name}", json.dumps(command).encode())
        data = [one["data"] for one in self.observations()]
        key = command["key"]
        return [one["state"] for one in data if key in (one.get("key"), one.get("job"))]


class Stage:
    def __init__(self, directory: Path, chosen: settings.Settings, stack: ExitStack) -> None:
        self.directory, self.chosen = directory, chosen
        self.hub = Hub(chosen.mqtt_port, "hub", broker.hub_password(directory, chosen))
        stack.callback(self.hub.leave)
        self.hub.hear(f"storehub/v1/{STORE}/+/obs/#", f"storehub/v1/{STORE}/+/status")

    def device(self, **more: Any) -> DeviceClient:
        account = Account(STORE, "a", "127.0.0.1", self.chosen.mqtt_port, "a", "secret-of-a")
        made = DeviceClient(account, self.directory / "devices", **more)
        made.start()
        return made


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setattr(client, "RESEND_S", (0.4, 1.0))
    with ExitStack() as stack:
        kind = "mosquitto"
        chosen, _ = stack.enter_context(running_broker(tmp_path, kind, ("a",), free_port()))
        yield Stage(tmp_path, chosen, stack)


def test_an_observation_is_sent_again_byte_by_byte_until_it_is_acked(stage: Stage) -> None:
    device = stage.device()
    name = device.observe("scan", {"code": "1"})
    until(lambda: len(stage.hub.observations()) >= 2, "it is sent again")
    first, second, *_ = [raw for topic, raw in stage.hub.heard if "/obs/" in topic]
    assert first == second
    stage.hub.ack(name)
    assert device.drained(5)
    device.stop()


def test_the_broker_s_own_confirmation_lets_nothing_go(stage: Stage) -> None:
    device = stage.device()
    device.observe("scan", {"code": "1"})
    until(stage.hub.observations, "the broker has it")
    device.stop()
    again = stage.device()
    assert again.outbox.count() == 1
    again.stop()


def test_what_waits_goes_out_in_batches_and_in_order(stage: Stage) -> None:
    first = stage.device()
    first.stop()
    offline = DeviceClient(first.account, stage.directory / "devices")
    names = [offline.observe("weight", {"grams": n}) for n in range(600)]
    offline.outbox.close()
    device = stage.device(on_ack=None)

    def answer() -> bool:
        stage.hub.ack(*(one["id"] for one in stage.hub.observations()))
        return device.drained(0.2)

    until(answer, "all is confirmed")
    came = list(dict.fromkeys(one["id"] for one in stage.hub.observations()))
    assert came == names
    assert len([topic for topic, _ in stage.hub.heard if topic.endswith("/obs/batch")]) >= 2
    device.stop()


@pytest.mark.parametrize("status", ["committed", "duplicate", "quarantined", "refused"])
def test_each_word_of_the_hub_ends_resending_and_is_told(stage: Stage, status: str) -> None:
    told: list[tuple[str, str, str | None]] = []
    device = stage.device(on_ack=lambda *word: told.append(word))
    name = device.observe("scan", {"code": "1"})
    until(stage.hub.observations, "it came")
    stage.hub.ack(name, status=status)
    assert device.drained(5)
    device.stop()
    assert told == [(name, status, None)]


def test_the_status_comes_first_and_the_last_word_is_offline(stage: Stage) -> None:
    offline = DeviceClient(
        Account(STORE, "a", "127.0.0.1", stage.chosen.mqtt_port, "a", "secret-of-a"),
        stage.directory / "devices",
    )
    offline.observe("scan", {"code": "1"})
    offline.outbox.close()
    device = stage.device()
    until(stage.hub.observations, "it came")
    topic, raw = stage.hub.heard[0]
    assert topic.endswith("/status")
    assert json.loads(raw)["uptime_ms"] > 0
    device.stop()
    until(lambda: stage.hub.heard[-1] == (f"{BASE}/status", b'{"online":false}'), "it says goodbye")


def test_a_command_is_carried_out_once_however_often_it_is_asked(stage: Stage) -> None:
    ran: list[str] = []

    def obey(name: str, command: Any) -> str:
        ran.append(command["text"])
        return "printed"

    device = stage.device(on_command=obey)
    until(lambda: device.connected, "the device is connected")
    until(lambda: stage.hub.ask("print", key="k1", text="slip"), "it answers")
    until(lambda: len({one["id"] for one in stage.hub.observations()}) >= 2, "it answers again")
    assert set(stage.hub.ask("print", key="k1", text="slip")) == {"printed"}
    assert ran == ["slip"]
    device.stop()


def test_a_print_that_a_crash_interrupted_is_in_doubt_and_not_repeated(stage: Stage) -> None:
    device = stage.device(on_command=lambda name, command: pytest.fail("printed again"))
    device.outbox.begin_command("k1")
    until(lambda: stage.hub.ask("print", key="k1"), "it answers")
    assert set(stage.hub.ask("print", key="k1")) == {"in_doubt"}
    device.stop()


def test_a_device_that_knows_no_command_says_so_and_garbage_disturbs_nothing(stage: Stage) -> None:
    device = stage.device()
    until(lambda: device.connected, "the device is connected")
    stage.hub.say(f"{BASE}/cmd/dance", b"{")
    stage.hub.say(f"{BASE}/cmd/dance", b"{}")
    stage.hub.say(f"{BASE}/ack", b"{")
    until(lambda: stage.hub.ask("dance", key="k2"), "it answers")
    assert set(stage.hub.ask("dance", key="k2")) == {"unknown_command"}
    device.stop()
