"""What a sheet of paper says, as a few typed blocks that any printer can lay out.

It must never hold anything personal, and never a size in dots: the printer's side knows its paper.
"""

from typing import Final, Literal

import msgspec

Size = Literal["small", "body", "large", "huge"]
Align = Literal["start", "center", "end"]
Mark = Literal["tick", "write"]
Symbology = Literal["qr", "ean13", "ean8", "itf14", "code128"]


class _Block(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="block"):
    pass


class Text(_Block, frozen=True, tag="text"):
    """A paragraph; it breaks where the paper ends."""

    text: str
    size: Size = "body"
    bold: bool = False
    align: Align = "start"


class Pair(_Block, frozen=True, tag="pair"):
    """A label at the line's start and its value at the end."""

    label: str
    value: str
    size: Size = "body"
    bold: bool = True


class Item(_Block, frozen=True, tag="item"):
    """A line to fetch or to count: how many, what, where, and what stands beside it in small.

    `mark` leaves a square to tick, or a field to write a number into.
    """

    name: str
    qty: str = ""
    place: str = ""
    notes: tuple[str, ...] = ()
    mark: Mark = "tick"


class Symbol(_Block, frozen=True, tag="symbol"):
    """A barcode that holds `data`; `caption` stands below it for people."""

    symbology: Symbology
    data: str
    caption: str = ""


class Rule(_Block, frozen=True, tag="rule"):
    """A line across the paper; a `heavy` one ends a part."""

    heavy: bool = False


Block = Text | Pair | Item | Symbol | Rule


class Document(msgspec.Struct, frozen=True, omit_defaults=True):
    """`lang` is the language of the words; its script decides from which side lines are set."""

    kind: str
    lang: str
    blocks: tuple[Block, ...]


RIGHT_TO_LEFT: Final = frozenset({"ar", "fa", "he", "ur", "yi", "ps", "dv", "ckb"})


def right_to_left(lang: str) -> bool:
    """Say whether lines of this language begin at the right."""
    return lang.partition("-")[0].partition("_")[0].lower() in RIGHT_TO_LEFT
