"""USB ports with keyboards that a test types on: pipes that carry Linux's own input events."""

import os
import struct
import time
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from devices.scanners.plugs import Keyboard
from devices.scanners.wedge import Stroke
from hub.errors import Unavailable
from tests.devices.scanners.keys import strokes

EVENT = struct.Struct("@llHHi")


class Pipe:
    """One keyboard: what is written here is read there."""

    def __init__(self, node: str, caps: bool = False) -> None:
        self.node, self.caps = node, caps
        self.fd, self._write = os.pipe()
        self.grabbed = True

    def send(self, keys: Iterable[Stroke]) -> None:
        records = [
            EVENT.pack(k.at_ms // 1000, k.at_ms % 1000 * 1000, 1, k.code, k.value)
            + EVENT.pack(k.at_ms // 1000, 0, 0, 0, 0)
            for k in keys
        ]
        for begin in range(0, len(records), 20):
            os.write(self._write, b"".join(records[begin : begin + 20]))

    def raw(self, data: bytes) -> None:
        os.write(self._write, data)

    def scan(self, text: str, **how: Any) -> None:
        self.send(strokes(text, node=self.node, at_ms=int(time.monotonic() * 1000), **how))

    def unplug(self) -> None:
        os.close(self._write)

    def close(self) -> None:
        os.close(self.fd)
        self.grabbed = False


class Plugboard:
    """What is plugged in where. `trouble` is what the system says instead of opening."""

    def __init__(self) -> None:
        self.ports: dict[str, Pipe] = {}
        self.trouble: str | None = None
        self._nodes = 0

    def plug(self, port: str, **how: Any) -> Pipe:
        """Plug the same make in again: the node is another one each time."""
        self._nodes += 1
        self.ports[port] = Pipe(f"/dev/input/event{self._nodes}", **how)
        return self.ports[port]

    def unplug(self, port: str) -> None:
        self.ports.pop(port).unplug()

    def open(self, port: str, known: Collection[str]) -> list[Keyboard]:
        if self.trouble:
            raise Unavailable(self.trouble, retry_after_s=1)
        pipe = self.ports.get(port)
        return [pipe] if pipe is not None and pipe.node not in known else []


class Heard:
    """A client that keeps what it is told."""

    def __init__(self) -> None:
        self.observed: list[tuple[str, dict[str, Any]]] = []

    def observe(self, kind: str, data: Mapping[str, Any]) -> str:
        self.observed.append((kind, dict(data)))
        return str(len(self.observed))

    @property
    def codes(self) -> list[str]:
        return [data["code"] for kind, data in self.observed if kind == "scan"]
