"""Finds where bars stand in a picture: middle, direction across the bars, length and height.

It must never read anything; it answers for striped print and wool jerseys alike.

The structure tensor (Bigün & Granlund 1987; Förstner & Gülch 1987): where gradients of a
neighbourhood share one axis, its eigenvalues differ, and the larger one's direction crosses the
bars. Box filters stand in for Gaussians.
"""

import math
from typing import Any, Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Floats = NDArray[np.float32]

WORKING_SIDE: Final = 640.0
_WINDOWS: Final = (13, 27)  # box sizes in pixels of the working picture: small and large print
_COHERENCE: Final = 0.55
_ENERGY: Final = 0.06  # of the picture's strong gradients
_MIN_AREA: Final = 55  # in pixels of half the working picture
_MOST: Final = 6
_MOST_OF_SECTOR: Final = 4


class Region(NamedTuple):
    """A striped patch, in pixels of the whole picture.

    `angle` in radians is the direction across the bars, in (−π/2, π/2]. `length` runs along it,
    `height` along the bars. `score` orders regions, the best first.
    """

    x: float
    y: float
    angle: float
    length: float
    height: float
    score: float

    def corners(self) -> tuple[tuple[int, int], ...]:
        """Return the four corners, clockwise from the reading direction's upper left."""
        ux, uy = math.cos(self.angle) * self.length / 2, math.sin(self.angle) * self.length / 2
        vx, vy = -math.sin(self.angle) * self.height / 2, math.cos(self.angle) * self.height / 2
        signs = ((-1, -1), (1, -1), (1, 1), (-1, 1))
        return tuple(
            (round(self.x + a * ux + b * vx), round(self.y + a * uy + b * vy)) for a, b in signs
        )


def find(
    grey: Grey, *, most: int = _MOST, quick: bool = False, side: float | None = None
) -> list[Region]:
    """Return up to `most` striped regions of the picture, the likeliest barcode first.

    `quick` looks at half the size through one window: a quarter of the time, large codes only.
    `side` sets the working picture's longer side instead.
    """
    side = side or (WORKING_SIDE / 2.0 if quick else WORKING_SIDE)
    scale = min(1.0, side / max(grey.shape))
    small: Any = grey
    if scale < 1.0:
        small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    gx = cv2.Sobel(small, cv2.CV_32F, 1, 0)
    gy = cv2.Sobel(small, cv2.CV_32F, 0, 1)
    tensor = (cv2.multiply(gx, gx), cv2.multiply(gy, gy), cv2.multiply(gx, gy))
    found: list[Region] = []
    for window in _WINDOWS[:1] if quick else _WINDOWS:
        found += _of_window(tensor, window)
    found += _joined(found)
    found.sort(key=lambda r: -r.score)
    kept: list[Region] = []
    for region in found:
        if not any(_alike(region, other) for other in kept):
            kept.append(region)
    return [_scaled(r, 1.0 / scale) for r in kept[:most]]


def _of_window(tensor: tuple[Any, Any, Any], window: int) -> list[Region]:
    # Direction changes slowly under a box: every second pixel says enough.
    xx, yy, xy = (cv2.boxFilter(t, -1, (window, window))[::2, ::2] for t in tensor)
    energy, cos2, sin2 = xx + yy, xx - yy, 2.0 * xy
    bright = float(np.percentile(energy[::2, ::2], 99))
    strong = np.where(energy > _ENERGY * bright + 40.0, np.uint8(255), np.uint8(0))
    clear = cv2.compare(cv2.magnitude(cos2, sin2), _COHERENCE * energy, cv2.CMP_GT)
    mask: Any = cv2.bitwise_and(strong, clear)
    # Twice the direction in 8 parts; four overlapping sectors of three parts each keep neighbours
    # of different direction from melting into one.
    parts = (cv2.phase(cos2, sin2) * (8.0 / (2.0 * math.pi))).astype(np.uint8) & 7
    regions: list[Region] = []
    for sector in range(4):
        table = np.zeros(256, np.uint8)
        table[[(2 * sector + k) % 8 for k in (7, 0, 1)]] = 255
        inside = cv2.bitwise_and(mask, cv2.LUT(parts, table))
        _, labels, stats, _ = cv2.connectedComponentsWithStats(inside, connectivity=4)
        order = np.argsort(-stats[1:, cv2.CC_STAT_AREA])[:_MOST_OF_SECTOR] + 1
        for i in (int(o) for o in order if stats[o, cv2.CC_STAT_AREA] >= _MIN_AREA):
            region = _measured(labels, i, stats[i], (cos2, sin2, energy), window / 2)
            if region is not None:
                regions.append(_scaled(region, 2.0))
    return regions


