"""Reads a retailer's brand from its file and makes the stylesheet that every screen gets.

It must never stop a hub: a brand that cannot be used is a sentence that names the line, and the
hub looks as it does without one.
"""

import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

from hub.brand import colours, tokens
from hub.errors import Invalid

FILE: Final = "brand.toml"
NAME_LETTERS: Final = 40
MOST_FONTS: Final = 8
MOST_RADIUS: Final = 28  # px; more makes pills of panels
LOGO_KIB: Final = 256
# Behind the brand's fonts: what a device has if it has none of them.
FONTS: Final = ("Inter", "Noto Sans", "DejaVu Sans")
PNG: Final = b"\x89PNG\r\n\x1a\n"
SCHEMES: Final = ("light", "dark")
KEYS: Final = ("name", "logo", "radius", "font", *SCHEMES)

_FONT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,47}", re.ASCII)


class BrandError(Invalid):
    """The file cannot be used; str() is one sentence that names the line."""


@dataclass(frozen=True)
class Brand:
    """What the screens need of a brand. Without a file all of it is empty."""

    name: str = ""
    css: bytes = b""
    logo: bytes = b""
    logo_kind: str = ""
    accent: str = ""  # in light, for the phone's frame
    ground: str = ""
    version: str = ""


def chosen(directory: Path, file: str = FILE) -> tuple[Brand, str]:
    """Return the store's brand and no sentence, or the own look and why (empty: no file)."""
    if file == FILE and not (directory / file).exists():
        return Brand(), ""
    try:
        return read(directory, file), ""
    except BrandError as error:
        return Brand(), error.sentence
    except (ValueError, RecursionError) as error:  # of what TOML allows and nobody writes
        return Brand(), f"{file} cannot be used: {error}."


def read(directory: Path, file: str = FILE) -> Brand:
    """Return the brand that stands in `directory / file`. Raises BrandError."""
    text = _text(directory, file)
    wrong = _Wrong(file, text)
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BrandError(f"{file} is no TOML: {error}.") from error
    for key in given:
        if key not in KEYS:
            raise wrong(key, f"there is no such token; known are {', '.join(KEYS)}")
    name = _name(given, wrong)
    logo, kind = _logo(directory / file, given, wrong)
    schemes = {scheme: _scheme(scheme, given, wrong) for scheme in SCHEMES}
    sheet = _sheet(schemes, _radius(given, wrong), _fonts(given, wrong)).encode()
    version = hashlib.sha256(sheet + logo + name.encode()).hexdigest()[:10]
    light = schemes["light"]
    return Brand(name, sheet, logo, kind, light["accent"], light["bg"], version)


class _Wrong:
    """Says where in the file a token stands, which TOML itself forgets."""

    def __init__(self, file: str, text: str) -> None:
        self._file, self._lines = file, text.splitlines()

    def __call__(self, key: str, why: str, table: str = "") -> BrandError:
        named = f"{table}.{key}" if table else key
        return BrandError(f"{self._file}, line {self._line(key, table)}, {named}: {why}.")

    def _line(self, key: str, table: str) -> int:
        inside, began = "", 1
        for number, line in enumerate(self._lines, 1):
            head = re.match(r"\s*\[\s*(\w+)\s*\]", line)
            if head:
                inside = head[1]
                began = number if inside == table else began
            dotted = re.match(rf"\s*{re.escape(table)}\s*\.\s*{re.escape(key)}\s*=", line)
            plain = re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", line)
            if (plain and inside == table) or (table and dotted) or (head and head[1] == key):
                return number
        return began


def _text(directory: Path, file: str) -> str:
    try:
        return (directory / file).read_text("utf-8")
    except FileNotFoundError as error:
        raise BrandError(f"There is no {file} in {directory} (setting brand_file).") from error
    except (OSError, UnicodeDecodeError) as error:
        raise BrandError(f"{file} cannot be read: {error}.") from error


def _name(given: Mapping[str, Any], wrong: _Wrong) -> str:
    name = given.get("name", "")
    if not isinstance(name, str) or len(name) > NAME_LETTERS or not (name + "x").isprintable():
        raise wrong("name", f"it is one line of text, up to {NAME_LETTERS} letters")
    return name.strip()


def _radius(given: Mapping[str, Any], wrong: _Wrong) -> int | None:
    radius = given.get("radius")
    if radius is None:
        return None
    if type(radius) is not int or not 0 <= radius <= MOST_RADIUS:
        raise wrong("radius", f"it is a whole number of px, 0 to {MOST_RADIUS}")
    return radius


