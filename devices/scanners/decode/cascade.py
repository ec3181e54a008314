"""The order in which a picture is read: the cheap and certain first, the patient last.

    fast      zxing-cpp on the whole picture
    region    striped regions turned upright, read as a picture, then as averaged scan lines
    ladder    the whole picture larger, sharper, evened out
    second    pyzbar, EAN/UPC, Code 128 and QR only
    likely    maximum likelihood on blurred EAN/UPC

It must never return what a single weak sign says: a symbology with little redundancy needs equal
answers from views that fail differently, and a read that contradicts a better one goes.
"""

import math
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import cv2
import numpy as np
from msgspec.structs import replace

from devices.scanners.decode import (
    Code,
    Options,
    Reading,
    coded,
    engines,
    evidence,
    profiles,
    proof,
)
from devices.scanners.decode import regions as striped
from devices.scanners.decode.engines import LINEAR, WEAK, Raw
from devices.scanners.decode.regions import Floats, Grey, Region
from devices.scanners.decode.symbols import EAN8, EAN13, UPCE
from hub.gs1 import is_valid_gtin

_MAX_SIDE: Final = 2400  # larger pictures are read at this size: bars are still > 2 pixels
_FEWEST_EDGES: Final = 14  # half of what the shortest symbol (UPC-E) has
_STACKED: Final = frozenset({"DataBar", "DataBarExp", "DataBarExpStk"})


@dataclass
class Work:
    """One picture under work: what is found, and how long one may go on."""

    grey: Grey
    options: Options
    deadline: float
    found: list[tuple[Raw, float, str]] = field(default_factory=list)
    regions: list[Region] = field(default_factory=list)

    @property
    def late(self) -> bool:
        return time.thread_time() > self.deadline

    def add(self, raw: Raw, confidence: float, reader: str) -> None:
        """Keep a read unless it, or a better one at its place, is there already."""
        for other, _, _ in self.found:
            same = other.symbology == raw.symbology and other.text == raw.text
            if (same and near(other.corners, raw.corners)) or (
                overlap(other.corners, raw.corners) > 0.3
            ):
                return
        self.found.append((raw, confidence, reader))


def decode(image: Any, options: Options) -> Reading:
    """Return the codes in a picture of 8 bits, grey or BGR."""
    begin = time.perf_counter()
    grey = image if image.ndim == 2 else cv2.cvtColor(image[:, :, :3], cv2.COLOR_BGR2GRAY)
    scale = min(1.0, _MAX_SIDE / max(grey.shape))
    if scale < 1.0:
        grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    deadline = time.thread_time() + (
        options.budget_ms / 1000.0 if options.budget_ms is not None else 1e9
    )
    work = Work(np.ascontiguousarray(grey), options, deadline)
    _run(work)
    work.found.sort(key=lambda entry: -entry[1])
    codes = tuple(_placed(coded(raw, sure, by), 1.0 / scale) for raw, sure, by in work.found)
    note = engines.second_reader() if options.second_reader and not codes else None
    return Reading(codes, (time.perf_counter() - begin) * 1000.0, note)


def _run(work: Work) -> None:
    fast(work)
    if work.found and not work.options.several:
        return
    if work.found:
        if work.options.symbologies & LINEAR:
            work.regions = striped.find(work.grey, quick=True)
            for region in _unexplained(work, work.regions):
                by_region(work, region)
        return
    regions = striped.find(work.grey) if work.options.symbologies & LINEAR else []
    work.regions = regions
    for region in regions:
        if not work.late and not _covered(work, region):
            by_region(work, region)
    if regions and not work.found:
        turned(work, regions[0])
    if not work.found and not work.late:
        ladder(work)
    if not work.found and not work.late:
        second(work, regions)
    if not work.found and not work.late:
        likely(work, regions)


def fast(work: Work) -> None:
    """Read the whole picture with zxing-cpp; weak symbologies must be read twice."""
    for thorough in (False, True):
        for raw, sure in proof.certain(work.grey, work.options, thorough):
            # A line that leaves a slanted ITF sideways reads a piece of it, every time the same:
            # only bars turned upright, or a whole GTIN-14, prove an ITF.
            if raw.symbology == "ITF" and not is_valid_gtin(raw.text):
                continue
            if proof.is_thin(raw):
                _by_its_region(work, raw)
                continue
            short = raw.symbology in proof.SHORT
            if not short or not proof.piece_of_more(striped.find(work.grey, quick=True), raw):
                work.add(raw, sure, "fast")
        if work.found:
            return


