"""What any carrier says: plain digits, an AIM prefix, element strings, Digital Link, an EPC.

It must never raise on what a scanner sends: text that means nothing in GS1 stays opaque, and a
wrong check digit becomes a `problem`, not an item number.
"""

import re
from datetime import date, timedelta
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import biip
import msgspec
from biip import gs1_prefixes
from biip.gs1_application_identifiers import GS1ApplicationIdentifier

from hub.errors import Invalid
from hub.gs1.epc import decode_epc
from hub.gs1.gtin import is_valid_gtin, normalize

# Every company prefix that GS1 ever gave out, for a name that nobody here asks for: 10 MiB.
gs1_prefixes._GS1_COMPANY_PREFIX_TRIE = {}

GS: Final = "\x1d"
# A two-digit year is read around this one (GS1 General Specifications 7.12): 51 or more ahead is
# the last century. Fixed, because a Pi may boot in 1970 and a meaning must not depend on that.
YEAR: Final = 2026
MAX_TEXT: Final = 4096

_AIM: Final = re.compile(r"\][A-Za-z][0-9A-Za-z]")
_BRACKETS: Final = re.compile(r"\(([0-9]{2,4})\)", re.ASCII)
_LINK: Final = re.compile(r"https?://", re.IGNORECASE)
# The GS1 modes of ISO/IEC 15424: these carry element strings.
_GS1_MODES: Final = ("]C1", "]e0", "]d2", "]Q3", "]J1")
_AIM_OF: Final = {
    "ean13": "]E0",
    "upca": "]E0",
    "upce": "]E0",
    "ean8": "]E4",
    "gs1128": "]C1",
    "gs1datamatrix": "]d2",
    "gs1qr": "]Q3",
    "gs1qrcode": "]Q3",
    "itf": "]I0",
    "itf14": "]I1",
}


class Meaning(msgspec.Struct, frozen=True):
    """What a scan means. `kind`: gtin, element_string, digital_link, epc or opaque.

    `text` is the scan without its AIM prefix, `symbology` that prefix or None. Dates are
    `YYYY-MM-DD`. `elements` are all (application identifier, value) pairs in order. `problem` is a
    sentence where the text looks like GS1 and is not right. `add_on` is an EAN-2 or EAN-5.
    """

    text: str
    kind: str
    symbology: str | None = None
    gtin: str | None = None
    lot: str | None = None
    serial: str | None = None
    expiry: str | None = None
    best_before: str | None = None
    sscc: str | None = None
    gln: str | None = None
    count: int | None = None
    weight_g: int | None = None
    add_on: str | None = None
    elements: tuple[tuple[str, str], ...] = ()
    problem: str | None = None


def read(text: str, symbology: str | None = None) -> Meaning:
    """Return what `text` says.

    `symbology`: the AIM identifier (`]E0`) or a name (`EAN-13`, `UPC-E`, `GS1-128`, `EPC`, …) when
    the scanner tells it beside the text; an AIM prefix in the text itself wins.
    """
    text = text.strip("\r\n\t ")
    if len(text) > MAX_TEXT:
        return Meaning(text[:MAX_TEXT], "opaque", problem="The scan is longer than any barcode.")
    name = re.sub(r"[^a-z0-9]", "", (symbology or "").lower())
    if name in ("epc", "rfid", "sgtin96"):
        return _epc(text)
    aim = symbology if symbology and _AIM.fullmatch(symbology) else _AIM_OF.get(name)
    if _AIM.match(text):
        aim, text = text[:3], text[3:]
    if _LINK.match(text):
        return _digital_link(text, aim)
    if name.startswith("databar") and aim is None:
        aim = "]e0"
    if aim in _GS1_MODES:
        return _message(text, aim)
    if _BRACKETS.match(text):
        return _bracketed(text, aim)
    bare = text.lstrip(GS)
    if aim is None and not name and (bare != text or _looks_like_elements(bare)):
        meaning = _message(bare, "]C1")
        if meaning.problem is None:
            return msgspec.structs.replace(meaning, symbology=None)
    return _number(text, aim, name)


def _number(text: str, aim: str | None, name: str) -> Meaning:
    """Read plain digits: EAN/UPC with or without add-on, ITF-14, or digits typed by a person."""
    plain = Meaning(text, "opaque", symbology=aim)
    if not re.fullmatch(r"[0-9 ]+", text, re.ASCII):
        return plain
    digits, add_on = text.replace(" ", ""), None
    if aim == "]E3" and len(digits) in (15, 18):
        digits, add_on = digits[:13], digits[13:]
    if aim in ("]E1", "]E2"):
        return msgspec.structs.replace(plain, add_on=digits)
    family = (aim or "")[:2]
    if family == "]I" and len(digits) != 14:
        return plain
    if family not in ("", "]E", "]I") or (name and not aim):
        # A carrier that is not GS1's (Code 128, Code 39, QR …) with a whole, valid item number.
        valid = len(digits) >= 12 and is_valid_gtin(digits)
        return (
            msgspec.structs.replace(plain, kind="gtin", gtin=digits.zfill(14)) if valid else plain
        )
    if family == "" and len(digits) not in (8, 12, 13, 14):
        return plain
    # ]E0 sends 13 digits; a scanner that sends 8 after it has not expanded its UPC-E.
    short = "UPC-E" if len(digits) <= 8 and (name == "upce" or aim == "]E0") else None
    if aim == "]E4":
        short = "EAN-8"
    try:
        gtin = normalize(digits, short)
    except Invalid as wrong:
        return msgspec.structs.replace(plain, problem=wrong.sentence)
    return msgspec.structs.replace(plain, kind="gtin", gtin=gtin, add_on=add_on)


