"""Measures barcode reading on photos: this product beside its peers, in one run, on one core.

    python tests/bench/barcodes.py [--photos DIR] [--angles 0,20,45,70] [--sample N] [--list]

It must never tell a decoder what a photo shows, and never mixes the halves: a photo belongs to
the development or the test half by the hash of its file name, and only the development half may
be looked at while tuning. Tilted photos are turned about their middle on a larger sheet of the
photo's median grey. Times are the reading thread's own CPU time: a busy machine changes them less.
"""

import argparse
import hashlib
import json
import os
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")
sys.path.insert(0, str(Path(__file__).parents[2]))

import cv2  # noqa: E402
import numpy as np  # noqa: E402
import zxingcpp  # noqa: E402

from devices.scanners import decode  # noqa: E402
from hub.errors import Invalid  # noqa: E402
from hub.gs1 import normalize  # noqa: E402

PHOTOS = Path(__file__).parents[2] / ".." / "shared" / "data" / "barcodes"
EAN_UPC = ("EAN-13", "UPC-A", "UPC-E", "EAN-8")
RETAIL = (*EAN_UPC, "Code128", "ITF", "DataBar", "DataBarExp", "DataBarExpStk", "QR", "DataMatrix")
# Photos that show a second, real code beside the expected one (looked at by eye).
ALSO_THERE = {
    "ean13-2/23.png": {"9784872348880"},
    "ean13-2/28.png": {"9784872348880"},
    "rss14-2/16.png": {"01234567890128", "(01)01234567890128"},  # the manifest's text is not shown
    "code39-3/02.png": {"001EC947D49B"},
    "code39-3/08.png": {"001EC9476B0A"},
    "qrcode-2/16.png": {"[内側QRコード]\r\n\r\n*ダブルQR*\r\nhttp://d-qr.net/ex/"},
}
Read = tuple[str, str]  # symbology, text
Decoder = Callable[[Any], list[Read]]


@dataclass
class Photo:
    """One photo and what it shows; `expected` is None where nothing may be read."""

    file: str
    symbology: str
    expected: str | None
    half: str


@dataclass
class Score:
    """Counts of one decoder on one group of photos."""

    total: int = 0
    correct: int = 0
    wrong: int = 0
    negatives: int = 0
    negative_reads: int = 0
    ms: list[float] = field(default_factory=list)


def photos(folder: Path) -> list[Photo]:
    """Return the photos of a folder's manifest, in a fixed order."""
    rows = json.loads((folder / "manifest.json").read_text())
    return [
        Photo(
            row["file"],
            row.get("symbology") or "-",
            None if row["negative"] else row["expected"],
            half(row["file"]),
        )
        for row in rows
    ]


def half(file: str) -> str:
    """Return the half that a photo belongs to."""
    return "test" if hashlib.sha256(file.encode()).digest()[0] & 1 else "development"


def tilt(image: Any, degrees: float) -> Any:
    """Return the image turned by `degrees` on a sheet that holds all of it."""
    if degrees == 0:
        return image
    height, width = image.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    cos, sin = abs(turn[0, 0]), abs(turn[0, 1])
    w, h = int(height * sin + width * cos), int(height * cos + width * sin)
    turn[0, 2] += w / 2 - width / 2
    turn[1, 2] += h / 2 - height / 2
    grey = tuple(float(v) for v in np.median(image.reshape(-1, image.shape[-1]), axis=0))
    return cv2.warpAffine(image, turn, (w, h), flags=cv2.INTER_LINEAR, borderValue=grey)


def same(symbology: str, expected: str, text: str) -> bool:
    """Say whether two texts name the same content, whatever a decoder's habit of printing it."""
    if symbology in EAN_UPC:
        return gtin(symbology, expected) == gtin(symbology, text)
    if symbology == "DataBar":
        return expected == text.replace("(01)", "")[-14:]
    if symbology.startswith("DataBar"):
        return bare(expected) == bare(text)
    return expected == text


