"""What a floor observed, written down; and played again, at any speed, through the real clients.

It must never sell twice: a sale that is played again gets a number of its own.
"""

import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import msgspec

from devices.simulator.things import Unit
from hub.errors import Invalid


class Said(msgspec.Struct):
    """One line of a recording. `ms` counts from its beginning, in the store's time."""

    ms: int
    device: str
    kind: str
    data: dict[str, Any]


class Recorder:
    """A device that writes down what it says."""

    def __init__(self, device: str, inner: Unit, tape: "Tape") -> None:
        self._device, self._inner, self._tape = device, inner, tape

    def observe(self, kind: str, data: dict[str, Any]) -> str:
        self._tape.write(self._device, kind, data)
        return self._inner.observe(kind, data)

    def heartbeat(self, **more: Any) -> str:
        self._tape.write(self._device, "heartbeat", more)
        return self._inner.heartbeat(**more)

    def radio(self, on: bool) -> None:
        self._inner.radio(on)


class Tape:
    """A file of Said lines, in the order in which they were said; `now_s` is the store's time."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.now_s = 0.0

    def write(self, device: str, kind: str, data: Mapping[str, Any]) -> None:
        said = Said(int(self.now_s * 1000), device, kind, dict(data))
        self._file.write(msgspec.json.encode(said) + b"\n")


def read(file: Path) -> Iterator[Said]:
    """Yield what a recording holds. Raises Invalid with the line that is wrong."""
    decoder = msgspec.json.Decoder(Said)
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                yield decoder.decode(line)
            except msgspec.DecodeError as error:
                raise Invalid(f"{file}:{number} is no recorded observation: {error}.") from error


def play(
    file: Path, devices: Mapping[str, Unit], speed: float, stop: threading.Event
) -> tuple[int, int]:
    """Say everything again; return how much, and how much was left out for want of its device."""
    mark = secrets.token_hex(3)
    said = left_out = 0
    began = time.monotonic()
    for one in read(file):
        if stop.wait(max(0.0, began + one.ms / 1000 / speed - time.monotonic())):
            break
        device = devices.get(one.device)
        if device is None:
            left_out += 1
            continue
        data = one.data
        if one.kind == "sale":
            data = data | {"sale_id": f"{data['sale_id'][:50]}-{mark}"}
        if one.kind == "heartbeat":
            device.heartbeat(**data)
        else:
            device.observe(one.kind, data)
        said += 1
    return said, left_out
