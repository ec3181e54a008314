"""What a gateway promises: each foreign event once, in its device's name, or said why not."""

import base64
import json
import logging
import struct
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from devices.adapters import Adapter
from devices.gateway import relay
from devices.gateway.served import Fleet, Served, covers
from hub.errors import Unavailable
from tests.devices.gateway.standing import BRIDGE, DOOR, LAMP, READER, HandLine, Standing

run = import_module("devices.gateway.run")
TAG = {"epcHex": "303435FC8803D056D15B963F", "antennaPort": 1, "peakRssiCdbm": -7000}
DOOR_TOPIC = "zigbee2mqtt/floor/door"


def tag(n: int = 0) -> dict[str, Any]:
    stamp = f"2026-11-21T11:59:59.{n:06d}Z"
    return {"timestamp": stamp, "eventType": "tagInventory", "tagInventoryEvent": TAG}


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Standing]:
    made = Standing(tmp_path, HandLine())
    made.serve(READER, BRIDGE, DOOR, LAMP)
    made.step()
    yield made
    made.die()


def test_a_known_device_s_message_is_observed_under_its_own_name(gateway: Standing) -> None:
    gateway.hear("rfid/door-1/tags", tag())
    gateway.hear(DOOR_TOPIC, {"contact": True})
    assert gateway.waiting() == [
        ("door-1", "rfid", {"epc": TAG["epcHex"].lower(), "antenna": 1, "rssi_dbm": -70.0}),
        ("back-door", "presence", {"present": True}),
    ]


def test_the_hub_s_list_says_what_is_listened_to(gateway: Standing) -> None:
    assert gateway.line.filters == ("rfid/door-1/#", "zigbee2mqtt/#")
    assert gateway.client._served == ("door-1", "z2m", "back-door", "aisle-3")
    assert gateway.serve(DOOR) == "done"
    assert gateway.line.filters == ()


# --- acknowledged means in the outbox


