"""Says central's sentences in a customer's language, on pages and in notices.

It must never fail for a language that nobody translated: its words are English then.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Final

from babel import Locale
from babel.dates import format_datetime
from babel.messages.pofile import read_po
from babel.numbers import format_currency, get_currency_precision
from flask import g, has_request_context, request

from hub.clock import parse

LOCALES: Final = Path(__file__).parent / "locales"
LANGUAGES: Final[Mapping[str, str]] = {
    "en": "English",
    "de": "Deutsch",
    "es": "Español",
    "ar": "العربية",
}
RIGHT_TO_LEFT: Final = frozenset({"ar"})


@dataclass(frozen=True)
class Words:
    """Says things in one of `LANGUAGES`."""

    lang: str = "en"

    def __call__(self, text: str, **values: object) -> str:
        """Return `text`, which is English, in the language; `%(name)s` takes a value."""
        said = _catalog(self.lang).get(text) or text
        return said % values if values else said

    @property
    def direction(self) -> str:
        return "rtl" if self.lang in RIGHT_TO_LEFT else "ltr"

    def money(self, minor: int | None, currency: str) -> str:
        """Return an amount as people write it; "" for none."""
        if minor is None:
            return ""
        amount = minor / 10 ** get_currency_precision(currency)
        return format_currency(amount, currency, locale=_locale(self.lang))

    def moment(self, at: datetime | str) -> str:
        """Return a time with its day, in UTC: central does not know where its reader is."""
        when = parse(at) if isinstance(at, str) else at
        return format_datetime(when, "EEE d MMM, HH:mm 'UTC'", locale=_locale(self.lang))


def later(text: str) -> str:
    """Mark a sentence of a table; it is looked up where it is shown."""
    return text


def nearest(tag: str | None) -> str | None:
    """Return the language of `LANGUAGES` that a tag such as `de-AT` asks for."""
    found = (tag or "").partition("-")[0].lower()
    return found if found in LANGUAGES else None


def speak(tag: str | None) -> None:
    """Let the rest of this request speak `tag`, unless its reader chose another language."""
    lang = nearest(request.args.get("lang")) or nearest(tag)
    g.words = Words(lang or request.accept_languages.best_match(LANGUAGES) or "en")


def words() -> Words:
    """Return the words of this request."""
    if not has_request_context():
        return Words()
    if "words" not in g:
        speak(None)
    found: Words = g.words
    return found


def _(text: str, /, **values: object) -> str:
    """Return `text` in the language of this request."""
    return words()(text, **values)


@lru_cache(maxsize=8)
def _locale(lang: str) -> Locale:
    return Locale.parse(lang)


@lru_cache(maxsize=8)
def _catalog(lang: str) -> Mapping[str, str]:
    path = LOCALES / f"{lang}.po"
    if not path.is_file():
        return {}
    with path.open("rb") as file:
        known = read_po(file, locale=lang)
    return {str(message.id): str(message.string) for message in known if message.id}
