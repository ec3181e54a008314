"""Whom a gateway speaks for, as the hub tells it: which topics are theirs, which address is whose.

It must never take a topic for granted that the hub did not name.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

# So many topics keep what was found for them.
_REMEMBERED: Final = 20_000


class Served(msgspec.Struct, frozen=True):
    """One device. `grants`: the topic filters that it writes itself, empty behind a bridge."""

    device: str
    family: str
    address: str = ""
    kind: str = ""
    grants: tuple[str, ...] = ()


class Owner(msgspec.Struct, frozen=True):
    """Who may write a topic: the filter that grants it, and the device that has the grant."""

    filter: str
    served: Served


class Fleet:
    """The devices that are served, looked up by address and by topic."""

    def __init__(self, served: Iterable[Served] = ()) -> None:
        self.served = tuple(served)
        self.by_address = {
            (one.family, one.address): one.device for one in self.served if one.address
        }
        self._writers = {one.device for one in self.served if one.grants}
        self._owners = sorted(
            (Owner(grant, one) for one in self.served for grant in one.grants),
            key=lambda owner: -len(owner.filter),
        )
        self._found: dict[str, Owner | None] = {}

    @property
    def devices(self) -> tuple[str, ...]:
        return tuple(one.device for one in self.served)

    @property
    def filters(self) -> tuple[str, ...]:
        """Return what to subscribe to; a filter that another one covers is left out, because
        what matches two subscriptions is delivered twice.
        """
        wanted = sorted({owner.filter for owner in self._owners}, key=len)
        kept: list[str] = []
        for one in wanted:
            if not any(covers(other, one) for other in kept):
                kept.append(one)
        return tuple(sorted(kept))

    def owner(self, topic: str) -> Owner | None:
        """Return who may write `topic`; the most particular filter decides."""
        if topic not in self._found:
            if len(self._found) >= _REMEMBERED:
                self._found.clear()
            self._found[topic] = next(
                (one for one in self._owners if matches(one.filter, topic)), None
            )
        return self._found[topic]

    def device(self, owner: Owner, address: str, bridge: bool) -> str | None:
        """Return the device at `address`; one without an address is known by its own topics.

        Who writes topics of his own is not spoken for on anybody else's, whatever is said there.
        """
        own = owner.served.device
        known = self.by_address.get((owner.served.family, address))
        if known is not None and (known == own or known not in self._writers):
            return known
        return None if bridge or owner.served.address else own

    def of_family(self, family: str) -> list[str]:
        return [one.device for one in self.served if one.family == family]


def decode(told: Mapping[str, Any]) -> tuple[Served, ...]:
    """Read `cmd/devices`. Raises msgspec.ValidationError."""
    return msgspec.convert(told.get("devices"), tuple[Served, ...])


def matches(pattern: str, topic: str) -> bool:
    """Does the MQTT filter `pattern` match `topic`?"""
    return covers(pattern, topic)


def covers(pattern: str, other: str) -> bool:
    """Does `pattern` match all that the filter (or topic) `other` matches?"""
    mine, theirs = pattern.split("/"), other.split("/")
    for n, level in enumerate(mine):
        if level == "#":
            return True
        if n >= len(theirs) or theirs[n] == "#" or level not in ("+", theirs[n]):
            return False
    return len(mine) == len(theirs)
