"""A screen shows a pairing code, takes each scan once, and is nobody's when signed out."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from hub import scans
from tests.kiosk_ui.conftest import csrf_of
from tests.kiosk_ui.sample import SampleStore

SignIn = Callable[[str], FlaskClient]


def code_on(page: str) -> str:
    return page.split('id="pairing-text">', 1)[1].split("<", 1)[0]


def post(client: FlaskClient, path: str) -> TestResponse:
    token = csrf_of(client.get("/counter").text)
    return client.post(path, headers={"X-CSRFToken": token})


@pytest.fixture
def scan(shop: SampleStore) -> Callable[[str], str]:
    count = iter(range(1_000))

    def scanned(text: str, device: str = "gun-1") -> str:
        name = f"o{next(count)}"
        return shop.store.writer.run(
            lambda tx: scans.route(tx, device, {"code": text}, observation_id=name).did
        )

    return scanned


def test_a_scan_is_handed_to_its_screen_once(sign_in: SignIn, scan: Callable[[str], str]) -> None:
    ada = sign_in("ada")
    assert post(ada, "/scan/next").status_code == 204
    code = code_on(ada.get("/scan/pair").text)
    assert code.startswith("SH1:P:")
    assert scan(code) == "paired"
    assert "gun-1" in ada.get("/scan/paired").text
    scan("7K4M")
    answer = post(ada, "/scan/next")
    assert (answer.json or {})["text"] == "7K4M"
    assert post(ada, "/scan/next").status_code == 204


def test_another_browser_takes_nothing_of_it(sign_in: SignIn, scan: Callable[[str], str]) -> None:
    ada, sam = sign_in("ada"), sign_in("sam")
    scan(code_on(ada.get("/scan/pair").text))
    sam.get("/scan/pair")
    scan("7K4M")
    assert post(sam, "/scan/next").status_code == 204
    assert "No scanner yet" in sam.get("/scan/paired").text
    assert post(sam, "/scan/unpair/gun-1").status_code == 303
    assert post(ada, "/scan/next").status_code == 200


def test_a_page_names_its_screen_only_once_it_has_shown_a_code(sign_in: SignIn) -> None:
    ada = sign_in("ada")
    assert "data-screen" not in ada.get("/counter").text
    ada.get("/scan/pair")
    assert 'data-screen="' in ada.get("/counter").text


@pytest.mark.parametrize("how", ["button", "timeout page", "another person"])
def test_whoever_signs_out_leaves_no_scanner_behind(
    sign_in: SignIn, scan: Callable[[str], str], how: str
) -> None:
    ada = sign_in("ada")
    scan(code_on(ada.get("/scan/pair").text))
    if how == "button":
        post(ada, "/signout")
    elif how == "timeout page":
        ada.get("/signin?out=1")
    else:
        token = csrf_of(ada.get("/signin").text)
        who = {"staff_id": "sam", "pin": "2468", "csrf_token": token}
        assert ada.post("/signin", data=who).status_code == 303
    assert scan("7K4M") == "looked_up"


def test_nobody_pairs_without_signing_in_and_no_program_does(
    anyone: FlaskClient, shop: SampleStore
) -> None:
    assert anyone.get("/scan/pair").status_code == 302
    token = {"Authorization": f"Bearer {shop.token('it')}"}
    assert anyone.get("/scan/pair", headers=token).status_code == 403


def test_a_pairing_code_that_is_typed_is_told(sign_in: SignIn) -> None:
    ada = sign_in("ada")
    token = csrf_of(ada.get("/counter").text)
    answer = ada.post("/counter/scan", data={"text": "SH1:P:ABC", "csrf_token": token})
    assert "nothing to pair" in answer.text


def test_a_prefix_before_an_own_code_changes_nothing(sign_in: SignIn, shop: SampleStore) -> None:
    shop.place("R-1")
    ada = sign_in("ada")
    token = csrf_of(ada.get("/counter").text)
    answer = ada.post("/counter/scan", data={"text": "]Q1SH1:O:R-1", "csrf_token": token})
    assert answer.headers["HX-Redirect"].endswith("/counter/orders/R-1")
