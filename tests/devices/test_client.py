"""The SDK through a real broker, with a test in the hub's place that answers when it likes."""

import json
import logging
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from devices import client
from devices.client import Account, DeviceClient, Observed
from devices.outbox import Limits
from hub import authority, broker, settings
from hub.clock import FixedClock, stamp
from hub.errors import Unavailable
from tests.hub.ingesting import STORE, account, free_port, running_broker, until
from tests.hub.kernel import NOON
from tests.hub.party import Party, needs_mosquitto

pytestmark = needs_mosquitto
BASE = f"storehub/v1/{STORE}/a"


class LateClock(FixedClock):
    """A clock that is wrong until somebody tells it the time."""

    def know(self, at: datetime) -> None:
        self._at, self._quality = at, "synced"


class Hub(Party):
    """What a hub hears from one device."""

    def observations(self, device: str = "a") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for topic, raw in list(self.heard):
            if f"/{device}/obs/" in topic:
                read = json.loads(raw)
                found += read if isinstance(read, list) else [read]
        return found

    def ack(self, *ids: str, status: str = "committed", device: str = "a") -> None:
        acks = [{"id": one, "status": status, "reason": None} for one in ids]
        self.say(f"storehub/v1/{STORE}/{device}/ack", json.dumps({"acks": acks}).encode())

    def ask(self, name: str, *, device: str = "a", **command: Any) -> list[str]:
        """Ask once more; return how the device says that this command ended."""
        self.say(f"storehub/v1/{STORE}/{device}/cmd/{name}", json.dumps(command).encode())
        data = [one["data"] for one in self.observations(device)]
        key = command["key"]
        return [one["state"] for one in data if key in (one.get("key"), one.get("job"))]


class Stage:
    def __init__(
        self,
        directory: Path,
        chosen: settings.Settings,
        start: Callable[[], "subprocess.Popen[bytes]"],
    ) -> None:
        self.directory, self.chosen, self.start = directory, chosen, start
        self.devices: list[DeviceClient] = []
        self.join()

    def join(self) -> None:
        password = broker.hub_password(self.directory, self.chosen)
        self.hub = Hub(self.chosen.mqtt_port, "hub", password)
        self.hub.hear(f"storehub/v1/{STORE}/+/obs/#", f"storehub/v1/{STORE}/+/status")

    def kill_broker(self) -> None:
        pid = int((self.directory / "broker" / "pid").read_text())
        os.kill(pid, signal.SIGKILL)

    def restart_broker(self) -> None:
        heard = self.hub.heard
        self.hub.leave()
        self.kill_broker()
        port = self.chosen.mqtt_port
        until(lambda: not broker.answers("127.0.0.1", port), "the old broker is gone")
        self.start()
        self.join()
        self.hub.heard[:0] = heard

    def offline(self, **more: Any) -> DeviceClient:
        own = Account(STORE, "a", "127.0.0.1", self.chosen.mqtt_port, "a", "secret-of-a")
        made = DeviceClient(own, self.directory / "devices", **more)
        self.devices.append(made)
        return made

    def device(self, **more: Any) -> DeviceClient:
        made = self.offline(**more)
        made.start()
        return made


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setattr(client, "RESEND_S", (0.4, 1.0))
    with ExitStack() as stack:
        accounts = [account("a", speaks_for=("b",))]
        running = running_broker(tmp_path, "mosquitto", accounts, free_port())
        made = Stage(tmp_path, *stack.enter_context(running))
        yield made
        for device in made.devices:
            device.stop()
        made.hub.leave()


def test_an_observation_is_sent_again_byte_by_byte_until_it_is_acked(stage: Stage) -> None:
    device = stage.device()
    name = device.observe("scan", {"code": "1"})
    until(lambda: len(stage.hub.observations()) >= 2, "it is sent again")
    first, second, *_ = [raw for topic, raw in stage.hub.heard if "/obs/" in topic]
    assert first == second
    stage.hub.ack(name)
    assert device.drained(60)
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
    offline = stage.offline()
    names = [offline.observe("weight", {"grams": n}) for n in range(600)]
    offline.stop()
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
    assert device.drained(60)
    device.stop()
    assert told == [(name, status, None)]


