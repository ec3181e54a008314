"""Tells the time and how far to trust it; it must never be read by rules, which get `now`."""

import ctypes
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final, Literal, Protocol

Quality = Literal["synced", "estimated", "unknown"]

_STAMP: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
# No store runs this release before it was written: an earlier date is a box without a battery.
BUILT: Final = datetime(2026, 1, 1, tzinfo=UTC)
# adjtimex(2) returns TIME_ERROR while the kernel's clock is not synchronised.
_TIME_ERROR: Final = 5


class Clock(Protocol):
    """The only source of time. `now` is aware, UTC, whole milliseconds."""

    def now(self) -> datetime: ...
    def uptime_ms(self) -> int: ...
    def quality(self) -> Quality: ...


class SystemClock:
    """The machine's clock. Quality is `unknown` before the release's own date (a Pi at 1970)."""

    def now(self) -> datetime:
        return _milliseconds(datetime.now(UTC))

    def uptime_ms(self) -> int:
        return time.monotonic_ns() // 1_000_000

    def quality(self) -> Quality:
        if self.now() < BUILT:
            return "unknown"
        return "synced" if _kernel_says_synchronised() else "estimated"


class FixedClock:
    """A clock that moves only when told to."""

    def __init__(self, at: datetime, quality: Quality = "synced") -> None:
        self._at = _milliseconds(at)
        self._uptime_ms = 0
        self._quality: Quality = quality

    def now(self) -> datetime:
        return self._at

    def uptime_ms(self) -> int:
        return self._uptime_ms

    def quality(self) -> Quality:
        return self._quality

    def advance(self, by: timedelta) -> None:
        self._at += by
        self._uptime_ms += int(by.total_seconds() * 1000)


def stamp(at: datetime) -> str:
    """Return `at` as the journal writes it: `2026-11-21T21:18:40.123Z`."""
    if at.tzinfo is None:
        raise ValueError("A time without a zone cannot be stamped.")
    utc = at.astimezone(UTC)
    # strftime does not pad years below 1000 on Linux; isoformat does.
    return f"{utc.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def parse(text: str) -> datetime:
    """Read what `stamp` wrote. Raises ValueError on any other form."""
    if not _STAMP.fullmatch(text):
        raise ValueError(f"{text!r} is not a time of the form YYYY-MM-DDThh:mm:ss.sssZ.")
    return datetime.fromisoformat(text[:-1]).replace(tzinfo=UTC)


def _milliseconds(at: datetime) -> datetime:
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


class _Timex(ctypes.Structure):
    # struct timex of adjtimex(2); modes = 0 only reads, and the tail is padding that we ignore.
    _fields_ = (("modes", ctypes.c_uint), ("rest", ctypes.c_byte * 252))


@cache
def _adjtimex() -> Callable[[object], int] | None:
    # Opening the C library takes longer than a whole sale; once is enough.
    try:
        found: Callable[[object], int] = ctypes.CDLL(None, use_errno=True).adjtimex
    except (OSError, AttributeError):
        return None
    return found


def _kernel_says_synchronised() -> bool:
    adjtimex = _adjtimex()
    return adjtimex is not None and 0 <= int(adjtimex(ctypes.byref(_Timex()))) < _TIME_ERROR
