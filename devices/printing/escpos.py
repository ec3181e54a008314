"""The few ESC/POS commands that a picture on paper needs, and what a printer answers.

It must never open a drawer, and never let a picture's dots be taken for a real-time command.
Source: Epson's ESC/POS command reference (ESC @, GS v 0, GS V, GS r, DLE EOT).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from PIL import Image

START: Final = b"\x1b@"
# Feeds to the knife and cuts all but one point.
CUT: Final = b"\x1dV\x42\x00"
FEED: Final = b"\x1bd\x04"
# Answered in its turn: what was sent before it is on paper by then.
ASK_IN_TURN: Final = b"\x1dr\x01"
ROWS: Final = 64

# What a printer says of itself in real time: DLE EOT 1 printer, 2 why offline, 3 error, 4 paper.
QUESTIONS: Final = (1, 2, 3, 4)
NO_PAPER: Final = "no_paper"
COVER_OPEN: Final = "cover_open"
TROUBLE: Final = "trouble"
OFFLINE: Final = "offline"


@dataclass(frozen=True)
class Status:
    """`trouble` says why nothing can be printed now (None: ready); `low`: the roll ends soon."""

    trouble: str | None = None
    low: bool = False


def ask(question: int) -> bytes:
    return b"\x10\x04" + bytes([question])


def is_answer(byte: int) -> bool:
    """Say whether a byte answers DLE EOT: 0xx1xx10 in bits."""
    return byte & 0x93 == 0x12


def is_in_turn(byte: int) -> bool:
    """Say whether a byte answers GS r: 0xx0xxxx in bits."""
    return byte & 0x90 == 0


def status(answers: Mapping[int, int]) -> Status:
    """Read the answers to DLE EOT; what a person has to do first stands first."""
    printer, offline = answers.get(1, 0), answers.get(2, 0)
    error, paper = answers.get(3, 0), answers.get(4, 0)
    trouble = None
    if paper & 0x60 or offline & 0x20:
        trouble = NO_PAPER
    elif offline & 0x04:
        trouble = COVER_OPEN
    elif error & 0x28 or offline & 0x40:
        trouble = TROUBLE
    elif printer & 0x08:
        trouble = OFFLINE
    return Status(trouble, low=bool(paper & 0x0C))


def page(picture: Image.Image) -> Iterator[bytes]:
    """Yield the bytes that print `picture` (one bit a dot), in slices of 64 rows."""
    yield START
    for top in range(0, picture.height, ROWS):
        yield raster(picture.crop((0, top, picture.width, min(top + ROWS, picture.height))))


def raster(picture: Image.Image) -> bytes:
    """Return GS v 0 with the rows of `picture`, whose width is a multiple of 8."""
    across, rows = picture.width // 8, picture.height
    head = b"\x1dv0\x00" + across.to_bytes(2, "little") + rows.to_bytes(2, "little")
    # In Pillow a set bit is light; on paper it is ink.
    return head + harmless(bytes(byte ^ 0xFF for byte in picture.tobytes()))


# Some printers obey real-time commands inside a picture: ask, recover, and DLE DC4 with its
# drawer and its power switch. One more dot beside one that is there makes them dots again.
_HARMFUL: Final = (
    (b"\x10\x04", b"\x10\x0c"),
    (b"\x10\x05", b"\x10\x07"),
    (b"\x10\x14", b"\x10\x1c"),
)


def harmless(dots: bytes) -> bytes:
    for command, instead in _HARMFUL:
        dots = dots.replace(command, instead)
    return dots


def completion(dots: int) -> bytes:
    """Return what ends a picture that was cut off: white rows, which mean nothing elsewhere."""
    return bytes(dots // 8 * ROWS)
