"""A brand is taken whole, every text readable, or refused by a sentence that names the line."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from hub import brand
from hub.brand import colours, tokens
from hub.cli import storehub

LOGO = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path d="M0 0h8v8H0z"/></svg>'
SHEET = Path(__file__).parents[2] / "kiosk_ui" / "static" / "app.css"
COLOURS = st.integers(0, 0xFFFFFF).map(lambda value: f"#{value:06x}")
GROUNDS = ("bg", "surface", "surface-2", "sunken", "accent-soft")


def written(directory: Path, text: str) -> Path:
    (directory / "brand.toml").write_text(text)
    return directory


def refusal(directory: Path, text: str) -> str:
    found, wrong = brand.chosen(written(directory, text))
    assert found == brand.Brand()
    return wrong


def test_a_brand_decides_colours_name_logo_corners_and_fonts(tmp_path: Path) -> None:
    (tmp_path / "logo.svg").write_text(LOGO)
    found, wrong = brand.chosen(
        written(
            tmp_path,
            'name = "Corner Market"\nlogo = "logo.svg"\nradius = 6\nfont = ["Source Sans 3"]\n'
            '[light]\naccent = "#B32"\n',
        )
    )
    sheet = found.css.decode()
    assert (found.name, found.logo_kind, wrong) == ("Corner Market", "image/svg+xml", "")
    assert "--accent: #bb3322;" in sheet
    assert "--radius: 6px;" in sheet
    assert '--sans: "Source Sans 3", "Inter"' in sheet


def test_a_store_without_a_file_has_the_product_s_look(tmp_path: Path) -> None:
    assert brand.chosen(tmp_path) == (brand.Brand(), "")
    assert "There is no other.toml" in brand.chosen(tmp_path, "other.toml")[1]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            'name = "A"\n\n[light]\naccent = "#12345"',
            r"line 4, light\.accent: '#12345' is no colour",
        ),
        ('light.accent = "red"', r"line 1, light\.accent: 'red' is no colour"),
        (
            '[light]\naccent="#ffd500"\non_accent="#fff"',
            r"line 3, light\.on_accent: .* 1\.4, and 4",
        ),
        ('[light]\nsurface = "#777"', r"line 2, light\.surface: text #1a1d1f .* 3\.8"),
        ('[light]\nbackground = "#222"\ntext = "#fff"', r"light\.\w+: "),
        ('[dark]\naccent = "#fff"\n[light]\ntext_soft = "#bbb"', r"line 4, light\.text_soft: "),
        ('[light]\nbackground="#b3b3b3"\ntext="#000"', r"line 2, light\.background: .*late"),
        ('logo = "none.svg"', r"line 1, logo: there is no file none\.svg"),
        ('logo = "../hub.db"', r"line 1, logo: it is the name of a file"),
        ('logo = "brand.toml"', r"line 1, logo: brand\.toml is neither PNG nor SVG"),
        ('name = "A"\nradius = 99', r"line 2, radius: it is a whole number of px"),
        ('font = ["a; } body { display: none"]', r"line 1, font: .* no name of a font"),
        ('[light]\ncolour = "#fff"', r"line 2, light\.colour: there is no such colour"),
        ("shadow = 3", r"line 1, shadow: there is no such token"),
        ("name = [", r"brand\.toml is no TOML"),
        ("light = 3", r"line 1, light: it is a table"),
        (f'name = "{"a" * 41}"', r"line 1, name: "),
    ],
)
def test_what_cannot_be_used_is_a_sentence_that_names_the_line(
    tmp_path: Path, text: str, sentence: str
) -> None:
    assert re.search(sentence, refusal(tmp_path, text))


def test_a_logo_of_pages_within_pages_or_of_megabytes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "logo.svg").write_text("<!DOCTYPE svg [<!ENTITY a 'aa'>]>" + LOGO)
    assert "neither PNG nor SVG" in refusal(tmp_path, 'logo = "logo.svg"')
    (tmp_path / "logo.svg").write_bytes(brand.reading.PNG + bytes(300 << 10))
    assert "256 is the most" in refusal(tmp_path, 'logo = "logo.svg"')


@given(accent=COLOURS, scheme=st.sampled_from(("light", "dark")))
def test_whatever_the_accent_every_text_can_be_read(accent: str, scheme: str) -> None:
    found = tokens.derived(scheme, {"accent": accent})
    for ground in ("accent", "accent-strong"):
        assert colours.contrast(found["on-accent"], found[ground]) >= colours.READABLE
    for text in ("ink", "ink-2", "accent-ink"):
        for ground in GROUNDS:
            assert colours.contrast(found[text], found[ground]) >= colours.READABLE


@given(seeds=st.tuples(COLOURS, COLOURS, COLOURS), scheme=st.sampled_from(("light", "dark")))
def test_grounds_and_texts_are_readable_or_refused(
    seeds: tuple[str, str, str], scheme: str
) -> None:
    # Whiteish grounds, or blackish ones: of colours drawn freely nearly all are refused.
    far, near = (colours.WHITE, colours.BLACK)[:: 1 if scheme == "light" else -1]
    bg, surface = (colours.mixed(far, seed, 0.2) for seed in seeds[:2])
    ink = colours.mixed(near, seeds[2], 0.4)
    try:
        found = tokens.derived(scheme, {"background": bg, "surface": surface, "text": ink})
    except tokens.Unreadable:
        return
    for text in (found["ink"], found["ink-2"], found["accent-ink"]):
        for ground in GROUNDS:
            assert colours.contrast(text, found[ground]) >= colours.READABLE
    for state in tokens.STATES[scheme].values():
        for ground in ("bg", "surface", "surface-2", "sunken"):
            assert colours.contrast(state, found[ground]) >= colours.READABLE


def test_contrast_is_the_one_of_wcag() -> None:
    assert colours.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert colours.contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)
    assert colours.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_the_own_look_is_the_stylesheet_s() -> None:
    text = SHEET.read_text("utf-8")
    light = text[text.index(":root,") : text.index("@media (prefers-color-scheme")]
    dark = text[text.index(':root[data-theme="dark"] {') :]
    for scheme, block in (("light", light), ("dark", dark)):
        for token, colour in (tokens.OWN[scheme] | tokens.STATES[scheme]).items():
            said = re.search(rf"--{token}: ([^;]+);", block)
            assert said is not None
            assert said[1] == colour, (scheme, token)


def test_the_doctor_names_the_brand_or_what_is_wrong_with_it(tmp_path: Path) -> None:
    def said() -> dict[str, object]:
        done = CliRunner().invoke(storehub, ["doctor", "--data", str(tmp_path), "--json"])
        rows = json.loads(done.stdout[: done.stdout.rindex("]") + 1])
        found: dict[str, object] = next(row for row in rows if row["name"] == "brand")
        return found

    assert said() == {"name": "brand", "ok": True, "detail": "none"}
    written(tmp_path, 'name = "Corner Market"\n')
    assert said() == {"name": "brand", "ok": True, "detail": "brand.toml: Corner Market"}
    written(tmp_path, 'name = "Corner Market"\n[light]\naccent = "grün"\n')
    found = said()
    assert not found["ok"]
    assert "line 3, light.accent" in str(found["detail"])


@pytest.mark.parametrize(
    "text", ['logo = "a\\u0000.svg"', f"radius = {'9' * 5000}", f"font = {'[' * 5000}"]
)
def test_no_file_whatever_it_holds_stops_a_hub(tmp_path: Path, text: str) -> None:
    assert "brand.toml" in refusal(tmp_path, f"{text}\n")
