"""Names the symbology that an AIM prefix tells of (ISO/IEC 15424), and makes a scan of a line.

It must never take the prefix off: the hub reads the meaning of a code by it.
"""

import logging
from collections.abc import Mapping
from typing import Any, Final, Protocol

log = logging.getLogger(__name__)

# By the whole prefix where the modifier changes what is carried, else by its letter.
SYMBOLOGIES: Final[Mapping[str, str]] = {
    "]A": "Code39",
    "]C": "Code128",
    "]C1": "GS1-128",
    "]E": "EAN-13",
    "]E1": "EAN-2",
    "]E2": "EAN-5",
    "]E4": "EAN-8",
    "]F": "Codabar",
    "]G": "Code93",
    "]I": "ITF",
    "]J1": "GS1 DotCode",
    "]L": "PDF417",
    "]Q": "QR",
    "]Q3": "GS1 QR",
    "]X": "other",
    "]d": "DataMatrix",
    "]d2": "GS1 DataMatrix",
    "]e": "DataBar",
    "]z": "Aztec",
}
_PREFIX: Final = 3


class Publisher(Protocol):
    """What a scanner needs of `devices.client.DeviceClient`."""

    def observe(self, kind: str, data: Mapping[str, Any]) -> str:
        """Keep an observation until the hub has it; return its id."""


def symbology(text: str) -> str | None:
    """Return the symbology that the AIM prefix of `text` names, None without a known one."""
    prefix = text[:_PREFIX]
    if len(prefix) < _PREFIX or not (prefix.isascii() and prefix[2].isalnum()):
        return None
    return SYMBOLOGIES.get(prefix) or SYMBOLOGIES.get(prefix[:2])


def scan_of(text: str, context: str | None = None) -> dict[str, Any]:
    """Return the `scan` observation of what a scanner sent."""
    data: dict[str, Any] = {"code": text}
    if (name := symbology(text)) is not None:
        data["symbology"] = name
    if context is not None:
        data["context"] = context
    return data


class Tally:
    """Says once a minute at most what a scanner sent that was no scan."""

    EVERY_S: Final = 60.0

    def __init__(self, where: str) -> None:
        self._where = where
        self._said: Mapping[str, int] = {}
        self._at_s = -self.EVERY_S

    def tell(self, counted: Mapping[str, int], now_s: float) -> None:
        if counted == self._said or now_s - self._at_s < self.EVERY_S:
            return
        words = ", ".join(f"{count} {reason}" for reason, count in sorted(counted.items()))
        log.info("Scanner at %s: no scans so far: %s.", self._where, words)
        self._said, self._at_s = dict(counted), now_s
