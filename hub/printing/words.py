"""The words on paper in the language that was asked for, with its numbers, money and times.

It must never fail for a language that nobody translated: its words are English then, and names of
products, numbers and times still follow it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_datetime
from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_decimal

from hub.clock import parse
from hub.errors import Invalid

LOCALES: Final = Path(__file__).parent / "locales"


@dataclass(frozen=True)
class Words:
    """Says things in `lang` for a store in time zone `zone`."""

    lang: str = "en"
    zone: str = "UTC"

    def __call__(self, text: str, **values: object) -> str:
        """Return `text`, which is English, in the language; `%(name)s` takes a value."""
        said = _catalog(self.lang.partition("-")[0]).get(text) or text
        return said % values if values else said

    def money(self, minor: int, currency: str) -> str:
        digits = CURRENCY_DIGITS.get(currency, 2)
        return format_currency(minor / 10**digits, currency, locale=locale(self.lang))

    def number(self, value: float) -> str:
        return format_decimal(value, locale=locale(self.lang))

    def amount(self, qty: int, unit: str) -> str:
        """Return how much of something: pieces as `2 ×`, grams as a weight."""
        if unit != "gram":
            return f"{self.number(qty)} ×"
        if qty >= 1000:
            return f"{self.number(qty / 1000)} kg"
        return f"{self.number(qty)} g"

    def language(self, tag: str) -> str:
        """Return a language's name in this one; a tag that nobody knows stays as it is."""
        try:
            named = Locale.parse(tag, sep="-").get_display_name(locale(self.lang))
        except (UnknownLocaleError, ValueError):
            named = None
        return named or tag

    def moment(self, at: datetime | str) -> str:
        """Return a time in the store's zone with its day."""
        when = parse(at) if isinstance(at, str) else at
        local = when.astimezone(ZoneInfo(self.zone))
        return format_datetime(local, "EEE d MMM, HH:mm", locale=locale(self.lang))


# Currencies without the usual two digits (ISO 4217), as the screens show them.
CURRENCY_DIGITS: Final[Mapping[str, int]] = {"JPY": 0, "KRW": 0, "BHD": 3, "KWD": 3}


@lru_cache(maxsize=32)
def locale(lang: str) -> Locale:
    """Return what is known of a language. Raises Invalid for a tag that is none."""
    try:
        return Locale.parse(lang, sep="-")
    except (UnknownLocaleError, ValueError, TypeError) as error:
        raise Invalid(f"{lang[:20]!r} is no language tag such as de or pt-BR.", field="lang") from (
            error
        )


@lru_cache(maxsize=16)
def _catalog(language: str) -> Mapping[str, str]:
    path = LOCALES / f"{language}.po"
    if not path.is_file():
        return {}
    with path.open("rb") as file:
        known = read_po(file)
    return {str(message.id): str(message.string) for message in known if message.id}