def gtin(symbology: str, text: str) -> str:
    try:
        return normalize(text, "UPC-E" if symbology == "UPC-E" and len(text) == 8 else None)
    except Invalid:
        return text


def bare(text: str) -> str:
    return text.replace("(", "").replace(")", "").replace("\x1d", "")


# --- the decoders ------------------------------------------------------------------------------

ZXING = {
    "EAN-13": "EAN-13",
    "EAN-8": "EAN-8",
    "UPC-A": "UPC-A",
    "UPC-E": "UPC-E",
    "Code 128": "Code128",
    "Code 39": "Code39",
    "QR Code": "QR",
    "Data Matrix": "DataMatrix",
}


def by_zxing(image: Any) -> list[Read]:
    """zxing-cpp alone, as its documentation begins: all formats, rotate, downscale, invert."""
    found = zxingcpp.read_barcodes(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))
    return [(ZXING.get(str(c.format), str(c.format)), c.text) for c in found]


def by_pyzbar(image: Any) -> list[Read]:
    """pyzbar alone, all symbologies."""
    from pyzbar import pyzbar

    found = pyzbar.decode(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))
    return [(str(c.type), c.data.decode("utf-8", "replace")) for c in found]


_bars = cv2.barcode.BarcodeDetector()
_squares = cv2.QRCodeDetector()


def by_opencv(image: Any) -> list[Read]:
    """OpenCV's barcode and QR detectors."""
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    reads: list[Read] = []
    for detect in (_bars.detectAndDecodeMulti, _squares.detectAndDecodeMulti):
        try:
            _, texts, *_ = detect(grey)
        except (cv2.error, UnicodeDecodeError):  # a text that is not UTF-8
            continue
        reads += [("-", t) for t in texts if t]
    return reads


def by_us(image: Any) -> list[Read]:
    """This product, default options."""
    return [(c.symbology, c.text) for c in decode.decode(image).codes]


def either(first: Decoder, second: Decoder) -> Decoder:
    """A plain cascade: the second reads what the first could not."""
    return lambda image: first(image) or second(image)


DECODERS: dict[str, Decoder] = {
    "zxing-cpp": by_zxing,
    "pyzbar": by_pyzbar,
    "OpenCV": by_opencv,
    "pyzbar → zxing-cpp": either(by_pyzbar, by_zxing),
    "zxing-cpp → pyzbar": either(by_zxing, by_pyzbar),
    "this product": by_us,
}


# --- counting ----------------------------------------------------------------------------------


def measure(
    chosen: Sequence[Photo], folder: Path, angles: Sequence[float], names: Sequence[str]
) -> Iterator[tuple[Photo, float, str, list[Read], float]]:
    """Yield (photo, angle, decoder, reads, ms) for every photo at every angle."""
    for photo in chosen:
        upright = cv2.imread(str(folder / photo.file), cv2.IMREAD_COLOR)
        if upright is None:
            raise SystemExit(f"{photo.file} cannot be opened.")
        for angle in angles:
            image = tilt(upright, angle)
            for name in names:
                begin = time.thread_time()
                reads = DECODERS[name](image)
                yield photo, angle, name, reads, (time.thread_time() - begin) * 1000


def judge(photo: Photo, reads: Iterable[Read]) -> tuple[bool, list[Read]]:
    """Return whether the expected code was read, and the reads that are not there."""
    right, wrong = False, []
    for symbology, text in reads:
        if photo.expected is not None and same(photo.symbology, photo.expected, text):
            right = True
        elif text not in ALSO_THERE.get(photo.file, ()):
            wrong.append((symbology, text))
    return right, wrong


def groups(photo: Photo) -> Iterator[str]:
    """Yield the rows of the report that a photo counts in."""
    yield "all"
    if photo.expected is None:
        return
    yield photo.symbology
    if photo.symbology in EAN_UPC:
        yield "EAN/UPC"
    if photo.symbology in RETAIL:
        yield "retail"


