"""The translations: whole, with their values, for screens and for what the hub's rules say."""

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from kiosk_ui.languages import gathering
from kiosk_ui.languages.catalogues import RULES, SCREENS, SOURCE, languages, read
from kiosk_ui.languages.sentences import translated
from tests.kiosk_ui.conftest import Program, csrf_of
from tests.kiosk_ui.sample import SampleStore

TRANSLATED = sorted(set(languages()) - {SOURCE})
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w+\}|#+")
# English grammar as a value ("is", "units are"): another language has its own.
GRAMMAR = {"%(verb)s", "%(noun)s"}


def test_a_rules_sentence_reaches_a_person_in_their_language_and_a_program_in_english(
    sign_in: Callable[[str], FlaskClient], program: Program, shop: SampleStore
) -> None:
    shop.place("R-1", [("4711", 1)])
    person = sign_in("ada")
    token = csrf_of(person.get("/counter").text)
    headers = {"Accept-Language": "de", "X-CSRFToken": token}
    for _time in range(2):  # the second is the reply that was kept
        told = person.post(
            "/api/v1/orders/R-1/stage",
            json={"shelf": "A-1"},
            headers=headers | {"Idempotency-Key": "k-1"},
        )
        assert told.status_code == 409
        assert "can't be" not in told.json["detail"]
        assert "R-1"[-1] in told.json["detail"]
    answer = program.post("/orders/R-1/stage", {"shelf": "A-1"})
    assert "can't be staged now." in answer.json["detail"]


def test_a_sentence_keeps_its_values_and_an_unknown_one_stays_as_it_is() -> None:
    said = translated("No order W-77 in this store.", "de")
    assert "W-77" in said
    assert "store" not in said
    assert translated("Nobody wrote this.", "de") == "Nobody wrote this."
    assert translated("No order W-77 in this store.", "en") == "No order W-77 in this store."


@pytest.fixture(scope="module")
def gathered() -> dict[str, set[object]]:
    found = {SCREENS: gathering.screens(), RULES: gathering.sentences()}
    return {domain: {one.id for one in texts if one.id} for domain, texts in found.items()}


@pytest.mark.parametrize("domain", [SCREENS, RULES])
@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_of_the_source_is_translated(
    language: str, domain: str, gathered: dict[str, set[object]]
) -> None:
    catalog = read(language, domain)
    held = {one.id for one in catalog if one.id}
    assert gathered[domain] - held == set(), "run: make messages"
    assert held - gathered[domain] == set(), "run: make messages"
    assert gathering.missing(catalog) == []


@pytest.mark.parametrize("domain", [SCREENS, RULES])
@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_has_the_values_of_its_text(language: str, domain: str) -> None:
    wrong = []
    for one in read(language, domain):
        ids = [one.id] if isinstance(one.id, str) else list(one.id)
        wanted = set().union(*(PLACEHOLDER.findall(text) for text in ids)) - GRAMMAR
        for said in gathering.words(one):
            held = set(PLACEHOLDER.findall(said))
            # A form of a plural may say "one" or "two" without the number.
            if said and held != wanted and not (one.pluralizable and held <= wanted):
                wrong.append(f"{one.id!r}: {said!r}")
    assert wrong == []
