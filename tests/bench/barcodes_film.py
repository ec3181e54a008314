"""Draws a seeded film of shelf goods passing a camera: 720p, any angle, perspective, blur, noise.

It must never look at a photo: codes, goods and movement are drawn from the seed alone, so that
every machine measures the same film.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import zxingcpp

from hub.gs1 import check_digit

WIDTH, HEIGHT = 1280, 720
SYMBOLOGIES = ("EAN-13", "EAN-13", "EAN-13", "UPC-A", "UPC-A", "Code128", "QR", "DataMatrix")
_FORMATS = {
    "EAN-13": "EAN13",
    "UPC-A": "EAN13",
    "Code128": "Code128",
    "QR": "QRCode",
    "DataMatrix": "DataMatrix",
}


@dataclass(frozen=True)
class Item:
    """One good that passes: what its code says, and in how many frames it is before the lens."""

    symbology: str
    text: str
    frames: int


def film(seed: int, items: int) -> Iterator[tuple[Item | None, Any]]:
    """Yield (item before the lens or None, frame): an item for 20 to 35 frames, then 5 without."""
    rng = np.random.default_rng(seed)
    scene = background(rng)
    noise = [rng.normal(0.0, 1.0, (HEIGHT, WIDTH)).astype(np.float32) for _ in range(4)]
    for _ in range(items):
        item = Item(*content(rng), int(rng.integers(20, 36)))
        sheet = package(rng, item)
        path = _path(rng, item)
        grain = float(rng.uniform(2.0, 9.0))
        light = float(rng.uniform(0.55, 1.1))
        for n in range(item.frames + 5):
            frame = scene.copy()
            if n < item.frames:
                blur = _onto(frame, sheet, path, n / item.frames)
                frame = _blurred(frame, *blur)
            picture = frame.astype(np.float32) * light + grain * noise[int(rng.integers(4))]
            yield (item if n < item.frames else None), np.clip(picture, 0, 255).astype(np.uint8)


def content(rng: Any) -> tuple[str, str]:
    """Return a symbology and what it says."""
    symbology = SYMBOLOGIES[int(rng.integers(len(SYMBOLOGIES)))]
    digits = "".join(str(d) for d in rng.integers(0, 10, 12))
    if symbology == "EAN-13":
        digits = str(rng.integers(1, 10)) + digits[1:]
        return symbology, digits + check_digit(digits)
    if symbology == "UPC-A":
        return symbology, digits[:11] + check_digit("0" + digits[:11])
    letters = "".join(chr(65 + int(c)) for c in rng.integers(0, 26, 4))
    return symbology, f"{letters}-{digits[:8]}"


def drawn(item: Item, unit: int) -> Any:
    """Return the code as a grey picture with `unit` pixels a module and its quiet zone."""
    text = item.text.zfill(13) if item.symbology == "UPC-A" else item.text
    code = zxingcpp.create_barcode(text, zxingcpp.barcode_format_from_str(_FORMATS[item.symbology]))
    picture = np.array(code.to_image(scale=unit, add_hrt=False, add_quiet_zones=True))
    if item.symbology in ("EAN-13", "UPC-A", "Code128"):
        row = picture[picture.shape[0] // 2]
        quiet = np.full(10 * unit, 255, np.uint8)
        row = np.concatenate([quiet, row, quiet])
        picture = np.tile(row, (int(len(row) * 0.42), 1))
    return picture


def package(rng: Any, item: Item) -> Any:
    """Return a label: the code among print, lines and colour fields."""
    code = drawn(item, 9 if item.symbology in ("QR", "DataMatrix") else 4)
    h, w = code.shape
    sheet = np.full((h + 260, w + 200), int(rng.integers(190, 250)), np.uint8)
    for _ in range(12):
        x, y = int(rng.integers(0, w)), int(rng.integers(20, h + 240))
        size, ink = float(rng.uniform(0.5, 1.4)), int(rng.integers(0, 120))
        words = "".join(chr(97 + int(c)) for c in rng.integers(0, 26, 12))
        cv2.putText(sheet, words, (x, y), cv2.FONT_HERSHEY_SIMPLEX, size, ink, 2, cv2.LINE_AA)
    ink = float(rng.uniform(10, 60))
    paper = float(rng.uniform(200, 250))
    sheet[130 : 130 + h, 100 : 100 + w] = (ink + code / 255.0 * (paper - ink)).astype(np.uint8)
    return sheet


def background(rng: Any) -> Any:
    """Return a shelf: soft patches, edges, price rails, stripes that are no code."""
    small = rng.uniform(40, 200, (9, 16)).astype(np.float32)
    scene = cv2.resize(small, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC).clip(0, 255)
    for _ in range(25):
        x, y = int(rng.integers(0, WIDTH)), int(rng.integers(0, HEIGHT))
        w, h = int(rng.integers(20, 220)), int(rng.integers(10, 160))
        cv2.rectangle(scene, (x, y), (x + w, y + h), float(rng.uniform(20, 235)), -1)
    for _ in range(3):  # stripes of random width
        x, y = int(rng.integers(0, WIDTH - 200)), int(rng.integers(0, HEIGHT - 120))
        edge = x
        while edge < x + 180:
            width = int(rng.integers(2, 9))
            cv2.rectangle(scene, (edge, y), (edge + width // 2, y + 90), 20.0, -1)
            edge += width
    return cv2.GaussianBlur(scene, (0, 0), 1.0).astype(np.uint8)


def _path(rng: Any, item: Item) -> dict[str, Any]:
    middle = np.array([rng.uniform(430, 850), rng.uniform(290, 430)])
    return {
        "angle": rng.uniform(0.0, 2.0 * math.pi),
        "turn": rng.uniform(-0.5, 0.5),
        "scale": rng.uniform(0.42, 0.8),
        "grow": rng.uniform(0.9, 1.15),
        "middle": middle,
        "move": rng.uniform(-160, 160, 2),
        "tilt": rng.uniform(-0.00035, 0.00035, 2),
        "defocus": rng.uniform(0.3, 1.5),
        "frames": item.frames,
    }


def _onto(frame: Any, sheet: Any, path: dict[str, Any], t: float) -> tuple[float, float, float]:
    """Lay the label onto the frame; return its blur: defocus, and the movement in one frame."""
    h, w = sheet.shape
    angle = path["angle"] + path["turn"] * t
    scale = path["scale"] * (1.0 + (path["grow"] - 1.0) * t)
    x, y = path["middle"] + path["move"] * (t - 0.5)
    cos, sin = math.cos(angle) * scale, math.sin(angle) * scale
    around = np.array([[1, 0, -w / 2], [0, 1, -h / 2], [0, 0, 1.0]])
    lean = np.array([[1, 0, 0], [0, 1, 0], [path["tilt"][0], path["tilt"][1], 1.0]])
    place = np.array([[cos, -sin, x], [sin, cos, y], [0, 0, 1.0]])
    matrix = place @ lean @ around
    size = (WIDTH, HEIGHT)
    # Area sampling: the label is drawn at twice the size of the frame's pixels.
    half = cv2.GaussianBlur(sheet, (0, 0), 0.45 / scale)
    laid = cv2.warpPerspective(half, matrix, size, flags=cv2.INTER_LINEAR)
    mask = cv2.warpPerspective(np.full_like(sheet, 255), matrix, size, flags=cv2.INTER_NEAREST)
    np.copyto(frame, laid, where=mask > 0)
    step = path["move"] / path["frames"]
    return float(path["defocus"]), float(step[0]), float(step[1])


def _blurred(frame: Any, defocus: float, dx: float, dy: float) -> Any:
    """Return the frame out of focus and smeared by a third of its movement (shutter 1/100 s)."""
    kernel = _smear(round(dx / 3.0, 1), round(dy / 3.0, 1))
    if kernel is not None:
        frame = cv2.filter2D(frame, -1, kernel)
    return cv2.GaussianBlur(frame, (0, 0), defocus)


@lru_cache(maxsize=256)
def _smear(dx: float, dy: float) -> Any:
    length = math.hypot(dx, dy)
    if length < 0.7:
        return None
    size = int(length) * 2 + 3
    kernel = np.zeros((size, size), np.float32)
    for s in np.linspace(-0.5, 0.5, 32):
        kernel[round(size // 2 + s * dy), round(size // 2 + s * dx)] += 1.0
    return kernel / kernel.sum()