def test_the_status_comes_first_and_the_last_word_is_offline(stage: Stage) -> None:
    offline = stage.offline()
    offline.observe("scan", {"code": "1"})
    offline.stop()
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


def test_a_command_that_the_broker_retained_is_old_and_is_not_carried_out(stage: Stage) -> None:
    command = json.dumps({"key": "k1"}).encode()
    kept = stage.hub.client.publish(f"{BASE}/cmd/dance", command, qos=1, retain=True)
    until(kept.is_published, "the broker has it")
    device = stage.device(on_command=lambda name, told: "danced")
    until(lambda: stage.hub.ask("dance", key="k2"), "it answers")
    assert stage.hub.ask("dance", key="k2")
    device.stop()
    assert "k1" not in {one["data"].get("key") for one in stage.hub.observations()}


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


# --- its own time


def test_what_was_seen_before_the_time_was_known_is_dated_when_it_is(stage: Stage) -> None:
    clock = LateClock(datetime(1970, 1, 1, tzinfo=UTC), quality="unknown")
    device = stage.offline(clock=clock)
    early = device.observe("scan", {"code": "1"})
    clock.advance(timedelta(minutes=10))
    clock.know(NOON + timedelta(minutes=10))
    late = device.observe("scan", {"code": "2"})
    # At once: the next boot could no longer tell.
    assert json.loads(device.outbox.oldest() or b"")["at"] == stamp(NOON)
    device.stop()
    device = stage.device(clock=clock)
    until(lambda: len(stage.hub.observations()) >= 2, "both came")
    device.stop()
    found = {one["id"]: one for one in stage.hub.observations()}
    told = {name: (found[name]["at"], found[name]["time_quality"]) for name in (early, late)}
    assert told == {
        early: (stamp(NOON), "estimated"),
        late: (stamp(NOON + timedelta(minutes=10)), "synced"),
    }
    assert found[early]["uptime_ms"] == 0


def test_a_device_that_never_learns_the_time_tells_its_boot_and_uptime(stage: Stage) -> None:
    clock = FixedClock(NOON, quality="unknown")
    clock.advance(timedelta(seconds=9))
    device = stage.device(clock=clock)
    device.observe("scan", {"code": "1"})
    until(stage.hub.observations, "it came")
    device.stop()
    (one, *_) = stage.hub.observations()
    assert (one["at"], one["time_quality"], one["uptime_ms"]) == (None, "unknown", 9000)
    assert one["boot"]


def test_who_observes_may_say_when_it_was(stage: Stage) -> None:
    device = stage.device()
    device.observe("scan", {"code": "1"}, at=NOON, quality="estimated")
    until(stage.hub.observations, "it came")
    device.stop()
    (one, *_) = stage.hub.observations()
    assert (one["at"], one["time_quality"]) == (stamp(NOON), "estimated")


# --- speaking for others


def test_a_gateway_s_devices_have_their_own_topics_numbers_and_acks(stage: Stage) -> None:
    device = stage.device()
    device.serve(["b"])
    names = [
        device.observe("scan", {"code": str(n)}, device=name)
        for n, name in enumerate([None, "b", "b"])
    ]

    def came_ids() -> set[str]:
        both = stage.hub.observations() + stage.hub.observations("b")
        return {one["id"] for one in both}

    until(lambda: came_ids() >= set(names), "all came")
    came = {one["id"]: one["seq"] for one in stage.hub.observations("b")}
    assert came == {names[1]: 1, names[2]: 2}
    # Another device's ack for this id is not its own.
    stage.hub.ack(*names, device="a")
    until(lambda: device.outbox.count() == 2, "its own is let go")
    stage.hub.ack(*names, device="b")
    assert device.drained(60)
    device.stop()