def _by_its_region(work: Work, raw: Raw) -> None:
    """Ask the bars turned upright instead of few slanted lines; without an answer, more views."""
    regions = striped.find(work.grey, quick=True)
    x, y = np.array(raw.corners, dtype=np.float64).mean(axis=0)
    for region in regions:
        if math.hypot(region.x - x, region.y - y) < 0.4 * region.length:
            by_region(work, region)
            if _covered(work, region):
                return
    if proof.again(work.grey, work.options, [raw], 3)[raw.symbology, raw.text] >= 3:
        work.add(raw, 0.8, "fast")


def by_region(work: Work, region: Region, *, lines: int = 5) -> None:
    """Turn one region upright; read it as a picture, then line by line until two agree."""
    wanted = work.options.symbologies & LINEAR
    cut = profiles.upright(work.grey, region, tall=True)
    picture = np.clip(cut, 0, 255).astype(np.uint8)
    corners = region.corners()
    whole = proof.certain(picture, work.options, thorough=False)
    whole = [
        w for w in whole if w[0].symbology not in proof.SHORT or proof.fills(w[0], picture.shape[1])
    ]
    placed = [(raw._replace(corners=corners), sure) for raw, sure in whole]
    placed = [(raw, sure) for raw, sure in placed if not proof.piece_of_more(work.regions, raw)]
    for raw, sure in placed:
        work.add(raw, sure - 0.02, "region")
    if placed:
        return
    votes: Counter[tuple[str, str]] = Counter()
    raws: dict[tuple[str, str], Raw] = {}
    narrow = wanted - _STACKED - {"Code39"}
    for line in profiles.bands(profiles.upright(work.grey, region), lines):
        if profiles.edges(line) < _FEWEST_EDGES:
            return
        for drawing in _drawings(line):
            for flat in (False, True):
                for raw in engines.zxing(drawing, narrow, thorough=False, flat=flat):
                    if raw.symbology in proof.SHORT and not proof.fills(raw, len(line)):
                        continue
                    votes[raw.symbology, raw.text] += 1
                    raws.setdefault((raw.symbology, raw.text), raw)
            if proof.settled(votes):
                break
        if proof.settled(votes) or work.late:
            break
    winner = proof.settled(votes)
    if winner is not None:
        sure = 1.0 - 0.5 ** min(votes[winner], 6)
        raw = raws[winner]._replace(corners=corners)
        if not proof.piece_of_more(work.regions, raw):
            work.add(raw, sure, "region")


def turned(work: Work, region: Region) -> None:
    """Turn the whole picture so that the likeliest region stands upright: stacked codes need it."""
    if abs(math.remainder(region.angle, math.pi / 2.0)) < 0.03:
        return
    there, back = profiles.turned(work.grey, region.angle)
    for raw, sure in proof.certain(there, work.options, thorough=False):
        corners = tuple(
            (round(x), round(y)) for x, y in np.array(raw.corners) @ back[:, :2].T + back[:, 2]
        )
        work.add(raw._replace(corners=corners), sure - 0.03, "region")


def _drawings(line: Floats) -> Iterator[Grey]:
    """Yield one scan line as pictures: as it is, and sharpened for two widths of blur."""
    width = len(line)
    yield profiles.redrawn(profiles.levelled(line))
    yield profiles.redrawn(profiles.levelled(profiles.sharpened(line, width / 130.0, 1.5)))
    yield profiles.redrawn(profiles.levelled(profiles.sharpened(line, width / 80.0, 2.0)))


def ladder(work: Work) -> None:
    """Read the whole picture larger, smaller, sharper and with even light.

    Bars must be read on two rungs: what sharpening invents differs from rung to rung.
    """
    wanted = work.options.symbologies - WEAK
    votes: Counter[tuple[str, str]] = Counter()
    for picture in _rungs(work.grey):
        for raw in engines.zxing(picture, wanted):
            key = raw.symbology, raw.text
            votes[key] += 1
            if raw.symbology not in LINEAR or proof.settled(votes) == key:
                scale = work.grey.shape[0] / picture.shape[0]
                work.add(raw._replace(corners=_times(raw.corners, scale)), 0.9, "ladder")
        if work.found or work.late:
            return


