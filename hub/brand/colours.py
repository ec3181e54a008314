"""Reckons with colours as people see them: contrast, and a shade of a colour that can be read.

It must never know what a colour is used for. Colours are written #rrggbb, in small letters.
"""

import math
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

WHITE: Final = "#ffffff"
BLACK: Final = "#000000"
# WCAG 2.2, 1.4.3: text of any size; 1.4.11: what is no text but has to be seen.
READABLE: Final = 4.5
VISIBLE: Final = 3.0
STEPS: Final = 50

_LONG: Final = re.compile(r"#[0-9a-f]{6}")
_SHORT: Final = re.compile(r"#[0-9a-f]{3}")


def parsed(text: object) -> str | None:
    """Return `#RRGGBB` or `#RGB` as #rrggbb; None when it is no colour."""
    if not isinstance(text, str):
        return None
    said = text.strip().lower()
    if _SHORT.fullmatch(said):
        return "#" + "".join(letter * 2 for letter in said[1:])
    return said if _LONG.fullmatch(said) else None


def channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


@lru_cache(maxsize=4_096)
def luminance(colour: str) -> float:
    """Return the relative luminance, 0 to 1 (WCAG 2.2, "relative luminance")."""
    red, green, blue = (_linear(value / 255) for value in channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else math.pow((value + 0.055) / 1.055, 2.4)


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio, 1 to 21 (WCAG 2.2, "contrast ratio")."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def least(colour: str, grounds: Iterable[str]) -> float:
    """Return the contrast on the worst of the grounds."""
    return min(contrast(colour, ground) for ground in grounds)


def mixed(one: str, other: str, share: float) -> str:
    """Return `one` with a share (0 to 1) of `other` in it."""
    pairs = zip(channels(one), channels(other), strict=True)
    red, green, blue = (round(a + (b - a) * share) for a, b in pairs)
    return f"#{red:02x}{green:02x}{blue:02x}"


def on(ground: str) -> str:
    """Return white, or black where white could not be read. One of both always can (4.58)."""
    return WHITE if contrast(WHITE, ground) >= READABLE else BLACK


def shade(colour: str, toward: str, grounds: Iterable[str], need: float) -> str:
    """Return the shade nearest to `colour`, on the way to `toward`, that has the contrast.

    Where none has, the answer is `toward` itself.
    """
    known = tuple(grounds)
    for step in range(STEPS):
        found = mixed(colour, toward, step / STEPS)
        if least(found, known) >= need:
            return found
    return toward
