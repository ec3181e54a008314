"""Electronic Product Codes of RFID tags: SGTIN-96 and -198 to GTIN and serial, and back.

It must never invent an item: an EPC that is not a well-formed SGTIN stays opaque and is kept.
"""

import re
from typing import Final

import msgspec

from hub.errors import Invalid
from hub.gs1.gtin import check_digit, is_valid_gtin

_HEADER: Final = 0x30
_HEADER_198: Final = 0x36
# EPC memory is read in words of 16 bits: 198 bits come as 208, or as the 200 of whole bytes.
_LENGTHS_198: Final = (50, 52)
_SERIAL_198: Final = 140
# GS1 General Specifications, figure 7.11-1 (character set 82), and what a URI escapes of it.
_TEXT: Final = re.compile(r"[!\"%&'()*+,\-./0-9:;<=>?A-Z_a-z]{1,20}", re.ASCII)
_ESCAPED: Final = str.maketrans({c: f"%{ord(c):02X}" for c in '"%&/<>?'})
_HEX: Final = re.compile(r"[0-9a-f]+", re.ASCII)

# EPC Tag Data Standard 1.13, table 14-2: partition -> (bits, digits) of the company prefix and of
# the indicator with the item reference.
_PARTITIONS: Final = {
    0: (40, 12, 4, 1),
    1: (37, 11, 7, 2),
    2: (34, 10, 10, 3),
    3: (30, 9, 14, 4),
    4: (27, 8, 17, 5),
    5: (24, 7, 20, 6),
    6: (20, 6, 24, 7),
}


class Epc(msgspec.Struct, frozen=True):
    """A tag's code. `gtin`, `serial`, `company_prefix` and `uri` are None where it is opaque."""

    hex: str
    gtin: str | None = None
    serial: str | None = None
    filter: int | None = None
    company_prefix: str | None = None
    uri: str | None = None


def decode_epc(text: str) -> Epc:
    """Return what the EPC memory `text` (hexadecimal: 96 bits, or 198 and their padding) says.

    EPC Tag Data Standard 1.13, sections 14.5.1 (SGTIN-96, SGTIN-198). Anything else, a partition
    or a value outside its digits included, is an opaque `Epc` with its hexadecimal text in lower
    case.
    """
    code = text.strip().lower().replace(" ", "")
    opaque = Epc(hex=code)
    if not _HEX.fullmatch(code) or len(code) < 2:
        return opaque
    value, bits = int(code, 16), 4 * len(code)
    header = value >> (bits - 8)
    if header == _HEADER and bits == 96:
        head, serial = value >> 38, str(value & ((1 << 38) - 1))
    elif header == _HEADER_198 and len(code) in _LENGTHS_198:
        padding = bits - 198
        if value & ((1 << padding) - 1):
            return opaque
        head, serial = value >> (padding + _SERIAL_198), _text(value >> padding)
    else:
        return opaque
    item = _item(head & ((1 << 50) - 1))
    if item is None or not serial:
        return opaque
    prefix, reference = item
    body = reference[0] + prefix + reference[1:]
    gtin = body + check_digit(body)
    if not is_valid_gtin(gtin):
        return opaque
    return Epc(
        hex=code,
        gtin=gtin,
        serial=serial,
        filter=(head >> 47) & 0b111,
        company_prefix=prefix,
        uri=f"urn:epc:id:sgtin:{prefix}.{reference}.{serial.translate(_ESCAPED)}",
    )


def _item(head: int) -> tuple[str, str] | None:
    """Return (company prefix, indicator and item reference) of partition and its 44 bits."""
    partition = (head >> 44) & 0b111
    if partition not in _PARTITIONS:
        return None
    _, company_digits, item_bits, item_digits = _PARTITIONS[partition]
    both = head & ((1 << 44) - 1)
    company, item = both >> item_bits, both & ((1 << item_bits) - 1)
    if company >= 10**company_digits or item >= 10**item_digits:
        return None
    return f"{company:0{company_digits}d}", f"{item:0{item_digits}d}"


def _text(value: int) -> str:
    """Return the serial of the last 140 bits, 7 a character, filled up with zeros; "" if none."""
    codes = [(value >> (_SERIAL_198 - 7 * (n + 1))) & 0x7F for n in range(20)]
    text = "".join(map(chr, codes)).rstrip("\0")
    return text if _TEXT.fullmatch(text) else ""


def encode_sgtin96(
    gtin: str, serial: int, *, company_digits: int = 7, filter_value: int = 1
) -> str:
    """Return the 24 hexadecimal digits of an SGTIN-96.

    `gtin`: 14 digits. `serial`: 0 … 2^38 − 1. `company_digits`: 6 … 12, the length of the company
    prefix, which the GTIN itself does not tell. `filter_value` 1 is a point-of-sale item.
    Raises `Invalid`.
    """
    if len(gtin) != 14 or not is_valid_gtin(gtin):
        raise Invalid("An SGTIN needs a GTIN of 14 digits.", field="gtin")
    if not 0 <= serial < 1 << 38:
        raise Invalid("An SGTIN-96 serial is 0 to 274877906943.", field="serial")
    if not 6 <= company_digits <= 12:
        raise Invalid("A company prefix has 6 to 12 digits.", field="company_digits")
    if not 0 <= filter_value <= 7:
        raise Invalid("An EPC filter value is 0 to 7.", field="filter_value")
    partition = 12 - company_digits
    company_bits, _, item_bits, _ = _PARTITIONS[partition]
    company = int(gtin[1 : 1 + company_digits])
    item = int(gtin[0] + gtin[1 + company_digits : 13])
    value = (_HEADER << 6) | (filter_value << 3) | partition
    value = (value << company_bits) | company
    value = (value << item_bits) | item
    value = (value << 38) | serial
    return f"{value:024x}"
