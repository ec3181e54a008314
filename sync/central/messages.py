"""Gathers what central says to customers into its catalogues: `python -m sync.central.messages`.

It must never guess a translation: a text that changed is a new text, and waits for its words.
"""

from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from .words import LANGUAGES, LOCALES

ROOT: Final = Path(__file__).parent
# No dates: who gathers twice changes nothing.
HEAD: Final = """msgid ""
msgstr ""
"Language: {lang}\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""
KEYWORDS: Final = {"_": None, "later": None, "say": None, "words": None}


def gathered() -> list[str]:
    """Return each text once, where it is first said."""
    found = extract_from_dir(
        str(ROOT),
        [("**.py", "python"), ("templates/**.html", "jinja2.ext:babel_extract")],
        {"templates/**.html": {"silent": "false"}},
        keywords=KEYWORDS,
    )
    return list(dict.fromkeys(str(text) for _name, _line, text, _said, _context in found))


def catalog(lang: str) -> Catalog:
    """Return a language's catalogue with every text that is said, and no other."""
    path = LOCALES / f"{lang}.po"
    known = Catalog(locale=lang)
    if path.is_file():
        with path.open("rb") as file:
            known = read_po(file, locale=lang)
    whole = Catalog(locale=lang, project="central", fuzzy=False)
    for text in gathered():
        message = known.get(text)
        whole.add(text, message.string if message is not None else "")
    return whole


def main() -> None:
    """Write the catalogues."""
    LOCALES.mkdir(exist_ok=True)
    for lang in LANGUAGES:
        if lang != "en":
            whole = catalog(lang)
            with (LOCALES / f"{lang}.po").open("wb") as file:
                file.write(HEAD.format(lang=lang).encode())
                write_po(file, whole, omit_header=True, width=0)


if __name__ == "__main__":
    main()
