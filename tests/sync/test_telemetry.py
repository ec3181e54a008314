"""How the devices are: told to central beside the facts, behind them, and lost without harm."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from hub.fleet import actions as fleet
from sync import frames, telemetry
from sync.client import Rejected, Unanswered
from sync.hub import DEFAULT_LIMITS, Line
from sync.telemetry import Telemetry
from tests.sync.pair import STORE, Both, Central, until


def enrol(both: Both, *names: str) -> None:
    for name in names:
        both.hub.store.writer.run(
            lambda tx, name=name: fleet.enroll(
                tx, name, kind="scanner", place="counter", actor="test", cause=f"e:{name}"
            )
        )


def test_central_hears_how_the_devices_are_and_shows_it(both: Both) -> None:
    enrol(both, "scanner-1", "scanner-2")
    both.hub.agent.start()

    def told() -> list[dict[str, Any]]:
        return list(both.central.get(f"/stores/{STORE}/telemetry").json()["items"])

    until(told, "central has heard of the devices")
    assert [one["device"] for one in told()] == ["scanner-1", "scanner-2"]
    assert all(one["as_of"] and one["state"] for one in told())
    assert both.central.get("/stores/mars/telemetry").status_code == 404


class Ear:
    """A central that is as one likes."""

    def __init__(self) -> None:
        self.heard: list[frames.Telemetry] = []
        self.trouble: Exception | None = None

    def telemetry(self, body: bytes) -> None:
        if self.trouble is not None:
            raise self.trouble
        self.heard.append(frames.unpack_telemetry(body))


@pytest.fixture
def loop(both: Both) -> Callable[..., Any]:
    def make(idle: bool = True, line: Line | None = None) -> Any:
        ear = Ear()
        store = both.hub.store
        hub: Any = SimpleNamespace(
            reader=store.database.reader, clock=store.clock, limits=DEFAULT_LIMITS
        )
        ears: Any = ear
        return ear, Telemetry(hub, ears, line or Line(), lambda: idle)

    return make


def test_facts_come_first_and_what_was_not_told_is_counted(
    both: Both, loop: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol(both, "scanner-1", "scanner-2")
    ear, busy = loop(idle=False)
    assert busy.step() == telemetry.LOOK_S
    assert (busy.skipped, ear.heard) == (0, [])
    monkeypatch.setattr(telemetry, "EVERY_S", 0.0)
    assert busy.step() == telemetry.LOOK_S
    assert (busy.skipped, ear.heard) == (2, [])


def test_the_hours_bytes_are_left_to_facts(both: Both, loop: Callable[..., Any]) -> None:
    enrol(both, "scanner-1")
    line = Line(1000)
    line.spend(600)
    assert line.wait_s("push") == line.wait_s("commands") == 0.0
    ear, poor = loop(line=line)
    poor.step()
    assert ear.heard == []


def test_a_message_that_got_lost_is_counted_and_never_sent_again(
    both: Both, loop: Callable[..., Any]
) -> None:
    enrol(both, "scanner-1")
    ear, talk = loop()
    ear.trouble = Unanswered("status 503")
    assert talk.step() == telemetry.EVERY_S
    ear.trouble = None
    talk.step()
    (heard,) = ear.heard
    assert (heard.skipped, [one.device for one in heard.devices]) == (1, ["scanner-1"])
    ear.trouble = Rejected(404, "no such door")
    assert talk.step() == telemetry.REFUSED_S


def test_many_devices_are_told_of_in_turn(
    both: Both, loop: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telemetry, "AT_ONCE", 2)
    enrol(both, "a", "b", "c")
    ear, talk = loop()
    talk.step()
    talk.step()
    assert [[one.device for one in heard.devices] for heard in ear.heard] == [
        ["a", "b"], ["c", "a"]
    ]  # fmt: skip


def test_what_is_no_telemetry_is_refused_with_what_is_wrong(central: Central) -> None:
    for body, status in (
        (b"nothing", 400),
        (frames.compress(b"{}"), 400),
        (frames.compress(b'{"devices":[{"device":"","state":"x"}]}'), 400),
        (frames.compress(b'{"devices":[]}'), 200),
    ):
        answer = central.door("/telemetry", method="POST", data=body)
        assert answer.status_code == status, answer.text
