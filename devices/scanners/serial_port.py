"""What speaks over a serial port: scanners that send lines, and a Toledo 8217 scale that is asked.

It must never end because a cable was pulled, and never publish what `lines` did not pass.
"""

import logging
import termios
import threading
import time
from typing import Final, Literal, Protocol

import msgspec
import serial

from devices.scanners import lines, toledo
from devices.scanners.aim import Publisher, Tally, scan_of
from devices.scanners.lines import Bounds, Lines
from hub.errors import Invalid

log = logging.getLogger(__name__)

TURN_S: Final = 0.2
LOOK_S: Final = 1.0  # a port that is back is found within this
ASK_S: Final = 0.5
AGAIN_S: Final = 60.0  # a weight that does not change is told again
_READ: Final = 4096
# termios has an error of its own, raised when a port goes while it is set up.
_TROUBLE: Final = (serial.SerialException, OSError, termios.error)


class SerialSettings(msgspec.Struct, frozen=True):
    """`port`: `/dev/serial/by-path/…`, which stays with its USB port. `frame`: data bits, parity,
    stop bits (a Toledo scale: 7E1). `unit`: what the scale shows."""

    port: str
    speaks: Literal["lines", "toledo8217"] = "lines"
    baud: int = 9600
    frame: str = "8N1"
    bounds: Bounds = Bounds()
    context: str | None = None
    unit: Literal["kg", "lb"] = "kg"

    def __post_init__(self) -> None:
        if not self.port.strip():
            raise Invalid("port names the serial port.", field="port")
        if self.baud not in serial.Serial.BAUDRATES:
            raise Invalid(f"baud is a serial speed such as 9600, not {self.baud}.", field="baud")
        data, parity, stop = (*self.frame, "", "", "")[:3]
        if len(self.frame) != 3 or data not in "78" or parity not in "NEO" or stop not in "12":
            raise Invalid(f"frame is like 8N1 or 7E1, not {self.frame!r}.", field="frame")


class Talker(Protocol):
    """What hears one port."""

    def hear(self, port: serial.Serial, data: bytes, now_s: float) -> None: ...

    def gone(self) -> None: ...


def run(settings: SerialSettings, client: Publisher, stop: threading.Event) -> None:
    """Read a serial port until `stop` is set; it may be unplugged meanwhile."""
    talker: Talker = (
        Scale(settings, client)
        if settings.speaks == "toledo8217"
        else LineScanner(settings, client)
    )
    trouble: str | None = ""  # nobody knows yet
    while not stop.is_set():
        try:
            port = _open(settings)
        except _TROUBLE:
            trouble = _told(settings.port, trouble, "cannot be opened")
            stop.wait(LOOK_S)
            continue
        trouble = _told(settings.port, trouble, None)
        try:
            _listen(port, talker, stop)
        except _TROUBLE:
            trouble = _told(settings.port, trouble, "went")
            stop.wait(TURN_S)
        finally:
            port.close()
            talker.gone()


def _open(settings: SerialSettings) -> serial.Serial:
    data, parity, stop = list(settings.frame)
    return serial.Serial(
        settings.port,
        settings.baud,
        bytesize=int(data),
        parity=parity,
        stopbits=int(stop),
        timeout=TURN_S,
        write_timeout=ASK_S,
        exclusive=True,
    )


def _listen(port: serial.Serial, talker: Talker, stop: threading.Event) -> None:
    while not stop.is_set():
        # One byte is waited for, then all that is there is taken.
        data = port.read(1)
        if data and (more := port.in_waiting):
            data += port.read(min(more, _READ))
        talker.hear(port, data, time.monotonic())


class LineScanner:
    """Publishes each whole line as a scan."""

    def __init__(self, settings: SerialSettings, client: Publisher) -> None:
        self._settings, self._client = settings, client
        self._lines = Lines()
        self._tally = Tally(settings.port)

    def hear(self, _port: serial.Serial, data: bytes, now_s: float) -> None:
        at_ms = int(now_s * 1000)
        self._lines, whole = lines.feed(self._lines, data, at_ms, self._settings.bounds)
        for line in whole:
            self._client.observe("scan", scan_of(line, self._settings.context))
        self._tally.tell(self._lines.counted, now_s)

    def gone(self) -> None:
        self._lines = lines.cut(self._lines)


class Scale:
    """Asks for the weight and publishes it when it changed."""

    def __init__(self, settings: SerialSettings, client: Publisher) -> None:
        self._settings, self._client = settings, client
        self._answer = b""
        self._asked_s = float("-inf")
        self._told: tuple[float, float] | None = None

    def hear(self, port: serial.Serial, data: bytes, now_s: float) -> None:
        self._answer = (self._answer + data)[-64:]
        grams = toledo.grams(self._answer, self._settings.unit)
        if grams is not None:
            self._answer = b""
            before, at_s = self._told or (None, 0.0)
            if grams != before or now_s - at_s >= AGAIN_S:
                self._told = grams, now_s
                self._client.observe("weight", {"grams": grams})
        if now_s - self._asked_s >= ASK_S:
            self._asked_s, self._answer = now_s, b""
            port.write(toledo.ASK)

    def gone(self) -> None:
        self._answer, self._told = b"", None


def _told(port: str, before: str | None, now: str | None) -> str | None:
    """Log once when a port goes and once when it is back."""
    if now and not before:
        log.warning("Serial port %s %s.", port, now)
    elif now is None and before is not None:
        log.info("Serial port %s is there.", port)
    return now
