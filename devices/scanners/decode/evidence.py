"""Says when a guess at blurred bars is a read: the accept rule of the maximum-likelihood stage.

It must never take one scan line's word, and never a code that another way of looking at the same
line speaks against.
"""

from collections.abc import Callable, Iterable
from typing import Final

import numpy as np

from devices.scanners.decode.likelihood import Guess, levelled, read
from devices.scanners.decode.profiles import MARGIN
from devices.scanners.decode.regions import Floats
from devices.scanners.decode.symbols import Layout

# The accept rule: one of the pairs (explained, margin) must be reached. Set on the development
# photos, negatives, other symbologies and random stripes: false EAN-13 stayed below 0.90 with
# margins up to 24; a piece of an EAN-13 can pass for a shorter symbol with margins up to 40.
_RULES: Final = {
    "EAN-13": ((0.85, 45.0), (0.90, 25.0)),
    "EAN-8": ((0.88, 80.0),),
    "UPC-E": ((0.88, 60.0),),
}
_HOPELESS: Final = 0.7
_POOR: Final = 0.8  # a region whose first lines explain less is left
_CLEAR: Final = 90.0
SPAN: Final = 1.0 + 2.0 * MARGIN  # a scan line's length in lengths of its region


def agreed(
    lines: Iterable[Floats], layout: Layout, late: Callable[[], bool] = lambda: False
) -> Guess | None:
    """Return the code that two of a region's scan lines give, each believably; else None.

    Gives up at the first line that does not look like the symbol at all.
    """
    seen: dict[str, Guess] = {}
    best = 0.0
    for tried, line in enumerate(lines):
        guess = _of_both_lights(line, layout)
        if guess is None or late():
            return None
        best = max(best, guess.explained)
        if best < (_HOPELESS if tried == 0 else _POOR) and tried < 2:
            return None
        if not believable(guess):
            continue
        if guess.digits in seen:
            return guess
        if seen:
            return None
        seen[guess.digits] = guess
    return None


def _of_both_lights(line: Floats, layout: Layout) -> Guess | None:
    """Return the better guess of the line as it is and with the camera's curve undone.

    Where the two disagree, the other one is a runner-up too.
    """
    length = len(line) / SPAN
    one = read(levelled(line, length / layout.modules), length, layout)
    if one is None or one.explained < _HOPELESS or one.margin >= _CLEAR:
        return one
    other = read(levelled(_in_light(line), length / layout.modules), length, layout)
    if other is None:
        return one
    if other.explained > one.explained:
        one, other = other, one
    if one.digits == other.digits:
        return one
    apart = ((1.0 - other.explained) / max(1.0 - one.explained, 1e-6) - 1.0) * layout.modules
    return one._replace(margin=min(one.margin, apart))


def _in_light(line: Floats) -> Floats:
    """Return the line with the camera's curve undone (about 2.2): blur adds up in light."""
    return np.asarray(255.0 * (np.maximum(line, 0.0) / 255.0) ** 2.2, dtype=np.float32)


def confidence(guess: Guess) -> float:
    """Return how sure a believable guess is, 0.75 near the accept rule's edge up to 0.97."""
    return 0.97 - 0.22 * min(1.0, 25.0 / max(guess.margin, 1.0))


def believable(guess: Guess) -> bool:
    """Say whether a guess may count as a read."""
    rules = _RULES[guess.symbology]
    return any(guess.explained >= least and guess.margin >= margin for least, margin in rules)
