"""How each store of the fleet stands, and which needs a hand first; pure.

It must never call a store failed that simply is not heard, nor unreachable one that is heard and
refused: the first is the network's business, the second a person's.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple

Condition = Literal["held", "failed", "unreachable", "late", "quarantine", "new", "well"]
URGENCY: Final[tuple[Condition, ...]] = (
    "held", "failed", "unreachable", "late", "quarantine", "new", "well",
)  # fmt: skip
"""What needs a hand first comes first."""

SILENT: Final = timedelta(seconds=180)
"""A hub speaks each minute: three times nothing is silence."""
SILENT_REFUSED: Final = timedelta(seconds=900)
"""Whom central refuses comes back within five minutes: three times nothing is silence."""
REFUSED: Final = timedelta(seconds=60)
"""One refusal is how two ends find each other; for a minute none but refusals is a failure."""
LATE: Final = timedelta(seconds=900)
WINDOW: Final = timedelta(seconds=60)
"""Hubs that lose one line were all last heard within the minute before."""
MANY: Final = 5
GROUPS_MOST: Final = 10
WHY: Final[Mapping[str, str]] = {
    "behind": "its history differs from central's and is not being joined",
    "damaged": "central refuses its bytes: they are not what the hub hashed",
    "held": "two hubs of this store are on line: a person has to say which one stays",
    "credential": "its credential was revoked",
    "protocol-version": "it speaks a protocol that this central does not",
    "unparsable": "what it sends can't be read",
    "too-large": "what it sends is too large",
    "media-type": "what it sends is no push",
    "signature": "its head is not signed by this store's hub: who holds its credential?",
}


@dataclass(frozen=True, slots=True)
class Seen:
    """What central knows of a store; ages are of `told_at`, by the hub's own clock.

    `backlog`, `oldest_s` and `newest_s` are None where a hub of an older release does not say.
    `refused`: why, while none but refusals came since `refused_since`.
    """

    store: str
    name: str
    seq: int = 0
    heard_at: datetime | None = None
    pushed_at: datetime | None = None
    told_at: datetime | None = None
    newest_s: float | None = None
    backlog: int | None = None
    oldest_s: float | None = None
    release: str = ""
    schema: int = 0
    quarantine_hub: int = 0
    quarantine_central: int = 0
    refused: str = ""
    refused_since: datetime | None = None
    two_hubs: bool = False
    retired: int = 0
    generation: str = ""
    sealed: str = "none"


class Standing(NamedTuple):
    """A store, how it stands, since when, and why in words."""

    seen: Seen
    condition: Condition
    since: datetime | None
    why: str


class Group(NamedTuple):
    """Stores that fell silent together: the last of them was heard at `since`."""

    since: datetime
    stores: tuple[str, ...]


class Fleet(NamedTuple):
    """The fleet, most urgent store first."""

    standings: tuple[Standing, ...]
    groups: tuple[Group, ...]
    counts: Mapping[Condition, int]


def standing(seen: Seen, now: datetime) -> Standing:
    """Judge one store."""
    if seen.heard_at is None:
        return Standing(seen, "new", None, "its hub was never heard")
    if seen.two_hubs:
        return Standing(seen, "held", seen.refused_since, WHY["held"])
    silent = now - seen.heard_at
    if silent >= (SILENT_REFUSED if seen.refused else SILENT):
        return Standing(seen, "unreachable", seen.heard_at, "nobody is heard")
    if seen.refused_since is not None and now - seen.refused_since >= REFUSED:
        why = WHY.get(seen.refused, seen.refused)
        return Standing(seen, "failed", seen.refused_since, why)
    if seen.sealed not in ("good", "none"):
        return Standing(seen, "failed", seen.pushed_at, WHY["signature"])
    if seen.backlog and seen.oldest_s is not None and seen.told_at is not None:
        waits = timedelta(seconds=seen.oldest_s) + (now - seen.told_at)
        if waits >= LATE:
            return Standing(seen, "late", now - waits, f"{seen.backlog} facts wait to be sent")
    if seen.quarantine_hub or seen.quarantine_central:
        return Standing(seen, "quarantine", None, _quarantined(seen))
    return Standing(seen, "well", None, "")


def _quarantined(seen: Seen) -> str:
    here, there = seen.quarantine_central, seen.quarantine_hub
    parts = [f"{here} at central"] if here else []
    parts += [f"{there} at the hub"] if there else []
    return f"in quarantine: {', '.join(parts)}"


def fleet(stores: Iterable[Seen], now: datetime) -> Fleet:
    """Judge all stores; those that went silent together are grouped as well."""
    judged = [standing(seen, now) for seen in stores]
    judged.sort(key=lambda one: (URGENCY.index(one.condition), one.since or now, one.seen.store))
    found = Counter(one.condition for one in judged)
    return Fleet(tuple(judged), groups(judged), {name: found[name] for name in URGENCY})


def groups(judged: Sequence[Standing]) -> tuple[Group, ...]:
    """Group the unreachable that were last heard within one minute, if they are many.

    The largest group is taken first, so that a straggler before it does not cut it in two.
    """
    left = sorted(
        (one.since, one.seen.store)
        for one in judged
        if one.condition == "unreachable" and one.since is not None
    )
    found: list[Group] = []
    while len(left) >= MANY and len(found) < GROUPS_MOST:
        start, end = _densest([at for at, _ in left])
        if end - start < MANY:
            break
        stores = tuple(sorted(store for _, store in left[start:end]))
        found.append(Group(left[end - 1][0], stores))
        del left[start:end]
    return tuple(sorted(found))


def _densest(times: Sequence[datetime]) -> tuple[int, int]:
    """Return the slice of sorted `times` that has most of them within WINDOW; the first of such."""
    best, start = (0, 0), 0
    for end, at in enumerate(times, 1):
        while at - times[start] > WINDOW:
            start += 1
        if end - start > best[1] - best[0]:
            best = (start, end)
    return best


def chosen(found: Fleet, condition: str = "", words: str = "") -> tuple[Standing, ...]:
    """Filter by condition, and by words that are in a store's id or name, in any case."""
    wanted = words.casefold().split()
    return tuple(
        one
        for one in found.standings
        if condition in ("", one.condition)
        and all(word in f"{one.seen.store} {one.seen.name}".casefold() for word in wanted)
    )
