"""The sheet by which a person sets up a device that cannot join by itself: what to type where.

It must never hold a password that the hub does not have: it is on the sheet only when just drawn.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from hub.fleet.queries import Registered
from hub.wire import ROOT

UNKNOWN: Final = "(shown once, when the device was let in)"
CA_FILE: Final = "ca.pem"


class Reach(msgspec.Struct, frozen=True):
    """Where the broker is. `ca` is the store's CA as PEM, "" without TLS."""

    store: str
    host: str
    port: int
    ca: str
    ca_sha256: str

    @property
    def tls(self) -> bool:
        return bool(self.ca)


class Field(msgspec.Struct, frozen=True):
    name: str
    value: str


class Block(msgspec.Struct, frozen=True):
    """Something to copy whole. `where` says into what."""

    where: str
    text: str


class Sheet(msgspec.Struct, frozen=True):
    device: str
    family: str
    fields: list[Field]
    blocks: list[Block]
    notes: list[str]


def sheet(device: Registered, reach: Reach, password: str = "") -> Sheet:
    """Return how `device` is set up by hand; `password` only when it was drawn just now."""
    secret = password or UNKNOWN
    writes, reads = _topics(device, reach.store)
    fields = [
        Field("host", reach.host),
        Field("port", str(reach.port)),
        Field("TLS", "yes, 1.2 or 1.3" if reach.tls else "no: passwords travel readable"),
        Field("user name", device.id),
        Field("password", secret),
        Field("client id", device.id),
        Field("MQTT version", "5, or 3.1.1"),
        Field("quality of service", "1"),
        *(Field("publishes to", one) for one in writes),
        *(Field("reads", one) for one in reads),
    ]
    if reach.tls:
        fields.append(Field("CA, SHA-256", reach.ca_sha256))
    family = device.family.partition(":")[0]
    write = FAMILIES.get(family, _own)
    blocks, notes = write(device, reach, secret)
    if reach.tls:
        blocks.append(Block(f"the CA, as a file {CA_FILE}", reach.ca))
    if device.via is not None and not device.grants:
        notes = [f"{device.id} speaks through {device.via}: it has no account of its own.", *notes]
    return Sheet(device.id, device.family, fields, blocks, notes)


def lines(made: Sheet) -> list[str]:
    """Return a sheet as text."""
    text = [f"{made.device} ({made.family})", ""]
    text += [f"  {field.name:20} {field.value}" for field in made.fields]
    for note in made.notes:
        text += ["", note]
    for block in made.blocks:
        text += ["", f"{block.where}:", *(f"    {line}" for line in block.text.splitlines())]
    return text


Written = tuple[list[Block], list[str]]


def _topics(device: Registered, store: str) -> tuple[Sequence[str], Sequence[str]]:
    base = f"{ROOT}/{store}/{device.id}"
    if device.family == "storehub":
        return (f"{base}/obs/…", f"{base}/status"), (f"{base}/ack", f"{base}/cmd/+")
    return device.grants, ()


def _prefix(device: Registered, otherwise: str) -> str:
    """Return the first granted filter without its wildcard: what the device's topics begin with."""
    first = device.grants[0] if device.grants else otherwise
    return first.removesuffix("/#").removesuffix("/+")


def _own(device: Registered, reach: Reach, secret: str) -> Written:
    base = f"{ROOT}/{reach.store}/{device.id}"
    ca = f" --cafile {CA_FILE}" if reach.tls else ""
    at = f"-h {reach.host} -p {reach.port}{ca} -u {device.id} -P '{secret}' -i {device.id}"
    body = (
        '{"id":"try-1","boot":"b1","seq":1,"at":null,"uptime_ms":1000,'
        '"time_quality":"unknown","data":{}}'
    )
    topics = [f"{base}/obs/heartbeat"] if device.family == "storehub" else list(device.grants[:1])
    tries = [f"mosquitto_pub {at} -q 1 -t '{topic}' -m '{body}'" for topic in topics]
    return [Block("to try it from a shell", "\n".join(tries))], []


def _zigbee2mqtt(device: Registered, reach: Reach, secret: str) -> Written:
    scheme = "mqtts" if reach.tls else "mqtt"
    text = [
        "mqtt:",
        f"  base_topic: {_prefix(device, 'zigbee2mqtt')}",
        f"  server: {scheme}://{reach.host}:{reach.port}",
        *([f"  ca: /etc/ssl/certs/storehub-{CA_FILE}", "  reject_unauthorized: true"]
          if reach.tls else []),
        f"  user: {device.id}",
        f"  password: '{secret}'",
        f"  client_id: {device.id}",
        "  version: 5",
        "advanced:",
        "  last_seen: ISO_8601",
    ]  # fmt: skip
    notes = ["With last_seen the hub knows when a sensor measured, not only when it was heard."]
    return [Block("Zigbee2MQTT, data/configuration.yaml", "\n".join(text))], notes


