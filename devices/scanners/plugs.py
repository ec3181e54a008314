"""Finds the keyboards of Linux by where they are plugged in, opens and grabs them.

It must never tell two scanners apart by what they are called: two of one make are alike in all but
the USB port. evdev is the optional extra `hid`; it is imported when a keyboard is looked for.
"""

import errno
import fcntl
import os
import struct
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from hub.errors import Unavailable

INPUT: Final = Path("/dev/input")
WITHOUT_EVDEV: Final = (
    "Keyboard-wedge scanners need evdev, which is not installed: pip install 'storehub[hid]'."
)
RETRY_S: Final = 5.0
_EV_KEY: Final = 1
_EV_LED: Final = 17
_LED_CAPS: Final = 1
# What makes a keyboard: it has the keys 1 to 0 and Enter.
_KEYS: Final = frozenset({*range(2, 12), 28})
# From <linux/input.h>: times of events follow CLOCK_MONOTONIC, which nobody sets back.
_EVIOCSCLOCKID: Final = 0x400445A0
_CLOCK_MONOTONIC: Final = 1


class Keyboard(Protocol):
    """An opened and grabbed keyboard. `fd` gives input events as Linux writes them."""

    node: str
    fd: int
    caps: bool

    def close(self) -> None: ...


class Plugs(Protocol):
    def open(self, port: str, known: Collection[str]) -> list[Keyboard]:
        """Open and grab the keyboards at `port` whose nodes are not in `known`.

        Raises Unavailable with a sentence when one is there that cannot be had.
        """
        ...


class Plugged(NamedTuple):
    """A keyboard that could be a scanner, as `storehub devices keyboards` lists it."""

    node: str
    port: str
    name: str


class Grabbed:
    """A keyboard whose keys go nowhere else while this is open."""

    def __init__(self, device: Any) -> None:
        self._device = device
        self.node = str(device.path)
        self.fd = int(device.fd)
        self.caps = _LED_CAPS in device.leds()

    def close(self) -> None:
        with suppress(OSError):
            self._device.close()


class LinuxPlugs:
    """`/dev/input` through evdev. Raises Unavailable where evdev is not installed."""

    def __init__(self, directory: Path = INPUT) -> None:
        self._evdev = _evdev()
        self._directory = directory
        self._strange: set[tuple[str, tuple[str, int, int]]] = set()
        self._barred: Path | None = None

    def open(self, port: str, known: Collection[str]) -> list[Keyboard]:
        if not self._directory.is_dir():
            raise Unavailable(f"This machine has no {self._directory}.", retry_after_s=RETRY_S)
        found: list[Keyboard] = []
        self._barred = None
        try:
            for node in self._nodes():
                if str(node) not in known and (device := self._at(port, node)) is not None:
                    found.append(_grab(device, port))
        except Unavailable:
            for keyboard in found:
                keyboard.close()
            raise
        if self._barred is not None and not found and not known:
            raise Unavailable(
                f"{self._barred} may not be read: add this user to the group `input`.",
                retry_after_s=RETRY_S,
            )
        return found

    def _at(self, port: str, node: Path) -> Any | None:
        """Open a node that is a keyboard at `port`; another one is not opened again."""
        mark = _mark(node)
        if mark is None or (port, mark) in self._strange or (device := self._device(node)) is None:
            return None
        if _is_keyboard(device) and is_at(port, str(device.phys or ""), str(node)):
            return device
        # A link may come after its node: only what a USB path says stays true.
        if not port.startswith("/"):
            self._strange.add((port, mark))
        device.close()
        return None

    def plugged(self) -> list[Plugged]:
        """Return all keyboards that can be read, without grabbing one."""
        found = []
        for node in self._nodes():
            device = self._device(node)
            if device is None:
                continue
            if _is_keyboard(device):
                port = str(device.phys or "").partition("/")[0]
                found.append(Plugged(str(node), port or str(node), str(device.name)))
            device.close()
        return found

    def _nodes(self) -> Iterator[Path]:
        return iter(sorted(self._directory.glob("event*")))

    def _device(self, node: Path) -> Any | None:
        try:
            return self._evdev.InputDevice(str(node))
        except PermissionError:
            self._barred = node
            return None
        except OSError:
            return None  # gone between listing and opening


def is_at(port: str, phys: str, node: str) -> bool:
    """Say whether a node is plugged in at `port`: a USB path as `usb-0000:00:14.0-1.2`, or a
    link as `/dev/input/by-path/…-event-kbd`."""
    if port.startswith("/"):
        return os.path.realpath(port) == os.path.realpath(node)
    return phys == port or phys.startswith(f"{port}/")


def _evdev() -> Any:
    try:
        import evdev
    except ImportError:
        raise Unavailable(WITHOUT_EVDEV, retry_after_s=RETRY_S) from None
    return evdev


def _mark(node: Path) -> tuple[str, int, int] | None:
    """A node that comes again is another one, also under the same name."""
    try:
        seen = node.stat()
    except OSError:
        return None
    return str(node), seen.st_ino, seen.st_ctime_ns


def _is_keyboard(device: Any) -> bool:
    return frozenset(device.capabilities().get(_EV_KEY, ())) >= _KEYS


def _grab(device: Any, port: str) -> Keyboard:
    try:
        device.grab()
    except OSError as error:
        device.close()
        if error.errno != errno.EBUSY:
            raise Unavailable(
                f"The scanner at {port} went while it was opened.", retry_after_s=RETRY_S
            ) from None
        raise Unavailable(
            f"Another program holds the scanner at {port}.", retry_after_s=RETRY_S
        ) from None
    with suppress(OSError):
        fcntl.ioctl(device.fd, _EVIOCSCLOCKID, struct.pack("i", _CLOCK_MONOTONIC))
    return Grabbed(device)