def _measured(
    labels: Any,
    i: int,
    stat: Any,
    fields: tuple[Any, Any, Any],
    window: float,
) -> Region | None:
    """Measure one patch: its direction, then its extent along and across it."""
    x0, y0, w, h = (int(v) for v in stat[:4])
    here = (slice(y0, y0 + h), slice(x0, x0 + w))
    inside = labels[here] == i
    ys, xs = np.nonzero(inside)
    cos2, sin2, energy = (f[here][inside] for f in fields)
    total = float(energy.sum())
    resultant = math.hypot(float(cos2.sum()), float(sin2.sum())) / max(total, 1e-6)
    angle = 0.5 * math.atan2(float(sin2.sum()), float(cos2.sum()))
    along = xs * math.cos(angle) + ys * math.sin(angle)
    across = -xs * math.sin(angle) + ys * math.cos(angle)
    a0, a1 = np.percentile(along, (0.7, 99.3))
    b0, b1 = np.percentile(across, (2, 98))
    length, height = float(a1 - a0), float(b1 - b0)
    if length < 12 or height < 2:
        return None
    fill = len(xs) / (length * height + 1.0)
    a, b = (a0 + a1) / 2.0, (b0 + b1) / 2.0
    return Region(
        x0 + a * math.cos(angle) - b * math.sin(angle),
        y0 + a * math.sin(angle) + b * math.cos(angle),
        angle,
        length,
        max(3.0, height - window * 0.5),
        resultant * min(fill, 1.0) * math.sqrt(total / len(xs)) * math.sqrt(len(xs)),
    )


def _joined(regions: list[Region]) -> list[Region]:
    """Return pairs that lie in one line as one region: a wide gap between blurred bars splits."""
    best = sorted(regions, key=lambda r: -r.score)[:8]
    joined = []
    for i, one in enumerate(best):
        for other in best[i + 1 :]:
            if abs(math.remainder(one.angle - other.angle, math.pi)) > 0.2:
                continue
            cos, sin = math.cos(one.angle), math.sin(one.angle)
            dx, dy = other.x - one.x, other.y - one.y
            along, across = dx * cos + dy * sin, -dx * sin + dy * cos
            gap = abs(along) - (one.length + other.length) / 2.0
            low, high = sorted((one.height, other.height))
            wide = max(one.length, other.length)
            if abs(across) > 0.35 * low or low < 0.5 * high or not -0.5 * wide < gap < 0.3 * wide:
                continue
            start = min(-one.length / 2.0, along - other.length / 2.0)
            end = max(one.length / 2.0, along + other.length / 2.0)
            middle = (start + end) / 2.0
            x, y = (
                one.x + middle * cos - across / 2.0 * sin,
                one.y + middle * sin + across / 2.0 * cos,
            )
            score = math.hypot(one.score, other.score)
            joined.append(Region(x, y, one.angle, end - start, low, score))
    return joined


def _alike(one: Region, other: Region) -> bool:
    """Say whether two regions are one patch seen through two windows."""
    turn = abs(math.remainder(one.angle - other.angle, math.pi))
    near = math.hypot(one.x - other.x, one.y - other.y) < 0.2 * min(one.length, other.length)
    ratio = one.length / other.length
    return turn < 0.12 and near and 0.75 < ratio < 1.33


def _scaled(region: Region, factor: float) -> Region:
    x, y, angle, length, height, score = region
    return Region(x * factor, y * factor, angle, length * factor, height * factor, score)
