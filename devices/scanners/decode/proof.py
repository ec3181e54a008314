"""What a read must show before it counts: other views, other lines, stripes that end where it ends.

It must never be asked to find anything.
"""

import math
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import cv2
import numpy as np

from devices.scanners.decode import Options, engines
from devices.scanners.decode.engines import WEAK, Raw
from devices.scanners.decode.evidence import SPAN
from devices.scanners.decode.regions import Grey, Region

_SHORT_ITF: Final = 8  # a slanted line reads a piece of a longer one
_THIN: Final = 0.08  # height to length
SHORT: Final = frozenset({"UPC-E", "EAN-8"})
_FILLED: Final = 0.66  # of its stripes: what a short code must cover to be no piece of more
_EAN_UPC: Final = frozenset({"EAN-13", "UPC-A", "UPC-E", "EAN-8"})


def piece_of_more(regions: list[Region], raw: Raw) -> bool:
    """Say whether stripes go on beyond a short code: half of an EAN-13 can look like a UPC-E."""
    if raw.symbology not in SHORT:
        return False
    corners = np.array(raw.corners, dtype=np.float64)
    length = max(float(np.linalg.norm(corners[0] - corners[1])), 1.0)
    x, y = corners.mean(axis=0)
    for region in regions:
        cos, sin = math.cos(region.angle), math.sin(region.angle)
        along = abs((x - region.x) * cos + (y - region.y) * sin)
        across = abs((y - region.y) * cos - (x - region.x) * sin)
        inside = along < region.length / 2.0 and across < region.height
        if inside and region.length > length / _FILLED:
            return True
    return False


def fills(raw: Raw, width: int) -> bool:
    """Say whether a short code fills the stripes of a picture of one region `width` wide."""
    xs = [x for x, _ in raw.corners]
    return max(xs) - min(xs) >= _FILLED * width / SPAN


def certain(grey: Grey, options: Options, thorough: bool = True) -> list[tuple[Raw, float]]:
    """Read a picture with zxing-cpp, the strong first; weak reads must come back from two views."""
    raws = engines.zxing(grey, options.symbologies, thorough=thorough, add_ons=options.add_ons)
    return proven(grey, options, raws)


def proven(grey: Grey, options: Options, raws: list[Raw]) -> list[tuple[Raw, float]]:
    """Keep what proves itself, and of the rest what comes back from other views of the picture."""
    doubtful = [r for r in raws if views(r)]
    votes = again(grey, options, doubtful) if doubtful else Counter()
    sure = [(r, 0.99) for r in raws if not views(r)]
    return sure + [(r, 0.9) for r in doubtful if votes[r.symbology, r.text] >= views(r)]


def again(
    grey: Grey, options: Options, weak: list[Raw], least: int = 0
) -> Counter[tuple[str, str]]:
    """Count how often weak reads come back from views whose errors differ."""
    symbologies = frozenset(r.symbology for r in weak) | (_EAN_UPC & options.symbologies)
    votes: Counter[tuple[str, str]] = Counter()
    ways: tuple[Callable[[], tuple[Any, bool]], ...] = (
        lambda: (cv2.GaussianBlur(grey, (0, 0), 0.8), False),
        lambda: (grey, True),
        lambda: (cv2.resize(grey, None, fx=1.5, fy=1.5, interpolation=cv2.INTER_CUBIC), False),
        lambda: (cv2.resize(grey, None, fx=0.75, fy=0.75, interpolation=cv2.INTER_AREA), False),
    )
    for view in ways:
        picture, flat = view()
        seen = {(r.symbology, r.text) for r in engines.zxing(picture, symbologies, flat=flat)}
        votes.update(entry for entry in seen if not _part_of_longer(entry, seen))
        if all(votes[r.symbology, r.text] >= max(least, views(r)) for r in weak):
            break
    return votes


def views(raw: Raw) -> int:
    """Return how many other views must repeat a read.

    A slanted line through bars that fade can pass for another EAN-13: zxing-cpp takes two such
    lines for a read, so a read of few lines needs another view.
    """
    if raw.symbology == "ITF" and len(raw.text) < _SHORT_ITF:
        return 4
    if raw.symbology in WEAK:
        return 2
    return 1 if is_thin(raw) else 0


def _thin(raw: Raw) -> bool:
    """Say whether few lines through the bars gave the read."""
    a, b, _, d = (np.array(c, dtype=np.float64) for c in raw.corners)
    return float(np.linalg.norm(d - a)) < _THIN * float(np.linalg.norm(b - a))


def is_thin(raw: Raw) -> bool:
    return raw.symbology in ("EAN-13", "UPC-A") and _thin(raw)


def _part_of_longer(entry: tuple[str, str], seen: set[tuple[str, str]]) -> bool:
    """Say whether an ITF is a piece of another: a line that leaves the bars reads a piece."""
    return entry[0] == "ITF" and any(entry[1] in t and entry[1] != t for _, t in seen)


def settled(votes: Counter[tuple[str, str]]) -> tuple[str, str] | None:
    """Return the read that has enough votes and twice those of any other, if there is one."""
    ranked = votes.most_common(2)
    if not ranked:
        return None
    (winner, count), runner_up = ranked[0], ranked[1][1] if len(ranked) > 1 else 0
    needed = 4 if winner[0] in WEAK else 2
    if winner[0] == "ITF" and len(winner[1]) < _SHORT_ITF:
        return None
    return winner if count >= needed and count >= 2 * runner_up else None
