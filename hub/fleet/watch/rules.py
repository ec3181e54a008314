"""Is a device here or away, what may it lose, does it need a hand; pure, times are arguments.

It must never call a device away for the time in which the hub itself heard nobody.
"""

from typing import Final, Literal, NamedTuple

State = Literal["online", "away", "never", "revoked", "unknown"]
# Why a device is away: its last will said so, it is silent, or its gateway is away.
Reason = Literal["", "last_will", "silent", "gateway"]
Guarantee = Literal["A", "B", "C"]
# What a change of state is worth saying, once.
Said = Literal["", "gone", "back", "flaps", "calm"]

# The most urgent first: this order sorts the console.
NEEDS: Final = (
    "unknown", "away", "flapping", "waiting", "battery_low", "gaps", "clock", "dropped", "never",
)  # fmt: skip

HOUR_MS: Final = 3_600_000
# So many changes within an hour are a bad cable or a weak battery, not news.
FLAPS: Final = 6
# A synced clock that is off by more is not synced (ms).
DRIFT_MS: Final = 30_000
# An outbox is late when its oldest has waited so long, or full when so little is left.
WAITED_S: Final = 600
HOURS_LEFT: Final = 8.0

# Kinds of device whose every reading replaces the last.
SENSORS: Final = frozenset(
    {"shelf", "scale", "climate", "presence", "rfid", "meter", "light", "contact", "motion"}
)
# Families that publish at QoS 0: what the broker does not hear nobody sends again.
ONCE: Final = frozenset({"esphome"})


class Limits(NamedTuple):
    """When a device counts as away (seconds of silence), and its battery as low."""

    mains_s: int = 600
    battery_s: int = 25 * 3600
    low_pct: int = 20


class Heard(NamedTuple):
    """What is known of a device when its state is judged; times in ms since 1970.

    `online` is its status topic's last word. `listening_ms`: since when the hub hears devices.
    """

    enrolled: bool
    revoked: bool
    power: str
    last_ms: int | None
    online: bool
    listening_ms: int = 0


def availability(heard: Heard, now_ms: int, limits: Limits) -> tuple[State, Reason]:
    """Return whether a device is there, and why not."""
    if heard.revoked:
        return "revoked", ""
    if not heard.enrolled:
        return "unknown", ""
    if not heard.last_ms:
        return "never", ""
    if not heard.online:
        return "away", "last_will"
    silent_s = limits.battery_s if heard.power == "battery" else limits.mains_s
    since_ms = max(heard.last_ms, heard.listening_ms)
    if now_ms - since_ms > silent_s * 1000:
        return "away", "silent"
    return "online", ""


def behind_gateway(state: State, reason: Reason, gateway: State | None) -> tuple[State, Reason]:
    """Return the state of a device that a gateway speaks for: away when that one is."""
    if gateway in ("away", "revoked", "never") and state in ("online", "away"):
        return "away", "gateway"
    return state, reason


class Kept(NamedTuple):
    """What is remembered of a device's state: since when, and how often it changed lately."""

    state: State
    since_ms: int
    changes: int = 0
    window_ms: int = 0
    flapping: bool = False


def turn(kept: Kept | None, state: State, now_ms: int) -> tuple[Kept, Said]:
    """Return what to remember now that a device is in `state`, and what to say of it.

    A device that goes and comes is said to flap, once, and is not spoken of again until it has
    kept one state for an hour.
    """
    if kept is None:
        return Kept(state, now_ms, window_ms=now_ms), "gone" if state == "away" else ""
    if state == kept.state:
        if kept.flapping and now_ms - kept.since_ms > HOUR_MS:
            return Kept(state, kept.since_ms, window_ms=now_ms), "calm"
        return kept, ""
    over = now_ms - kept.window_ms > HOUR_MS
    changes = 1 if over else kept.changes + 1
    window_ms = now_ms if over else kept.window_ms
    flapping = kept.flapping or changes >= FLAPS
    new = Kept(state, now_ms, changes, window_ms, flapping)
    if flapping:
        return new, "" if kept.flapping else "flaps"
    if state == "away":
        return new, "gone"
    return new, "back" if kept.state == "away" else ""


def missing(first: int | None, high: int | None, received: int) -> int:
    """Return how many numbers of a device's sequence have not arrived (yet)."""
    if first is None or high is None:
        return 0
    return max(0, high - first + 1 - received)


def guarantee(family: str, via: str | None, kind: str) -> Guarantee:
    """Return what a device's events are worth (what each can lose: the console's sentences).

    A: it keeps each event until the hub has stored it. B: the broker keeps what reached it.
    C: readings, of which the next replaces the last.
    """
    if kind in SENSORS or family in ONCE:
        return "C"
    return "A" if family == "storehub" and via is None else "B"


class Condition(NamedTuple):
    """What a device told of itself, as far as it did."""

    state: State
    flapping: bool = False
    battery_pct: float | None = None
    missing: int = 0
    quality: str | None = None
    drift_ms: int | None = None
    oldest_s: int | None = None
    hours_left: float | None = None
    dropped: int = 0


def needs(of: Condition, limits: Limits) -> tuple[str, ...]:
    """Return what of a device needs a hand, the most urgent first."""
    if of.state == "revoked":
        return ()
    late = of.oldest_s is not None and of.oldest_s > WAITED_S
    full = of.hours_left is not None and of.hours_left < HOURS_LEFT
    found = {
        "unknown": of.state == "unknown",
        "away": of.state == "away",
        "flapping": of.flapping,
        "waiting": late or full,
        "battery_low": of.battery_pct is not None and of.battery_pct <= limits.low_pct,
        "gaps": of.missing > 0,
        "clock": of.quality == "unknown" or abs(of.drift_ms or 0) > DRIFT_MS,
        "dropped": of.dropped > 0,
        "never": of.state == "never",
    }
    return tuple(need for need in NEEDS if found[need])


def urgency(found: tuple[str, ...]) -> int:
    """Return where a device stands in the list: what needs a hand first comes first."""
    return NEEDS.index(found[0]) if found else len(NEEDS)
