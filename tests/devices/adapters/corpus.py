"""The payload corpus: one JSON file a message under tests/payloads/<family>/, with its source."""

import base64
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from devices.adapters import Glitch, Heard, Learned, Reading, Received, Sighted, Status

PAYLOADS = Path(__file__).parents[2] / "payloads"


@dataclass(frozen=True)
class Sample:
    family: str
    name: str
    source: str
    topic: str
    payload: bytes
    received: Received
    expect: list[list[Any]]
    quality: str | None

    def __str__(self) -> str:
        return f"{self.family}/{self.name}"


def samples() -> list[Sample]:
    found = []
    for path in sorted(PAYLOADS.glob("*/*.json")):
        told = json.loads(path.read_text(encoding="utf-8"))
        received = Received(
            datetime.fromisoformat(told["received"]), "synced", told.get("retained", False)
        )
        found.append(
            Sample(
                path.parent.name, path.stem, told["source"], told["topic"],
                _payload(told), received, told["expect"], told.get("quality"),
            )
        )  # fmt: skip
    return found


def _payload(told: dict[str, Any]) -> bytes:
    if "payload_base64" in told:
        return base64.b64decode(told["payload_base64"])
    return str(told["payload"]).encode()


def shown(heard: Heard) -> list[Any]:
    """What the corpus writes down of a thing that was heard."""
    match heard:
        case Reading():
            return [heard.kind, heard.address, heard.data]
        case Sighted():
            return ["sighted", heard.address]
        case Status():
            return ["status", heard.address, heard.online]
        case Learned():
            return ["learned", heard.key, heard.value]
        case Glitch():
            return ["glitch", heard.reason]
