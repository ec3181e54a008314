"""The same promises with real brokers: mosquitto, and amqtt where there is no other."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from devices import client
from devices.client import Account, DeviceClient
from hub import broker
from hub.ingest import Ingest
from hub.settings import Settings
from tests.hub.ingesting import (
    STORE,
    Spine,
    count_scan,
    free_port,
    ingesting,
    running_broker,
    spine,
    until,
)

needs_mosquitto = pytest.mark.skipif(
    broker.find_mosquitto() is None, reason="mosquitto is not installed"
)
BOTH = [pytest.param("mosquitto", marks=needs_mosquitto), "amqtt"]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "RESEND_S", (1.0, 60.0))


def device(chosen: Settings, directory: Path, name: str = "till") -> DeviceClient:
    account = Account(STORE, name, "127.0.0.1", chosen.mqtt_port, name, f"secret-of-{name}")
    return DeviceClient(account, directory)


def total(made: Spine) -> int:
    return int(made.rows("SELECT coalesce(sum(total), 0) FROM tally")[0][0])


class Place:
    """A broker, a hub and a device on one directory."""

    def __init__(self, directory: Path, kind: str, port: int, stack: ExitStack) -> None:
        self.directory = directory
        self.settings, self.start_broker = stack.enter_context(
            running_broker(directory, kind, ("till", "shelf"), port)
        )
        self.spine = stack.enter_context(spine(directory))
        self.device = device(self.settings, directory / "devices")
        self.device.start()
        stack.callback(self.device.stop)

    def hub(self, stack: ExitStack) -> Ingest:
        handlers = {"scan": count_scan}
        return stack.enter_context(ingesting(self.directory, self.settings, self.spine, handlers))


@pytest.fixture(params=BOTH)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with ExitStack() as stack:
        yield Place(tmp_path, request.param, free_port(), stack)


def test_what_a_device_observes_is_committed_acked_and_let_go(place: Place) -> None:
    with ExitStack() as stack:
        hub = place.hub(stack)
        for n in range(50):
            place.device.observe("scan", {"code": str(n)})
        assert place.device.drained(60)
        # The acks go out before it is counted.
        until(lambda: hub.counters.committed >= 50, "it is counted")
        assert (total(place.spine), hub.counters.committed) == (50, 50)


def test_while_the_hub_is_away_everything_waits_on_the_device(place: Place) -> None:
    for n in range(20):
        place.device.observe("scan", {"code": str(n)})
    assert not place.device.drained(0.5)
    with ExitStack() as stack:
        place.hub(stack)
        assert place.device.drained(60)
    assert total(place.spine) == 20


def test_a_hub_that_comes_and_goes_counts_each_once(place: Place) -> None:
    sent = 0
    for _ in range(3):
        with ExitStack() as stack:
            place.hub(stack)
            for _ in range(40):
                place.device.observe("scan", {"code": str(sent)})
                sent += 1
            time.sleep(0.02)
    with ExitStack() as stack:
        place.hub(stack)
        assert place.device.drained(60)
    assert total(place.spine) == sent


@needs_mosquitto
def test_a_broker_killed_by_signal_9_loses_and_doubles_nothing(
    tmp_path: Path,
) -> None:
    with ExitStack() as stack:
        place = Place(tmp_path, "mosquitto", free_port(), stack)
        hub = place.hub(stack)
        until(lambda: place.device.connected, "the device is connected")
        process = None
        for n in range(300):
            place.device.observe("scan", {"code": str(n)})
            if n == 150:
                broker_pid = int((tmp_path / "broker" / "pid").read_text())
                os.kill(broker_pid, signal.SIGKILL)
                time.sleep(0.2)
                process = place.start_broker()
        assert process is not None
        assert place.device.drained(60)
        assert total(place.spine) == 300
        assert hub.counters.reconnects >= 1
