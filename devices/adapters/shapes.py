"""What an adapter returns, and the careful hands that take a foreign message apart; pure.

It must never do I/O, read a clock, or let a message however odd raise: what cannot be read becomes
a Glitch with its reason.
"""

import functools
import json
import math
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any, Final, Literal, NamedTuple

import msgspec

Quality = Literal["synced", "estimated", "unknown"]

# Larger than any message of these families; the broker's own limit is far above.
LARGEST: Final = 256 * 1024
# So many JSON texts may be glued together in one message.
MOST: Final = 2_000
# A device's clock this close to the receipt is believed to be set.
CLOSE: Final = timedelta(minutes=5)
# So long may a reader have buffered; what says to be older is a wrong clock.
BUFFERED: Final = timedelta(days=30)


def nothing(_: str) -> str | None:
    """What is known of a family before it has said anything."""
    return None


class Received(NamedTuple):
    """When and how a message came: `at` by the gateway's clock, whose `quality` it says.

    `known` gives back what the family was `Learned` to mean earlier.
    """

    at: datetime
    quality: Quality = "synced"
    retained: bool = False
    known: Callable[[str], str | None] = nothing


class Reading(NamedTuple):
    """One observation to be made in the name of the device at `address`.

    `id` is the family's own identity of the event, or None where it has none. `state` names what
    is on or off, or has a value: such a reading is news only when it differs from the last one.
    """

    address: str
    kind: str
    data: dict[str, Any]
    id: str | None
    at: datetime | None
    quality: Quality
    state: str | None = None


class Sighted(NamedTuple):
    """The message speaks of a device at `address`, which need not have said anything itself."""

    address: str
    name: str | None = None


class Status(NamedTuple):
    """A device is there or away; `address` None means whatever this topic's owner speaks for."""

    address: str | None
    online: bool


class Glitch(NamedTuple):
    """A message, or a part of one, that cannot be read, and why."""

    reason: str
    detail: str


class Learned(NamedTuple):
    """What later messages of the family need to be read; the gateway keeps it across a kill."""

    key: str
    value: str


Heard = Reading | Sighted | Status | Learned | Glitch
Read = Callable[[str, bytes, Received], list[Heard]]


class Adapter(NamedTuple):
    """A family: its name, its reader, and whether one topic tree speaks for many devices."""

    family: str
    read: Read
    bridge: bool = False


class UnreadableError(Exception):
    """Raised inside an adapter, and turned into a Glitch by `careful`."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}")
        self.glitch = Glitch(reason, detail[:300])


def careful(read: Callable[[str, bytes, Received], Iterator[Heard]]) -> Read:
    """Make a reader total: limits what it is given, and answers what it raises with a Glitch.

    What it yielded before is kept: one bad part spoils no other.
    """

    @functools.wraps(read)
    def total(topic: str, payload: bytes, received: Received) -> list[Heard]:
        if len(payload) > LARGEST:
            return [Glitch("too_large", f"{len(payload)} bytes where {LARGEST} are read")]
        found: list[Heard] = []
        try:
            # Nothing: what was retained is taken back.
            found.extend(read(topic, payload, received) if payload.strip() else ())
        except UnreadableError as error:
            found.append(error.glitch)
        except RecursionError:
            found.append(Glitch("too_deep", "nested deeper than anything real"))
        return found

    return total


# --- taking apart


def read_json(payload: bytes) -> Any:
    """Decode one JSON text. Raises UnreadableError."""
    try:
        return msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnreadableError("not_json", str(error)) from error


def read_glued(payload: bytes) -> Iterator[Any]:
    """Yield the JSON texts that follow each other, with or without space: `{…}{…}`.

    Raises UnreadableError at the first that is none; those before it have been given.
    """
    try:
        yield msgspec.json.decode(payload)
        return
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        told = str(error)
    try:
        text = payload.decode()
    except UnicodeDecodeError as error:
        raise UnreadableError("not_json", str(error)) from error
    at, end, count = 0, len(text.rstrip()), 0
    while at < end:
        count += 1
        if count > MOST:
            raise UnreadableError("too_many", f"more than {MOST} texts are glued together")
        while text[at].isspace():
            at += 1
        try:
            found, at = _GLUED.raw_decode(text, at)
        except ValueError as error:
            raise UnreadableError("not_json", f"{told}; {error}"[:300]) from error
        yield found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


_GLUED: Final = json.JSONDecoder(parse_constant=_no_constant)


def an_object(value: Any, what: str = "the message") -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UnreadableError("not_an_object", f"{what} is {_named(value)}")
    return value


def text(value: Any, what: str) -> str:
    """Return a text that says something, at most 256 characters. Raises UnreadableError."""
    if not isinstance(value, str) or not 0 < len(value) <= 256 or not value.strip():
        raise UnreadableError("bad_text", f"{what} is {_named(value)}")
    return value


def number(value: Any, what: str) -> float:
    """Return a finite number; true and false are none. Raises UnreadableError."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnreadableError("bad_number", f"{what} is {_named(value)}")
    try:
        found = float(value)
    except OverflowError:
        found = math.inf
    if not math.isfinite(found):
        raise UnreadableError("bad_number", f"{what} is not finite")
    return found


