"""Draws barcodes in whole dots: bars must never be scaled to fractions of a dot."""

from typing import Any, Final

import segno
import zxingcpp
from PIL import Image

from hub.printing.document import Symbology

# Light margins that readers need, in modules (ISO/IEC 18004, 15420, 15417, 16390).
QUIET: Final = {"qr": 4, "ean13": 11, "ean8": 7, "itf14": 10, "code128": 10}
# A scanner at arm's length wants bars of at least a quarter of a millimetre: two dots of 203 dpi.
LARGEST: Final = {"qr": 8, "ean13": 4, "ean8": 4, "itf14": 3, "code128": 3}
BAR_HEIGHT: Final = 120
_FORMATS: Final[dict[str, Any]] = {
    "ean13": zxingcpp.BarcodeFormat.EAN13,
    "ean8": zxingcpp.BarcodeFormat.EAN8,
    "itf14": zxingcpp.BarcodeFormat.ITF,
    "code128": zxingcpp.BarcodeFormat.Code128,
}


def symbol(symbology: Symbology, data: str, room: int) -> Image.Image | None:
    """Return the symbol with its margins, at most `room` dots wide; None when it can't be drawn.

    It can't when `data` is nothing for this symbology, or when not even one dot a module fits.
    """
    try:
        rows = _qr(data) if symbology == "qr" else _bars(symbology, data)
    except ValueError:
        return None
    quiet = QUIET[symbology]
    scale = min(LARGEST[symbology], room // (len(rows[0]) + 2 * quiet))
    if scale < 1:
        return None
    height = scale if symbology == "qr" else BAR_HEIGHT
    above = quiet * scale if symbology == "qr" else 0
    width = (len(rows[0]) + 2 * quiet) * scale
    drawn = Image.new("L", (width, len(rows) * height + 2 * above), 255)
    for y, row in enumerate(rows):
        for x, dark in enumerate(row):
            if dark:
                left, upper = (x + quiet) * scale, y * height + above
                drawn.paste(0, (left, upper, left + scale, upper + height))
    return drawn


def _qr(data: str) -> list[bytes]:
    try:
        code = segno.make(data, error="m", micro=False, boost_error=True)
    except segno.DataOverflowError as error:
        raise ValueError("more than a QR code holds") from error
    return [bytes(row) for row in code.matrix_iter(border=0)]


def _bars(symbology: Symbology, data: str) -> list[bytes]:
    made: Any = zxingcpp.create_barcode(data, _FORMATS[symbology])
    drawn = memoryview(made.to_image(add_quiet_zones=False))
    height, width = drawn.shape or (1, 0)
    middle = drawn.tobytes()[height // 2 * width :][:width]
    return [bytes(shade < 128 for shade in middle)]