def _fonts(given: Mapping[str, Any], wrong: _Wrong) -> list[str]:
    fonts = given.get("font", [])
    fonts = [fonts] if isinstance(fonts, str) else fonts
    if not isinstance(fonts, list) or len(fonts) > MOST_FONTS:
        raise wrong("font", f"it is a list of up to {MOST_FONTS} names of fonts")
    for font in fonts:
        if not isinstance(font, str) or not _FONT.fullmatch(font):
            raise wrong("font", f"{font!r} is no name of a font")
    return fonts


def _logo(file: Path, given: Mapping[str, Any], wrong: _Wrong) -> tuple[bytes, str]:
    name = given.get("logo")
    if name is None:
        return b"", ""
    if not isinstance(name, str) or not name or Path(name).name != name:
        raise wrong("logo", "it is the name of a file that stands beside this one")
    try:
        raw = (file.parent / name).read_bytes()
    except OSError as error:
        raise wrong("logo", f"there is no file {name} beside this one") from error
    if len(raw) > LOGO_KIB << 10:
        raise wrong("logo", f"{name} has {len(raw) >> 10} KiB, and {LOGO_KIB} is the most")
    if raw.startswith(PNG):
        return raw, "image/png"
    if not _is_drawing(raw):
        raise wrong("logo", f"{name} is neither PNG nor SVG")
    return raw, "image/svg+xml"


def _is_drawing(raw: bytes) -> bool:
    # Entities could make a page of terabytes out of these bytes; a drawing needs none.
    if b"<!DOCTYPE" in raw or b"<!ENTITY" in raw:
        return False
    try:
        return ElementTree.fromstring(raw).tag == "{http://www.w3.org/2000/svg}svg"
    except ElementTree.ParseError:
        return False


def _scheme(scheme: str, given: Mapping[str, Any], wrong: _Wrong) -> dict[str, str]:
    said = given.get(scheme, {})
    if not isinstance(said, dict):
        raise wrong(scheme, "it is a table of colours")
    found: dict[str, str] = {}
    for key, value in said.items():
        if key not in tokens.GIVEN:
            known = ", ".join(tokens.GIVEN)
            raise wrong(key, f"there is no such colour; known are {known}", scheme)
        colour = colours.parsed(value)
        if colour is None:
            raise wrong(key, f"{value!r} is no colour; write it as #rrggbb", scheme)
        found[key] = colour
    if scheme == "dark" and not said:
        found = _in_the_dark(given)
    try:
        return tokens.derived(scheme, found)
    except tokens.Unreadable as error:
        raise wrong(error.name, error.why, scheme) from error


def _in_the_dark(given: Mapping[str, Any]) -> dict[str, str]:
    """Return the light accent as it is seen at night: the shade of it that can be read there."""
    own = tokens.OWN["dark"]
    light = given.get("light", {})
    accent = colours.parsed(light.get("accent")) if isinstance(light, dict) else None
    if accent is None:
        return {}
    grounds = (own["bg"], own["surface"])
    return {"accent": colours.shade(accent, colours.WHITE, grounds, colours.READABLE)}


def _sheet(schemes: Mapping[str, Mapping[str, str]], radius: int | None, fonts: list[str]) -> str:
    light, dark = (_declared(schemes[scheme]) for scheme in SCHEMES)
    unless_light = ':root:not([data-theme="light"])'
    shape = dict(_shape(radius, fonts))
    # A logo is drawn for light ground; in the dark it keeps a piece of it.
    dark += f" --logo-plate: {schemes['light']['surface']};"
    return (
        f":root, :host {{ {light} {_declared(shape)} }}\n"
        f"@media (prefers-color-scheme: dark) {{ {unless_light} {{ {dark} }} }}\n"
        f':root[data-theme="dark"] {{ {dark} }}\n'
    )


def _shape(radius: int | None, fonts: list[str]) -> Iterator[tuple[str, str]]:
    if radius is not None:
        yield "radius", f"{radius}px"
    if fonts:
        named = ", ".join(f'"{font}"' for font in (*fonts, *FONTS))
        yield "sans", f"{named}, system-ui, sans-serif"


def _declared(values: Mapping[str, str]) -> str:
    return " ".join(f"--{name}: {value};" for name, value in values.items())
