"""GTIN-8, -12, -13, -14 and UPC-E as one text of 14 digits.

It must never accept a wrong check digit, and never turn the digits into a number: leading zeros
are part of the item number.
"""

import re
from typing import Final

from hub.errors import Invalid

_DIGITS: Final = re.compile(r"[0-9]+", re.ASCII)
_LENGTHS: Final = (8, 12, 13, 14)


def check_digit(digits: str) -> str:
    """Return the check digit for `digits` (without it), any length.

    Weights 3 and 1 alternate from the right, beginning with 3 (GS1 General Specifications 7.9.1).
    The same rule serves GTIN, SSCC and GLN.
    """
    if not _DIGITS.fullmatch(digits):
        raise Invalid("A check digit needs digits only.", field="gtin")
    total = sum(int(d) * (3 if i % 2 == 0 else 1) for i, d in enumerate(reversed(digits)))
    return str(-total % 10)


def is_valid_gtin(text: str) -> bool:
    """Say whether `text` is 8, 12, 13 or 14 digits with a right check digit and not all zeros."""
    return (
        len(text) in _LENGTHS
        and _DIGITS.fullmatch(text) is not None
        and text.strip("0") != ""
        and check_digit(text[:-1]) == text[-1]
    )


def normalize(text: str, symbology: str | None = None) -> str:
    """Return the 14-digit GTIN for 8, 12, 13 or 14 digits, or for the digits of a UPC-E.

    `symbology="UPC-E"` says that the digits stand under a UPC-E (6, 7 or 8 of them). Without it,
    6 digits can only be UPC-E, and 8 digits are GTIN-8 unless only a UPC-E's check digit fits.
    Spaces, as printed under the bars, are ignored. Raises `Invalid` with a sentence.
    """
    digits = text.replace(" ", "").strip()
    if not _DIGITS.fullmatch(digits):
        raise Invalid(f"{_shown(text)} is not an item number: digits only.", field="gtin")
    if symbology is not None and symbology.upper().replace("-", "").startswith("UPCE"):
        if len(digits) <= 8:
            return "00" + expand_upce(digits)
    elif len(digits) == 6:
        return "00" + expand_upce(digits)
    if len(digits) not in _LENGTHS:
        raise Invalid(
            f"{_shown(text)} is not an item number: 8, 12, 13 or 14 digits, not {len(digits)}.",
            field="gtin",
        )
    if digits.strip("0") == "":
        raise Invalid("An item number is not all zeros.", field="gtin")
    right = check_digit(digits[:-1])
    if right == digits[-1]:
        return digits.zfill(14)
    if len(digits) == 8 and digits[0] in "01" and symbology is None:
        upca = expand_upce(digits[:-1])
        if upca[-1] == digits[-1]:
            return "00" + upca
    raise Invalid(
        f"{_shown(text)} is not an item number: its check digit is {digits[-1]} "
        f"and should be {right}.",
        field="gtin",
    )


def expand_upce(digits: str) -> str:
    """Return the 12 digits of the UPC-A that a UPC-E stands for.

    `digits`: 6 (number system 0), 7 (number system first) or 8 (with the check digit, which is
    verified). The last of the six says where the zeros go: GS1 General Specifications 5.2.2.4.2,
    figure "Decoding UPC-E". Raises `Invalid`.
    """
    if not _DIGITS.fullmatch(digits) or len(digits) not in (6, 7, 8):
        raise Invalid(f"{_shown(digits)} is not a UPC-E: 6, 7 or 8 digits.", field="gtin")
    system, six = ("0", digits) if len(digits) == 6 else (digits[0], digits[1:7])
    if system not in "01":
        raise Invalid(f"{_shown(digits)} is not a UPC-E: it begins with 0 or 1.", field="gtin")
    last = six[5]
    if last in "012":
        body = f"{six[:2]}{last}0000{six[2:5]}"
    elif last == "3":
        body = f"{six[:3]}00000{six[3:5]}"
    elif last == "4":
        body = f"{six[:4]}00000{six[4]}"
    else:
        body = f"{six[:5]}0000{last}"
    upca = system + body
    upca += check_digit(upca)
    if len(digits) == 8 and upca[-1] != digits[7]:
        raise Invalid(
            f"{_shown(digits)} is not a UPC-E: its check digit is {digits[7]} "
            f"and should be {upca[-1]}.",
            field="gtin",
        )
    return upca


def compress_upce(upca: str) -> str | None:
    """Return the 8 digits of the UPC-E for a UPC-A of 12 digits, or None where there is none."""
    if len(upca) != 12 or not is_valid_gtin(upca) or upca[0] not in "01":
        return None
    maker, item = upca[1:6], upca[6:11]
    if maker[2:] in ("000", "100", "200") and item[:2] == "00":
        six = maker[:2] + item[2:] + maker[2]
    elif maker[3:] == "00" and item[:3] == "000":
        six = maker[:3] + item[3:] + "3"
    elif maker[4] == "0" and item[:4] == "0000":
        six = maker[:4] + item[4] + "4"
    elif item[:4] == "0000" and item[4] >= "5":
        six = maker + item[4]
    else:
        return None
    return upca[0] + six + upca[11]


def _shown(text: str) -> str:
    """Quote foreign text for a sentence: short, and printable."""
    clean = "".join(c if c.isprintable() else "?" for c in text[:24])
    return f'"{clean}{"…" if len(text) > 24 else ""}"'