def whole(value: Any, what: str) -> int:
    """Return an integer of at most 63 bits. Raises UnreadableError."""
    found = number(value, what)
    if found != int(found) or abs(found) >= 2**63:
        raise UnreadableError("bad_number", f"{what} is {_named(value)}")
    return int(found)


def truth(value: Any, what: str) -> bool:
    if not isinstance(value, bool):
        raise UnreadableError("bad_truth", f"{what} is {_named(value)}")
    return value


def a_tag(value: Any) -> str:
    """Return an EPC as lower-case hex, at most 496 bits as Gen2 allows. Raises UnreadableError."""
    found = value.strip().lower() if isinstance(value, str) else ""
    if not 4 <= len(found) <= 124 or len(found) % 2 or set(found) - _HEX:
        raise UnreadableError("bad_epc", f"the EPC is {_named(value)}")
    return found


_HEX: Final = frozenset("0123456789abcdef")
_ONLINE: Final = {"online": True, "connected": True, "true": True, "on": True}
_OFFLINE: Final = {"offline": False, "disconnected": False, "false": False, "off": False}
_WORDS: Final = _ONLINE | _OFFLINE
_KEYS: Final = ("state", "status", "online", "connectionState")


def online(payload: bytes) -> bool:
    """Read a last will or a birth: a word, or an object with one. Raises UnreadableError."""
    said = payload.strip().decode("utf-8", "replace").strip('"').lower()
    if said not in _WORDS and said.startswith("{"):
        inside = an_object(read_json(payload))
        said = next((str(inside[key]).lower() for key in _KEYS if key in inside), "")
    if said not in _WORDS:
        raise UnreadableError("bad_status", f"{said[:80]!r} is neither online nor offline")
    return _WORDS[said]


# --- time and identity


def rfc3339(value: Any) -> datetime | None:
    """Read `2021-02-02T22:18:35.658476625Z` or `…+0200`; None where that is no time with a zone."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        found = datetime.fromisoformat(value)
        return found.astimezone(UTC) if found.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def since_1970(value: Any, unit_s: float = 1.0) -> datetime | None:
    """Read seconds (or units of `unit_s`) since 1970; None where that is no time."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value * unit_s, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def happened(told: datetime | None, received: Received) -> tuple[datetime | None, Quality]:
    """Return when it happened and how well that is known.

    The device's own time where it can be true (not in the future, not older than a reader buffers);
    else the receipt, as an estimate. Where the gateway itself knows no time, nothing is claimed.
    """
    if received.quality == "unknown":
        return None, "unknown"
    if told is not None and received.at - BUFFERED <= told <= received.at + CLOSE:
        close = abs(received.at - told) <= CLOSE
        return min(told, received.at), "synced" if close else "estimated"
    return received.at, "estimated"


def fine(value: Any) -> bool:
    """Does this time tell two events of one second apart? Only then it is an identity."""
    if isinstance(value, str):
        return "." in value and rfc3339(value) is not None
    return isinstance(value, float) and value != int(value) if _finite(value) else False


def named(family: str, *parts: object) -> str:
    """Return the id of an event that `parts` identify within `family`."""
    joined = "\x1f".join(map(str, (family, *parts)))
    return "x-" + blake2b(joined.encode("utf-8", "replace"), digest_size=16).hexdigest()


def _finite(value: Any) -> bool:
    return isinstance(value, float) and math.isfinite(value)


def _named(value: Any) -> str:
    shown = repr(value)[:60] if not isinstance(value, dict | list) else ""
    return f"{type(value).__name__} {shown}".strip()