def test_a_command_to_a_served_device_is_told_apart_and_answered_in_its_name(stage: Stage) -> None:
    ran: list[tuple[str, str]] = []

    def obey(device: str, name: str, command: Any) -> str:
        ran.append((device, name))
        return "done"

    device = stage.device(on_command=lambda name, command: pytest.fail("not for the gateway"))
    device.on_served = obey
    device.serve(["b"])
    until(lambda: stage.hub.ask("identify", device="b", key="k1"), "it answers")
    device.stop()
    assert ran == [("b", "identify")]
    assert {one["data"]["key"] for one in stage.hub.observations("b")} == {"k1"}


def test_whom_it_no_longer_serves_it_no_longer_hears(stage: Stage) -> None:
    ran: list[str] = []

    def obey(device: str, name: str, command: Any) -> str:
        ran.append(command["key"])
        return "done"

    device = stage.device()
    device.on_served = obey
    device.serve(["b"])
    until(lambda: stage.hub.ask("identify", device="b", key="k1"), "it answers")
    device.serve([])
    # The broker reads this after the UNSUBSCRIBE, and the device k3 after k2.
    said = device.observe("scan", {"code": "1"})
    until(lambda: said in {one["id"] for one in stage.hub.observations()}, "it is unsubscribed")
    stage.hub.ask("identify", device="b", key="k2")
    until(lambda: stage.hub.ask("identify", key="k3"), "it answers for itself")
    device.stop()
    assert ran == ["k1"]


def test_what_waits_of_a_device_that_it_no_longer_serves_holds_up_nobody(stage: Stage) -> None:
    device = stage.offline()
    device.serve(["b"])
    gone = device.observe_many(Observed("scan", {"code": str(n)}, "b") for n in range(600))
    device.serve([])
    own = device.observe("scan", {"code": "mine"})
    device.start()
    until(lambda: own in {one["id"] for one in stage.hub.observations()}, "its own came")
    stage.hub.ack(own)
    until(lambda: device.outbox.count() == 600, "nothing of the other is let go")
    assert stage.hub.observations("b") == []
    device.serve(["b"])
    until(lambda: {one["id"] for one in stage.hub.observations("b")} >= {*gone[:500]}, "they come")
    device.stop()


def test_what_was_told_of_a_served_device_is_told_again_after_a_reconnect(stage: Stage) -> None:
    device = stage.device()
    device.serve(["b"])
    device.tell("b", True, battery_pct=71.0)

    def said() -> list[dict[str, Any]]:
        return [json.loads(raw) for topic, raw in stage.hub.heard if topic.endswith("/b/status")]

    until(said, "it is told")
    assert (said()[0]["online"], said()[0]["battery_pct"]) == (True, 71.0)
    stage.restart_broker()
    until(lambda: len(said()) >= 2, "it is told again")
    device.stop()


def test_several_are_kept_at_once_and_an_id_is_sent_once(stage: Stage) -> None:
    device = stage.device()
    beside: list[bool] = []
    many = [
        Observed("scan", {"code": "1"}, id="reader-1"),
        Observed("weight", {"grams": 1.0}),
        Observed("scan", {"code": "1"}, id="reader-1"),
    ]
    names = device.observe_many(many, beside=lambda connection: beside.append(True))
    assert (names[0], names[2], beside) == ("reader-1", "reader-1", [True])
    until(lambda: {one["id"] for one in stage.hub.observations()} >= set(names), "they came")
    assert device.outbox.count() == 2
    device.stop()


# --- telling of itself


def test_a_heartbeat_says_how_the_outbox_is(stage: Stage) -> None:
    clock = FixedClock(NOON)
    device = stage.offline(clock=clock, limits=Limits(size=2_000))
    device.observe("scan", {"code": "1"})
    for _ in range(20):
        device.observe("weight", {"grams": 1.0})
    clock.advance(timedelta(minutes=5))
    told = device.health()
    assert told["outbox"] == device.outbox.count()
    assert told["oldest_s"] == 300
    assert told["dropped"] == 21 - device.outbox.count() > 0
    assert 1 < told["offline_hours_left"] < 10
    device.stop()


