"""What happens on the floor: places and facings are planned, gaps open and close, tags come and go.

It must never state stock: what a sensor or an antenna sees is evidence, and a count is a move of
the stock room. Weights and times of reading are no facts; a fact holds integers and text.
"""

from typing import Final

import msgspec

KINDS: Final = ("shelf", "door", "counter", "dock", "staging", "backroom")


class _PlaceFact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    place: str

    def topics(self) -> tuple[str, ...]:
        return (f"shelf:{self.place}",)


class PlacePut(_PlaceFact, frozen=True, kw_only=True, omit_defaults=True):
    """A place of the store as planned. `position` is its number in walking order."""

    kind: str
    name: str
    aisle: str = ""
    position: int = 0


class PlaceDropped(_PlaceFact, frozen=True, kw_only=True, omit_defaults=True):
    """The place is gone, and its facings with it."""


class FacingSet(_PlaceFact, frozen=True, kw_only=True, omit_defaults=True):
    """`sku` belongs here: `facings` front positions, `capacity` units, `low` the low-water mark."""

    sku: str
    facings: int = 1
    capacity: int = 0
    low: int = 0


class FacingDropped(_PlaceFact, frozen=True, kw_only=True, omit_defaults=True):
    sku: str


class TaggingSet(msgspec.Struct, frozen=True, kw_only=True):
    """Every unit of `sku` carries an RFID tag, or no longer does: only then a sweep counts it."""

    sku: str
    tagged: bool

    def topics(self) -> tuple[str, ...]:
        return ("shelf", f"stock:{self.sku}")


class ShelfGapOpened(_PlaceFact, frozen=True, kw_only=True, omit_defaults=True):
    """The facing of `sku` is empty, as `device` saw for long enough to be sure."""

    sku: str
    device: str


class ShelfGapClosed(_PlaceFact, frozen=True, kw_only=True, omit_defaults=True):
    sku: str
    device: str


class _TagFact(_PlaceFact, frozen=True, kw_only=True, omit_defaults=True):
    """`epc` is the tag's code in hexadecimal; `sku` the article that it is a unit of."""

    epc: str
    sku: str
    device: str


class TagArrived(_TagFact, frozen=True, kw_only=True, omit_defaults=True):
    pass


class TagMoved(_TagFact, frozen=True, kw_only=True, omit_defaults=True):
    """From `source` to `place`."""

    source: str


class TagDeparted(_TagFact, frozen=True, kw_only=True, omit_defaults=True):
    """Unseen at `place` since `last_seen`."""

    last_seen: str


class TagsCounted(_PlaceFact, frozen=True, kw_only=True, omit_defaults=True):
    """The evidence of a count by RFID: `epcs` different tags of `sku` from `began` to `ended`."""

    inventory: str
    sku: str
    epcs: int
    devices: tuple[str, ...]
    began: str
    ended: str


FACTS: Final[dict[tuple[str, int], type]] = {
    (fact.__name__, 1): fact
    for fact in (
        PlacePut,
        PlaceDropped,
        FacingSet,
        FacingDropped,
        TaggingSet,
        ShelfGapOpened,
        ShelfGapClosed,
        TagArrived,
        TagMoved,
        TagDeparted,
        TagsCounted,
    )
}
