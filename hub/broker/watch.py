"""Reads in the broker's log who was turned away; counted by address, for the console.

It must never trust a line to be whole, and never let the log fill the disk.
"""

import os
import re
from collections import Counter, OrderedDict
from contextlib import suppress
from pathlib import Path
from typing import Final

# The log is emptied beyond this; what the hub has not read yet is read first.
LOG_MOST: Final = 4 * 1024 * 1024
READ_MOST: Final = 1024 * 1024
PENDING_MOST: Final = 2000
ADDRESSES_MOST: Final = 100
UNKNOWN: Final = "unknown"

_CAME: Final = re.compile(rb"New connection from (\S+):(\d+) on port \d+")
_IN: Final = re.compile(rb"New client connected from (\S+):(\d+) as ")
_REFUSED: Final = re.compile(
    rb"Client .{1,200}?(?: \[(\S+?)(?::\d+)?\])? disconnected[,:] not authori[sz]ed"
)
_GONE: Final = re.compile(rb"Client <unknown> ")


class Watch:
    """Follows one log from its present end. mosquitto 2.0 does not say who was refused, so the
    address is that of the oldest connection that has not been let in: exact unless several come
    in the same instant."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._at = log.stat().st_size if log.exists() else 0
        self._rest = b""
        self._pending: OrderedDict[tuple[str, str], None] = OrderedDict()

    def step(self) -> dict[str, int]:
        """Return how many attempts were refused since the last step, by address."""
        found: Counter[str] = Counter()
        for line in self._lines():
            self._note(line, found)
        if len(found) > ADDRESSES_MOST:
            kept = dict(found.most_common(ADDRESSES_MOST))
            kept["others"] = found.total() - sum(kept.values())
            return kept
        return dict(found)

    def _lines(self) -> list[bytes]:
        try:
            with self._log.open("rb") as log:
                size = os.fstat(log.fileno()).st_size
                if size < self._at:
                    # Somebody emptied it.
                    self._at, self._rest = 0, b""
                log.seek(self._at)
                read = log.read(READ_MOST)
        except OSError:
            # Not there yet, or not ours to read: a broker that once ran as another user left it.
            return []
        self._at += len(read)
        if self._at >= size and size > LOG_MOST:
            # The broker appends: it goes on at the beginning.
            with suppress(OSError):
                os.truncate(self._log, 0)
                self._at = 0
        *lines, rest = (self._rest + read).split(b"\n")
        self._rest = rest[-4096:]
        return lines

    def _note(self, line: bytes, found: Counter[str]) -> None:
        if came := _CAME.search(line):
            self._pending[_pair(came)] = None
            if len(self._pending) > PENDING_MOST:
                self._pending.popitem(last=False)
        elif let_in := _IN.search(line):
            self._pending.pop(_pair(let_in), None)
        elif refused := _REFUSED.search(line):
            told = refused.group(1)
            guessed = self._oldest()
            found[told.decode("ascii", "replace") if told else guessed] += 1
        elif _GONE.search(line):
            self._oldest()

    def _oldest(self) -> str:
        return self._pending.popitem(last=False)[0][0] if self._pending else UNKNOWN


def _pair(match: re.Match[bytes]) -> tuple[str, str]:
    return match.group(1).decode("ascii", "replace"), match.group(2).decode()
