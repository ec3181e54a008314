"""Ingest's peer: stock paho with manual acks → `executemany` of the raw payload, FULL.

It is what one would write in an hour: no dedupe, no validation, no facts, no acks to devices.

    python -m tests.bench.peer PORT USER PASSWORD TOPIC DATABASE
"""

import sqlite3
import sys
import threading
from typing import Any

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties


def main(port: str, user: str, password: str, topic: str, path: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE raw (n INTEGER PRIMARY KEY, topic TEXT, payload BLOB)")
    arrived: list[tuple[int, int, str, bytes]] = []
    news = threading.Condition()
    client = Client(
        CallbackAPIVersion.VERSION2, "bench-peer", protocol=MQTTProtocolVersion.MQTTv5,
        manual_ack=True,
    )  # fmt: skip
    client.username_pw_set(user, password)

    def on_message(_client: Client, _data: object, message: Any) -> None:
        with news:
            arrived.append((message.mid, message.qos, message.topic, message.payload))
            news.notify()

    client.on_message = on_message
    client.on_connect = lambda *_: client.subscribe(topic, qos=1)
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.ReceiveMaximum = 2000
    client.connect("127.0.0.1", int(port), properties=properties)
    client.loop_start()
    while True:
        with news:
            news.wait_for(lambda: arrived)
            taken, arrived[:] = list(arrived), []
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(
            "INSERT INTO raw (topic, payload) VALUES (?, ?)",
            [(topic, payload) for _, _, topic, payload in taken],
        )
        connection.execute("COMMIT")
        for mid, qos, _, _ in taken:
            client.ack(mid, qos)


if __name__ == "__main__":
    main(*sys.argv[1:])
