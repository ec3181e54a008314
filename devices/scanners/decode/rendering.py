"""Draws symbols as a blurred line: what each digit, and the frame around them, should look like.

It must never look at a picture. Bars are grown or shrunk by a fraction of a module, then blurred
by a Gaussian (a soft lens, movement) or by a disc seen from its edge (out of focus).
"""

from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from devices.scanners.decode.symbols import PATTERNS, Layout

Doubles = NDArray[np.float64]

K: Final = 4  # samples a module
REACH: Final = 3  # modules beside a digit that its bars may darken
_FINE: Final = 8  # drawing steps a sample
# (disc?, standard deviation or radius in modules), soft to strong.
BLURS: Final = (
    (False, 0.3),
    (False, 0.5),
    (False, 0.7),
    (False, 0.95),
    (False, 1.25),
    (True, 1.1),
    (True, 1.45),
    (True, 1.8),
    (True, 2.2),
)
BESIDE: Final = (  # which blurs are near which
    (0, 1),
    (0, 1, 2),
    (1, 2, 3, 5),
    (2, 3, 4, 5, 6),
    (3, 4, 6, 7),
    (2, 3, 5, 6),
    (3, 5, 6, 7),
    (4, 6, 7, 8),
    (7, 8),
)
GROWTHS: Final = (-0.25, 0.0, 0.25, 0.5)  # of ink, in modules


class Drawn(NamedTuple):
    """Reflectance and ink at K samples a module.

    `digits` (3, 10, 7K): reflectance among unknown neighbours. `frame`: reflectance of the whole
    symbol with unknown digits. `parts` (3, 10, (7 + 2·REACH)K): the ink that a digit alone brings.
    `guards`: the ink of the guards alone.
    """

    digits: Doubles
    frame: Doubles
    parts: Doubles
    guards: Doubles


@lru_cache(maxsize=128)
def drawn(layout: Layout, blur: int, growth: int) -> Drawn:
    """Return the drawings of one blur and growth."""
    psf, grow = BLURS[blur], GROWTHS[growth]
    digits = np.empty((3, 10, 7 * K))
    parts = np.empty((3, 10, (7 + 2 * REACH) * K))
    beside = np.zeros(REACH)
    for side in range(3):
        # What stands beside a digit is known for one module by its side, and grey beyond it.
        first, last = (0.0, 1.0) if side == 2 else (1.0, 0.0)
        for digit in range(10):
            pattern = PATTERNS[side, digit].astype(np.float64)
            among = np.concatenate([[0.5, 0.5, first], pattern, [last, 0.5, 0.5]])
            digits[side, digit] = _line(among, psf, grow)[3 * K : 10 * K]
            parts[side, digit] = _line(np.concatenate([beside, pattern, beside]), psf, grow)
    modules = np.zeros(layout.modules)
    for start, guard in layout.guards:
        modules[start : start + len(guard)] = [int(c) for c in guard]
    guards = _line(np.concatenate([np.zeros(4), modules, np.zeros(4)]), psf, grow)
    for slot, side in zip(layout.slots, layout.families[0], strict=True):
        modules[slot : slot + 7] = 0.5
        modules[slot], modules[slot + 6] = (1.0, 0.0) if side == 2 else (0.0, 1.0)
    frame = _line(np.concatenate([np.zeros(4), modules, np.zeros(4)]), psf, grow)
    inner = slice(2 * K, -2 * K)
    return Drawn(1.0 - digits, 1.0 - frame[inner], parts, guards[inner])


def _line(modules: Doubles, psf: tuple[bool, float], grow: float) -> Doubles:
    """Return ink at K samples a module; each bar reaches grow/2 further at both ends."""
    per = K * _FINE
    ink = np.repeat(modules, per)
    if grow:
        width = round(abs(grow) * per) | 1
        padded = np.pad(ink, width // 2, mode="edge")
        views = np.lib.stride_tricks.sliding_window_view(padded, width)
        ink = views.max(axis=1) if grow > 0 else views.min(axis=1)
    disc, size = psf
    reach = int((size if disc else 3.5 * size) * per) + 1
    x = np.arange(-reach, reach + 1) / per
    if disc:
        kernel = np.sqrt(np.maximum(size * size - x * x, 0.0))
    else:
        kernel = np.exp(-0.5 * (x / size) ** 2)
    smooth = np.convolve(np.pad(ink, reach, mode="edge"), kernel / kernel.sum(), "valid")
    return np.asarray(smooth.reshape(-1, _FINE).mean(axis=1))
