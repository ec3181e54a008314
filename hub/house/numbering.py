"""Reads several staging shelves written as one, `A-01..A-12`, and writes them so; pure.

It must never make more shelves than a person could have meant.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from hub.errors import Invalid
from hub.house import rules
from hub.house.rules import Shelf

MOST: Final = 500
_NUMBERED: Final = re.compile(r"(.*?)([0-9]{1,6})", re.ASCII)


def read(text: str) -> list[str]:
    """Return the numbers that `text` names: `A-01..A-12`, or several with commas between."""
    found: dict[str, None] = {}
    for part in re.split(r"[,\s]+", re.sub(r"\s*\.\.\s*", "..", text.strip())):
        for number in _range(part):
            found[rules.read_shelf(number)] = None
        if len(found) > MOST:
            raise Invalid(f"These are more than {MOST} shelves at a time.", field="shelf")
    return list(found)


def _range(part: str) -> Iterator[str]:
    first, dots, last = part.partition("..")
    if not dots:
        yield part
        return
    begin, end = _NUMBERED.fullmatch(first), _NUMBERED.fullmatch(last)
    if begin is None or end is None or end[1].upper() not in ("", begin[1].upper()):
        raise Invalid("Several shelves are written like A-01..A-12.", field="shelf")
    if int(end[2]) < int(begin[2]):
        raise Invalid(f"{part} ends before it begins.", field="shelf")
    # The shelves are counted by whoever takes them, and it stops at too many.
    for number in range(int(begin[2]), int(end[2]) + 1):
        yield f"{begin[1]}{number:0{len(begin[2])}d}"


def runs(shelves: Sequence[Shelf]) -> Iterator[tuple[str, str, int]]:
    """Yield shelves that follow each other and are alike as one: (`A-01..A-12`, kind, capacity)."""

    def run(pair: tuple[int, Shelf]) -> tuple[object, ...]:
        n, shelf = pair
        numbered = _NUMBERED.fullmatch(shelf.shelf)
        if numbered is None:
            return (shelf.shelf,)
        width = len(numbered[2]) if numbered[2].startswith("0") else 0
        same = numbered[1], width or len(numbered[2]), shelf.kind, shelf.capacity
        return (*same, int(numbered[2]) - n)

    ordered = sorted(shelves, key=lambda one: (len(one.shelf), one.shelf))
    for _, found in groupby(enumerate(ordered), key=run):
        alike = [shelf for _, shelf in found]
        first, last = alike[0], alike[-1]
        named = first.shelf if first is last else f"{first.shelf}..{last.shelf}"
        yield named, first.kind, first.capacity
