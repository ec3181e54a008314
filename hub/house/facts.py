"""What a store decides for itself: its policies, its staging shelves, the pace of its picking.

It must never hold anything personal: reasons are codes.
"""

from typing import Final

import msgspec


class _HouseFact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    def topics(self) -> tuple[str, ...]:
        return ("house", "pickup")


class PolicySet(_HouseFact, frozen=True, kw_only=True, omit_defaults=True):
    """A policy of `rules.POLICIES` has another value; None gives it its default back."""

    name: str
    value: int | str | None = None


class StagingShelfPlanned(_HouseFact, frozen=True, kw_only=True, omit_defaults=True):
    """`capacity`: orders that stand there at a time. `kind`: what it keeps (`rules.STORAGE`)."""

    shelf: str
    capacity: int
    kind: str = "ambient"


class StagingShelfDropped(_HouseFact, frozen=True, kw_only=True, omit_defaults=True):
    shelf: str


class PickupPaceSet(_HouseFact, frozen=True, kw_only=True, omit_defaults=True):
    """`pace`: normal, slow (promises take twice as long) or paused, until a time or for good."""

    pace: str
    until: str | None = None
    reason: str | None = None


FACTS: Final[dict[tuple[str, int], type]] = {
    (fact.__name__, 1): fact
    for fact in (PolicySet, StagingShelfPlanned, StagingShelfDropped, PickupPaceSet)
}
