"""Puts plan, sensors and tags of a place together, as screens and programs see it.

It must never decide what is a gap: facts do.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from sqlite3 import Connection
from typing import Any, Self

from hub.catalog import queries as catalog
from hub.shelf import queries, sensing
from hub.shelf.rules import Facing, Place
from hub.shelf.sensing import Sensor


@dataclass(frozen=True)
class Seen:
    """What sensors and readers see of all places, read once."""

    gaps: Mapping[str, set[str]] = field(default_factory=dict)
    scales: Mapping[tuple[str, str], Sensor] = field(default_factory=dict)
    tags: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    tagged: frozenset[str] = frozenset()

    @classmethod
    def now(cls, conn: Connection) -> Self:
        gaps: dict[str, set[str]] = {}
        for row in queries.gaps(conn):
            gaps.setdefault(row["place"], set()).add(row["sku"])
        scales = {(one.place, one.sku): one for one in queries.sensors(conn) if one.counts}
        return cls(gaps, scales, queries.tags_by_place(conn), frozenset(queries.tagged(conn)))

    def of(self, facing: Facing) -> tuple[int | None, str]:
        """Return (units seen, or None; `gap`, `low` or `ok`)."""
        open_gaps = self.gaps.get(facing.place, set())
        scale = self.scales.get((facing.place, facing.sku))
        units = scale.units if scale is not None else None
        if facing.sku in open_gaps or "" in open_gaps:
            return units, "gap"
        low = units is not None and sensing.is_low(units, facing.low)
        return units, "low" if low else "ok"


def place(
    conn: Connection, one: Place, seen: Seen | None = None, lang: str = "en"
) -> dict[str, Any]:
    """`GET /shelf/places/{place}`: the place with its products, and what is seen of each."""
    known = seen or Seen.now(conn)
    here = known.tags.get(one.place, {})
    products = []
    for row in queries.facings(conn, one.place):
        article = catalog.product(conn, row.sku)
        units, state = known.of(row)
        products.append(
            {
                "sku": row.sku,
                "name": article.name(lang) if article else row.sku,
                "image": article.image if article else None,
                "facings": row.facings,
                "capacity": row.capacity,
                "low": row.low,
                "units": units,
                "tags": here.get(row.sku, 0),
                "tagged": row.sku in known.tagged,
                "state": state,
            }
        )
    return {**head(one), "products": products}


def places(conn: Connection, found: list[Place], lang: str = "en") -> list[dict[str, Any]]:
    seen = Seen.now(conn)
    return [place(conn, one, seen, lang) for one in found]


def head(one: Place) -> dict[str, Any]:
    return {
        "place": one.place,
        "kind": one.kind,
        "name": one.name,
        "aisle": one.aisle,
        "position": one.position,
    }