def report(scores: dict[tuple[str, float, str, str], Score], names: Sequence[str]) -> None:
    """Print one table a half and angle."""
    for half_name, angle in sorted({(k[0], k[1]) for k in scores}):
        rows = sorted({k[2] for k in scores if k[:2] == (half_name, angle)}, key=_order)
        print(f"\n{half_name} half, {angle:g}°")
        print(f"{'correct / wrong':16}" + "".join(f"{n:>21}" for n in names))
        for row in rows:
            cells = [scores[half_name, angle, row, n] for n in names]
            line = f"{row + ' ' + str(cells[0].total):16}"
            print(line + "".join(f"{f'{c.correct} / {c.wrong}':>21}" for c in cells))
        cells = [scores[half_name, angle, "all", n] for n in names]
        print(f"{'on negatives':16}" + "".join(f"{c.negative_reads:>21}" for c in cells))
        times = (f"{statistics.median(c.ms):.1f} / {_p95(c.ms):.1f}" for c in cells)
        print(f"{'ms median / p95':16}" + "".join(f"{t:>21}" for t in times))


def _order(row: str) -> tuple[int, str]:
    return ({"all": 0, "retail": 1, "EAN/UPC": 2}.get(row, 3), row)


def _p95(values: Sequence[float]) -> float:
    return sorted(values)[int(0.95 * (len(values) - 1))]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--photos", type=Path, default=PHOTOS)
    parser.add_argument("--angles", default="0,20,45,70")
    parser.add_argument("--sample", type=int, default=1, help="every N-th photo only")
    parser.add_argument("--half", choices=["development", "test"])
    parser.add_argument("--only", help="photos of one symbology, or EAN/UPC, retail, negatives")
    parser.add_argument("--decoders", default=",".join(DECODERS), help="comma between names")
    parser.add_argument(
        "--list", action="store_true", help="name misses of this product, wrongs of all"
    )
    parser.add_argument("--json", type=Path, help="write the figures there too")
    options = parser.parse_args(argv)
    if not (options.photos / "manifest.json").exists():
        print(f"There are no photos at {options.photos}: nothing measured.")
        return 0
    cv2.setNumThreads(1)
    names = [n for n in options.decoders.split(",") if n in DECODERS]
    chosen = [p for p in photos(options.photos) if options.half in (None, p.half)]
    chosen = [p for p in chosen if _wanted(p, options.only)][:: options.sample]
    scores: dict[tuple[str, float, str, str], Score] = defaultdict(Score)
    angles = [float(a) for a in options.angles.split(",")]
    for photo, angle, name, reads, ms in measure(chosen, options.photos, angles, names):
        right, wrong = judge(photo, reads)
        for row in groups(photo):
            score = scores[photo.half, angle, row, name]
            score.ms.append(ms)
            if photo.expected is None:
                score.negatives += 1
                score.negative_reads += bool(wrong)
            else:
                score.total += 1
                score.correct += right
                score.wrong += bool(wrong)
        if options.list and (wrong or (name == "this product" and not right and photo.expected)):
            print(f"{angle:g}° {name}: {photo.file} {photo.expected!r} wrong {wrong} {ms:.0f} ms")
    report(scores, names)
    if options.json:
        rows = [
            {"half": k[0], "angle": k[1], "group": k[2], "decoder": k[3], "total": s.total}
            | {"correct": s.correct, "wrong": s.wrong, "negative_reads": s.negative_reads}
            | {"negatives": s.negatives, "ms_median": statistics.median(s.ms), "ms_p95": _p95(s.ms)}
            for k, s in scores.items()
        ]
        options.json.write_text(json.dumps(rows, indent=1, ensure_ascii=False))
    return 0


def _wanted(photo: Photo, only: str | None) -> bool:
    if only == "negatives":
        return photo.expected is None
    return only is None or only in groups(photo)


if __name__ == "__main__":
    raise SystemExit(main())
