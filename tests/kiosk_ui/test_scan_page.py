"""What a phone reads is done as the person who is signed in on it, or looked up, or flagged."""

import dataclasses
import json
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from kiosk_ui.app import create_app
from kiosk_ui.ports import Trust
from kiosk_ui.security import POLICY
from tests.kiosk_ui.conftest import csrf_of
from tests.kiosk_ui.sample import BADGE, PIN, SampleStore

Read = Callable[..., str]


@pytest.fixture
def ada(sign_in: Callable[[str], FlaskClient]) -> FlaskClient:
    return sign_in("ada")


@pytest.fixture
def read(ada: FlaskClient) -> Read:
    token = csrf_of(ada.get("/scan").text)

    def said(text: str, **more: str) -> str:
        answer = ada.post("/scan", data={"text": text, **more}, headers={"X-CSRFToken": token})
        assert answer.status_code == 200, answer.text
        return answer.headers.get("HX-Refresh") or answer.text

    return said


def test_only_this_page_may_run_what_is_compiled_and_none_evaluates_text(ada: FlaskClient) -> None:
    said = ada.get("/scan").headers["Content-Security-Policy"]
    assert said == POLICY.replace("script-src 'self'", "script-src 'self' 'wasm-unsafe-eval'")
    assert "'unsafe-eval'" not in said.replace("'wasm-unsafe-eval'", "")
    for other in ("/counter", "/scan/pair", "/"):
        assert ada.get(other).headers["Content-Security-Policy"] == POLICY


def test_the_reader_comes_from_this_hub(ada: FlaskClient) -> None:
    page = ada.get("/scan").text
    address = page.split('data-wasm="', 1)[1].split('"', 1)[0]
    answer = ada.get(address)
    assert answer.status_code == 200
    assert answer.content_type == "application/wasm"
    assert answer.data[:4] == b"\0asm"


def test_nobody_scans_without_signing_in(anyone: FlaskClient) -> None:
    assert anyone.get("/scan").status_code == 302


def test_an_article_is_looked_up_in_every_carrier(read: Read) -> None:
    for text, symbology in (
        ("9521234543213", "EAN-13"),
        ("0109521234543213", "DataMatrix"),
        ("(01)09521234543213(10)LOT", "DataMatrix"),
        ("4711", "QR"),
    ):
        found = read(text, symbology=symbology)
        assert 'data-sku="4711"' in found, text
        assert "Rye bread" in found
        assert "10 in the store" in found


def test_what_the_store_does_not_sell_is_flagged(read: Read) -> None:
    found = read("4006381333931", symbology="EAN-13")
    assert 'data-unsold="04006381333931"' in found
    assert "does not sell" in found
    assert 'data-unsold="00000096385074"' in read("96385074", symbology="EAN-8")
    assert "check digit" in read("4006381333932", symbology="EAN-13")


def test_an_order_is_picked_and_staged_and_stays_open(read: Read, shop: SampleStore) -> None:
    shop.place("R-1", [("4711", 1)], code="7K4M")
    opened = read("SH1:O:R-1")
    assert 'data-order="R-1"' in opened
    assert "You are picking" in opened
    assert "Picked: Rye bread" in read("9521234543213", order_id="R-1")
    looked = read("9521234543220", order_id="R-1")
    assert "not in order" in looked
    assert 'data-order="R-1"' in looked
    assert "Put on its shelf" in read("SH1:S:A1", order_id="R-1")


def test_the_same_scan_sent_twice_picks_once(read: Read, shop: SampleStore) -> None:
    shop.place("R-1", [("4711", 2)])
    read("SH1:O:R-1")
    for _ in range(2):
        said = read("9521234543213", order_id="R-1", key="one")
    assert "1 × Rye bread" in said


def test_an_order_is_opened_by_what_names_it(read: Read, shop: SampleStore) -> None:
    shop.place("R-1", code="7K4M")
    for text in ("7K4M", "R-1", "SH1:O:R-1"):
        assert 'data-order="R-1"' in read(text), text


def test_a_badge_signs_its_person_in_and_is_kept_nowhere(read: Read, shop: SampleStore) -> None:
    assert read(BADGE) == "true"
    for file in shop.store.database.path.parent.rglob("*"):
        if file.is_file():
            assert BADGE.removeprefix("SH1:B:").encode() not in file.read_bytes()


def test_what_means_nothing_is_said(read: Read) -> None:
    for text, sentence in (
        ("SH1:P:ABC", "A phone needs none"),
        ("", "Nothing was scanned"),
        ("x" * 5_000, "Nothing was scanned"),
        ("SH1:O:R-9", "has not received"),
        ("SH1:S:A1", "Scan the order first"),
        ("???", "no order and no article"),
    ):
        assert sentence in read(text), text


@pytest.fixture
def look_up(ada: FlaskClient) -> Callable[[object], str]:
    token = csrf_of(ada.get("/scan").text)

    def said(codes: object) -> str:
        form = {"codes": json.dumps(codes)}
        answer = ada.post("/scan/photo", data=form, headers={"X-CSRFToken": token})
        assert answer.status_code == 200
        return answer.text

    return said


def test_all_codes_of_a_photo_are_listed_and_counted(
    look_up: Callable[[object], str], shop: SampleStore
) -> None:
    before = shop.store.journal.head
    bread, milk = ["9521234543213", "EAN-13"], ["9521234543220", "EAN-13"]
    said = look_up([milk, bread, bread, ["4006381333931", "EAN-13"], [BADGE, "QR"], ["?", "QR"]])
    assert said.index('data-sku="4711"') < said.index('data-sku="4712"')
    assert "<td>2</td><td>10</td>" in said
    for strange in ("04006381333931", "?"):
        assert f'data-unsold="{strange}"' in said
    assert "ADA0" not in said
    assert shop.store.journal.head == before


def test_a_photo_that_cannot_be_looked_up_is_told(look_up: Callable[[object], str]) -> None:
    assert "No code was found" in look_up([])
    for codes in ([["1", "QR"]] * 201, [["1"]], "x", [["", "QR"]]):
        assert "at most 200" in look_up(codes)


def test_an_open_page_names_the_address_where_the_camera_is_given(shop: SampleStore) -> None:
    hub = dataclasses.replace(shop.hub, trust=Trust(ca=str, https_port=lambda: 8443))
    app = create_app(hub, testing=True)
    client, site = app.test_client(), "http://hub.local:8080"
    token = csrf_of(client.get("/signin", base_url=site).text)
    who = {"staff_id": "ada", "pin": PIN, "csrf_token": token}
    client.post("/signin", data=who, base_url=site)
    open_page = client.get("/scan", base_url=site).text
    app.extensions["storehub_stream"].stop()
    assert 'href="https://hub.local:8443/scan"' in open_page
