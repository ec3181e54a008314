"""Reads codes frame by frame: cheap on every frame, patient on some, idle while nothing moves.

It must never spend a frame's time twice: what does not fit waits for the next frame.

    every frame          zxing-cpp fast
    every second miss    localise one striped region, straighten it, average its rows
    every tenth miss     the whole cascade, with a budget
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import cv2
import msgspec
import numpy as np

from devices.scanners.acceptance import Acceptance, Seen, Settings
from devices.scanners.decode import Code, Options, moments

SWEEP_EVERY: Final = 10
LOCALISE_EVERY: Final = 2
SWEEP_MS: Final = 26.0
REGION_MS: Final = 19.0
STILL_FRAMES: Final = 15  # looked at after the last movement
PEEK_EVERY: Final = 15  # frames; a still scene is looked at now and then
_MOVED: Final = 2.0  # grey levels, mean over a thumbnail


class Area(msgspec.Struct, frozen=True):
    """The part of the frame that is read, in fractions 0 … 1."""

    left: float = 0.0
    top: float = 0.0
    right: float = 1.0
    bottom: float = 1.0

    def cut(self, frame: Any) -> tuple[Any, int, int]:
        """Return the part with its offset in pixels."""
        height, width = frame.shape[:2]
        x, y = int(self.left * width), int(self.top * height)
        return frame[y : int(self.bottom * height), x : int(self.right * width)], x, y


class Look(msgspec.Struct, frozen=True):
    """What one frame gave: all codes seen in it, those that became scans, and how long it took."""

    codes: tuple[Code, ...]
    accepted: tuple[Code, ...]
    ms: float
    moving: bool


@dataclass
class LiveReader:
    """Call `look` with each frame. `known(gtin)` answers from the catalogue, or is None."""

    settings: Settings = field(default_factory=Settings)
    area: Area = field(default_factory=Area)
    known: Callable[[str], bool | None] | None = None
    acceptance: Acceptance = field(init=False)
    _thumb: Any = None
    _still: int = 0
    _misses: int = 0
    _number: int = 0

    def __post_init__(self) -> None:
        self.acceptance = Acceptance(self.settings)

    def look(self, frame: Any, at_s: float) -> Look:
        """Read one frame. `at_s`: monotonic seconds of the frame."""
        begin = time.perf_counter()
        self._number += 1
        part, dx, dy = self.area.cut(frame)
        grey = part if part.ndim == 2 else cv2.cvtColor(part, cv2.COLOR_BGR2GRAY)
        moving = self._moved(grey)
        if not moving:
            self.acceptance.hold(at_s)
        if not moving and self._number % PEEK_EVERY:
            return Look((), (), (time.perf_counter() - begin) * 1000.0, False)
        codes = self._codes(np.ascontiguousarray(grey))
        self._misses = 0 if codes else self._misses + 1
        placed = [moments.shifted(code, dx, dy) for code in codes]
        seen = [self._seen(code) for code in placed]
        accepted = self.acceptance.see(seen, at_s)
        scans = tuple(code for code, read in zip(placed, seen, strict=True) if read in accepted)
        return Look(tuple(placed), scans, (time.perf_counter() - begin) * 1000.0, moving)

    def _codes(self, grey: Any) -> list[Code]:
        options = Options(
            symbologies=self.settings.symbologies,
            add_ons=False,
            second_reader=False,
            several=False,
        )
        # Grain makes zxing-cpp slow: frames that are localised too are smoothed first.
        smooth = (self._misses + 1) % LOCALISE_EVERY == 0
        codes = moments.glance(cv2.GaussianBlur(grey, (3, 3), 0.6) if smooth else grey, options)
        if codes:
            return codes
        misses = self._misses + 1
        if misses % SWEEP_EVERY == 0:
            return moments.sweep(grey, options, SWEEP_MS)
        if misses % LOCALISE_EVERY == 0:
            return moments.localised(grey, options, REGION_MS, misses // LOCALISE_EVERY)
        return []

    def _moved(self, grey: Any) -> bool:
        """Say whether the scene moves or moved a moment ago."""
        thumb = cv2.resize(grey, (64, 36), interpolation=cv2.INTER_AREA)
        before = thumb if self._thumb is None else self._thumb
        change = float(cv2.absdiff(thumb, before).mean())
        self._thumb = thumb
        self._still = 0 if change > _MOVED else self._still + 1
        return self._still <= STILL_FRAMES

    def _seen(self, code: Code) -> Seen:
        xs, ys = [c[0] for c in code.corners], [c[1] for c in code.corners]
        known = self.known(code.gtin) if self.known is not None and code.gtin else None
        return Seen(
            code.symbology,
            code.text,
            (sum(xs) / len(xs), sum(ys) / len(ys)),
            float(max(max(xs) - min(xs), max(ys) - min(ys), 1)),
            known,
        )