def _shelly(device: Registered, reach: Reach, secret: str) -> Written:
    config = {
        "enable": True,
        "server": f"{reach.host}:{reach.port}",
        "client_id": device.id,
        "user": device.id,
        "pass": secret,
        "ssl_ca": "user_ca.pem" if reach.tls else None,
        "topic_prefix": _prefix(device, device.id).removesuffix("/events"),
        "rpc_ntf": True,
        "status_ntf": True,
    }
    calls: list[tuple[str, dict[str, Any]]] = [
        ("MQTT.SetConfig", {"config": config}),
        ("Shelly.Reboot", {}),
    ]
    if reach.tls:
        calls.insert(0, ("Shelly.PutUserCA", {"data": reach.ca, "append": False}))
    text = [
        f"curl -X POST http://SHELLY/rpc/{method} -d '{json.dumps(given)}'"
        for method, given in calls
    ]
    return [Block("Shelly Gen2+, RPC calls (SHELLY = its address)", "\n".join(text))], []


def _esphome(device: Registered, reach: Reach, secret: str) -> Written:
    text = [
        "mqtt:",
        f"  broker: {reach.host}",
        f"  port: {reach.port}",
        f"  username: {device.id}",
        f"  password: '{secret}'",
        f"  client_id: {device.id}",
        f"  topic_prefix: {_prefix(device, device.id)}",
        "  discovery: false",
    ]
    notes = []
    if reach.tls:
        text += ["  certificate_authority: |", *(f"    {one}" for one in reach.ca.splitlines())]
        notes = ["ESPHome takes a certificate authority on the ESP32 with the esp-idf framework."]
    return [Block("ESPHome, the node's yaml", "\n".join(text))], notes


def _impinj(device: Registered, reach: Reach, secret: str) -> Written:
    topic = _prefix(device, f"rfid/{device.id}")
    config = {
        "active": True,
        "brokerHostname": reach.host,
        "brokerPort": reach.port,
        "tlsEnabled": reach.tls,
        "username": device.id,
        "password": secret,
        "clientId": device.id,
        "cleanSession": False,
        "eventTopic": topic,
        "eventQualityOfService": 1,
        "eventBufferSize": 100000,
        "eventPendingDeliveryLimit": 10,
        "eventPerSecondLimit": 0,
        "keepAliveIntervalSeconds": 30,
        "willTopic": f"{topic}/status",
        "willMessage": "offline",
        "willQualityOfService": 1,
    }
    text = json.dumps(config, indent=2)
    where = "Impinj R700/R510, PUT /api/v1/mqtt, or the page 'MQTT' with the same names"
    notes = ["Install the CA on the reader first, and leave hostname and timestamps switched on."]
    return [Block(where, text)], notes if reach.tls else []


def _zebra(device: Registered, reach: Reach, secret: str) -> Written:
    options = {
        "endpoint": {
            "hostName": reach.host,
            "port": reach.port,
            "protocol": "ssl" if reach.tls else "tcp",
        },
        "enableSecurity": reach.tls,
        "security": {
            "CACertificateFileLocation": f"/apps/{CA_FILE}",
            "verifyHostName": True,
            "verifyPeer": True,
        },
        "basicAuthentication": {"username": device.id, "password": secret},
        "additional": {
            "clientId": device.id,
            "cleanSession": False,
            "keepAlive": 30,
            "qos": 1,
            "reconnectDelay": 1,
            "reconnectDelayMax": 30,
        },
        "publishTopic": [_prefix(device, f"rfid/{device.id}")],
        "subscribeTopic": [],
    }
    if not reach.tls:
        del options["security"]
    connection = {"type": "mqtt", "options": options}
    text = json.dumps({"data": {"event": {"connections": [connection]}}}, indent=2)
    where = "Zebra reader, IoT Connector, endpointConfig (the page 'Endpoint' has the same names)"
    return [Block(where, text)], ["Copy the CA to the reader first."] if reach.tls else []


FAMILIES: Final[dict[str, Callable[[Registered, Reach, str], Written]]] = {
    "storehub": _own,
    "zigbee2mqtt": _zigbee2mqtt,
    "shelly": _shelly,
    "esphome": _esphome,
    "impinj": _impinj,
    "zebra-fx": _zebra,
    "zebra-sled": _zebra,
}
