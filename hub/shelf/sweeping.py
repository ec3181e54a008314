"""Decides what an RFID inventory of a place proves: which SKUs it counts, and who must confirm.

It must never count a SKU whose units do not all carry tags, or of which a part lies elsewhere.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from hub.errors import Refusal

# A sweep of every place.
WHOLE: Final = "*"
# What a sweep does not see unless it is one of the whole store: bagged, or set aside.
ASIDE: Final = ("staged", "damaged", "quality_control")


@dataclass(frozen=True, slots=True)
class Found:
    """What was found of one SKU: `tags` different tags, and what the record says.

    `aside`: units of the record that this sweep does not pass. `expected`: on hand, as of when
    the sweep began.
    """

    sku: str
    tags: int
    aside: int
    expected: int

    @property
    def counted(self) -> int:
        return self.tags + self.aside

    @property
    def difference(self) -> int:
        return self.counted - self.expected


def covered(place: str, tagged: Iterable[str], places: Mapping[str, Iterable[str]]) -> list[str]:
    """Return the tagged SKUs that a sweep of `place` sees whole; `places`: where each belongs."""
    if place == WHOLE:
        return sorted(tagged)
    return sorted(sku for sku in tagged if set(places.get(sku, ())) == {place})


def needs_person(found: Found, most: int) -> bool:
    """Is the difference so large that a person has to confirm it?"""
    return abs(found.difference) > most


def refuse_second(places: Iterable[str], place: str) -> None:
    """Two sweeps over one place at a time would count each other's reads."""
    for other in places:
        if WHOLE in (place, other) or other == place:
            raise Refusal("An inventory goes on here already: end it first.", slug="sweep-open")
