"""Turns a striped region upright and averages its rows to one scan line that noise has left.

It must never decide what the bars say.
"""

import math
from collections.abc import Iterator
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from devices.scanners.decode.regions import Floats, Grey, Region

MARGIN: Final = 0.18  # of the region's length, on each side: quiet zones, and an extent cut short
_ROWS: Final = 96
_WIDTH: Final = (360, 1800)


def upright(grey: Grey, region: Region, *, zoom: float = 2.0, tall: bool = False) -> Floats:
    """Return the region with its bars vertical, at about `zoom` samples a pixel, as floats.

    `tall` takes a margin above and below too and keeps the rows, for codes of stacked rows.
    """
    span = region.length * (1.0 + 2.0 * MARGIN)
    width = int(min(max(span * zoom, _WIDTH[0]), _WIDTH[1]))
    height = region.height * (1.3 if tall else 1.0)
    rows = int(
        min(max(height * width / span, 24.0), 600.0) if tall else min(max(height, 8.0), _ROWS)
    )
    step, row_step = span / width, height / rows
    cos, sin = math.cos(region.angle), math.sin(region.angle)
    matrix = np.array(
        [
            [step * cos, -row_step * sin, 0.0],
            [step * sin, row_step * cos, 0.0],
        ]
    )
    middle = matrix[:, :2] @ np.array([(width - 1) / 2.0, (rows - 1) / 2.0])
    matrix[:, 2] = np.array([region.x, region.y]) - middle
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    cut = cv2.warpAffine(grey, matrix, (width, rows), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return cut.astype(np.float32)


def turned(grey: Grey, angle: float) -> tuple[Grey, NDArray[np.float64]]:
    """Return the picture turned so that direction `angle` runs to the right, and the way back.

    The way back is a 2 × 3 matrix from the turned picture's pixels to the picture's.
    """
    height, width = grey.shape
    cos, sin = math.cos(angle), math.sin(angle)
    w = int(abs(width * cos) + abs(height * sin)) + 1
    h = int(abs(width * sin) + abs(height * cos)) + 1
    back = np.array([[cos, -sin, 0.0], [sin, cos, 0.0]])
    back[:, 2] = np.array([width, height]) / 2.0 - back[:, :2] @ np.array([w, h]) / 2.0
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    sheet = cv2.warpAffine(grey, back, (w, h), flags=flags, borderValue=128)
    return np.asarray(sheet, dtype=np.uint8), back


def bands(cut: Floats, most: int = 5) -> Iterator[Floats]:
    """Yield up to `most` scan lines, each along its own bar direction: nearly the whole height,
    then parts of it, where bars that are not parallel or a scratch matter less."""
    rows = cut.shape[0]
    for low, high in ((0.1, 0.9), (0.33, 0.67), (0.0, 0.34), (0.66, 1.0), (0.3, 0.7))[:most]:
        yield straightened(cut[int(low * rows) : max(int(high * rows), int(low * rows) + 2)])


def straightened(part: Floats) -> Floats:
    """Average rows along the bars: the slant, and the fan of perspective, that leave the line
    sharpest."""
    rows, width = part.shape
    if rows < 6:
        return np.asarray(part.mean(axis=0), dtype=np.float32)
    blocks = part[: rows // 6 * 6].reshape(6, rows // 6, width).mean(axis=1)
    best, sharpest, slant = blocks.mean(axis=0), -1.0, 0
    for s in range(-8, 9, 2):
        line = _along(blocks, s, 0)
        sharp = float(np.square(np.diff(line)).sum())
        if sharp > sharpest * 1.02:
            best, sharpest, slant = line, sharp, s
    for fan in (-12, -8, -4, 4, 8, 12):
        line = _along(blocks, slant, fan)
        sharp = float(np.square(np.diff(line)).sum())
        if sharp > sharpest * 1.02:
            best, sharpest = line, sharp
    return np.asarray(best, dtype=np.float32)


def _along(blocks: Floats, slant: int, fan: int) -> Floats:
    """Average blocks of rows, each shifted by its height times slant ± fan at the line's ends."""
    count, width = blocks.shape
    total = np.zeros(width, np.float32)
    columns = np.arange(width)
    lean = slant + fan * (2.0 * columns / width - 1.0) if fan else None
    for i in range(count):
        height = 2.0 * i / (count - 1) - 1.0
        if lean is None:
            shift = round(height * slant)
            total += np.roll(blocks[i], -shift)
        else:
            index = columns + np.rint(height * lean).astype(np.intp)
            total += blocks[i].take(index, mode="clip")
    return total / np.float32(count)


def levelled(line: Floats, reach: float = 0.12) -> Floats:
    """Return the line with paper near 1 and ink near 0, whatever the light does along it."""
    size = max(5, int(len(line) * reach) | 1)
    row = line.reshape(1, -1)
    kernel = np.ones((1, size), np.uint8)
    low = cv2.blur(cv2.erode(row, kernel), (size, 1))[0]
    high = cv2.blur(cv2.dilate(row, kernel), (size, 1))[0]
    strong = float(np.percentile(high - low, 90))
    spread = np.maximum(high - low, 0.35 * strong + 1e-3)
    return np.asarray(np.clip((line - low) / spread, 0.0, 1.0), dtype=np.float32)


def edges(line: Floats) -> int:
    """Return how often the line turns between light and dark, small ripples left out."""
    level = line - cv2.blur(line.reshape(1, -1), (max(5, len(line) // 24) | 1, 1))[0]
    strong = 0.12 * float(np.percentile(np.abs(level), 98))
    signs = np.sign(level) * (np.abs(level) > strong)
    signs = signs[signs != 0]
    return int(np.count_nonzero(np.diff(signs)))


def sharpened(line: Floats, radius: float, amount: float) -> Floats:
    """Return the line with an unsharp mask of `radius` samples."""
    blurred = cv2.GaussianBlur(line.reshape(1, -1), (0, 0), radius)[0]
    return np.asarray(line + amount * (line - blurred), dtype=np.float32)


def redrawn(line: Floats, rows: int = 40) -> Grey:
    """Draw a levelled line as a flat picture with quiet zones, for a decoder that wants one."""
    row = np.clip(line * 255.0, 0, 255).astype(np.uint8)
    edge = np.full(24, 255, np.uint8)
    return np.ascontiguousarray(np.tile(np.concatenate([edge, row, edge]), (rows, 1)))
