"""Sets lines of text of any script with the fonts that ship here: width, breaking, drawing.

It must never fail for a character that no font has: a picture character is left out, a letter
becomes an empty box that a person can see.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

from PIL import ImageDraw, ImageFont, features

FONTS: Final = Path(__file__).parent / "fonts"
REGULAR: Final = FONTS / "DejaVuSansCondensed.ttf"
BOLD: Final = FONTS / "DejaVuSansCondensed-Bold.ttf"
# Joiners and variation selectors mean nothing without the picture that they change.
_INVISIBLE: Final = frozenset({0x200D, 0xFE0E, 0xFE0F, 0x20E3, 0xFEFF})
_MISSING: Final = "\U0010fffe"
# Raqm shapes Arabic and orders what is set from right to left; without it letters stand apart.
_SHAPED: Final = bool(features.check("raqm"))

Font = ImageFont.FreeTypeFont


class Letters:
    """One size and weight. `extra` fonts are asked, in order, for what the own font lacks."""

    def __init__(self, px: int, *, bold: bool = False, extra: Sequence[str] = ()) -> None:
        own = BOLD if bold else REGULAR
        self._fonts = [_font(str(path), px) for path in (own, *extra)]
        ascent, descent = self._fonts[0].getmetrics()
        self.ascent = ascent
        self.height = ascent + descent

    def width(self, text: str) -> int:
        """Return how many dots `text` takes."""
        return round(sum(font.getlength(part) for font, part in self._runs(text)))

    def broken(self, text: str, room: int) -> list[str]:
        """Return `text` as lines of at most `room` dots; a word that is longer is cut."""
        lines: list[str] = []
        for paragraph in text.split("\n"):
            line = ""
            for glue, word in _words(paragraph):
                if not any(True for _ in self._runs(word)):
                    continue
                longer = f"{line}{glue}{word}" if line else word
                if self.width(longer) <= room:
                    line = longer
                    continue
                if line:
                    lines.append(line)
                *whole, line = self._cut(word, room)
                lines += whole
            lines.append(line)
        return lines

    def longest(self, text: str) -> int:
        """Return the dots of the widest piece that is not broken by itself."""
        return max((self.width(word) for _, word in _words(text)), default=0)

    def draw(self, draw: ImageDraw.ImageDraw, x: int, y: int, text: str, *, rtl: bool) -> None:
        """Draw one line with its upper left corner at (x, y)."""
        runs = list(self._runs(text))
        if rtl and len(runs) > 1:
            runs.reverse()
        direction = ("rtl" if rtl else "ltr") if _SHAPED else None
        at = float(x)
        for font, part in runs:
            # On the common baseline: fonts of one size differ in their ascent.
            where = (at, y + self.ascent)
            draw.text(where, part, font=font, fill=0, anchor="ls", direction=direction)
            at += font.getlength(part)

    def _cut(self, word: str, room: int) -> list[str]:
        pieces, piece = [], ""
        for character in word:
            if piece and self.width(piece + character) > room:
                pieces.append(piece)
                piece = ""
            piece += character
        return [*pieces, piece]

    def _runs(self, text: str) -> Iterator[tuple[Font, str]]:
        """Yield parts of `text` with the font that has them; usually it is one."""
        run, holder = "", self._fonts[0]
        for character in _printable(text):
            font = self._holder(character)
            if font is None:
                if unicodedata.category(character) in ("So", "Cn", "Co", "Sk"):
                    continue
                font = self._fonts[0]
            if font is not holder and run:
                yield holder, run
                run = ""
            holder = font
            run += character
        if run:
            yield holder, run

    def _holder(self, character: str) -> Font | None:
        # A space or a comma stays with the letters before it.
        return next((font for font in self._fonts if _has(font, character)), None)


def _words(paragraph: str) -> Iterator[tuple[str, str]]:
    """Yield (what joins it to the one before, word): broken at spaces and behind hyphens.

    A space that binds stays inside its word: a price and its currency stand together.
    """
    for word in re.split("[ \t]+", paragraph):
        glue = " "
        for part in re.split(r"(?<=\w-)(?=\w)", word):
            yield glue, part
            glue = ""


def _printable(text: str) -> str:
    """Return `text` composed, without control characters and what only changes pictures."""
    composed = unicodedata.normalize("NFC", text)
    return "".join(" " if unicodedata.category(c) == "Zs" else c for c in composed if _shown(c))


def _shown(character: str) -> bool:
    if ord(character) in _INVISIBLE:
        return False
    return character.isprintable() or unicodedata.category(character) in ("Cf", "Zs")


@lru_cache(maxsize=64)
def _font(path: str, px: int) -> Font:
    return ImageFont.truetype(path, px)


@lru_cache(maxsize=8192)
def _has(font: Font, character: str) -> bool:
    """Say whether `font` has this character: what it lacks looks like what nobody has."""
    if character.isspace() or unicodedata.category(character) in ("Cf", "Mn"):
        return True
    return bytes(font.getmask(character)) != _unknown(font)


@lru_cache(maxsize=64)
def _unknown(font: Font) -> bytes:
    return bytes(font.getmask(_MISSING))
