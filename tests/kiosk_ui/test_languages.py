"""The screens' languages: chosen, right to left, sentences of rules too; nothing untranslated."""

import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from jinja2 import Environment

from kiosk_ui.languages import gathering
from kiosk_ui.languages.catalogues import languages
from tests.kiosk_ui.conftest import csrf_of

TEMPLATES = Path(gathering.ROOT) / "kiosk_ui" / "templates"


def test_english_german_spanish_and_arabic_are_there() -> None:
    assert languages() == {"en": "English", "ar": "العربية", "de": "Deutsch", "es": "español"}


def test_a_page_follows_the_browser(anyone: FlaskClient) -> None:
    page = anyone.get("/signin", headers={"Accept-Language": "ar-EG, en;q=0.5"}).text
    assert '<html lang="ar" dir="rtl">' in page
    page = anyone.get("/signin", headers={"Accept-Language": "fr, de-AT;q=0.8"}).text
    assert '<html lang="de" dir="ltr">' in page
    assert '<html lang="en" dir="ltr">' in anyone.get("/signin").text


def test_a_choice_is_kept_and_leads_back_to_this_site_only(anyone: FlaskClient) -> None:
    token = csrf_of(anyone.get("/signin").text)
    form = {"language": "es", "csrf_token": token, "next": "/signin?next=/counter"}
    answer = anyone.post("/language", data=form)
    assert (answer.status_code, answer.location) == (303, "/signin?next=/counter")
    page = anyone.get("/signin", headers={"Accept-Language": "de"}).text
    assert '<html lang="es"' in page
    for elsewhere in ("https://evil.example/", "//evil.example", "/\\evil.example"):
        assert anyone.post("/language", data=form | {"next": elsewhere}).location == "/"
    anyone.post("/language", data=form | {"language": "../../etc"})
    assert '<html lang="es"' in anyone.get("/signin").text


def bare(source: str) -> list[str]:
    """Return what a template says outside `_()`: words between tags, and in spoken attributes."""
    pieces = Environment(extensions=["jinja2.ext.i18n"]).lex(source)
    text = "".join(value if kind == "data" else "\x00" for _line, kind, value in pieces)
    spoken = re.findall(r'\b(?:aria-label|title|placeholder|alt)="([^"]*)"', text)
    text = re.sub(r"<(svg|script|style|code)\b.*?</\1>", " ", text, flags=re.DOTALL)
    said = " ".join([*spoken, re.sub(r"<[^>]*>", " ", text)])
    return re.findall(r"(?<![&\w])[^\W\d_]{3,}(?![;\w])", said)


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.html")), ids=lambda p: p.name)
def test_a_template_says_nothing_outside_the_catalogues(path: Path) -> None:
    assert bare(path.read_text()) == []
