"""Which stores can give what a customer asks for, by the rights that central holds; pure.

It must never count a unit that a store keeps for its own channels.
"""

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

Word = Literal["has", "asks", "lacks"]


class Offer(NamedTuple):
    """A store, whether it can give all, and the units of each SKU that may be promised there."""

    store: str
    whole: bool
    units: Mapping[str, int]


def offers(
    wanted: Mapping[str, int], held: Mapping[str, Mapping[str, int]], near: str | None = None
) -> list[Offer]:
    """Return the stores that can give something: all of it first, then most lines, most units.

    `wanted`: units by SKU; `held`: the same by store. Among equals `near` comes first.
    """
    found = []
    for store, rights in held.items():
        units = {sku: min(qty, max(0, rights.get(sku, 0))) for sku, qty in wanted.items()}
        if any(units.values()):
            found.append(Offer(store, units == dict(wanted), units))
    return sorted(found, key=lambda one: _rank(one, wanted, near))


def _rank(
    one: Offer, wanted: Mapping[str, int], near: str | None
) -> tuple[bool, int, int, bool, str]:
    lines = sum(one.units[sku] == qty for sku, qty in wanted.items())
    return not one.whole, -lines, -sum(one.units.values()), one.store != near, one.store


def words(
    wanted: Mapping[str, int],
    held: Mapping[str, Mapping[str, int]],
    empty: Mapping[str, Iterable[str]],
) -> dict[str, Word]:
    """Say of each store whether it has all, has to be asked, or lacks something wholly.

    `empty`: by store the SKUs of which its own facts know no unit. That is a yes or no: how many
    units a store has is not told.
    """
    return {
        store: _word(wanted, held.get(store, {}), frozenset(gone)) for store, gone in empty.items()
    }


def _word(wanted: Mapping[str, int], rights: Mapping[str, int], gone: frozenset[str]) -> Word:
    open_ = [sku for sku, qty in wanted.items() if rights.get(sku, 0) < qty]
    if not open_:
        return "has"
    return "lacks" if gone.intersection(open_) else "asks"
