"""The bars of EAN-13, UPC-A and EAN-8 as numbers: which modules are ink, which are known before.

It must never look at a picture. Source: ISO/IEC 15420, tables 1 to 3.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

_ODD: Final = (
    "0001101",
    "0011001",
    "0010011",
    "0111101",
    "0100011",
    "0110001",
    "0101111",
    "0111011",
    "0110111",
    "0001011",
)
_PARITY: Final = (
    "OOOOOO",
    "OOEOEE",
    "OOEEOE",
    "OOEEEO",
    "OEOOEE",
    "OEEOOE",
    "OEEEOO",
    "OEOEOE",
    "OEOEEO",
    "OEEOEO",
)
_FLIP: Final = str.maketrans("01", "10")
_RIGHT: Final = tuple(p.translate(_FLIP) for p in _ODD)
_EVEN: Final = tuple(p[::-1] for p in _RIGHT)

ODD, EVEN, RIGHT = 0, 1, 2
# (3, 10, 7): the three sets of ten patterns, 1 = ink.
PATTERNS: Final = np.array(
    [[[int(m) for m in p] for p in family] for family in (_ODD, _EVEN, _RIGHT)], dtype=np.float32
)


@dataclass(frozen=True)
class Layout:
    """Where a symbol has its guards and digits, in modules from its first bar.

    `families[f][slot]` names the pattern set of a slot when the parity says `f`; `leading` says
    that `f` is itself the first digit. Digits weigh 3, 1, 3 … from the first slot on, and with the
    leading digit (weight 1) come to a multiple of ten.
    """

    symbology: str
    modules: int
    slots: tuple[int, ...]
    families: tuple[tuple[int, ...], ...]
    leading: bool
    guards: tuple[tuple[int, str], ...]

    def known(self) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        """Return (modules, sign): those whose colour every symbol shares, ink −1 and paper +1.

        Guards, quiet zones, and the first and last module of each digit, which its side fixes.
        """
        colour = dict.fromkeys((-4, -3, -2, -1), 0)
        colour |= {self.modules + m: 0 for m in range(4)}
        for start, pattern in self.guards:
            colour |= {start + i: int(c) for i, c in enumerate(pattern)}
        for slot, family in zip(self.slots, self.families[0], strict=True):
            first, last = (1, 0) if family == RIGHT else (0, 1)
            colour[slot], colour[slot + 6] = first, last
        modules = sorted(colour)
        sign = [-1.0 if colour[m] else 1.0 for m in modules]
        return np.array(modules), np.array(sign, dtype=np.float32)

    def bars(self, family: int, digits: list[int]) -> NDArray[np.float32]:
        """Return the symbol's modules, 1 = ink."""
        modules = np.zeros(self.modules, np.float32)
        for start, pattern in self.guards:
            modules[start : start + len(pattern)] = [int(c) for c in pattern]
        for slot, side, digit in zip(self.slots, self.families[family], digits, strict=True):
            modules[slot : slot + 7] = PATTERNS[side, digit]
        return modules


def _families() -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(ODD if c == "O" else EVEN for c in row) + (RIGHT,) * 6 for row in _PARITY)


EAN13: Final = Layout(
    "EAN-13",
    95,
    tuple(3 + 7 * i for i in range(6)) + tuple(50 + 7 * i for i in range(6)),
    _families(),
    True,
    ((0, "101"), (45, "01010"), (92, "101")),
)
EAN8: Final = Layout(
    "EAN-8",
    67,
    tuple(3 + 7 * i for i in range(4)) + tuple(36 + 7 * i for i in range(4)),
    ((ODD,) * 4 + (RIGHT,) * 4,),
    False,
    ((0, "101"), (31, "01010"), (64, "101")),
)
