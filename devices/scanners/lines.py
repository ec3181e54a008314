"""Bytes of a serial scanner → lines: pure, bounded, and every line that is no scan is counted.

It must never keep more than one line, and never pass on noise or half of a scan.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

PARTIAL: Final = "partial"
TOO_LONG: Final = "too_long"
GARBAGE: Final = "garbage"
SHORT: Final = "short"
_ENDS: Final = b"\r\n"
# Around a code some scanners set STX and ETX; within it GS1 and ISO 15434 need these.
_FRAME: Final = b"\x02\x03"
_WITHIN: Final = frozenset("\t\x04\x1d\x1e\x1f")


class Bounds(msgspec.Struct, frozen=True):
    """`pause_ms`: a line that nothing ended is over after this."""

    shortest: int = 3
    longest: int = 4096
    pause_ms: int = 500


class Lines(msgspec.Struct, frozen=True):
    """What came since the last end of a line; `over` when that is too much already."""

    kept: bytes = b""
    over: bool = False
    last_ms: int = 0
    counted: Mapping[str, int] = {}


def feed(state: Lines, data: bytes, at_ms: int, bounds: Bounds) -> tuple[Lines, list[str]]:
    """Return what is left over, and the lines that `data` ended. CR, LF and CR LF end a line."""
    state = silent(state, at_ms, bounds)
    found: list[str] = []
    rest = data
    while rest:
        at = next((n for n, byte in enumerate(rest) if byte in _ENDS), None)
        part, rest = (rest, b"") if at is None else (rest[:at], rest[at:])
        state = _keep(state, part, at_ms, bounds)
        if rest:
            state, line = _end(state, bounds)
            found += [] if line is None else [line]
            rest = rest[1:]
    return state, found


def silent(state: Lines, at_ms: int, bounds: Bounds) -> Lines:
    """Nothing came until `at_ms`: half a line that is older than the pause is let go."""
    if not (state.kept or state.over) or at_ms - state.last_ms < bounds.pause_ms:
        return state
    return cut(state)


def cut(state: Lines) -> Lines:
    """The scanner went: half a line is no scan."""
    if not (state.kept or state.over):
        return state
    return _count(state, TOO_LONG if state.over else PARTIAL)


def _keep(state: Lines, part: bytes, at_ms: int, bounds: Bounds) -> Lines:
    if not part:
        return state
    whole = b"" if state.over else state.kept + part
    over = state.over or len(whole) > bounds.longest
    return Lines(b"" if over else whole, over, at_ms, state.counted)


def _end(state: Lines, bounds: Bounds) -> tuple[Lines, str | None]:
    """A line is over. An empty one is the LF after CR, or nothing."""
    if state.over:
        return _count(state, TOO_LONG), None
    if not state.kept:
        return state, None
    line = _text(state.kept.strip(_FRAME))
    if line is None:
        return _count(state, GARBAGE), None
    if len(line) < bounds.shortest:
        return _count(state, SHORT), None
    return Lines(counted=state.counted), line


def _text(line: bytes) -> str | None:
    """Return a line as text, UTF-8 or else Latin-1; None when no code says such a thing."""
    try:
        text = line.decode()
    except UnicodeDecodeError:
        text = line.decode("latin-1")
    readable = all(mark.isprintable() or mark in _WITHIN for mark in text)
    return text if readable else None


def _count(state: Lines, reason: str) -> Lines:
    return Lines(counted={**state.counted, reason: state.counted.get(reason, 0) + 1})
