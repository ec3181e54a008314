"""Decides whether goods may come back, at whatever store they are brought; pure.

It must never confirm more units of an order's line, over all stores, than were handed over.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, NamedTuple

Says = Literal["CONFIRMED", "WAITS", "CONFLICT"]
CAME_BACK: Final = "CAME_BACK"
NOT_HANDED_OVER: Final = "NOT_HANDED_OVER"
NOT_KNOWN: Final = "NOT_KNOWN"


class Part(NamedTuple):
    """Units that lie on a counter: of a line, or, where nobody there knew the order, of a SKU."""

    part: str
    sku: str
    qty: int
    line_id: str | None = None


class Line(NamedTuple):
    """What all stores handed over of an order's line, by the facts that central has."""

    line_id: str
    sku: str
    handed: int


class Unit(NamedTuple):
    """Units of a part as units of a line. A part of two lines is two, each with a name."""

    part: str
    line_id: str
    sku: str
    qty: int


class Word(NamedTuple):
    says: Says
    units: tuple[Unit, ...] = ()
    reason: str = ""


def decide(
    parts: Sequence[Part], lines: Sequence[Line], back: Mapping[str, int], *, settled: bool
) -> Word:
    """Say of a return, whole, whether its units may come back; `back`: those that did, by line.

    Not `settled`: the store that keeps the order may have handed over more than it could say yet.
    Then what is lacking waits for its word.
    """
    units = _allotted(parts, lines, back)
    if units is not None:
        return Word("CONFIRMED", units)
    if not settled:
        return Word("WAITS")
    if not lines:
        return Word("CONFLICT", reason=NOT_KNOWN)
    came_back = _allotted(parts, lines, {}) is not None
    return Word("CONFLICT", reason=CAME_BACK if came_back else NOT_HANDED_OVER)


def decide_own(
    parts: Sequence[Part],
    lines: Sequence[Line],
    back: Mapping[str, int],
    elsewhere: Mapping[str, int],
) -> Word:
    """Say the same of a store's return of its own order: its hub never takes more than it gave.

    It could not know of units that came back `elsewhere`: they are part of `back`.
    """
    handed = {line.line_id: line.handed for line in lines}
    wanted = _per_line(parts)
    for line_id, qty in wanted.items():
        if elsewhere.get(line_id, 0) and qty > handed.get(line_id, 0) - back.get(line_id, 0):
            return Word("CONFLICT", reason=CAME_BACK)
    own = tuple(Unit(one.part, one.line_id or "", one.sku, one.qty) for one in parts)
    return Word("CONFIRMED", own)


def _allotted(
    parts: Sequence[Part], lines: Sequence[Line], back: Mapping[str, int]
) -> tuple[Unit, ...] | None:
    left = {line.line_id: line.handed - back.get(line.line_id, 0) for line in lines}
    units: list[Unit] = []
    # Whoever names a line comes first: a SKU may be of any of its lines.
    for part in sorted(parts, key=lambda one: one.line_id is None):
        taken = _of_part(part, lines, left)
        if taken is None:
            return None
        units += taken
    return tuple(units)


def _of_part(part: Part, lines: Iterable[Line], left: dict[str, int]) -> list[Unit] | None:
    units: list[Unit] = []
    wanted = part.qty
    for line in lines:
        fits = part.line_id in (None, line.line_id) and line.sku == part.sku
        qty = min(wanted, left[line.line_id]) if fits else 0
        if qty > 0:
            name = f"{part.part}.{len(units) + 1}" if units else part.part
            units.append(Unit(name, line.line_id, line.sku, qty))
            left[line.line_id] -= qty
            wanted -= qty
    return None if wanted else units


def _per_line(parts: Iterable[Part]) -> dict[str, int]:
    wanted: dict[str, int] = {}
    for part in parts:
        wanted[part.line_id or ""] = wanted.get(part.line_id or "", 0) + part.qty
    return wanted
