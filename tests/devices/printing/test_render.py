"""What is laid out can be read again by a scanner and by people, on any paper, in any script."""

import io
from pathlib import Path

import pytest
from escpos.printer import Dummy
from PIL import Image, ImageChops

from devices.printing import escpos
from devices.printing.letters import Letters
from devices.printing.render import DOTS, Paper, png, render
from devices.printing.symbols import symbol
from hub.printing.document import Block, Document, Item, Pair, Rule, Symbol, Symbology, Text
from tests.devices.printing.desk import codes, slip

WIDE, NARROW = Paper(DOTS[80]), Paper(DOTS[58])


def drawn(*blocks: Block, lang: str = "en", paper: Paper = WIDE) -> Image.Image:
    return render(Document("test", lang, blocks), paper)


def ink(picture: Image.Image) -> tuple[int, int, int, int] | None:
    """Return the box around what is dark."""
    return ImageChops.invert(picture.convert("L")).getbbox()


@pytest.mark.parametrize("paper", [WIDE, NARROW])
@pytest.mark.parametrize(
    ("symbology", "data"),
    [
        ("qr", "SH1:O:W-37afbd67f9"),
        ("qr", "SH1:O:" + "x" * 300),
        ("ean13", "4006381333931"),
        ("ean8", "96385074"),
        ("itf14", "10614141000033"),
        ("code128", "SKU-4711/b"),
    ],
)
def test_a_scanner_reads_what_was_drawn(paper: Paper, symbology: Symbology, data: str) -> None:
    picture = drawn(Text("above"), Symbol(symbology, data, "below"), Text("under"), paper=paper)
    assert codes(picture) == [data]
    assert picture.width == paper.dots


@pytest.mark.parametrize(
    ("symbology", "data"),
    [("ean13", "4006381333930"), ("ean13", "milk"), ("code128", "x" * 200), ("qr", "x" * 5000)],
)
def test_what_no_bars_can_say_is_said_in_letters(symbology: Symbology, data: str) -> None:
    assert symbol(symbology, data, WIDE.room) is None
    picture = drawn(Symbol(symbology, data))
    assert codes(picture) == []
    assert ink(picture) is not None


def test_a_slip_of_a_hundred_lines_is_whole() -> None:
    short, long = render(slip("R-1", 10), WIDE), render(slip("R-1", 100), WIDE)
    line = (render(slip("R-1", 11), WIDE).height) - short.height
    assert long.height == short.height + 90 * line
    assert codes(long) == ["SH1:O:R-1"]


@pytest.mark.parametrize("paper", [WIDE, NARROW])
@pytest.mark.parametrize(
    "name",
    [
        "Vollkorn-Roggenbrot geschnitten mit Sonnenblumenkernen und Zwiebelstückchen, 750 g",
        "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft",
        "حليب كامل الدسم طويل الأمد ١ لتر من مزارع الوادي الأخضر",
        "Cola 🥤🧊 Zero 👩‍👩‍👧 12 × 33 cl",
        "牛乳 1リットル",
        "นมสด",
        "a\tb\x00c\u202e\ufeff",
        "   ",
        "",
    ],
)
@pytest.mark.parametrize("lang", ["en", "ar"])
def test_no_name_leaves_the_paper(paper: Paper, name: str, lang: str) -> None:
    item = Item(name, "12 ×", "Kühlraum hinten", ("SKU-1", name), mark="write")
    blocks = (Text(name, "huge"), Pair(name, name), item, Item(name, "1 ×", name), Rule())
    box = ink(drawn(*blocks, lang=lang, paper=paper))
    assert box is not None
    assert box[0] >= 2
    assert box[2] <= paper.dots - 2


def test_arabic_is_set_from_the_right() -> None:
    english, arabic = drawn(Text("short")), drawn(Text("قصير"), lang="ar")
    left, right = ink(english), ink(arabic)
    assert left is not None
    assert right is not None
    assert left[0] < 30
    assert right[2] > WIDE.dots - 30


def test_arabic_letters_join() -> None:
    letters = Letters(40)
    joined, apart = letters.width("حليب"), sum(map(letters.width, "حليب"))
    assert joined < apart * 0.9


def test_a_picture_character_is_left_out_and_an_unknown_letter_is_a_box() -> None:
    letters = Letters(28)
    assert letters.width("🥤") == 0
    assert letters.width("牛") > 0


def test_another_font_brings_its_letters() -> None:
    other = Path("/usr/share/fonts/truetype/noto/NotoSansThai-Regular.ttf")
    if not other.exists():
        pytest.skip("no other font lies here: apt-get install fonts-noto-core")
    plain, helped = WIDE, Paper(WIDE.dots, (str(other),))
    texts = [drawn(Text("นมสด"), paper=paper) for paper in (plain, helped)]
    assert texts[0].tobytes() != texts[1].tobytes()


def test_a_price_and_its_currency_stay_on_one_line_with_their_space() -> None:
    letters = Letters(28)
    assert letters.broken("1,29\xa0€", letters.width("1,29") + 4) != ["1,29", "€"]
    assert letters.width("1,29\xa0€") == letters.width("1,29 €") > letters.width("1,29€")


def test_a_long_word_is_broken_behind_its_hyphen_before_it_is_cut() -> None:
    letters = Letters(28)
    room = letters.width("Roggenbrot-")
    assert letters.broken("Vollkorn-Roggenbrot", room) == ["Vollkorn-", "Roggenbrot"]
    assert letters.broken("Vollkorn-Roggenbrot", 2 * room) == ["Vollkorn-Roggenbrot"]
    assert "".join(letters.broken("Unterbeamtengesellschaft", 90)) == "Unterbeamtengesellschaft"


def test_the_preview_is_what_is_printed_dot_for_dot() -> None:
    document = slip("R-1")
    shown = Image.open(io.BytesIO(png(document, WIDE))).convert("1")
    assert shown.tobytes() == render(document, WIDE).tobytes()


def test_the_raster_is_what_python_escpos_would_send() -> None:
    picture = render(slip("R-1", 2), WIDE).crop((0, 0, 576, escpos.ROWS))
    other = Dummy()
    other.image(picture, impl="bitImageRaster", center=False)
    assert escpos.harmless(other.output) == escpos.raster(picture)


@pytest.mark.parametrize("command", [b"\x10\x04\x01", b"\x10\x14\x01\x00\x01", b"\x10\x05\x02"])
def test_no_picture_holds_what_a_printer_takes_for_a_real_time_command(command: bytes) -> None:
    dots = bytes(byte ^ 0xFF for byte in command.ljust(72, b"\0"))
    data = escpos.raster(Image.frombytes("1", (576, 1), dots))
    for part in (b"\x10\x04", b"\x10\x05", b"\x10\x14"):
        assert part not in data
    assert sum(a != b for a, b in zip(data[8:], command, strict=False)) <= 2
    head = escpos.raster(Image.new("1", (576, 64), 1))[:8]
    assert head == b"\x1dv0\x00\x48\x00\x40\x00"
