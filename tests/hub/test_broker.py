"""Who may say and hear what at the broker, judged by what is delivered."""

import socket
import stat
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from hub import broker, settings
from hub.broker import embedded, files
from hub.errors import Refusal
from hub.fleet import rules
from tests.hub.ingesting import STORE, account, free_port, running_broker, until
from tests.hub.party import BOTH, party

A, B = f"storehub/v1/{STORE}/a", f"storehub/v1/{STORE}/b"


@pytest.fixture(params=BOTH)
def at(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[settings.Settings]:
    with running_broker(tmp_path, request.param, ("a", "b"), free_port()) as (chosen, _):
        yield chosen


def test_nobody_comes_in_without_his_password(at: settings.Settings) -> None:
    for name, password in (("", None), ("a", "wrong"), ("c", None), ("hub", "guess")):
        with party(at.mqtt_port, name, password) as stranger:
            assert not stranger.let_in


def test_a_device_hears_only_its_own_acks_and_commands(
    at: settings.Settings, tmp_path: Path
) -> None:
    password = broker.hub_password(tmp_path, at)
    with ExitStack() as stack:
        spy = stack.enter_context(party(at.mqtt_port, "b"))
        own = stack.enter_context(party(at.mqtt_port, "a"))
        hub = stack.enter_context(party(at.mqtt_port, "hub", password))
        spy.hear("#", "storehub/#", f"{A}/#", f"{A}/ack", f"storehub/v1/{STORE}/+/cmd/+", "$SYS/#")
        own.hear(f"{A}/ack", f"{A}/cmd/+")
        hub.say(f"{A}/ack", b"1")
        hub.say(f"{A}/cmd/print", b"2")
        own.say(f"{A}/obs/scan", b"3")
        until(lambda: len(own.heard) == 2, "a hears its own")
        time.sleep(0.3)
        assert spy.heard == []


def test_a_device_cannot_speak_for_another_nor_forge_an_ack(
    at: settings.Settings, tmp_path: Path
) -> None:
    password = broker.hub_password(tmp_path, at)
    with ExitStack() as stack:
        rogue = stack.enter_context(party(at.mqtt_port, "b"))
        victim = stack.enter_context(party(at.mqtt_port, "a"))
        hub = stack.enter_context(party(at.mqtt_port, "hub", password))
        victim.hear(f"{A}/ack", f"{A}/cmd/+")
        hub.hear(f"storehub/v1/{STORE}/+/obs/#", f"storehub/v1/{STORE}/+/status")
        for topic in (
            f"{A}/obs/scan", f"{A}/status", f"{A}/ack", f"{A}/cmd/print", f"{B}/ack",
            "storehub/v1/other/b/obs/scan", f"storehub/v1/{STORE}/hub/obs/scan",
        ):  # fmt: skip
            rogue.say(topic)
        rogue.say(f"{B}/obs/scan", b"mine")
        until(lambda: hub.heard, "the hub hears b")
        time.sleep(0.3)
        assert hub.heard == [(f"{B}/obs/scan", b"mine")]
        assert victim.heard == []


@pytest.mark.parametrize("kind", BOTH)
def test_a_new_device_is_let_in_and_a_revoked_one_is_cut_off_at_once(
    tmp_path: Path, kind: str
) -> None:
    with running_broker(tmp_path, kind, ("a",), free_port()) as (chosen, _):
        with party(chosen.mqtt_port, "a") as old:
            until((tmp_path / "broker" / "pid").exists, "the broker has written its pid")
            broker.accounts_changed(tmp_path, chosen, [account("n")])
            until(lambda: old.lost, "the revoked device is cut off")
        with party(chosen.mqtt_port, "n") as new, party(chosen.mqtt_port, "a") as again:
            assert (new.let_in, again.let_in) == (True, False)


@pytest.mark.parametrize("kind", BOTH)
def test_a_device_with_a_new_password_is_cut_off_and_the_others_stay(
    tmp_path: Path, kind: str
) -> None:
    with running_broker(tmp_path, kind, ("a", "b"), free_port()) as (chosen, _):
        with party(chosen.mqtt_port, "a") as old, party(chosen.mqtt_port, "b") as other:
            until((tmp_path / "broker" / "pid").exists, "the broker has written its pid")
            broker.accounts_changed(tmp_path, chosen, [account("a", "new"), account("b")])
            until(lambda: old.lost, "the device with the old password is cut off")
            with party(chosen.mqtt_port, "a") as late, party(chosen.mqtt_port, "a", "new") as new:
                assert (late.let_in, new.let_in) == (False, True)
            assert not other.lost


def test_the_broker_s_files_are_for_their_owner_alone_and_hold_no_secret(tmp_path: Path) -> None:
    chosen = settings.load(
        tmp_path,
        environment={},
        flags={"broker": "amqtt", "mqtt_port": free_port(), "mqtts_port": free_port()},
    )
    broker.prepare(tmp_path, chosen, [account("a")])
    for file in (tmp_path / "broker").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    assert "secret-of-a" not in (tmp_path / "broker" / "passwd").read_text()


def test_an_external_broker_is_left_alone(tmp_path: Path) -> None:
    chosen = settings.load(tmp_path, environment={}, flags={"broker": "external"})
    assert broker.prepare(tmp_path, chosen, []) == []
    broker.accounts_changed(tmp_path, chosen, [])
    assert not (tmp_path / "broker").exists()


def test_mosquitto_is_asked_for_and_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "find_mosquitto", lambda: None)
    chosen = settings.load(tmp_path, environment={}, flags={"broker": "mosquitto"})
    with pytest.raises(Refusal, match="not installed"):
        broker.prepare(tmp_path, chosen, [])


