"""The two foreign decoders, zxing-cpp and pyzbar, with their answers in this product's words.

It must never take from pyzbar what pyzbar misreads (ITF, Code 39, DataBar), and never need
libzbar: where the library is absent `second_reader` says so in one sentence.
"""

import contextlib
from functools import cache
from typing import Any, Final, NamedTuple

import zxingcpp

from devices.scanners.decode.regions import Grey

Corners = tuple[tuple[int, int], ...]

_FORMATS: Final = {
    "EAN-13": "EAN13",
    "EAN-8": "EAN8",
    "UPC-A": "UPCA",
    "UPC-E": "UPCE",
    "Code128": "Code128",
    "Code39": "Code39",
    "ITF": "ITF",
    "DataBar": "DataBar",
    "DataBarExp": "DataBarExp",
    "DataBarExpStk": "DataBarExpStk",
    "QR": "QRCode",
    "DataMatrix": "DataMatrix",
}
SYMBOLOGIES: Final = tuple(_FORMATS)
LINEAR: Final = frozenset(SYMBOLOGIES) - {"QR", "DataMatrix"}
# Little redundancy: one read of these proves less than one read of an EAN-13.
WEAK: Final = frozenset({"UPC-E", "EAN-8", "ITF", "Code39"})
_NAMES: Final = {
    "EAN-13": "EAN-13",
    "EAN-8": "EAN-8",
    "UPC-A": "UPC-A",
    "UPC-E": "UPC-E",
    "Code 128": "Code128",
    "Code 39": "Code39",
    "ITF": "ITF",
    "ITF-14": "ITF",
    "QR Code": "QR",
    "QR Code Model 1": "QR",
    "QR Code Model 2": "QR",
    "Data Matrix": "DataMatrix",
    "DataBar Expanded": "DataBarExp",
    "DataBar Expanded Stacked": "DataBarExpStk",
}
_PYZBAR: Final = {
    "EAN13": "EAN-13",
    "EAN8": "EAN-8",
    "UPCA": "UPC-A",
    "UPCE": "UPC-E",
    "CODE128": "Code128",
    "QRCODE": "QR",
}


class Raw(NamedTuple):
    """One answer of a decoder. `text` is what is printed, `plain` what the symbol holds."""

    symbology: str
    text: str
    plain: str
    aim: str
    corners: Corners
    add_on: str | None = None


@cache
def formats(symbologies: frozenset[str]) -> Any:
    """Return zxing-cpp's formats for our names."""
    names = [_FORMATS[s] for s in SYMBOLOGIES if s in symbologies]
    if "EAN-13" in symbologies or "UPC-A" in symbologies:
        names += ["EAN13", "UPCA"]
    return zxingcpp.barcode_formats_from_str("|".join(dict.fromkeys(names)))


def zxing(
    grey: Grey,
    symbologies: frozenset[str],
    *,
    thorough: bool = True,
    flat: bool = False,
    add_ons: bool = False,
    glance: bool = False,
) -> list[Raw]:
    """Read with zxing-cpp. `thorough` looks at turned, small and inverted codes too; `glance` at
    turned ones only; `flat` uses one threshold for the whole picture."""
    binarizer = zxingcpp.Binarizer.GlobalHistogram if flat else zxingcpp.Binarizer.LocalAverage
    add_on = zxingcpp.EanAddOnSymbol.Read if add_ons else zxingcpp.EanAddOnSymbol.Ignore
    found = zxingcpp.read_barcodes(
        grey,
        formats=formats(symbologies),
        try_rotate=thorough or glance,
        try_downscale=thorough and not glance,
        try_invert=thorough and not glance,
        binarizer=binarizer,
        text_mode=zxingcpp.TextMode.HRI,
        ean_add_on_symbol=add_on,
    )
    raws = [_raw(code) for code in found]
    return [r for r in raws if r.symbology in symbologies]


def _raw(code: Any) -> Raw:
    name = str(code.format)
    symbology = _NAMES.get(name, "DataBar" if name.startswith("DataBar") else name)
    text, plain, add_on = str(code.text), _plain(code), None
    if symbology in ("EAN-13", "UPC-A", "UPC-E", "EAN-8"):
        length = 8 if symbology == "EAN-8" else 13
        digits = text.replace(" ", "")
        text, add_on = digits[:length], digits[length:] or None
        plain = text
    symbology, text = as_printed(symbology, text)
    p = code.position
    corners = tuple(
        (int(c.x), int(c.y)) for c in (p.top_left, p.top_right, p.bottom_right, p.bottom_left)
    )
    return Raw(symbology, text, plain, str(code.symbology_identifier), corners, add_on)


def _plain(code: Any) -> str:
    """Return the symbol's own characters, with GS between element strings."""
    data = bytes(code.bytes)
    with contextlib.suppress(UnicodeDecodeError):
        return data.decode("ascii")
    return str(code.text)


def as_printed(symbology: str, text: str) -> tuple[str, str]:
    """Return symbology and digits as they stand under the bars: 12 for UPC-A, 8 for UPC-E."""
    from hub.gs1 import compress_upce

    if symbology in ("EAN-13", "UPC-A") and len(text) == 13:
        return ("UPC-A", text[1:]) if text[0] == "0" else ("EAN-13", text)
    if symbology == "UPC-E" and len(text) in (12, 13):
        return symbology, compress_upce(text[-12:]) or text[-12:]
    if symbology == "DataBar":
        return symbology, text.removeprefix("(01)")
    return symbology, text


@cache
def second_reader() -> str | None:
    """Return None when pyzbar can be used, else one sentence saying why not."""
    try:
        from pyzbar import pyzbar  # noqa: F401
    except ImportError as missing:
        return f"The second reader is off: libzbar is not installed ({missing})."
    return None


def pyzbar(grey: Grey, symbologies: frozenset[str]) -> list[Raw]:
    """Read with pyzbar, EAN/UPC, Code 128 and QR only; nothing where libzbar is absent."""
    if second_reader() is not None:
        return []
    from pyzbar import pyzbar as zbar

    wanted = [k for k, v in _PYZBAR.items() if v in symbologies]
    if not wanted:
        return []
    found = zbar.decode(grey, symbols=[zbar.ZBarSymbol[k] for k in wanted])
    raws = []
    for code in found:
        symbology = _PYZBAR.get(str(code.type))
        if symbology is None or (symbology in WEAK and code.quality < 40):
            continue
        plain = code.data.decode("utf-8", "replace")
        symbology, text = as_printed(symbology, plain)
        if symbology in symbologies:
            raws.append(Raw(symbology, text, plain, "", _polygon(code)))
    return raws


def _polygon(code: Any) -> Corners:
    points = [(int(p.x), int(p.y)) for p in code.polygon]
    if len(points) == 4:
        return tuple(points)
    x, y, w, h = (int(v) for v in code.rect)
    return ((x, y), (x + w, y), (x + w, y + h), (x, y + h))