def test_heartbeats_go_out_by_themselves_while_connected_and_never_pile_up(stage: Stage) -> None:
    device = stage.device(heartbeat_s=0.05)
    until(lambda: len(stage.hub.observations()) >= 3, "it says that it lives")
    assert {one["kind"] for one in stage.hub.observations()} == {"heartbeat"}
    stage.kill_broker()
    # While the exchange goes on, a last heartbeat may still be on its way to the outbox.
    until(lambda: device._session is None, "the line is cut")
    before = device.outbox.count()
    time.sleep(0.5)
    assert device.outbox.count() == before
    device.stop()


# --- the line


def test_over_tls_the_store_s_own_authority_is_trusted_and_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    port, secure = free_port(), free_port()
    with running_broker(tmp_path, "mosquitto", ("a",), port, mqtts_port=secure) as (chosen, _):
        until(lambda: broker.answers("127.0.0.1", secure), "the broker's TLS door is open")
        ca = broker.store_tls(tmp_path, chosen).ca
        account = Account(STORE, "a", "127.0.0.1", secure, "a", "secret-of-a", ca=ca)
        trusting = DeviceClient(account, tmp_path / "devices")
        trusting.start()
        until(lambda: trusting.connected, "it is let in over TLS")
        trusting.stop()
        other = authority.establish(tmp_path / "other", STORE, ["127.0.0.1"], NOON).ca
        wary = DeviceClient(replace(account, ca=other), tmp_path / "devices")
        wary.start()
        until(lambda: "no trust in the broker" in caplog.text, "it does not trust a stranger")
        time.sleep(1)
        assert not wary.connected
        wary.stop()


def test_an_account_that_is_not_let_in_says_so_once_and_tries_slowly(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(client, "RECONNECT_S", (0.01, 0.02))
    monkeypatch.setattr(client, "UNAUTHORISED_S", (0.3, 0.5))
    account = Account(STORE, "a", "127.0.0.1", stage.chosen.mqtt_port, "a", "wrong")
    device = DeviceClient(account, stage.directory / "devices")
    device.observe("scan", {"code": "1"})
    with caplog.at_level(logging.INFO):
        device.start()
        until(lambda: "does not let this account in" in caplog.text, "it says so")
        time.sleep(1.5)
        assert caplog.text.count("does not let this account in") == 1
        assert not device.connected
        assert device.outbox.count() == 1
    device.stop()


def test_one_lost_observation_is_sent_again_while_others_are_acked(stage: Stage) -> None:
    device = stage.device()
    lost = device.observe("scan", {"code": "lost"})
    until(stage.hub.observations, "it came")
    times = 0
    for n in range(200):
        name = device.observe("scan", {"code": str(n)})
        until(lambda name=name: name in {one["id"] for one in stage.hub.observations()}, "it came")
        stage.hub.ack(name)
        times = [one["id"] for one in stage.hub.observations()].count(lost)
        if times > 1:
            break
        time.sleep(0.01)
    assert times > 1
    device.stop()


def test_when_the_outbox_is_full_who_scans_is_told(stage: Stage) -> None:
    device = stage.offline(limits=Limits(size=1_000))
    with pytest.raises(Unavailable, match="outbox is full"):
        for _ in range(10):
            device.observe("scan", {"code": "1"})
    device.stop()


def test_a_bug_in_a_callback_is_said_and_the_device_goes_on(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    words: list[str] = []

    def broken(name: str, status: str, reason: str | None) -> None:
        words.append(name)
        if len(words) == 1:
            raise ValueError("a bug of the callback")

    device = stage.device(on_ack=broken)
    first = device.observe("scan", {"code": "1"})
    until(stage.hub.observations, "it came")
    stage.hub.ack(first)
    until(lambda: "begun anew" in caplog.text, "it is said")
    second = device.observe("scan", {"code": "2"})
    until(lambda: second in {one["id"] for one in stage.hub.observations()}, "it goes on")
    stage.hub.ack(second)
    assert device.drained(60)
    device.stop()
