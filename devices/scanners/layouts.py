"""Which character a key stands for: one table a keyboard layout, by Linux key codes.

It must never guess: a key that the layout does not name has no character.
"""

import unicodedata
from typing import Final, NamedTuple

SHIFTS: Final = frozenset({42, 54})
CTRLS: Final = frozenset({29, 97})
ALT: Final = 56
ALT_GR: Final = 100
METAS: Final = frozenset({125, 126})
CAPS: Final = 58
NUM_LOCK: Final = 69
MODIFIERS: Final = SHIFTS | CTRLS | METAS | {ALT, ALT_GR}

_KEYPAD: Final = dict(
    zip(
        (82, 79, 80, 81, 75, 76, 77, 71, 72, 73, 55, 74, 78, 83, 98), "0123456789*-+./", strict=True
    )
)
_EVERYWHERE: Final = {28: "\r", 96: "\r", 15: "\t", 57: " ", **_KEYPAD}
DIGITS: Final = {
    **{code: mark for code, mark in _KEYPAD.items() if mark.isdigit()},
    **{code: str((code - 1) % 10) for code in range(2, 12)},
}
# The keys of each row from left to right: digits, upper, home, lower (with the 102nd), corner.
_KEYS: Final = (
    *range(2, 14),
    *range(16, 28),
    *range(30, 41),
    43,
    86,
    *range(44, 54),
    41,
)


class Layout(NamedTuple):
    """`dead`: marks that wait for the next key; the others stand for themselves."""

    plain: dict[int, str]
    shifted: dict[int, str]
    alt_gr: dict[int, str]
    dead: frozenset[tuple[int, str]] = frozenset()


def _layout(
    plain: str, shifted: str, alt_gr: dict[int, str], dead: tuple[tuple[int, str], ...] = ()
) -> Layout:
    """Make a table from the characters in the order of `_KEYS`; `\\0` is a key without one."""

    def row(marks: str) -> dict[int, str]:
        return {code: mark for code, mark in zip(_KEYS, marks, strict=True) if mark != "\0"}

    return Layout(row(plain), row(shifted), alt_gr, frozenset(dead))


LAYOUTS: Final[dict[str, Layout]] = {
    "us": _layout(
        "1234567890-=qwertyuiop[]asdfghjkl;'\\\\zxcvbnm,./`",
        '!@#$%^&*()_+QWERTYUIOP{}ASDFGHJKL:"||ZXCVBNM<>?~',
        {},
    ),
    "uk": _layout(
        "1234567890-=qwertyuiop[]asdfghjkl;'#\\zxcvbnm,./`",
        '!"£$%^&*()_+QWERTYUIOP{}ASDFGHJKL:@~|ZXCVBNM<>?¬',
        {5: "€"},
    ),
    "de": _layout(
        "1234567890ß´qwertzuiopü+asdfghjklöä#<yxcvbnm,.-^",
        "!\"§$%&/()=?`QWERTZUIOPÜ*ASDFGHJKLÖÄ'>YXCVBNM;:_°",
        {3: "²", 4: "³", 8: "{", 9: "[", 10: "]", 11: "}", 12: "\\", 16: "@", 18: "€"}
        | {27: "~", 50: "µ", 86: "|"},
        ((13, "´"), (13, "`"), (41, "^")),
    ),
    "fr": _layout(
        "&é\"'(-è_çà)=azertyuiop^$qsdfghjklmù*<wxcvbn,;:!²",
        "1234567890°+AZERTYUIOP¨£QSDFGHJKLM%µ>WXCVBN?./§\0",
        {3: "~", 4: "#", 5: "{", 6: "[", 7: "|", 8: "`", 9: "\\", 10: "^", 11: "@", 12: "]"}
        | {13: "}", 18: "€", 27: "¤"},
        ((26, "^"), (26, "¨"), (3, "~"), (8, "`")),
    ),
}
_COMBINING: Final = {"´": "\u0301", "`": "\u0300", "^": "\u0302", "¨": "\u0308", "~": "\u0303"}


class Pressed(NamedTuple):
    """What a key gives: a character, and whether it waits for the next one as an accent."""

    mark: str
    dead: bool = False


def character(layout: Layout, code: int, held: frozenset[int], caps: bool) -> Pressed | None:
    """Return what `code` gives while `held` are down; None for a key without a character."""
    if held & METAS:
        return None
    ctrl, shift = bool(held & CTRLS), bool(held & SHIFTS)
    # Ctrl and Alt together are what AltGr is on other systems.
    alt_gr = ALT_GR in held or (ctrl and ALT in held and code in layout.alt_gr)
    if not alt_gr and ALT in held:
        return None
    if code in _EVERYWHERE and not ctrl:
        return Pressed(_EVERYWHERE[code])
    mark = _mark(layout, code, shift=shift, caps=caps, alt_gr=alt_gr)
    if ctrl and not (alt_gr and mark and ALT in held):
        return _control(layout, code, mark, shift)
    return None if mark is None else Pressed(mark, (code, mark) in layout.dead)


def _mark(layout: Layout, code: int, *, shift: bool, caps: bool, alt_gr: bool) -> str | None:
    if alt_gr:
        return layout.alt_gr.get(code)
    # Caps Lock turns letters round, and leaves digits and marks.
    letter = layout.plain.get(code, "").isalpha() and layout.shifted.get(code, "").isalpha()
    return (layout.shifted if shift != (caps and letter) else layout.plain).get(code)


def _control(layout: Layout, code: int, mark: str | None, shift: bool) -> Pressed | None:
    """Ctrl+M is CR, Ctrl+] is GS: by the layout's own character, else by the key's place."""
    us = LAYOUTS["us"]
    for found in (mark, layout.plain.get(code), (us.shifted if shift else us.plain).get(code)):
        if found and "@" <= found.upper() <= "_":
            return Pressed(chr(ord(found.upper()) & 0x1F))
    return None


def by_number(digits: str) -> str | None:
    """Return what Alt and a number give: `029` is GS, with a leading zero as Windows-1252."""
    number = int(digits)
    if number > 255:
        return None
    if number < 128:
        return chr(number)
    return bytes((number,)).decode("cp1252" if digits[0] == "0" else "cp437", "ignore") or None


def composed(accent: str, mark: str) -> str:
    """Return what an accent and the next character give: one letter, or both as they are."""
    if mark == " ":
        return accent
    one = unicodedata.normalize("NFC", mark + _COMBINING[accent])
    return one if len(one) == 1 else accent + mark
