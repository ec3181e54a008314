"""Decides how the planogram changes; sensors, tags and sweeps have their own pages beside it.

It must never write a fact that changes nothing: the same plan twice is one plan.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from hub.errors import Invalid, Refusal
from hub.shelf import sensing, sweeping, tagging
from hub.shelf.facts import (
    KINDS,
    FacingDropped,
    FacingSet,
    PlaceDropped,
    PlacePut,
    TaggingSet,
)

__all__ = ["Facing", "Place", "sensing", "sweeping", "tagging"]

MAX_UNITS: Final = 1_000_000
MAX_POSITION: Final = 1_000_000_000
# More products in one place is another kind of file, and one append of so many facts too long.
FACINGS_MOST: Final = 500
_PLACE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}", re.ASCII)

PlanFact = PlacePut | PlaceDropped | FacingSet | FacingDropped | TaggingSet


@dataclass(frozen=True, slots=True)
class Place:
    place: str
    kind: str
    name: str
    aisle: str = ""
    position: int = 0


@dataclass(frozen=True, slots=True)
class Facing:
    place: str
    sku: str
    facings: int = 1
    capacity: int = 0
    low: int = 0


def decide_put(known: Place | None, wanted: Place) -> list[PlanFact]:
    """Make `wanted` a place of the store, or change it."""
    check_place(wanted)
    if known == wanted:
        return []
    return [
        PlacePut(
            place=wanted.place,
            kind=wanted.kind,
            name=wanted.name,
            aisle=wanted.aisle,
            position=wanted.position,
        )
    ]


def decide_drop(known: Place, gaps: int) -> list[PlanFact]:
    """Take a place out of the plan. What a sensor says of it must be settled first."""
    if gaps:
        raise Refusal(
            f"{known.name} has an open gap: move its sensor to another place first.",
            slug="place-sensed",
        )
    return [PlaceDropped(place=known.place)]


def decide_facing(place: Place | None, known: Facing | None, wanted: Facing) -> list[PlanFact]:
    if place is None:
        raise Refusal(f"There is no place {wanted.place} in this store.", slug="unknown-place")
    check_facing(wanted)
    return [] if known == wanted else [_set(wanted)]


def decide_facing_drop(known: Facing | None) -> list[PlanFact]:
    return [] if known is None else [FacingDropped(place=known.place, sku=known.sku)]


def decide_tagging(known: bool, sku: str, tagged: bool) -> list[PlanFact]:
    return [] if known == tagged else [TaggingSet(sku=sku, tagged=tagged)]


def decide_plan(
    known: Place | None,
    planned: Iterable[Facing],
    wanted: Place,
    facings: Iterable[Facing],
    tagging: Mapping[str, tuple[bool, bool]],
) -> list[PlanFact]:
    """Set one place whole, as a file states it: what it does not name does not belong there.

    `tagging`: SKU → (known, wanted), for those of which the file says whether they are tagged.
    """
    here = {one.sku: one for one in planned}
    then = {one.sku: one for one in facings}
    if len(then) > FACINGS_MOST:
        raise Invalid(f"A place holds at most {FACINGS_MOST} products.", field="sku")
    facts = decide_put(known, wanted)
    for one in then.values():
        check_facing(one)
        facts += [] if here.get(one.sku) == one else [_set(one)]
    facts += [FacingDropped(place=wanted.place, sku=sku) for sku in here if sku not in then]
    for sku, (was, will) in tagging.items():
        facts += decide_tagging(was, sku, will)
    return facts


def check_place(place: Place) -> None:
    """Raise Invalid unless `place` can be one: its id stands in topics and on shelf labels."""
    if not _PLACE.fullmatch(place.place):
        raise Invalid(
            "place is 1 to 32 letters, digits, dots, dashes or underscores.", field="place"
        )
    if place.kind not in KINDS:
        raise Invalid(f"kind must be one of {', '.join(KINDS)}.", field="kind")
    if not 1 <= len(place.name) <= 80 or not place.name.isprintable():
        raise Invalid("name is 1 to 80 printable characters.", field="name")
    if len(place.aisle) > 40 or not place.aisle.isprintable():
        raise Invalid("aisle is at most 40 printable characters.", field="aisle")
    _check_number(place.position, "position", MAX_POSITION)


def check_facing(facing: Facing) -> None:
    if not 1 <= len(facing.sku) <= 64 or not facing.sku.isprintable():
        raise Invalid("sku must be 1 to 64 printable characters.", field="sku")
    _check_number(facing.facings, "facings", 1000, least=1)
    _check_number(facing.capacity, "capacity", MAX_UNITS)
    _check_number(facing.low, "low", MAX_UNITS)
    if facing.capacity and facing.low > facing.capacity:
        raise Invalid("low must not be above capacity.", field="low")


def _check_number(value: object, field: str, most: int, least: int = 0) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise Invalid(f"{field} must be a whole number from {least} to {most}.", field=field)


def _set(one: Facing) -> FacingSet:
    return FacingSet(
        place=one.place,
        sku=one.sku,
        facings=one.facings,
        capacity=one.capacity,
        low=one.low,
    )
