"""The floor over HTTP: who may plan it, what programs get, what a press answers."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from hub.fleet import actions as fleet
from tests.kiosk_ui.conftest import Program, csrf_of
from tests.kiosk_ui.sample import SampleStore

EVIL = "<script>alert(1)</script>"


@pytest.fixture
def planned(program: Program) -> Program:
    for place, position in (("B-2", 20), ("A-1", 10)):
        body = {"place": place, "name": EVIL, "aisle": "Dairy", "position": position}
        assert program.post("/shelf/places", body).status_code == 200
    product = {"sku": "4712", "capacity": 24, "low": 6, "tagged": True}
    assert program.post("/shelf/places/A-1/products", product).status_code == 200
    return program


def test_programs_read_the_floor_in_walking_order(planned: Program) -> None:
    items = planned.get("/shelf/places").json["items"]
    assert [one["place"] for one in items] == ["A-1", "B-2"]
    (milk,) = items[0]["products"]
    assert (milk["sku"], milk["name"], milk["tagged"]) == ("4712", "Whole milk 1 l", True)
    assert (milk["units"], milk["state"]) == (None, "ok")
    found = planned.get("/shelf/places?sku=4712").json["items"]
    assert [one["place"] for one in found] == ["A-1"]
    assert planned.get("/shelf/places?kind=door").json["items"] == []
    assert planned.get("/shelf/places/Z-9").status_code == 404


def test_what_is_dropped_is_gone(planned: Program) -> None:
    assert planned.post("/shelf/places/A-1/products/drop", {"sku": "4712"}).json["products"] == []
    assert planned.post("/shelf/places/A-1/drop").status_code == 200
    assert planned.get("/shelf/places/A-1").status_code == 404


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/shelf/places", {"place": "A 1"}, 422),
        ("/shelf/places", {"place": "A-1", "kind": "drawer"}, 422),
        ("/shelf/places/Z-9/products", {"sku": "4712"}, 409),
        ("/shelf/sensors/nobody/calibrate", {}, 404),
        ("/shelf/inventories", {"place": "Z-9"}, 404),
        ("/shelf/inventories/I-none/end", {}, 404),
        ("/shelf/readers/r-1/antennas", {"antenna": 1, "place": "Z-9"}, 404),
    ],
)
def test_what_cannot_be_is_answered_with_its_problem(
    planned: Program, path: str, body: object, status: int
) -> None:
    assert planned.post(path, body).status_code == status


def test_an_inventory_goes_its_way_by_http(planned: Program) -> None:
    begun = planned.post("/shelf/inventories", {"place": "*"}, key="k1")
    assert (begun.status_code, begun.json["state"]) == (201, "open")
    again = planned.post("/shelf/inventories", {"place": "*"}, key="k1")
    assert (again.json["id"], again.headers["Idempotency-Replayed"]) == (begun.json["id"], "true")
    sweep = begun.json["id"]
    assert planned.post(f"/shelf/inventories/{sweep}/end").status_code == 409
    assert planned.post(f"/shelf/inventories/{sweep}/drop").json["state"] == "dropped"
    assert [one["id"] for one in planned.get("/shelf/inventories").json["items"]] == [sweep]


def test_an_associate_sees_the_floor_and_plans_nothing(
    app: Flask, shop: SampleStore, planned: Program, sign_in: Callable[[str], FlaskClient]
) -> None:
    helper = Program(app.test_client(), shop.token("associate", "helper"))
    assert helper.get("/shelf/places").status_code == 200
    assert helper.post("/shelf/places", {"place": "X-1"}).status_code == 403
    ada = sign_in("ada")
    page = ada.get("/shelves/at/A-1").text
    assert "Whole milk" in page
    assert "Add a product" not in page
    token = csrf_of(page)
    refused = ada.post("/shelves/at/A-1/products", data={"sku": "4713", "csrf_token": token})
    assert refused.status_code == 403


def test_names_are_shown_as_text_and_never_as_markup(
    planned: Program, sign_in: Callable[[str], FlaskClient]
) -> None:
    lead = sign_in("sam")
    for path in ("/shelves", "/shelves/at/A-1", f"/shelves/at/A-1/search?q={EVIL}"):
        text = lead.get(path).text
        assert EVIL not in text
        assert "&lt;script&gt;" in text


def test_a_reader_at_no_place_of_the_plan_is_shown_as_such(
    shop: SampleStore, planned: Program, sign_in: Callable[[str], FlaskClient]
) -> None:
    for name, place in (("reader-1", "A-1"), ("reader-2", "aisle 9")):
        shop.store.writer.run(
            lambda tx, name=name, place=place: fleet.enroll(tx, name, kind="rfid", place=place)
        )
    page = sign_in("ada").get("/shelves").text
    assert "reader-2" in page
    assert "at “aisle 9”" in page
    assert "reader-1" not in page


def test_nobody_sees_the_floor_unknown(anyone: FlaskClient, planned: Program) -> None:
    assert anyone.get("/shelves").status_code in (302, 303)
    assert anyone.get("/api/v1/shelf/places").status_code == 401