def test_a_hash_matches_its_secret_and_no_other() -> None:
    stored = rules.hashed("secret", b"0123456789ab")
    assert rules.matches("secret", stored)
    assert not rules.matches("Secret", stored)
    for broken in ("", "$7$", "$7$x$y$z", stored.replace("$7$", "$6$")):
        assert not rules.matches("secret", broken)


def doors(tmp_path: Path, **flags: object) -> list[tuple[str, int, bool]]:
    chosen = settings.load(tmp_path, environment={}, flags=flags)
    return [(door.host, door.port, door.tls) for door in files.listeners(chosen)]


def test_plain_mqtt_is_for_this_machine_alone_unless_it_is_switched_on(tmp_path: Path) -> None:
    own, secure = ("127.0.0.1", 1883, False), ("0.0.0.0", 8883, True)
    assert doors(tmp_path, mqtt_listen="0.0.0.0") == [own, secure]
    assert doors(tmp_path, mqtt_listen="0.0.0.0", mqtt_plain=True) == [
        ("0.0.0.0", 1883, False), secure,
    ]  # fmt: skip
    assert doors(tmp_path, mqtt_listen="10.0.0.2", mqtt_plain=True, mqtts_port=0) == [
        own, ("10.0.0.2", 1883, False),
    ]  # fmt: skip
    assert doors(tmp_path, mqtt_plain=True, mqtts_port=0) == [own]


def test_a_port_that_is_taken_is_told_with_its_setting(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for setting in ("mqtt_port", "mqtts_port"):
            ports: dict[str, object] = {"mqtt_port": free_port(), "mqtts_port": free_port()}
            flags = {"broker": "amqtt", **ports, setting: port}
            chosen = settings.load(tmp_path, environment={}, flags=flags)
            with pytest.raises(Refusal, match=f"port {port} .*: set {setting} to another"):
                broker.prepare(tmp_path, chosen, [])


def test_the_files_for_a_broker_elsewhere_are_whole_and_for_their_owner_alone(
    tmp_path: Path,
) -> None:
    chosen = settings.load(tmp_path, environment={}, flags={"broker": "external"})
    at, state = Path("/etc/there"), Path("/var/lib/there")
    made = broker.export(tmp_path, chosen, [account("a")], tmp_path / "out", at, state, "mosquitto")
    names = {file.name for file in made}
    assert names == {"acl", "passwd", "mosquitto.conf", "ca.pem", "hub.pem", "hub.key"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in made} == {0o600}
    text = (tmp_path / "out" / "mosquitto.conf").read_text()
    for line in ("password_file /etc/there/passwd", "max_inflight_messages 2000",
                 "allow_anonymous false", "keyfile /etc/there/hub.key",
                 "persistence_location /var/lib/there/"):  # fmt: skip
        assert line in text
    assert str(tmp_path) not in text
    assert (tmp_path / "out" / "passwd").read_text().startswith("hub:$7$")


@pytest.mark.parametrize(
    ("right", "asked", "held"),
    [
        ("a/b/#", "a/b/c/d", True), ("a/b/#", "a/b", True), ("a/b/#", "a/#", False),
        ("a/+/c", "a/b/c", True), ("a/+/c", "a/+/c", True), ("a/+", "a/#", False),
        ("a/+", "a/b/c", False), ("a/b", "a/+", False), ("a/b", "a/b/", False), ("a/b", "a", False),
        ("a/+/#", "a/#", False), ("a/b/#", "a/+/#", False), ("a/b/#", "#", False),
    ],
)  # fmt: skip
def test_the_embedded_broker_grants_a_filter_only_when_every_topic_of_it_is_granted(
    right: str, asked: str, held: bool
) -> None:
    assert embedded.covers(right, asked) is held
