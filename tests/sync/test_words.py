"""What central says to customers is there in every language, whole and with its values."""

import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from sync.central import messages, notice_rules, notice_text
from sync.central.words import LANGUAGES, LOCALES, Words, nearest

OTHERS = [lang for lang in LANGUAGES if lang != "en"]
VALUE = re.compile(r"%\(\w+\)s|\{\w+\}")
# Templates for customers; the fleet's page and its door are head office's, in English.
TEMPLATES = [
    path
    for path in sorted((Path(messages.ROOT) / "templates").glob("*.html"))
    if path.name not in ("fleet.html", "sign_in.html")
]


@pytest.mark.parametrize("lang", OTHERS)
def test_every_text_is_said_in_every_language_with_the_same_values(lang: str) -> None:
    with (LOCALES / f"{lang}.po").open("rb") as file:
        known = {str(one.id): str(one.string) for one in read_po(file, locale=lang) if one.id}
    said = messages.gathered()
    assert len(said) > 100
    assert [text for text in said if not known.get(text)] == []
    assert sorted(set(known) - set(said)) == []
    wrong = [
        text for text in said if sorted(VALUE.findall(text)) != sorted(VALUE.findall(known[text]))
    ]
    assert wrong == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_says_nothing_outside_the_catalogues(path: Path) -> None:
    text = re.sub(r"\{[{%].*?[%}]\}", "\x00", path.read_text(), flags=re.DOTALL)
    spoken = re.findall(r'\b(?:aria-label|title|placeholder|alt)="([^"]*)"', text)
    said = " ".join([*spoken, re.sub(r"<[^>]*>", " ", text, flags=re.DOTALL)])
    assert re.findall(r"(?<![&\w])[^\W\d_]{3,}(?![;\w])", said) == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_each_notice_is_written_in_each_language(lang: str) -> None:
    order = {"order_id": "R-1", "language": lang, "short_code": "K7QM"}
    texts = {
        kind: notice_text.write(kind, order, "Mill Lane", "Ida", "https://x.example/R-1")
        for kind in notice_rules.KINDS
    }
    assert len({text.subject for text in texts.values()}) == len(texts)
    for text in texts.values():
        assert "R-1" in text.subject
        assert "%(" not in text.body + text.subject + text.short
        assert "https://x.example/R-1" in text.body


def test_a_language_is_found_by_its_first_part() -> None:
    assert [nearest(tag) for tag in ("de-AT", "ES", "fi", None)] == ["de", "es", None, None]
    assert Words("ar").direction == "rtl"
    assert Words("de").money(498, "EUR").startswith("4,98")
