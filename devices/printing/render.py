"""Lays a document out as dots: the same picture for the printer and for the preview.

It must never leave anything of a document out, and never draw wider than the paper.
"""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from PIL import Image, ImageDraw

from devices.printing.letters import Letters
from devices.printing.symbols import symbol
from hub.printing.document import (
    Align,
    Block,
    Document,
    Item,
    Pair,
    Rule,
    Size,
    Symbol,
    Text,
    right_to_left,
)

# Dots that a print head of that paper has at 203 dpi.
DOTS: Final = {58: 384, 80: 576}
SIZES: Final[dict[Size, int]] = {"small": 22, "body": 28, "large": 40, "huge": 104}
SMALLEST: Final = 18
MARGIN: Final = 8
GAP: Final = 10
# Darker than this is ink: edges of letters are drawn in greys first.
INK: Final = 150

Draw = Callable[[ImageDraw.ImageDraw, int], None]


@dataclass(frozen=True)
class Placed:
    """A block that knows its height, and draws itself at a height of the paper."""

    height: int
    draw: Draw


@dataclass(frozen=True)
class Paper:
    """What a document is laid out on. `extra`: fonts for scripts that the own ones lack."""

    dots: int = DOTS[80]
    extra: tuple[str, ...] = ()

    def letters(self, size: Size, *, bold: bool = False) -> Letters:
        return Letters(SIZES[size], bold=bold, extra=self.extra)

    @cached_property
    def room(self) -> int:
        return self.dots - 2 * MARGIN


def render(document: Document, paper: Paper) -> Image.Image:
    """Return `document` as a picture of one bit a dot (0 is ink), as wide as the paper."""
    rtl = right_to_left(document.lang)
    placed = [_placed(block, paper, rtl) for block in document.blocks]
    height = MARGIN + sum(one.height + GAP for one in placed) + MARGIN
    picture = Image.new("L", (paper.dots, height), 255)
    draw = ImageDraw.Draw(picture)
    y = MARGIN
    for one in placed:
        one.draw(draw, y)
        y += one.height + GAP
    return picture.point(lambda shade: 255 if shade > INK else 0).convert(
        "1", dither=Image.Dither.NONE
    )


def png(document: Document, paper: Paper) -> bytes:
    """Return the preview: exactly the dots that would be printed."""
    return as_png(render(document, paper))


