"""The gateway's line to the foreign topics, on a real broker that is stopped and started."""

import logging
import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import Client

from devices.account import Account
from devices.gateway import session
from devices.gateway.session import Foreign, Message
from hub import broker
from hub.clock import SystemClock
from hub.fleet import rules
from hub.fleet.queries import Account as Known
from tests.components import require
from tests.hub.ingesting import STORE, free_port, running_broker, until
from tests.hub.party import Party

SALT = b"0123456789ab"


class Counting(Client):
    """Counts what the broker was asked to tell or to tell no more, and what it has confirmed."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.asked = self.confirmed = 0
        self.on_subscribe = self.on_unsubscribe = self._confirm

    def subscribe(self, *given: Any, **named: Any) -> Any:
        self.asked += 1
        return super().subscribe(*given, **named)

    def unsubscribe(self, *given: Any, **named: Any) -> Any:
        self.asked += 1
        return super().unsubscribe(*given, **named)

    def _confirm(self, *_: object) -> None:
        self.confirmed += 1


def listens(line: Foreign) -> bool:
    """Is it connected, and all that it subscribed confirmed?"""
    # Under the lock: `connected` is said before the subscription is asked for.
    with line._news:
        client = line._client
        return line.connected and isinstance(client, Counting) and client.asked == client.confirmed


class Stage:
    def __init__(self, directory: Path, stack: ExitStack) -> None:
        self.port, self.tls_port = free_port(), free_port()
        self.directory = directory
        gateway = Known(
            "gw", rules.hashed("secret-of-gw", SALT), speaks_for=("reader",), reads=("rfid/#",)
        )
        reader = Known("reader", rules.hashed("secret-of-reader", SALT), writes=("rfid/#",))
        running = running_broker(
            directory, "mosquitto", (gateway, reader), self.port, mqtts_port=self.tls_port
        )
        _, self.start = stack.enter_context(running)
        self.lines: list[Foreign] = []

    def line(self, *filters: str) -> Foreign:
        account = Account(STORE, "gw", "127.0.0.1", self.port, "gw", "secret-of-gw")
        made = Foreign(account, SystemClock())
        made.listen(filters or ("rfid/#",))
        self.lines.append(made)
        self.up(made)
        return made

    def up(self, line: Foreign) -> None:
        def look() -> bool:
            line.keep_up()
            return listens(line)

        until(look, "the line is up")

    def say(self, *words: str, topic: str = "rfid/a", retain: bool = False) -> None:
        party = Party(self.port, "reader")
        until(lambda: party.let_in, "the reader is in")
        for word in words:
            party.client.publish(topic, word, qos=1, retain=retain).wait_for_publish(5)
        party.leave()


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    require("mosquitto")
    monkeypatch.setattr(session, "RETRY_S", (0.05, 0.2))
    monkeypatch.setattr(session, "Client", Counting)
    with ExitStack() as stack:
        made = Stage(tmp_path, stack)
        yield made
        for line in made.lines:
            line.close()


def heard(line: Foreign, count: int) -> list[Message]:
    found: list[Message] = []

    def look() -> bool:
        line.keep_up()
        found.extend(line.take(100, 0.05))
        return len(found) >= count

    until(look, f"{count} messages")
    return found


def words(messages: list[Message]) -> list[str]:
    return [one.payload.decode() for one in messages]


def test_what_was_not_acknowledged_comes_again_and_says_so(stage: Stage) -> None:
    first = stage.line()
    assert first.fresh
    stage.say("one", "two", "three")
    came = heard(first, 3)
    first.acknowledge(came[:1])
    time.sleep(0.1)
    first.close()
    second = stage.line()
    assert not second.fresh
    again = heard(second, 2)
    assert words(again) == ["two", "three"]
    assert [(one.mid, one.again) for one in again] == [(one.mid, True) for one in came[1:]]


def test_what_is_said_meanwhile_waits_at_the_broker(stage: Stage) -> None:
    stage.line().close()
    stage.say("while away")
    (one,) = heard(stage.line(), 1)
    assert (one.payload, one.again, one.retained) == (b"while away", False, False)


def test_a_late_acknowledgement_acknowledges_nothing_of_a_new_connection(stage: Stage) -> None:
    line = stage.line()
    stage.say("one")
    (late,) = heard(line, 1)
    line.close()
    line.listen(("rfid/#",))
    stage.up(line)
    assert line.generation == 2
    line.acknowledge([late])
    (again,) = heard(line, 1)
    assert again.mid == late.mid
    time.sleep(0.1)
    line.close()
    # The broker has not taken it for acknowledged.
    assert words(heard(stage.line(), 1)) == ["one"]


def test_a_retained_message_is_known_for_one_and_a_live_one_is_none(stage: Stage) -> None:
    stage.say("old", topic="rfid/b", retain=True)
    line = stage.line()
    (old,) = heard(line, 1)
    stage.say("new", topic="rfid/b", retain=True)
    (new,) = heard(line, 1)
    assert (old.retained, new.retained) == (True, False)


def test_it_listens_to_other_topics_when_it_is_told(stage: Stage) -> None:
    line = stage.line("rfid/a")
    stage.say("unheard", topic="rfid/b")
    line.listen(("rfid/b",))
    until(lambda: listens(line), "the broker has heard it")
    stage.say("unheard", topic="rfid/a")
    stage.say("heard", topic="rfid/b")
    assert words(heard(line, 1)) == ["heard"]


def test_a_broker_that_goes_is_said_once_and_that_it_is_back_once(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    line = stage.line()
    pid = int((stage.directory / "broker" / "pid").read_text())
    os.kill(pid, signal.SIGKILL)
    until(lambda: not line.connected, "it is gone")
    end = time.monotonic() + 1.0
    while time.monotonic() < end:
        line.keep_up()
        time.sleep(0.02)
    until(lambda: not broker.answers("127.0.0.1", stage.port), "it is down")
    stage.start()
    stage.up(line)
    stage.say("after")
    assert words(heard(line, 1)) == ["after"]
    said = [one for one in caplog.messages if "gateway" in one]
    assert len([one for one in said if "does not hear" in one]) == 1
    assert said.count("The gateway hears the broker again") == 1


def test_it_speaks_tls_to_a_broker_that_the_store_vouches_for(stage: Stage) -> None:
    ca = stage.directory / "tls" / "ca.pem"
    account = Account(STORE, "gw", "localhost", stage.tls_port, "gw", "secret-of-gw", ca=ca)
    line = Foreign(account, SystemClock())
    stage.lines.append(line)
    line.listen(("rfid/#",))
    stage.up(line)
    stage.say("in private")
    assert words(heard(line, 1)) == ["in private"]
