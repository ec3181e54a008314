"""Somebody at a real broker: what was said to him, whoever he claims to be."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from hub import broker
from tests.hub.ingesting import until

needs_mosquitto = pytest.mark.skipif(
    broker.find_mosquitto() is None, reason="mosquitto is not installed"
)
BOTH = [pytest.param("mosquitto", marks=needs_mosquitto), "amqtt"]


@dataclass
class Guise:
    """How somebody comes: over TLS with `ca`, with a certificate, under another's client id."""

    client_id: str | None = None
    clean: bool = True
    will: tuple[str, bool] | None = None  # topic, retained
    ca: Path | None = None
    certificate: tuple[Path, Path] | None = None
    v5: bool = False


class Party:
    def __init__(
        self, port: int, name: str, password: str | None = None, guise: Guise | None = None
    ) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self.told: list[str] = []
        self.subscribed = 0
        self.lost = False
        guise = guise or Guise()
        version = MQTTProtocolVersion.MQTTv5 if guise.v5 else MQTTProtocolVersion.MQTTv311
        self.client = Client(
            CallbackAPIVersion.VERSION2, client_id=guise.client_id or f"party-{name}",
            protocol=version, reconnect_on_failure=False,
            clean_session=None if guise.v5 else guise.clean,
        )  # fmt: skip
        if name:
            self.client.username_pw_set(name, password or f"secret-of-{name}")
        if guise.will:
            self.client.will_set(guise.will[0], b"will", qos=1, retain=guise.will[1])
        if guise.ca:
            pair = guise.certificate or (None, None)
            context = ssl.create_default_context(cafile=str(guise.ca))
            if pair[0]:
                context.load_cert_chain(*pair)
            self.client.tls_set_context(context)
        self.client.on_connect = lambda c, u, f, reason, p: self.told.append(str(reason))
        self.client.on_message = lambda c, u, m: self.heard.append((m.topic, bytes(m.payload)))
        self.client.on_subscribe = self._acked
        self.client.on_disconnect = self._gone
        try:
            self.client.connect("127.0.0.1", port)
        except (ssl.SSLError, ConnectionResetError):
            self.lost = True
            return
        self.client.loop_start()
        until(lambda: self.told or self.lost, "the broker answers")

    def _gone(self, *_: object) -> None:
        self.lost = True

    def _acked(self, *_: object) -> None:
        self.subscribed += 1

    @property
    def let_in(self) -> bool:
        return self.told == ["Success"]

    def hear(self, *filters: str) -> None:
        wanted = self.subscribed + len(filters)
        for one in filters:
            self.client.subscribe(one, 1)
        until(lambda: self.subscribed >= wanted or self.lost, "the broker has heard it")

    def say(self, topic: str, text: bytes = b"x", *, retain: bool = False) -> None:
        self.client.publish(topic, text, qos=1, retain=retain)

    def break_off(self) -> None:
        """Vanish without a goodbye, so that the will is carried out."""
        sock = self.client.socket()
        if sock is not None:
            sock.shutdown(socket.SHUT_RDWR)
        self.client.loop_stop()

    def leave(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def let_in(port: int, name: str, password: str | None = None) -> bool:
    """Is this account let in by now? Tells that a broker has read its accounts again."""
    with party(port, name, password, Guise(f"probe-{name}")) as probe:
        return probe.let_in


@contextmanager
def party(
    port: int, name: str, password: str | None = None, guise: Guise | None = None
) -> Iterator[Party]:
    made = Party(port, name, password, guise)
    try:
        yield made
    finally:
        made.leave()