def as_png(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()


def _placed(block: Block, paper: Paper, rtl: bool) -> Placed:
    match block:
        case Text():
            return _text(block, paper, rtl)
        case Pair():
            return _pair(block, paper, rtl)
        case Item():
            return _item(block, paper, rtl)
        case Symbol():
            return _symbol(block, paper, rtl)
        case Rule():
            thick = 5 if block.heavy else 2
            return Placed(
                thick + 4,
                lambda draw, y: draw.rectangle(
                    (MARGIN, y + 2, paper.dots - MARGIN - 1, y + 1 + thick), fill=0
                ),
            )


def _text(block: Text, paper: Paper, rtl: bool) -> Placed:
    letters = paper.letters(block.size, bold=block.bold)
    if block.size == "huge":
        # What is meant to be read from afar is made smaller before it is broken.
        letters = _fitting(block.text, SIZES["huge"], paper.room, block.bold, paper.extra)
    lines = letters.broken(block.text, paper.room)

    def draw(on: ImageDraw.ImageDraw, y: int) -> None:
        _set(on, letters, lines, MARGIN, y, paper.room, block.align, rtl)

    return Placed(letters.height * len(lines), draw)


def _fitting(text: str, px: int, room: int, bold: bool, extra: Sequence[str]) -> Letters:
    letters = Letters(px, bold=bold, extra=extra)
    while px > SMALLEST and letters.longest(text) > room:
        px -= 4
        letters = Letters(px, bold=bold, extra=extra)
    return letters


def _pair(block: Pair, paper: Paper, rtl: bool) -> Placed:
    label = paper.letters(block.size)
    value = paper.letters(block.size, bold=block.bold)
    room = paper.room
    beside = label.width(block.label) + 2 * GAP + value.width(block.value) <= room
    labels = label.broken(block.label, room)
    values = value.broken(block.value, room)
    below = 0 if beside else label.height * len(labels)

    def draw(on: ImageDraw.ImageDraw, y: int) -> None:
        _set(on, label, labels, MARGIN, y, room, "start", rtl)
        _set(on, value, values, MARGIN, y + below, room, "end", rtl)

    return Placed(below + value.height * len(values), draw)


def _item(block: Item, paper: Paper, rtl: bool) -> Placed:
    """[tick] qty  name …  place, and below the name what stands beside it in small."""
    name = paper.letters("body", bold=True)
    small = paper.letters("small")
    chip = paper.letters("body", bold=True)
    first = 28 + 12 if block.mark == "tick" else 0
    qty = max(78, name.width(block.qty) + 14) if block.qty else 0
    field = 120 if block.mark == "write" else 0
    place = min(chip.width(block.place), paper.room // 2) + 20 if block.place else 0
    room = paper.room - first - qty - max(place, field) - 12
    if place and (room < paper.room // 3 or name.longest(block.name) > room):
        # A place of many letters, or beside a name of long words, gets a line of its own.
        room = paper.room - first - qty
    own_line = place > 0 and room == paper.room - first - qty
    places = chip.broken(block.place, paper.room - first - qty - 20) if block.place else []
    names = name.broken(block.name, room)
    notes = small.broken(" · ".join(block.notes), room) if block.notes else []
    top = chip.height * len(places) + 8 if own_line else 0
    text_height = top + name.height * len(names) + small.height * len(notes)
    beside = 0 if own_line else chip.height * len(places)
    height = max(text_height, beside + (name.height + 16 if field else 0), 34) + 8
    across = _Across(paper.dots, rtl)

    def draw(on: ImageDraw.ImageDraw, y: int) -> None:
        if block.mark == "tick":
            on.rectangle(across(MARGIN, y + 4, 28, 28), outline=0, width=3)
        start = MARGIN + first
        if block.qty:
            _put(on, name, block.qty, across.x(start, qty), y, qty, "start", rtl)
        start += qty
        x = across.x(start, room)
        for number, line in enumerate(names):
            _put(on, name, line, x, y + top + number * name.height, room, "start", rtl)
        below = y + top + len(names) * name.height
        for number, line in enumerate(notes):
            _put(on, small, line, x, below + number * small.height, room, "start", rtl)
        if block.place:
            _chip(on, chip, places, y, start if own_line else None, paper, rtl)
        if field:
            upper = y + beside + 6
            box = across(paper.dots - MARGIN - field, upper, field, name.height + 8)
            on.rectangle(box, outline=0, width=2)

    return Placed(height, draw)


def _chip(
    on: ImageDraw.ImageDraw,
    letters: Letters,
    lines: Sequence[str],
    y: int,
    start: int | None,
    paper: Paper,
    rtl: bool,
) -> None:
    """Draw a place dark on light turned round, at `start` or at the line's end."""
    width = max(map(letters.width, lines)) + 20
    left = paper.dots - MARGIN - width if start is None else start
    height = letters.height * len(lines)
    across = _Across(paper.dots, rtl)
    turned = Image.new("L", (width, height), 255)
    inner = ImageDraw.Draw(turned)
    for number, line in enumerate(lines):
        _put(inner, letters, line, 10, number * letters.height, width - 20, "center", rtl)
    on.bitmap((across.x(left, width), y), turned, fill=0)


def _symbol(block: Symbol, paper: Paper, rtl: bool) -> Placed:
    drawn = symbol(block.symbology, block.data, paper.room)
    if drawn is None:
        # What no bars can say is said in letters, for a person to type.
        return _text(Text(block.data, "body", bold=True, align="center"), paper, rtl)
    caption = paper.letters("body")
    lines = caption.broken(block.caption, paper.room) if block.caption else []

    def draw(on: ImageDraw.ImageDraw, y: int) -> None:
        left = (paper.dots - drawn.width) // 2
        on.bitmap((left, y), drawn.point(lambda shade: 255 - shade), fill=0)
        _set(on, caption, lines, MARGIN, y + drawn.height + 4, paper.room, "center", rtl)

    return Placed(drawn.height + 4 + caption.height * len(lines), draw)


@dataclass(frozen=True)
class _Across:
    """Turns places counted from a line's start into places counted from the left."""

    dots: int
    rtl: bool

    def x(self, start: int, width: int) -> int:
        return self.dots - start - width if self.rtl else start

    def __call__(self, start: int, upper: int, width: int, height: int) -> tuple[int, ...]:
        left = self.x(start, width)
        return left, upper, left + width - 1, upper + height - 1


def _set(
    on: ImageDraw.ImageDraw,
    letters: Letters,
    lines: Sequence[str],
    x: int,
    y: int,
    room: int,
    align: Align,
    rtl: bool,
) -> None:
    for number, line in enumerate(lines):
        _put(on, letters, line, x, y + number * letters.height, room, align, rtl)


def _put(
    on: ImageDraw.ImageDraw,
    letters: Letters,
    line: str,
    x: int,
    y: int,
    room: int,
    align: Align,
    rtl: bool,
) -> None:
    """Set one line within `room` dots from `x` (the left end)."""
    spare = room - letters.width(line)
    at_right = (align == "end") != rtl
    shift = spare // 2 if align == "center" else spare if at_right else 0
    letters.draw(on, x + max(0, shift), y, line, rtl=rtl)
