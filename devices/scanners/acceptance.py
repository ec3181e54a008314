"""Decides when what a camera reads frame after frame counts as one scan.

It must never accept what stands in a single frame of bars, and never send one item twice while it
lies before the lens. The phone's page follows the same table.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import msgspec

# Equal reads needed within WINDOW frames. Codes with error correction prove themselves; those with
# little redundancy need a setting to be read at all, and three.
NEEDED: Final = {
    "EAN-13": 2,
    "UPC-A": 2,
    "Code128": 2,
    "DataBar": 2,
    "DataBarExp": 2,
    "DataBarExpStk": 2,
    "QR": 1,
    "DataMatrix": 1,
    "UPC-E": 3,
    "EAN-8": 3,
    "ITF": 3,
    "Code39": 3,
}
OPT_IN: Final = frozenset({"UPC-E", "EAN-8", "ITF", "Code39"})
WINDOW: Final = 10
QUIET_S: Final = 1.5
UNKNOWN_EXTRA: Final = 1  # more reads for an item that the catalogue does not know


class Settings(msgspec.Struct, frozen=True):
    """`symbologies`: those in OPT_IN are read only when named here."""

    symbologies: frozenset[str] = frozenset(NEEDED) - OPT_IN
    window: int = WINDOW
    quiet_s: float = QUIET_S


class Seen(NamedTuple):
    """One read in one frame: `key` is what must be equal."""

    symbology: str
    text: str
    place: tuple[float, float]  # middle of the code, in pixels
    size: float  # its longer side
    known: bool | None = None  # in the catalogue; None when nobody can say


@dataclass
class Acceptance:
    """Feed `see` every frame that was looked at; it returns the reads that became scans."""

    settings: Settings = field(default_factory=Settings)
    _frames: deque[tuple[Seen, ...]] = field(default_factory=deque)
    _last_seen: dict[tuple[str, str], float] = field(default_factory=dict)

    def see(self, reads: list[Seen], at_s: float) -> list[Seen]:
        """Return what is accepted in this frame. `at_s` only grows (monotonic seconds)."""
        here = tuple(r for r in reads if r.symbology in self.settings.symbologies)
        self._frames.append(here)
        while len(self._frames) > self.settings.window:
            self._frames.popleft()
        accepted = []
        for read in here:
            key = read.symbology, read.text
            last = self._last_seen.get(key)
            lying = last is not None and at_s - last < self.settings.quiet_s
            if lying:
                self._last_seen[key] = at_s
            elif self._enough(read):
                self._last_seen[key] = at_s
                accepted.append(read)
        self._forget(at_s)
        return accepted

    def hold(self, at_s: float) -> None:
        """Nothing moves: what lies before the lens is still there, read or not."""
        for key in self._last_seen:
            self._last_seen[key] = at_s

    def _enough(self, read: Seen) -> bool:
        """Enough equal reads, and twice as many as of anything else at the same place."""
        needed = NEEDED[read.symbology] + (UNKNOWN_EXTRA if read.known is False else 0)
        equal = others = 0
        for frame in self._frames:
            equal += any((r.symbology, r.text) == (read.symbology, read.text) for r in frame)
            others += any(
                (r.symbology, r.text) != (read.symbology, read.text) and _same_place(r, read)
                for r in frame
            )
        return equal >= needed and equal >= 2 * others

    def _forget(self, at_s: float) -> None:
        gone = [k for k, last in self._last_seen.items() if at_s - last >= self.settings.quiet_s]
        for key in gone:
            del self._last_seen[key]


def _same_place(one: Seen, other: Seen) -> bool:
    """Say whether two codes overlap: their middles lie within half of the smaller one's side."""
    away = max(abs(one.place[0] - other.place[0]), abs(one.place[1] - other.place[1]))
    return away < 0.5 * min(one.size, other.size)
