"""Devices made for the examination: one that does all well, and the same with one fault each."""

import json
import secrets
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

FAULTS: Final = (
    "never_resends", "other_body", "new_id", "after_ack", "retained", "no_will", "local_time",
    "qos_0", "loses_offline", "deaf", "reuses_ids", "seconds", "skips_numbers", "only_committed",
    "unreadable", "no_status",
)  # fmt: skip
EVERY_S: Final = 0.4
RESEND_S: Final = 1.5


class Double:
    """Observes something every 0.4 s; `fault` names the one thing that it does wrong."""

    def __init__(self, store: str, name: str, port: int, password: str, fault: str = "") -> None:
        self.fault, self._base = fault, f"storehub/v1/{store}/{name}"
        self._began, self._boot = time.monotonic(), secrets.token_hex(4)
        self._seq = 0
        self._waiting: dict[str, tuple[str, dict[str, Any], float]] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._done: list[dict[str, Any]] = []
        client = Client(
            CallbackAPIVersion.VERSION2, client_id=name, protocol=MQTTProtocolVersion.MQTTv311
        )
        client.username_pw_set(name, password)
        client.reconnect_delay_set(1, 2)
        if fault != "no_will":
            client.will_set(f"{self._base}/status", '{"online":false}', 1, True)
        client.on_connect = self._on_connect
        client.on_message = self._on_message
        client.connect_async("127.0.0.1", port, keepalive=30)
        self._client = client
        self._thread = threading.Thread(target=self._observe, daemon=True)

    def __enter__(self) -> "Double":
        self._client.loop_start()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(self, client: Client, *_: object) -> None:
        if self.fault != "no_status":
            told = json.dumps({"online": True, "boot": self._boot, "uptime_ms": self._uptime()})
            client.publish(f"{self._base}/status", told, 1, True)
        client.subscribe([(f"{self._base}/ack", 1), (f"{self._base}/cmd/+", 1)])

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        told = json.loads(message.payload)
        if message.topic.endswith("/ack"):
            for one in told["acks"]:
                if self.fault == "only_committed" and one["status"] != "committed":
                    continue
                if self.fault != "after_ack":
                    with self._lock:
                        self._waiting.pop(one["id"], None)
        elif self.fault != "deaf":
            self._make("done", {"key": told["key"], "state": "unknown_command"})

    def _observe(self) -> None:
        while not self._stop.wait(EVERY_S):
            if not (self.fault == "loses_offline" and not self._client.is_connected()):
                data = {"kode" if self.fault == "unreadable" else "code": "4006381333931"}
                self._make("scan", data)
            self._send_again()

    def _make(self, kind: str, data: dict[str, Any]) -> None:
        with self._lock:
            self._seq += 2 if self.fault == "skips_numbers" and self._seq % 5 == 0 else 1
            seq = self._seq
            name = f"e{seq % 9}" if self.fault == "reuses_ids" else secrets.token_hex(8)
            ahead = timedelta(hours=2 if self.fault == "local_time" else 0)
            at = (datetime.now(UTC) + ahead).isoformat(timespec="milliseconds")
            body = {
                "id": name, "boot": self._boot, "seq": seq, "at": at.replace("+00:00", "Z"),
                "uptime_ms": self._uptime(), "time_quality": "synced", "data": data,
            }  # fmt: skip
            self._waiting[name] = (kind, body, time.monotonic())
        self._publish(kind, body)
        if self.fault in ("never_resends", "qos_0"):
            with self._lock:
                self._waiting.pop(name, None)

    def _send_again(self) -> None:
        now = time.monotonic()
        with self._lock:
            late = [(n, one) for n, one in self._waiting.items() if now - one[2] > RESEND_S]
            for name, (kind, body, _) in late:
                if self.fault == "other_body" and kind == "scan":
                    body["data"] = {"code": secrets.token_hex(6)}
                if self.fault == "new_id":
                    del self._waiting[name]
                    body = {**body, "id": secrets.token_hex(8)}
                self._waiting[body["id"]] = (kind, body, now)
        if self._client.is_connected():
            for _, (kind, body, _) in late:
                self._publish(kind, self._waiting.get(body["id"], ("", body, 0.0))[1])

    def _publish(self, kind: str, body: dict[str, Any]) -> None:
        if self._client.is_connected():
            qos = 0 if self.fault == "qos_0" else 1
            kept = self.fault == "retained"
            self._client.publish(f"{self._base}/obs/{kind}", json.dumps(body), qos, kept)

    def _uptime(self) -> int:
        passed = time.monotonic() - self._began
        return int(passed if self.fault == "seconds" else passed * 1000)