def _looks_like_elements(text: str) -> bool:
    """Say whether a scanner without AIM prefixes sent element strings that begin with a GTIN."""
    return len(text) > 16 and text[:2] in ("01", "02") and is_valid_gtin(text[2:16])


def _message(text: str, aim: str) -> Meaning:
    """Read element strings. Always with an identifier: biip guesses without one."""
    text = text.lstrip(GS)
    try:
        result = biip.parse(aim + text)
    except (biip.ParseError, ValueError) as wrong:
        return Meaning(text, "opaque", symbology=aim, problem=_sentence(str(wrong)))
    if result.gs1_message is None:
        return Meaning(text, "opaque", symbology=aim, problem=_sentence(result.gs1_message_error))
    pairs = [(e.ai.ai, e.value) for e in result.gs1_message.element_strings]
    return _meaning(text, "element_string", aim, pairs)


def _digital_link(text: str, aim: str | None) -> Meaning:
    """Read a GS1 Digital Link; any other link is opaque, without complaint."""
    try:
        parts = urlsplit(text)
        link = urlunsplit(parts._replace(scheme=parts.scheme.lower(), netloc=parts.netloc.lower()))
        uri = biip.parse(link).gs1_digital_link_uri
    except (biip.ParseError, ValueError):
        uri = None
    if uri is None:
        return Meaning(text, "opaque", symbology=aim)
    pairs = [(e.ai.ai, e.value) for e in uri.element_strings]
    return _meaning(text, "digital_link", aim, pairs)


def _bracketed(text: str, aim: str | None) -> Meaning:
    """Read the printed form `(01)…(10)…`. A bracket that holds no known identifier is text."""
    known = [m for m in _BRACKETS.finditer(text) if _known(m[1])]
    if not known or known[0].start() != 0:
        return Meaning(text, "opaque", symbology=aim)
    ends = [m.start() for m in known[1:]] + [len(text)]
    elements = [m[1] + text[m.end() : end] for m, end in zip(known, ends, strict=True)]
    meaning = _message(GS.join(elements), "]C1")
    return msgspec.structs.replace(meaning, text=text, symbology=aim)


def _known(identifier: str) -> bool:
    try:
        return GS1ApplicationIdentifier.extract(identifier).ai == identifier
    except biip.ParseError:
        return False


def _epc(text: str) -> Meaning:
    code = decode_epc(text)
    kind = "epc" if code.gtin else "opaque"
    return Meaning(code.hex, kind, symbology="EPC", gtin=code.gtin, serial=code.serial)


def _meaning(text: str, kind: str, aim: str | None, pairs: list[tuple[str, str]]) -> Meaning:
    """Pick the named fields out of the pairs. A wrong check digit is a problem, not an item."""
    value = dict(reversed(pairs))  # the first of a repeated identifier counts
    gtin = value.get("01") or value.get("02")
    problem = None
    if gtin is not None and not is_valid_gtin(gtin):
        problem, gtin = f"The check digit of GTIN {gtin} is wrong.", None
    weight = next((p for p in pairs if re.fullmatch(r"310[0-9]", p[0])), None)
    count = value.get("30") or value.get("37")
    return Meaning(
        text,
        kind,
        symbology=aim,
        gtin=gtin,
        lot=value.get("10"),
        serial=value.get("21"),
        expiry=_date(value.get("17") or value.get("7003", "")[:6]),
        best_before=_date(value.get("15", "")),
        sscc=value.get("00"),
        gln=value.get("414"),
        count=int(count) if count and count.isdecimal() else None,
        weight_g=_grams(*weight) if weight else None,
        elements=tuple(pairs),
        problem=problem,
    )


def _date(digits: str) -> str | None:
    """Return YYMMDD as YYYY-MM-DD; day 00 is the month's last (GS1 General Specifications 3.4)."""
    if not re.fullmatch(r"[0-9]{6}", digits, re.ASCII):
        return None
    year, month, day = int(digits[:2]), int(digits[2:4]), int(digits[4:])
    ahead = year - YEAR % 100
    century = YEAR // 100 - (1 if ahead >= 51 else 0) + (1 if ahead <= -50 else 0)
    try:
        first = date(century * 100 + year, month, day or 1)
    except ValueError:
        return None
    if day == 0:
        first = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return first.isoformat()


def _grams(identifier: str, digits: str) -> int | None:
    """Return AI 310n (net weight in kilograms, n decimals) in whole grams, rounded half up."""
    if not digits.isdecimal():
        return None
    scale = int(identifier[3])
    unit: int = 10**scale
    return (int(digits) * 2000 + unit) // (2 * unit)


def _sentence(reason: str | None) -> str:
    """Make biip's reason one printable sentence of bounded length."""
    clean = "".join(c if c.isprintable() else "?" for c in reason or "It is not a GS1 message.")
    return clean[:200]
