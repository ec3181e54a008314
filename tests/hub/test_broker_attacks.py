"""A device that was let in and turned bad: nothing that it does reaches, or is told to, anybody."""

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hub import authority, broker
from hub.settings import Settings
from tests.hub.ingesting import STORE, account, free_port, running_broker, until
from tests.hub.party import BOTH, Guise, Party, let_in, needs_mosquitto, party

pytestmark = pytest.mark.slow

ROOT = "storehub/v1"
OURS = f"{ROOT}/{STORE}"
GATEWAY = account("gw", speaks_for=("s1",), reads=("rfid/door-1/#", "zigbee2mqtt/#"))
READER = account("reader", writes=("rfid/door-1/#",))
EVERYBODY = (account("good"), account("bad"), account("s2"), GATEWAY, READER)
# What the rogue `bad` has no right to say.
FOREIGN = (
    *(f"{OURS}/good/{rest}" for rest in ("obs/scan", "obs/batch", "status", "ack", "cmd/print")),
    *(f"{OURS}/bad/{rest}" for rest in ("ack", "cmd/print", "cmd", "obsx", "other/x")),
    f"{OURS}/hub/obs/scan", f"{OURS}/s1/obs/scan", f"{OURS}/gw/cmd/devices", f"{OURS}/bad",
    f"{ROOT}/other-store/bad/obs/scan", f"{ROOT}/other-store/good/ack", f"{ROOT}/bad/obs/scan",
    f"{OURS}/bad/../good/ack", f"{OURS}//bad/obs/scan", f"{OURS}/BAD/obs/scan", "obs/scan",
    "rfid/door-1/reads", "zigbee2mqtt/door",
)  # fmt: skip
SYSTEM = ("$SYS/broker/uptime", f"$share/x/{OURS}/good/ack")
# What it tries to hear.
WILD = (
    "#", "+/#", "storehub/#", f"{OURS}/#", f"{OURS}/+/ack", f"{OURS}/+/cmd/+", f"{OURS}/+/obs/#",
    f"{OURS}/+/status", f"{OURS}/good/#", f"{OURS}/good/ack", f"{OURS}/s1/ack", "rfid/#",
    "zigbee2mqtt/#", "$SYS/#", f"$share/g/{OURS}/good/ack", f"$share/g/{OURS}/+/obs/#",
    f"{ROOT}/+/+/ack", f"{OURS}/bad/#",
)  # fmt: skip
HUB_HEARS = (f"{OURS}/+/obs/#", f"{OURS}/+/status")


