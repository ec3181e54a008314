"""Reads every barcode in a picture, at any angle, with its GS1 meaning.

    decode(image)                  -> Reading: an array, grey or BGR
    decode_file("shelf.jpg")       -> Reading: any picture file, checked before it is opened
    main_lines(files, options)     -> dicts, one a file: what `storehub decode --json` prints

It must never guess: what is not certain is not returned. Importing this package loads neither
OpenCV nor a decoder; the first call does. The hub's process never calls it.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from hub.gs1 import Meaning, read

if TYPE_CHECKING:
    from devices.scanners.decode.engines import Raw

SYMBOLOGIES = (
    "EAN-13",
    "EAN-8",
    "UPC-A",
    "UPC-E",
    "Code128",
    "Code39",
    "ITF",
    "DataBar",
    "DataBarExp",
    "DataBarExpStk",
    "QR",
    "DataMatrix",
)


class Options(msgspec.Struct, frozen=True):
    """`budget_ms` of one core is spent only on a picture that is hard to read; None means no
    limit.

    `second_reader` off leaves pyzbar out. `several` looks for more codes after the first.
    """

    symbologies: frozenset[str] = frozenset(SYMBOLOGIES)
    budget_ms: float | None = 500.0
    add_ons: bool = True
    second_reader: bool = True
    several: bool = True


class Code(msgspec.Struct, frozen=True):
    """One code. `text` is what is printed beside the bars; `scan` what a scanner with AIM
    prefixes would send; `corners` clockwise from the code's own upper left, in pixels;
    `confidence` 0 … 1; `reader` the stage that read it."""

    symbology: str
    text: str
    scan: str
    corners: tuple[tuple[int, int], ...]
    confidence: float
    reader: str
    meaning: Meaning
    add_on: str | None = None

    @property
    def gtin(self) -> str | None:
        """The item number of 14 digits, if the code carries one."""
        return self.meaning.gtin


class Reading(msgspec.Struct, frozen=True):
    """What one picture says. `note` is a sentence about what was not tried, if anything."""

    codes: tuple[Code, ...]
    ms: float
    note: str | None = None


def decode(image: Any, options: Options | None = None) -> Reading:
    """Return the codes in a numpy picture of 8 bits, grey or BGR, the most certain first."""
    from devices.scanners.decode import cascade

    return cascade.decode(image, options or Options())


def decode_file(path: str | Path, options: Options | None = None) -> Reading:
    """Return the codes in a picture file. Raises `hub.errors.Invalid` with a sentence."""
    from devices.scanners.decode import images

    return decode(images.load(Path(path)), options)


def main_lines(
    files: Iterable[str | Path], options: Options | None = None
) -> Iterator[dict[str, Any]]:
    """Yield one JSON-able dict a file; a file that is no picture has `error`, a sentence."""
    from hub.errors import Invalid

    for file in files:
        try:
            reading = decode_file(file, options)
        except Invalid as wrong:
            yield {"file": str(file), "codes": [], "ms": 0.0, "error": wrong.sentence}
            continue
        line: dict[str, Any] = {
            "file": str(file),
            "codes": [_row(code) for code in reading.codes],
            "ms": round(reading.ms, 1),
        }
        if reading.note:
            line["note"] = reading.note
        yield line


def _row(code: Code) -> dict[str, Any]:
    meaning = msgspec.to_builtins(code.meaning)
    said = {
        k: v for k, v in meaning.items() if v not in (None, [], ()) and k not in ("text", "gtin")
    }
    return {
        "symbology": code.symbology,
        "text": code.text,
        "gtin": code.gtin,
        "corners": [list(corner) for corner in code.corners],
        "confidence": round(code.confidence, 3),
        "add_on": code.add_on,
        "reader": code.reader,
        "meaning": said,
    }


def coded(raw: "Raw", confidence: float, reader: str) -> Code:
    """Make a `Code` of a decoder's answer, with its meaning."""
    aim = raw.aim or {"EAN-8": "]E4", "Code128": "]C0", "QR": "]Q1"}.get(raw.symbology, "]E0")
    scan = aim + (raw.plain.zfill(13) if raw.symbology in ("EAN-13", "UPC-A") else raw.plain)
    if raw.symbology == "UPC-E":
        meaning = read(raw.text, "UPC-E")
        scan = f"]E0{(meaning.gtin or '')[1:]}"
    else:
        meaning = read(scan)
    return Code(raw.symbology, raw.text, scan, raw.corners, confidence, reader, meaning, raw.add_on)
