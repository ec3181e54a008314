"""The API lets devices in by a code: made by IT, redeemed by whoever holds it, once."""

import dataclasses

from flask.testing import FlaskClient

from hub import authority
from hub.fleet.joining import rules
from kiosk_ui.api import devices
from tests.kiosk_ui.conftest import Program
from tests.kiosk_ui.sample import SampleStore


def test_a_code_is_made_shown_once_and_redeemed_without_a_token(
    program: Program, shop: SampleStore, anyone: FlaskClient
) -> None:
    asked = {"kind": "till", "place": "counter", "host": "hub.local:8080"}
    made = program.post("/devices/till-9/code", asked, key="k-1")
    assert made.status_code == 201
    assert made.json["ca_sha256"] == shop.tls.fingerprint()
    url, code, digest = rules.read_qr(made.json["qr"])
    assert (rules.shown(code), digest) == (made.json["code"], shop.tls.fingerprint())
    assert url == "http://hub.local:8080"
    again = program.post("/devices/till-9/code", asked, key="k-1")
    assert (again.status_code, again.json["code"], again.json["qr"]) == (201, None, None)
    joined = anyone.post("/api/v1/devices/join", json={"code": code})
    assert joined.status_code == 201
    assert joined.json["username"] == "till-9"
    assert program.get("/devices/till-9").json["device"]["place"] == "counter"


def test_a_code_shown_on_the_hub_itself_names_an_address_of_the_lan(shop: SampleStore) -> None:
    lan = dataclasses.replace(shop.trust, host="10.0.0.2", https_port=lambda: 8443)
    assert devices.join_url(lan, "127.0.0.1:8080") == "https://10.0.0.2:8443"
    assert devices.join_url(lan, "hub.local:8080") == "https://hub.local:8443"
    assert devices.join_url(lan, "[fe80::1]:8080") == "https://[fe80::1]:8443"


def test_only_it_makes_codes_and_sheets(shop: SampleStore, anyone: FlaskClient) -> None:
    associate = Program(anyone, shop.token("associate"))
    assert associate.post("/devices/till-9/code", {}).status_code == 403
    assert associate.get("/devices/till-9/sheet").status_code == 403
    assert anyone.post("/api/v1/devices/till-9/code", json={}).status_code == 401


def test_a_sheet_has_everything_but_the_password(program: Program, shop: SampleStore) -> None:
    secret = program.post("/devices/till-9/enrol", {"kind": "till"}).json["password"]
    sheet = program.get("/devices/till-9/sheet?host=hub.local:8443")
    told = {field["name"]: field["value"] for field in sheet.json["fields"]}
    assert (told["host"], told["port"], told["user name"]) == ("hub.local", "8883", "till-9")
    assert secret not in sheet.text
    assert program.get("/devices/none/sheet").status_code == 404


def test_anybody_may_see_the_ca_and_nobody_its_key(anyone: FlaskClient, shop: SampleStore) -> None:
    answer = anyone.get("/api/v1/ca")
    assert answer.content_type.startswith("application/x-pem-file")
    assert authority.fingerprint(answer.text) == shop.tls.fingerprint()
    assert "PRIVATE" not in answer.text
