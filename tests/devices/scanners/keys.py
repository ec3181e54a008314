"""A keyboard-wedge scanner's fingers: text → key events, as a real one sends them."""

from collections.abc import Iterator
from typing import Final

from devices.scanners.layouts import LAYOUTS
from devices.scanners.wedge import Stroke

ENTER, TAB, SHIFT, CTRL, ALT, ALT_GR, CAPS = 28, 15, 42, 29, 56, 100, 58
KEYPAD: Final = {str(n): code for n, code in enumerate((82, 79, 80, 81, 75, 76, 77, 71, 72, 73))}


def chord(mark: str, layout: str) -> tuple[tuple[int, ...], int]:
    """Return the modifiers and the key that give `mark`."""
    if mark == " ":
        return (), 57
    table = LAYOUTS[layout]
    for held, keys in (((), table.plain), ((SHIFT,), table.shifted), ((ALT_GR,), table.alt_gr)):
        for code, one in keys.items():
            if one == mark:
                return held, code
    if mark == "\x1d":
        return (CTRL,), 27
    raise KeyError(mark)


def presses(text: str, layout: str = "us") -> Iterator[tuple[int, int]]:
    """Yield (code, value) of each key of `text`; a mark that waits for the next gets a space."""
    for mark in text:
        held, code = chord(mark, layout)
        for modifier in held:
            yield modifier, 1
        yield code, 1
        yield code, 0
        for modifier in held:
            yield modifier, 0
        if (code, mark) in LAYOUTS[layout].dead:
            yield 57, 1
            yield 57, 0


def strokes(
    text: str,
    *,
    node: str = "event3",
    layout: str = "us",
    suffix: int | None = ENTER,
    at_ms: int = 1_000,
    every_ms: int = 4,
) -> list[Stroke]:
    """Return the events of one scan; `every_ms` lies between keys that go down."""
    events = [*presses(text, layout), *([(suffix, 1), (suffix, 0)] if suffix else [])]
    made, downs = [], 0
    for code, value in events:
        plain = code not in (SHIFT, CTRL, ALT, ALT_GR)
        downs += plain and value == 1
        made.append(Stroke(node, code, value, at_ms + every_ms * max(0, downs - 1)))
    return made