@pytest.fixture(params=BOTH)
def at(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    with running_broker(tmp_path, request.param, EVERYBODY, free_port()) as (chosen, _):
        yield chosen


class Floor:
    """Everybody whom an attack could reach, all ears."""

    def __init__(self, stack: ExitStack, directory: Path, chosen: Settings) -> None:
        def enter(name: str, password: str | None = None) -> Party:
            return stack.enter_context(party(chosen.mqtt_port, name, password))

        self.hub = enter("hub", broker.hub_password(directory, chosen))
        self.good, self.gateway, self.reader = enter("good"), enter("gw"), enter("reader")
        self.hub.hear(*HUB_HEARS)
        self.good.hear(f"{OURS}/good/ack", f"{OURS}/good/cmd/+")
        own = (f"{OURS}/gw/ack", f"{OURS}/gw/cmd/+", f"{OURS}/s1/ack", f"{OURS}/s1/cmd/+")
        self.gateway.hear(*own, "rfid/door-1/#", "zigbee2mqtt/#")
        self.all = (self.hub, self.good, self.gateway, self.reader)

    def heard(self) -> list[tuple[str, bytes]]:
        return [one for somebody in self.all for one in somebody.heard]


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


@pytest.mark.parametrize("retain", [False, True])
def test_what_a_device_says_on_foreign_topics_reaches_nobody(
    at: Settings, tmp_path: Path, stack: ExitStack, retain: bool
) -> None:
    floor = Floor(stack, tmp_path, at)
    with party(at.mqtt_port, "bad") as bad:
        for topic in FOREIGN:
            bad.say(topic, b"forged", retain=retain)
        time.sleep(0.2)
    # A broker may hang up on a topic that begins with $; the rogue simply comes again.
    for topic in SYSTEM:
        with party(at.mqtt_port, "bad") as bad:
            bad.say(topic, b"forged", retain=retain)
            time.sleep(0.05)
    with party(at.mqtt_port, "bad") as bad:
        bad.say(f"{OURS}/bad/obs/scan", b"mine")
        until(lambda: floor.hub.heard, "the hub hears what the device may say")
        time.sleep(0.3)
    assert floor.heard() == [(f"{OURS}/bad/obs/scan", b"mine")]
    # Nothing was left for those who subscribe later, either.
    late = Floor(stack, tmp_path, at)
    time.sleep(0.3)
    assert [one for one in late.heard() if one[1] == b"forged"] == []


def test_a_device_hears_nothing_of_others_whatever_it_subscribes_to(
    at: Settings, tmp_path: Path, stack: ExitStack
) -> None:
    floor = Floor(stack, tmp_path, at)
    floor.good.say(f"{OURS}/good/status", b'{"online":true}', retain=True)
    floor.gateway.say(f"{OURS}/s1/status", b'{"online":true}', retain=True)
    floor.reader.say("rfid/door-1/reads", b"retained read", retain=True)
    until(lambda: len(floor.hub.heard) == 2, "the statuses are there")
    bad = stack.enter_context(party(at.mqtt_port, "bad"))
    bad.hear(*WILD)
    again = stack.enter_context(party(at.mqtt_port, "bad", guise=Guise("bad-again", clean=False)))
    again.hear(*WILD)
    floor.hub.say(f"{OURS}/good/ack", b"1")
    floor.hub.say(f"{OURS}/good/cmd/print", b"2")
    floor.hub.say(f"{OURS}/s1/ack", b"3")
    floor.good.say(f"{OURS}/good/obs/scan", b"4")
    floor.reader.say("rfid/door-1/reads", b"5")
    until(lambda: len(floor.good.heard) == 2, "what belongs to others arrives there")
    until(lambda: len(floor.gateway.heard) >= 2, "and at the gateway")
    time.sleep(0.3)
    assert (bad.heard, again.heard) == ([], [])
    # Its own it does hear: the broker is not simply deaf.
    floor.hub.say(f"{OURS}/bad/ack", b"own")
    with party(at.mqtt_port, "bad", guise=Guise("bad-third")) as third:
        third.hear(f"{OURS}/bad/ack")
        floor.hub.say(f"{OURS}/bad/ack", b"own")
        until(lambda: third.heard, "the rogue hears its own ack")


@pytest.mark.parametrize("retain", [False, True])
def test_a_will_on_a_foreign_topic_is_never_carried_out(
    at: Settings, tmp_path: Path, stack: ExitStack, retain: bool
) -> None:
    floor = Floor(stack, tmp_path, at)
    topics = (f"{OURS}/good/ack", f"{OURS}/good/obs/scan", f"{OURS}/good/status",
              "rfid/door-1/reads", f"{OURS}/bad/cmd/print", f"{OURS}/hub/obs/scan")  # fmt: skip
    for number, topic in enumerate(topics):
        guise = Guise(client_id=f"will-{number}", will=(topic, retain))
        Party(at.mqtt_port, "bad", guise=guise).break_off()
    own = Guise(client_id="will-own", will=(f"{OURS}/bad/status", retain))
    Party(at.mqtt_port, "bad", guise=own).break_off()
    until(lambda: floor.hub.heard, "a will on its own topic is carried out")
    time.sleep(0.5)
    assert floor.heard() == [(f"{OURS}/bad/status", b"will")]
    late = Floor(stack, tmp_path, at)
    time.sleep(0.3)
    assert {topic for topic, body in late.heard() if body == b"will"} <= {f"{OURS}/bad/status"}


def test_a_gateway_speaks_for_those_it_serves_and_for_nobody_else(
    at: Settings, tmp_path: Path, stack: ExitStack
) -> None:
    floor = Floor(stack, tmp_path, at)
    for device in ("s2", "good", "reader", "nobody"):
        floor.gateway.say(f"{OURS}/{device}/obs/contact", b"forged")
        floor.gateway.say(f"{OURS}/{device}/status", b"forged")
    floor.gateway.say("rfid/door-1/reads", b"forged")
    floor.gateway.hear(f"{OURS}/s2/ack", f"{OURS}/good/ack")
    floor.hub.say(f"{OURS}/s2/ack", b"not yours")
    floor.gateway.say(f"{OURS}/s1/obs/contact", b"served")
    until(lambda: floor.hub.heard, "the hub hears the device behind the gateway")
    time.sleep(0.3)
    assert floor.heard() == [(f"{OURS}/s1/obs/contact", b"served")]
    # Given to another gateway, without anybody connecting anew:
    until((tmp_path / "broker" / "pid").exists, "the broker has written its pid")
    others = [one for one in EVERYBODY if one.name != "gw"]
    broker.accounts_changed(tmp_path, at, [*others, account("gw"), account("probe")])
    until(lambda: let_in(at.mqtt_port, "probe"), "the broker has read it")
    floor.gateway.say(f"{OURS}/s1/obs/contact", b"not any more")
    floor.gateway.say(f"{OURS}/gw/obs/heartbeat", b"still mine")
    until(lambda: len(floor.hub.heard) == 2, "the gateway still speaks for itself")
    time.sleep(0.3)
    assert floor.hub.heard[1] == (f"{OURS}/gw/obs/heartbeat", b"still mine")


def test_after_its_revocation_a_device_says_and_hears_nothing(
    at: Settings, tmp_path: Path, stack: ExitStack
) -> None:
    floor = Floor(stack, tmp_path, at)
    bad = stack.enter_context(
        party(at.mqtt_port, "bad", guise=Guise(clean=False, will=(f"{OURS}/bad/status", True)))
    )
    bad.hear(f"{OURS}/bad/ack")
    until((tmp_path / "broker" / "pid").exists, "the broker has written its pid")
    broker.accounts_changed(tmp_path, at, [one for one in EVERYBODY if one.name != "bad"])
    until(lambda: bad.lost, "its connection is cut")
    bad.say(f"{OURS}/bad/obs/scan", b"late")
    floor.hub.say(f"{OURS}/bad/ack", b"late")
    with party(at.mqtt_port, "bad", guise=Guise("bad-2", clean=False)) as again:
        assert not again.let_in
    time.sleep(0.3)
    assert [one for one in floor.heard() if one[1] != b"will"] == []
    assert bad.heard == []
    # Let in again with a new password it does not get what was said meanwhile.
    broker.accounts_changed(tmp_path, at, [*EVERYBODY[:1], account("bad", "new"), *EVERYBODY[2:]])
    until(lambda: let_in(at.mqtt_port, "bad", "new"), "the broker has read it")
    with party(at.mqtt_port, "bad", "new", Guise(clean=False)) as back:
        assert back.let_in
        back.hear(f"{OURS}/bad/ack")
        time.sleep(0.3)
        assert [one for one in back.heard if one[1] == b"late"] == []


@needs_mosquitto
def test_another_s_client_id_does_not_open_its_letters(tmp_path: Path, stack: ExitStack) -> None:
    """On amqtt it does end the other's connection: there is no cure for that but mosquitto."""
    with running_broker(tmp_path, "mosquitto", EVERYBODY, free_port()) as (at, _):
        good = Guise("good-id", clean=False)
        with party(at.mqtt_port, "good", guise=good) as victim:
            victim.hear(f"{OURS}/good/ack")
        hub = stack.enter_context(party(at.mqtt_port, "hub", broker.hub_password(tmp_path, at)))
        hub.say(f"{OURS}/good/ack", b"waiting")
        time.sleep(0.3)
        with party(at.mqtt_port, "bad", guise=good) as thief:
            time.sleep(0.5)
            hub.say(f"{OURS}/good/ack", b"live")
            time.sleep(0.5)
            assert thief.let_in
            assert thief.heard == []


def test_nobody_can_guess_the_hub_s_client_id(tmp_path: Path) -> None:
    made = {broker.address(tmp_path / str(n), Settings()).client_id for n in range(3)}
    assert len(made) == 3
    again = broker.address(tmp_path / "0", Settings())
    assert again.client_id in made
    assert again.password not in again.client_id


# --- over TLS


@pytest.fixture(params=BOTH)
def secure(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    with running_broker(
        tmp_path, request.param, EVERYBODY, free_port(), mqtts_port=free_port()
    ) as (chosen, _):
        until(lambda: broker.answers("127.0.0.1", chosen.mqtts_port), "the TLS door answers")
        yield chosen


def test_a_device_comes_in_over_tls_by_the_store_s_ca_and_its_password(
    secure: Settings, tmp_path: Path, stack: ExitStack
) -> None:
    ca, other = tmp_path / "tls" / "ca.pem", authority.establish(
        tmp_path / "other", "x", ["127.0.0.1"], datetime.now(UTC)
    ).ca  # fmt: skip
    hub = stack.enter_context(party(secure.mqtt_port, "hub", broker.hub_password(tmp_path, secure)))
    hub.hear(*HUB_HEARS)
    v5 = secure.broker == "mosquitto"
    with party(secure.mqtts_port, "good", guise=Guise(ca=ca, v5=v5)) as good:
        assert good.let_in
        good.say(f"{OURS}/good/obs/scan", b"over tls")
        until(lambda: hub.heard, "the hub hears it")
    with party(secure.mqtts_port, "good", "wrong", Guise(ca=ca)) as rogue:
        assert not rogue.let_in
    with (
        socket.create_connection(("127.0.0.1", secure.mqtts_port)) as line,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        ssl.create_default_context(cafile=str(other)).wrap_socket(line, server_hostname="127.0.0.1")
    with party(secure.mqtts_port, "good") as plain:
        assert not plain.let_in


def test_a_renewed_certificate_is_shown_after_a_reload_and_nobody_is_cut(
    secure: Settings, tmp_path: Path
) -> None:
    if secure.broker == "amqtt":
        pytest.skip("amqtt shows a new certificate when it is started again")
    ca = tmp_path / "tls" / "ca.pem"
    with party(secure.mqtts_port, "good", guise=Guise(ca=ca)) as good:
        until((tmp_path / "broker" / "pid").exists, "the broker has written its pid")
        before = (tmp_path / "tls" / "hub.pem").read_bytes()
        authority.establish(tmp_path, STORE, ["10.9.8.7"], datetime.now(UTC))
        assert (tmp_path / "tls" / "hub.pem").read_bytes() != before
        broker.reload(tmp_path)
        time.sleep(0.3)
        with party(secure.mqtts_port, "s2", guise=Guise(ca=ca)) as late:
            assert late.let_in
        assert not good.lost


@needs_mosquitto
def test_a_certificate_proves_who_a_device_is_until_its_secret_changes(
    tmp_path: Path, stack: ExitStack
) -> None:
    port, door = free_port(), free_port()
    named = [account("good", certificates=("good.0a1b",)), account("bad", certificates=("bad.1",))]
    with running_broker(tmp_path, "mosquitto", named, port, mqtt_certificate_port=door) as (
        chosen,
        _,
    ):
        ca = tmp_path / "tls" / "ca.pem"

        def guise(name: str, of: Path = tmp_path) -> Guise:
            pem, key = authority.issue(of, STORE, name, datetime.now(UTC))
            pair = (tmp_path / f"{name}.pem", tmp_path / f"{name}.key")
            for file, content in zip(pair, (pem, key), strict=True):
                file.write_bytes(content)
            return Guise(ca=ca, certificate=pair, client_id=name)

        authority.establish(tmp_path / "other", STORE, ["127.0.0.1"], datetime.now(UTC))
        hub = stack.enter_context(party(port, "hub", broker.hub_password(tmp_path, chosen)))
        hub.hear(*HUB_HEARS)
        own = guise("good.0a1b")
        good = stack.enter_context(party(door, "whoever", "no password", own))
        assert good.let_in
        good.hear(f"{OURS}/good/ack", f"{OURS}/bad/ack", "#")
        for topic in (f"{OURS}/bad/obs/scan", f"{OURS}/good.0a1b/obs/scan", f"{OURS}/good/ack"):
            good.say(topic, b"forged")
        good.say(f"{OURS}/good/obs/scan", b"mine")
        hub.say(f"{OURS}/good/ack", b"1")
        hub.say(f"{OURS}/bad/ack", b"2")
        until(lambda: hub.heard and good.heard, "both hear")
        time.sleep(0.3)
        assert hub.heard == [(f"{OURS}/good/obs/scan", b"mine")]
        assert set(good.heard) == {(f"{OURS}/good/ack", b"1")}
        # Neither no certificate, nor one of another store, nor the hub's own opens the door.
        server = (tmp_path / "tls" / "hub.pem", tmp_path / "tls" / "hub.key")
        for stranger in (Guise(ca=ca), guise("bad.1", tmp_path / "other"),
                         Guise(ca=ca, certificate=server)):  # fmt: skip
            with party(door, "hub", "x", stranger) as outside:
                assert not outside.let_in
        # One that was never issued by this store's registry has no right.
        with party(door, "x", "x", guise("good.ffff")) as forged:
            forged.hear(*WILD)
            forged.say(f"{OURS}/good/obs/scan", b"forged")
            hub.say(f"{OURS}/good/ack", b"3")
            time.sleep(0.4)
            assert forged.heard == []
        assert len(hub.heard) == 1
        # Rotated: the certificate is still valid, and worth nothing.
        until((tmp_path / "broker" / "pid").exists, "the broker has written its pid")
        broker.accounts_changed(tmp_path, chosen, [account("good", "new"), account("bad")])
        until(lambda: let_in(port, "good", "new"), "the broker has read it")
        heard = len(good.heard)
        good.say(f"{OURS}/good/obs/scan", b"revoked")
        with party(door, "x", "x", Guise(ca=ca, certificate=own.certificate)) as again:
            again.hear(f"{OURS}/good/ack")
            again.say(f"{OURS}/good/obs/scan", b"revoked")
            hub.say(f"{OURS}/good/ack", b"4")
            time.sleep(0.4)
            assert again.heard == []
        assert (len(hub.heard), len(good.heard)) == (1, heard)
