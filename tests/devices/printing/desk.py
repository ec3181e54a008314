"""A printer's surroundings without a broker: a client that remembers what was observed, sheets."""

import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import zxingcpp
from PIL import Image

from devices.outbox import Outbox
from devices.printing import printer
from devices.printing.double import PaperDouble
from devices.printing.printer import PrinterSettings
from hub.printing.document import Document, Item, Symbol, Text

# Patient, however loaded the machine is: whoever tests silence shortens what it waits out.
QUICK: dict[str, Any] = {"answer_s": 5.0, "stall_s": 10.0, "finish_s": 20.0, "again_s": 0.05}


def slip(code: str, lines: int = 3, lang: str = "en") -> Document:
    items = tuple(Item(f"Article {n}", f"{n} ×", f"A{n}") for n in range(1, lines + 1))
    blocks = (Text(code, "huge", bold=True, align="center"), Symbol("qr", f"SH1:O:{code}"), *items)
    return Document("pickup_slip", lang, blocks)


def codes(picture: Image.Image) -> list[str]:
    """Return what a scanner reads from a picture."""
    return [one.text for one in zxingcpp.read_barcodes(picture.convert("L"))]


class Desk:
    """Stands in for the device's client: its outbox is the real one, on disk."""

    def __init__(self, directory: Path) -> None:
        self.outbox = Outbox(directory / "printer-1.db")
        self.said: list[dict[str, Any]] = []
        self.handlers: dict[str, Callable[[Mapping[str, Any]], None]] = {}

    def observe(self, kind: str, data: Mapping[str, Any]) -> str:
        self.said.append({"kind": kind, **data})
        return secrets.token_hex(4)

    def takes(self, name: str, handler: Callable[[Mapping[str, Any]], None]) -> None:
        self.handlers[name] = handler

    # -- as the hub

    def print(self, key: str, document: Document | None = None, **more: Any) -> None:
        body = {"key": key, "document": msgspec.to_builtins(document or slip(key)), **more}
        until(lambda: "print" in self.handlers)
        self.handlers["print"](msgspec.json.decode(msgspec.json.encode(body)))

    def states(self, key: str) -> list[str]:
        return [one["state"] for one in list(self.said) if one.get("job") == key]

    def state(self, key: str) -> str | None:
        return (self.states(key) or [None])[-1]

    def detail(self, key: str) -> str | None:
        found = [one.get("detail") for one in list(self.said) if one.get("job") == key]
        return found[-1] if found else None


@contextmanager
def printing(desk: Desk, address: str, **more: Any) -> Iterator[None]:
    """Run the printer's side until the block ends."""
    stop = threading.Event()
    settings = PrinterSettings(address, **QUICK | more)
    thread = threading.Thread(target=printer.run, args=(settings, desk, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(60)
        assert not thread.is_alive()


def until(what: Callable[[], object], within_s: float = 60) -> None:
    end = time.monotonic() + within_s
    while not what():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.005)


__all__ = ["QUICK", "Desk", "PaperDouble", "codes", "printing", "slip", "until"]
