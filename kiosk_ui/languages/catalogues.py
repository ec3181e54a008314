"""Reads the screens' catalogues, one folder a language; English is the source and has none.

It must never need a compile step: what lies in the package is the .po file that people edit.
"""

import io
from functools import lru_cache
from pathlib import Path
from typing import Final

from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask_babel import Domain, get_locale

LOCALES: Final = Path(__file__).parent.parent / "locales"
SOURCE: Final = "en"
# What the screens say, and what the hub's rules say (kiosk_ui.languages.sentences).
SCREENS: Final = "messages"
RULES: Final = "sentences"


def path(language: str, domain: str) -> Path:
    return LOCALES / language / f"{domain}.po"


@lru_cache(maxsize=1)
def languages() -> dict[str, str]:
    """Return each language with its own name, the source first: `{"en": "English", …}`."""
    found = sorted(one.parent.name for one in LOCALES.glob(f"*/{SCREENS}.po"))
    return {one: (Locale.parse(one).get_language_name(one) or one) for one in [SOURCE, *found]}


def read(language: str, domain: str) -> Catalog:
    """Return a catalogue as it lies on disk."""
    with path(language, domain).open("rb") as file:
        return read_po(file, locale=language)


class Catalogues(Domain):  # type: ignore[misc]  # flask_babel has no types
    """Looks texts up in the .po files; each is read once, when it is first asked for."""

    def get_translations(self) -> NullTranslations:
        locale = get_locale()
        return loaded(str(locale) if locale else SOURCE)


@lru_cache(maxsize=32)
def loaded(language: str) -> NullTranslations:
    """Return the texts of one language; what it lacks is English."""
    if not path(language, SCREENS).is_file():
        return NullTranslations()
    compiled = io.BytesIO()
    write_mo(compiled, read(language, SCREENS))
    compiled.seek(0)
    return Translations(compiled, domain=SCREENS)
