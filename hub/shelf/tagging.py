"""Smooths thousands of RFID reads into arrivals, moves and departures: pure rules over one tag.

It must never let one stray read move a tag, nor an old read bring back what has departed since.

Each place keeps a running mean of what its antennas hear. Another place takes the tag over when it
hears it for the hold-off and better than the present place by a margin. The margin counts in full
while the present place still hears the tag; from the hold-off on it falls with every second of
silence, so that a tag that was carried away follows its new place.
"""

from dataclasses import dataclass, field
from typing import Final, Literal

# The weight of a new read in a place's running mean.
WEIGHT: Final = 0.25
# A place that has not heard the tag for so long begins anew.
STRETCH_MS: Final = 5_000
PLACES_MOST: Final = 6

What = Literal["arrived", "moved", "departed"]


@dataclass(frozen=True, slots=True)
class Tuning:
    """The store's settings for its RFID readers."""

    gone_ms: int = 600_000
    margin_db: float = 6.0
    holdoff_ms: int = 500
    decay_db_s: float = 1.0


@dataclass(slots=True)
class Heard:
    """How one place hears a tag: running mean in dBm, since when without a pause, last time."""

    rssi: float
    since_ms: int
    last_ms: int


@dataclass(slots=True)
class Tag:
    """One tag. `place` is "" before its first arrival and after a departure, else it is `heard`.

    `since_ms`: when it arrived or moved here; reads from before say nothing new. `gone_ms`: when
    it was declared departed; `device`: who heard it last at its place. `kept_ms`: the `last_ms`
    that is on disk.
    """

    epc: str
    sku: str = ""
    place: str = ""
    device: str = ""
    since_ms: int = 0
    last_ms: int = 0
    gone_ms: int = 0
    kept_ms: int = 0
    heard: dict[str, Heard] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """What became of a tag: `place` is where it is now (departed: where it was)."""

    what: What
    epc: str
    sku: str
    place: str
    device: str
    at_ms: int
    source: str = ""


def hear(
    tag: Tag, place: str, device: str, rssi: float, at_ms: int, tuning: Tuning
) -> Change | None:
    """Take one read into `tag` (changed in place, for speed) and say what it means."""
    if not tag.place:
        if at_ms <= tag.gone_ms:
            return None
        return _settle(tag, "arrived", place, device, rssi, at_ms)
    if at_ms < tag.since_ms:
        return None
    found = _listen(tag, place, rssi, at_ms)
    if place == tag.place:
        if at_ms > tag.last_ms:
            tag.last_ms, tag.device = at_ms, device
        return None
    if found is None or at_ms - found.since_ms < tuning.holdoff_ms:
        return None
    if found.rssi <= _defence(tag, at_ms, tuning):
        return None
    return _settle(tag, "moved", place, device, found.rssi, at_ms)


def leave(tag: Tag, now_ms: int, tuning: Tuning, resumed_ms: int = 0) -> Change | None:
    """Declare the tag departed when nobody has heard it for long enough.

    Nobody could hear it before `resumed_ms`, the moment from which the hub listens (again).
    """
    if not tag.place or now_ms - tag.last_ms < tuning.gone_ms:
        return None
    heard = max(tag.last_ms, *(one.last_ms for one in tag.heard.values()))
    if now_ms - max(heard, resumed_ms) < tuning.gone_ms:
        return None
    change = Change("departed", tag.epc, tag.sku, tag.place, tag.device, heard)
    tag.place, tag.gone_ms = "", now_ms
    tag.heard.clear()
    return change


def _settle(tag: Tag, what: What, place: str, device: str, rssi: float, at_ms: int) -> Change:
    change = Change(what, tag.epc, tag.sku, place, device, at_ms, tag.place)
    tag.place, tag.device, tag.since_ms, tag.last_ms = place, device, at_ms, at_ms
    if what == "arrived":
        tag.heard.clear()
    tag.heard[place] = Heard(rssi, at_ms, at_ms)
    return change


def _listen(tag: Tag, place: str, rssi: float, at_ms: int) -> Heard | None:
    """Return how `place` hears the tag after this read; None for a read that came too late."""
    found = tag.heard.get(place)
    if found is None:
        if len(tag.heard) >= PLACES_MOST:
            _forget_one(tag)
        found = tag.heard[place] = Heard(rssi, at_ms, at_ms)
    elif at_ms < found.last_ms:
        return None
    elif at_ms - found.last_ms > STRETCH_MS:
        found.rssi, found.since_ms, found.last_ms = rssi, at_ms, at_ms
    else:
        found.rssi += WEIGHT * (rssi - found.rssi)
        found.last_ms = at_ms
    return found


def _forget_one(tag: Tag) -> None:
    others = [name for name in tag.heard if name != tag.place]
    del tag.heard[min(others, key=lambda name: tag.heard[name].last_ms)]


def _defence(tag: Tag, at_ms: int, tuning: Tuning) -> float:
    """What another place must exceed (dBm): the mean here and the margin that is left."""
    here = tag.heard[tag.place]
    silent_s = max(0, at_ms - here.last_ms - tuning.holdoff_ms) / 1000
    return here.rssi + tuning.margin_db - tuning.decay_db_s * silent_s