def _rungs(grey: Grey) -> Iterator[Any]:
    largest = max(grey.shape)
    if largest <= 1200:
        yield cv2.resize(grey, None, fx=2.0, fy=2.0, interpolation=cv2.INTER_CUBIC)
    blurred = cv2.GaussianBlur(grey, (0, 0), 2.0)
    yield cv2.addWeighted(grey, 2.5, blurred, -1.5, 0.0)
    yield cv2.createCLAHE(3.0, (8, 8)).apply(grey)
    yield cv2.medianBlur(grey, 3)
    if largest >= 400:
        yield cv2.resize(grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)


def second(work: Work, regions: list[Region]) -> None:
    """Let pyzbar look at the picture and at the likeliest regions turned upright.

    It misreads bars now and then: they must be read in two views.
    """
    if not work.options.second_reader:
        return
    wanted = work.options.symbologies
    votes: Counter[tuple[str, str]] = Counter()
    for picture, corners in _views_for_second(work.grey, regions):
        for raw in engines.pyzbar(picture, wanted if corners is None else wanted & LINEAR):
            key = raw.symbology, raw.text
            votes[key] += 1
            if raw.symbology not in LINEAR or proof.settled(votes) == key:
                work.add(raw if corners is None else raw._replace(corners=corners), 0.9, "second")
        if work.found or work.late:
            return


def _views_for_second(
    grey: Grey, regions: list[Region]
) -> Iterator[tuple[Any, engines.Corners | None]]:
    yield grey, None
    yield cv2.GaussianBlur(grey, (0, 0), 0.9), None
    for region in regions[:2]:
        cut = np.clip(profiles.upright(grey, region, tall=True), 0, 255).astype(np.uint8)
        yield cut, region.corners()
        yield cv2.GaussianBlur(cut, (0, 0), 1.2), region.corners()


def likely(work: Work, regions: list[Region]) -> None:
    """Read blurred EAN/UPC by maximum likelihood; two scan lines must give the same code."""
    wanted = work.options.symbologies
    layouts = [EAN13] if wanted & {"EAN-13", "UPC-A"} else []
    layouts += [UPCE] if "UPC-E" in wanted else []
    layouts += [EAN8] if "EAN-8" in wanted else []
    upright = [profiles.upright(work.grey, region) for region in regions[:2]]
    for layout in layouts:
        for region, cut in zip(regions, upright, strict=False):
            if work.late:
                return
            guess = evidence.agreed(profiles.bands(cut), layout, lambda: work.late)
            if guess is None:
                continue
            symbology, text = engines.as_printed(guess.symbology, guess.digits)
            if symbology in wanted:
                raw = Raw(symbology, text, guess.digits, "", region.corners())
                if proof.piece_of_more(regions, raw):
                    continue
                work.add(raw, evidence.confidence(guess), "likely")
                return


def overlap(one: engines.Corners, other: engines.Corners) -> float:
    """Return the share of the smaller code's upright box that the other one covers."""
    a, b = (np.array(c, dtype=np.float64) for c in (one, other))
    low, high = np.maximum(a.min(axis=0), b.min(axis=0)), np.minimum(a.max(axis=0), b.max(axis=0))
    both = np.maximum(high - low + 1.0, 0.0).prod()
    least = min((c.max(axis=0) - c.min(axis=0) + 1.0).prod() for c in (a, b))
    return float(both / max(least, 1.0))


def near(one: engines.Corners, other: engines.Corners) -> bool:
    """Say whether two places are one code's: a line through bars has no height of its own."""
    a, b = (np.array(c, dtype=np.float64) for c in (one, other))
    side = max(float((c.max(axis=0) - c.min(axis=0)).max()) for c in (a, b))
    return float(np.abs(a.mean(axis=0) - b.mean(axis=0)).max()) < 0.6 * side


def _covered(work: Work, region: Region) -> bool:
    return any(overlap(raw.corners, region.corners()) > 0.3 for raw, _, _ in work.found)


def _unexplained(work: Work, regions: list[Region]) -> list[Region]:
    """Return regions as strong as those already read that nothing was read in, two at most."""
    read = [r.score for r in regions if _covered(work, r)]
    floor = 0.6 * max(read) if read else float("inf")
    return [r for r in regions if r.score >= floor and not _covered(work, r)][:2]


def _times(corners: engines.Corners, scale: float) -> engines.Corners:
    return tuple((round(x * scale), round(y * scale)) for x, y in corners)


def _placed(code: Code, scale: float) -> Code:
    if scale == 1.0:
        return code
    return replace(code, corners=_times(code.corners, scale))
