"""The bars of EAN-13, UPC-A, EAN-8 and UPC-E as numbers: what is ink, what is known before.

It must never look at a picture. Source: ISO/IEC 15420, tables 1 to 3.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hub.gs1 import expand_upce

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

# For number system 0 and check digits 0 to 9; ISO/IEC 15420, table 4. System 1 has them inverted.
_UPCE_PARITY: Final = (
    "EEEOOO",
    "EEOEOO",
    "EEOOEO",
    "EEOOOE",
    "EOEEOO",
    "EOOEEO",
    "EOOOEE",
    "EOEOEO",
    "EOEOOE",
    "EOOEOE",
)

ODD, EVEN, RIGHT = 0, 1, 2
# (3, 10, 7): the three sets of ten patterns, 1 = ink.
PATTERNS: Final = np.array(
    [[[int(m) for m in p] for p in family] for family in (_ODD, _EVEN, _RIGHT)], dtype=np.float32
)


class CheckSum(NamedTuple):
    """`start` plus each slot's digit times its weight. `last`: only for that last digit."""

    start: int
    weights: tuple[int, ...]
    last: int | None = None


@dataclass(frozen=True)
class Layout:
    """Where a symbol has its guards and digits, in modules from its first bar.

    `families[f][slot]` names the pattern set of a slot when the parity says `f`, and `sums[f]` are
    its check sums: a digit string is right when one of them comes to a multiple of ten.
    `prefix[f]` and `suffix[f]` are the digits that the parity itself spells.
    """

    symbology: str
    modules: int
    slots: tuple[int, ...]
    families: tuple[tuple[int, ...], ...]
    sums: tuple[tuple[CheckSum, ...], ...]
    prefix: tuple[str, ...]
    suffix: tuple[str, ...]
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


def _ean13() -> Layout:
    families = tuple(
        tuple(ODD if c == "O" else EVEN for c in row) + (RIGHT,) * 6 for row in _PARITY
    )
    return Layout(
        "EAN-13",
        95,
        tuple(3 + 7 * i for i in range(6)) + tuple(50 + 7 * i for i in range(6)),
        families,
        tuple((CheckSum(first, (3, 1) * 6),) for first in range(10)),
        tuple(str(first) for first in range(10)),
        ("",) * 10,
        ((0, "101"), (45, "01010"), (92, "101")),
    )


def _ean8() -> Layout:
    return Layout(
        "EAN-8",
        67,
        tuple(3 + 7 * i for i in range(4)) + tuple(36 + 7 * i for i in range(4)),
        ((ODD,) * 4 + (RIGHT,) * 4,),
        ((CheckSum(0, (3, 1) * 4),),),
        ("",),
        ("",),
        ((0, "101"), (31, "01010"), (64, "101")),
    )


def _upce() -> Layout:
    """UPC-E: the parity spells number system and check digit of the UPC-A it stands for."""
    families, sums, prefix, suffix = [], [], [], []
    for system in range(2):
        for check, row in enumerate(_UPCE_PARITY):
            even = "E" if system == 0 else "O"
            families.append(tuple(EVEN if c == even else ODD for c in row))
            sums.append(tuple(_expanded(system, check, last) for last in range(10)))
            prefix.append(str(system))
            suffix.append(str(check))
    return Layout(
        "UPC-E",
        51,
        tuple(3 + 7 * i for i in range(6)),
        tuple(families),
        tuple(sums),
        tuple(prefix),
        tuple(suffix),
        ((0, "101"), (45, "010101")),
    )


def _expanded(system: int, check: int, last: int) -> CheckSum:
    """Return the UPC-A's check sum in terms of the six digits, the last of which is given.

    `hub.gs1.expand_upce` is linear in the other five, so their weights are differences.
    """

    def total(digits: str) -> int:
        upca = expand_upce(f"{system}{digits}{last}")
        return -int(upca[-1]) % 10

    zero = total("00000")
    units = ("10000", "01000", "00100", "00010", "00001")
    weights = tuple((total(unit) - zero) % 10 for unit in units)
    return CheckSum((zero + check) % 10, (*weights, 0), last)


EAN13: Final = _ean13()
EAN8: Final = _ean8()
UPCE: Final = _upce()