def test_the_broker_is_answered_only_when_the_outbox_has_it(
    gateway: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    keep, acknowledge = gateway.client.observe_many, gateway.line.acknowledge
    monkeypatch.setattr(
        gateway.client, "observe_many", lambda *a, **k: (keep(*a, **k), order.append("kept"))[0]
    )
    monkeypatch.setattr(
        gateway.line, "acknowledge", lambda m: (acknowledge(m), order.append("acknowledged"))
    )
    gateway.hear("rfid/door-1", tag())
    assert order == ["kept", "acknowledged"]


def test_what_finds_no_room_is_not_acknowledged_and_comes_again(
    gateway: Standing, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object, **__: object) -> list[str]:
        raise Unavailable("The outbox is full.")

    monkeypatch.setattr(relay, "LIVES_S", 0.0)
    with monkeypatch.context() as patched:
        patched.setattr(gateway.client, "observe_many", full)
        gateway.stop.set()
        gateway.hear("rfid/door-1", tag())
        gateway.hear(DOOR_TOPIC, {"contact": True})
        assert gateway.line.acknowledged == []
    assert [one.message for one in caplog.records].count(
        "The gateway keeps nothing more: The outbox is full."
    ) == 1
    gateway.stop.clear()
    gateway.line.again()
    gateway.step()
    assert gateway.kinds() == [("door-1", "rfid"), ("back-door", "presence")]
    assert len(gateway.line.acknowledged) == 2


def test_what_is_delivered_again_after_a_kill_is_counted_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = HandLine()
    first = Standing(tmp_path, line)
    first.serve(READER, BRIDGE, DOOR)
    # The commit is on disk, and the process dies before the broker hears of it.
    monkeypatch.setattr(line, "acknowledge", lambda _: None)
    for n, payload in enumerate(({"action": "single"}, {"action": "single"}, {"contact": True},
                                 {"contact": False}, {"contact": True})):  # fmt: skip
        line.send(DOOR_TOPIC, payload)
        line.send("rfid/door-1", tag(n))
    first.step()
    before = first.waiting()
    first.die()
    monkeypatch.undo()
    line.again()
    second = Standing(tmp_path, line)
    second.step()
    assert second.waiting() == before
    assert len(before) == 10
    assert line.unacknowledged == []
    # The same again, live: two presses are two presses.
    second.hear(DOOR_TOPIC, {"action": "single"})
    assert second.kinds()[10:] == [("back-door", "input")]
    second.die()


def test_it_knows_after_a_kill_whom_it_serves(tmp_path: Path) -> None:
    first = Standing(tmp_path, HandLine())
    first.serve(READER)
    first.die()
    second = Standing(tmp_path, HandLine())
    assert second.line.filters == ("rfid/door-1/#",)
    second.hear("rfid/door-1", tag())
    assert second.kinds() == [("door-1", "rfid")]
    second.die()


def test_a_new_session_of_the_broker_begins_its_numbers_again(gateway: Standing) -> None:
    gateway.hear(DOOR_TOPIC, {"action": "single"})
    line = gateway.line
    line.generation, line.fresh, line._mid = 2, True, 0
    made = line.send(DOOR_TOPIC, {"action": "single"})
    line._waiting[-1] = made._replace(again=True)
    gateway.step()
    assert gateway.kinds() == [("back-door", "input")] * 2


def test_a_number_of_the_broker_that_comes_round_again_is_another_message(
    gateway: Standing,
) -> None:
    gateway.hear(DOOR_TOPIC, {"action": "single"})
    gateway.line._mid = 0
    gateway.hear(DOOR_TOPIC, {"action": "single"})
    assert [one.mid for one in gateway.line.acknowledged] == [1, 1]
    assert gateway.kinds() == [("back-door", "input")] * 2


def test_a_delivery_with_an_old_number_and_another_content_is_no_repetition(
    gateway: Standing,
) -> None:
    first = gateway.line.send(DOOR_TOPIC, {"action": "single"})
    gateway.step()
    raw = b'{"action":"double"}'
    gateway.line._waiting.append(first._replace(payload=raw, again=True))
    gateway.step()
    assert gateway.kinds() == [("back-door", "input")] * 2


def test_a_reader_that_sends_its_buffer_again_is_counted_once(gateway: Standing) -> None:
    for _ in range(3):
        gateway.hear("rfid/door-1", tag())
    assert gateway.kinds() == [("door-1", "rfid")]


# --- retained and repeated


def test_what_is_retained_is_never_counted(gateway: Standing) -> None:
    gateway.hear(DOOR_TOPIC, {"contact": True, "action": "single"}, retained=True)
    gateway.hear("rfid/door-1", tag(), retained=True)
    gateway.hear("rfid/door-1", b"garbage", retained=True)
    assert gateway.waiting() == []
    # Nor does it hide the next live one.
    gateway.hear(DOOR_TOPIC, {"contact": True})
    assert gateway.kinds() == [("back-door", "presence")]


def test_a_repeated_state_is_no_news_and_a_repeated_press_is(gateway: Standing) -> None:
    for contact in (True, True, False, False, True):
        gateway.hear(DOOR_TOPIC, {"contact": contact})
    gateway.hear(DOOR_TOPIC, {"action": "single"})
    gateway.hear(DOOR_TOPIC, {"action": "single"})
    presences = [data["present"] for _, kind, data in gateway.waiting() if kind == "presence"]
    assert presences == [True, False, True]
    assert [kind for _, kind in gateway.kinds()].count("input") == 2


def test_a_state_repeated_within_one_commit_is_no_news_either(gateway: Standing) -> None:
    for contact in (True, True, False, False, True, True):
        gateway.line.send(DOOR_TOPIC, {"contact": contact})
    gateway.step()
    assert [data["present"] for _, _, data in gateway.waiting()] == [True, False, True]
    gateway.hear(DOOR_TOPIC, {"contact": True})
    assert len(gateway.waiting()) == 3


def test_a_state_is_known_for_repeated_after_a_restart(tmp_path: Path) -> None:
    first = Standing(tmp_path, HandLine())
    first.serve(BRIDGE, DOOR)
    first.hear(DOOR_TOPIC, {"contact": True})
    first.die()
    second = Standing(tmp_path, HandLine())
    second.hear(DOOR_TOPIC, {"contact": True})
    assert [kind for _, kind in second.kinds()].count("presence") == 1
    second.die()


def test_a_device_that_only_repeats_itself_says_that_it_lives(
    gateway: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "LIVES_S", -1.0)
    gateway.hear(DOOR_TOPIC, {"contact": True})
    gateway.hear(DOOR_TOPIC, {"contact": True})
    assert gateway.kinds() == [("back-door", "presence"), ("back-door", "heartbeat")]


# --- who nobody knows, and what nobody can read


def test_an_unknown_device_is_sighted_once_an_hour(
    gateway: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        gateway.hear("zigbee2mqtt/new/button", {"action": "single"})
    seen = {"family": "zigbee2mqtt", "address": "new/button", "topic": "zigbee2mqtt/new/button"}
    assert gateway.waiting() == [("gw", "sighted", seen)]
    monkeypatch.setattr(relay, "SIGHTED_S", 0.0)
    gateway.hear("zigbee2mqtt/new/button", {"action": "single"})
    assert len(gateway.waiting()) == 2
    # Adopted, it speaks for itself.
    new = DOOR | {"device": "button-1", "address": "new/button"}
    gateway.serve(BRIDGE, DOOR, new)
    gateway.hear("zigbee2mqtt/new/button", {"action": "single"})
    assert gateway.kinds()[2:] == [("button-1", "input")]


def test_the_bridge_s_retained_list_names_who_is_not_adopted(gateway: Standing) -> None:
    listed = [
        {"friendly_name": "floor/door", "ieee_address": "0x1", "type": "EndDevice"},
        {"friendly_name": "scale", "ieee_address": "0x2", "type": "EndDevice",
         "definition": {"vendor": "Acme", "model": "S1"}},
    ]  # fmt: skip
    gateway.hear("zigbee2mqtt/bridge/devices", listed, retained=True)
    ((_, kind, data),) = gateway.waiting()
    assert (kind, data["address"], data["name"]) == ("sighted", "scale", "Acme S1 0x2")


def test_garbage_is_kept_with_family_reason_and_body(gateway: Standing) -> None:
    gateway.hear("rfid/door-1", b"{broken")
    gateway.hear("rfid/door-1", b"{broken")
    ((device, kind, data),) = gateway.waiting()
    assert (device, kind) == ("gw", "garbage")
    assert (data["family"], data["topic"], data["reason"]) == ("impinj", "rfid/door-1", "not_json")
    assert base64.b64decode(data["body_base64"]) == b"{broken"
    assert "size" not in data


def test_a_badge_s_code_is_masked_before_nobody_can_see_it(gateway: Standing) -> None:
    gateway.hear("rfid/door-1", b'{"scan":"SH1:B:opensesame')
    ((_, _, data),) = gateway.waiting()
    kept = base64.b64decode(data["body_base64"])
    assert kept.startswith(b'{"scan":"SH1:B:~')
    assert b"opensesame" not in kept


def test_a_huge_message_is_kept_in_its_beginning(gateway: Standing) -> None:
    gateway.hear("rfid/door-1", b"x" * 300_000)
    ((_, _, data),) = gateway.waiting()
    assert (data["reason"], data["size"]) == ("too_large", 300_000)
    assert len(data["body_base64"]) < 64 * 1024
    gateway.hear("rfid/door-1", b"\x00" * relay.WHOLE)
    raw = gateway.client.outbox.after(0, 10)[-1].body
    assert len(raw) <= 64 * 1024


def test_a_flood_of_garbage_does_not_fill_the_outbox(gateway: Standing) -> None:
    for n in range(relay.GARBAGE_MOST + 50):
        gateway.hear("rfid/door-1", b"{%d" % n)
    assert len(gateway.waiting()) == relay.GARBAGE_MOST
    assert gateway.gateway.counts["garbage"] == relay.GARBAGE_MOST + 50


def test_a_family_that_nobody_reads_is_garbage_and_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = Standing(tmp_path, HandLine(), {})
    made.serve(READER)
    made.hear("rfid/door-1", tag(1))
    made.hear("rfid/door-1", tag(2))
    assert [data["reason"] for _, _, data in made.waiting()] == ["unknown_family"] * 2
    assert [one for one in caplog.messages if "Nothing here reads" in one] == [
        "Nothing here reads the family impinj of door-1"
    ]
    made.die()


def test_an_adapter_s_wrong_data_is_garbage_and_no_crash(tmp_path: Path) -> None:
    from devices.adapters import Reading

    def read(topic: str, payload: bytes, received: Any) -> list[Any]:
        bad = {"epc": 7}
        return [Reading("a", kind, bad, None, None, "estimated") for kind in ("rfid", "nonsense")]

    made = Standing(tmp_path, HandLine(), {"impinj": Adapter("impinj", read)})
    made.serve(READER)
    made.hear("rfid/door-1", {})
    assert [(kind, data["reason"]) for _, kind, data in made.waiting()] == [("garbage", "bad_data")]
    made.die()


@pytest.mark.parametrize("bug", [KeyError("nowhere"), RuntimeError("theirs"), struct.error("cut")])
def test_an_adapter_s_bug_is_garbage_too_and_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, bug: Exception
) -> None:
    """Else the message would come again for ever, and everything behind it would wait."""

    def read(topic: str, payload: bytes, received: Any) -> list[Any]:
        raise bug

    made = Standing(tmp_path, HandLine(), {"impinj": Adapter("impinj", read)})
    made.serve(READER)
    made.hear("rfid/door-1", {"n": 1})
    made.hear("rfid/door-1", {"n": 2})
    assert [data["reason"] for _, _, data in made.waiting()] == ["adapter_bug"] * 2
    assert len([one for one in caplog.messages if "failed" in one]) == 1
    assert len(made.line.acknowledged) == 2
    made.die()


def test_a_quarantined_message_is_read_again_on_command(gateway: Standing) -> None:
    body = base64.b64encode(json.dumps(tag()).encode()).decode()
    again = {"topic": "rfid/door-1", "family": "impinj", "body_base64": body}
    assert gateway.gateway.command("reread", again | {"key": "r1"}) == "read"
    assert gateway.kinds() == [("door-1", "rfid")]
    still = base64.b64encode(b"{broken").decode()
    gateway.hear("rfid/door-1", b"{broken")
    assert gateway.gateway.command("reread", again | {"key": "r2", "body_base64": still}) == (
        "garbage"
    )
    # It says so again, under another id: quarantine holds it again.
    assert [kind for _, kind in gateway.kinds()] == ["rfid", "garbage", "garbage"]
    assert gateway.gateway.command("reread", {"key": "r3"}) == "unreadable"
    assert gateway.gateway.command("devices", {"devices": "all"}) == "unreadable"
    assert gateway.gateway.command("dance", {}) == "unknown_command"


# --- who is there


def test_a_last_will_is_told_in_the_device_s_name_and_logged_once(
    gateway: Standing, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    gateway.hear(f"{DOOR_TOPIC}/availability", {"state": "online"}, retained=True)
    for _ in range(2):
        gateway.hear(f"{DOOR_TOPIC}/availability", {"state": "offline"})
    gateway.hear(DOOR_TOPIC, {"contact": True})
    assert gateway.told == [("back-door", True), ("back-door", False), ("back-door", True)]
    assert [m for m in caplog.messages if "back-door" in m] == [
        "back-door is away", "back-door is back",
    ]  # fmt: skip


def test_when_the_bridge_goes_all_behind_it_are_away(gateway: Standing) -> None:
    gateway.hear("zigbee2mqtt/bridge/state", b"offline")
    assert set(gateway.told) == {("z2m", False), ("back-door", False), ("aisle-3", False)}


def test_a_device_that_is_heard_is_there(gateway: Standing) -> None:
    gateway.hear("rfid/door-1", tag(1))
    gateway.hear("rfid/door-1", tag(2))
    assert gateway.told == [("door-1", True)]


def test_who_is_there_by_its_last_will_is_told_as_alive_though_it_is_silent(
    gateway: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "BEAT_S", 0.0)
    gateway.hear("rfid/door-1/status", b"online", retained=True)
    gateway.hear("zigbee2mqtt/bridge/state", b"online", retained=True)
    gateway.gateway._beat_s = 0.0
    gateway.step()
    # The bridge vouches for itself, not for the sensors behind it.
    assert gateway.kinds() == [("door-1", "heartbeat"), ("z2m", "heartbeat")]
    gateway.step()
    assert len(gateway.kinds()) == 2, "not again before its time"
    gateway.hear("rfid/door-1/status", b"offline")
    gateway.line.connected = False
    monkeypatch.setattr(relay, "LIVES_S", 0.0)
    gateway.step()
    assert len(gateway.kinds()) == 2, "without the broker nobody knows"
    gateway.line.connected = True
    gateway.step()
    assert gateway.kinds()[2:] == [("z2m", "heartbeat")]


# --- topics


def test_a_topic_that_is_nobody_s_any_more_is_left_alone(gateway: Standing) -> None:
    gateway.hear("elsewhere/x", b"{broken")
    assert gateway.waiting() == []
    assert len(gateway.line.acknowledged) == 1


def test_one_device_of_its_own_topics_needs_no_address(gateway: Standing) -> None:
    named = tag() | {"hostname": "impinj-14-46-36"}
    gateway.hear("rfid/door-1", named)
    assert gateway.kinds() == [("door-1", "rfid")]


def test_nobody_speaks_for_a_device_that_has_topics_of_its_own(gateway: Standing) -> None:
    """The broker let door-1 write to its topics; a host name in the payload proves nothing."""
    other = READER | {"device": "dock-2", "address": "host-2", "grants": ["rfid/dock-2/#"]}
    gateway.serve(READER, other)
    gateway.hear("rfid/door-1", tag(1) | {"hostname": "host-2"})
    gateway.hear("rfid/dock-2", tag(2) | {"hostname": "host-2"})
    assert gateway.kinds() == [("door-1", "rfid"), ("dock-2", "rfid")]
    # Nor for one that is known by another name than what is said.
    gateway.hear("rfid/dock-2", tag(3) | {"hostname": "host-3"})
    assert gateway.kinds()[2:] == [("gw", "sighted")]


def test_a_device_adopted_by_its_name_is_known_by_it() -> None:
    one = Served("r1", "impinj", "host-1", "rfid", ("rfid/#",))
    two = Served("r2", "impinj", "host-2", "rfid", ())
    fleet = Fleet((one, two))
    owner = fleet.owner("rfid/a")
    assert owner is not None
    assert fleet.device(owner, "host-2", False) == "r2"
    assert fleet.device(owner, "host-3", False) is None


@pytest.mark.parametrize(
    ("pattern", "other", "does"),
    [("a/#", "a/b/c", True), ("a/#", "a", True), ("a/+", "a/b", True), ("a/+", "a/b/c", False),
     ("#", "a", True), ("a/+/c", "a/b/c", True), ("a/b", "a/b", True), ("a/b", "a/b/c", False),
     ("a/+", "a/#", False), ("a/#", "a/+/b", True), ("+/b", "+/b", True), ("a/b/c", "a/b", False)],
)  # fmt: skip
def test_a_filter_covers_what_mqtt_says(pattern: str, other: str, does: bool) -> None:
    assert covers(pattern, other) is does


def test_filters_that_another_covers_are_left_out() -> None:
    """Else the broker delivers the same message twice."""
    wide = Served("a", "impinj", grants=("rfid/#",))
    inner = Served("b", "zebra-fx", grants=("rfid/fx/+", "fx/#"))
    fleet = Fleet((wide, inner))
    assert fleet.filters == ("fx/#", "rfid/#")
    owner = fleet.owner("rfid/fx/1")
    assert owner is not None
    assert owner.served.device == "b"
