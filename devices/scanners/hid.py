"""A keyboard-wedge scanner: its keys are grabbed, read as lines and published as `obs/scan`.

It must never let a key reach another program while it runs, and never publish what `wedge` did
not take for a scan.
"""

import logging
import os
import select
import struct
import threading
import time
from typing import Final

import msgspec

from devices.scanners import wedge
from devices.scanners.aim import Publisher, Tally, scan_of
from devices.scanners.plugs import Keyboard, LinuxPlugs, Plugs
from devices.scanners.wedge import Event, Gone, Lost, Opened, Rules, Silence, State, Stroke
from hub.errors import Invalid, Unavailable

log = logging.getLogger(__name__)

LOOK_S: Final = 0.5  # a scanner that is plugged in again is found within this
TURN_S: Final = 0.1
# `struct input_event`: two longs of time, type, code, value.
_EVENT: Final = struct.Struct("@llHHi")
_READ: Final = 64 * _EVENT.size
_SYN, _KEY = 0, 1
_DROPPED: Final = 3


class HidSettings(msgspec.Struct, frozen=True):
    """`port`: the USB path (`usb-0000:00:14.0-1.2`, as `storehub devices keyboards` shows it) or a
    link of `/dev/input/by-path`. `context`: what scans of this scanner always stand for."""

    port: str
    rules: Rules = Rules()
    context: str | None = None

    def __post_init__(self) -> None:
        if not self.port.strip():
            raise Invalid("port names where the scanner is plugged in.", field="port")


def run(
    settings: HidSettings,
    client: Publisher,
    stop: threading.Event,
    *,
    plugs: Plugs | None = None,
) -> None:
    """Read the scanner at one USB port until `stop` is set; it may be unplugged meanwhile.

    Raises Unavailable at once where evdev is not installed.
    """
    scanner = Scanner(settings, client, plugs or LinuxPlugs())
    try:
        while not stop.is_set():
            scanner.turn(stop)
    finally:
        scanner.close()


class Scanner:
    """All keyboard nodes at one USB port (some scanners have several), and what they sent."""

    def __init__(self, settings: HidSettings, client: Publisher, plugs: Plugs) -> None:
        self.state = State()
        self._settings, self._client, self._plugs = settings, client, plugs
        self._open: dict[int, Keyboard] = {}
        self._trouble: str | None = None
        self._looked_s = 0.0
        self._tally = Tally(settings.port)

    def turn(self, stop: threading.Event) -> None:
        """Look for keyboards when it is time, take what they sent, else let time pass."""
        now_s = time.monotonic()
        if now_s - self._looked_s >= LOOK_S:
            self._looked_s = now_s
            self._look()
        if not self._open:
            stop.wait(TURN_S)
            return
        ready, _, _ = select.select(list(self._open), [], [], TURN_S)
        for fd in ready:
            self._take(self._open[fd])
        if not ready:
            # Only when nothing waits to be read: a machine that was slow has not been silent.
            self._feed(Silence(int(time.monotonic() * 1000)))
        self._tally.tell(self.state.counted, now_s)

    def close(self) -> None:
        for keyboard in self._open.values():
            keyboard.close()
        self._open.clear()

    def _look(self) -> None:
        known = {keyboard.node for keyboard in self._open.values()}
        try:
            found = self._plugs.open(self._settings.port, known)
        except Unavailable as error:
            self._tell(error.sentence)
            return
        for keyboard in found:
            self._open[keyboard.fd] = keyboard
            self._feed(Opened(keyboard.node, keyboard.caps))
        self._tell(None if self._open else f"No scanner is plugged in at {self._settings.port}.")

    def _take(self, keyboard: Keyboard) -> None:
        try:
            data = os.read(keyboard.fd, _READ)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            del self._open[keyboard.fd]
            keyboard.close()
            self._feed(Gone(keyboard.node))
            return
        for event in events(keyboard.node, data):
            self._feed(event)

    def _feed(self, event: Event) -> None:
        self.state, scans = wedge.step(self.state, event, self._settings.rules)
        for scan in scans:
            self._client.observe("scan", scan_of(scan.text, self._settings.context))

    def _tell(self, trouble: str | None) -> None:
        """Log once when the scanner goes and once when it is back."""
        if trouble and trouble != self._trouble:
            log.warning("%s", trouble)
        elif self._trouble and not trouble:
            log.info("The scanner at %s is there.", self._settings.port)
        self._trouble = trouble


def events(node: str, data: bytes) -> list[Event]:
    """Read `struct input_event` records: keys, and the kernel's word that it dropped some."""
    whole = len(data) - len(data) % _EVENT.size
    found: list[Event] = []
    for seconds, micros, kind, code, value in _EVENT.iter_unpack(data[:whole]):
        if kind == _KEY:
            found.append(Stroke(node, code, value, seconds * 1000 + micros // 1000))
        elif kind == _SYN and code == _DROPPED:
            found.append(Lost(node))
    return found
