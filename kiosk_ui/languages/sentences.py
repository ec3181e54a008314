"""Says a rule's English sentence in the reader's language.

Rules, stored replies and logs speak English, and know nothing of languages. The catalogue holds
each sentence as the source writes it, with `%(name)s` for a value; a sentence that comes out of
the hub is matched with it, its values are taken out and put into the translation. It must never
change a sentence that no catalogue knows: that one is shown as it is.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from flask_babel import get_locale

from kiosk_ui.languages.catalogues import RULES, SOURCE, path, read

VALUE: Final = re.compile(r"%\((\w+)\)s")


@dataclass(frozen=True)
class Template:
    """One sentence with values: what it looks like, and what it is in the language."""

    pattern: re.Pattern[str]
    fixed: int  # letters that are not a value's: the most exact template wins
    said: str


def told(sentence: str | None) -> str:
    """Return `sentence` in the language of this request."""
    locale = get_locale()
    return translated(sentence or "", str(locale) if locale else SOURCE)


def translated(sentence: str, language: str) -> str:
    """Return `sentence` in `language`; English where nobody translated it."""
    exact, templates = _known(language)
    if sentence in exact:
        return exact[sentence]
    for template in templates:
        found = template.pattern.fullmatch(sentence)
        if found is not None:
            # A value may be a word of the trade itself: what a state or a step is called.
            values = {name: exact.get(value, value) for name, value in found.groupdict().items()}
            return template.said % values
    return sentence


@lru_cache(maxsize=32)
def _known(language: str) -> tuple[dict[str, str], list[Template]]:
    if not path(language, RULES).is_file():
        return {}, []
    exact: dict[str, str] = {}
    templates: list[Template] = []
    for message in read(language, RULES):
        text, said = str(message.id), str(message.string)
        if not text or not said:
            continue
        if VALUE.search(text):
            templates.append(_template(text, said))
        else:
            exact[text.replace("%%", "%")] = said.replace("%%", "%")
    templates.sort(key=lambda one: -one.fixed)
    return exact, templates


def _template(text: str, said: str) -> Template:
    pieces = VALUE.split(text)  # literal, name, literal, name, …, literal
    literals = [piece.replace("%%", "%") for piece in pieces[::2]]
    pattern, seen = re.escape(literals[0]), set[str]()
    for name, literal in zip(pieces[1::2], literals[1:], strict=True):
        pattern += f"(?P={name})" if name in seen else f"(?P<{name}>.*?)"
        pattern += re.escape(literal)
        seen.add(name)
    return Template(re.compile(pattern, re.DOTALL), sum(map(len, literals)), said)
