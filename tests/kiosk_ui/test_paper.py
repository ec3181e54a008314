"""Paper on the screens and in the API: printed by a button, seen first, asked about."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from devices.printing.tray import Tray
from hub.fleet import actions as fleet
from hub.printing import actions
from hub.printing.document import Document
from kiosk_ui.app import create_app
from tests.kiosk_ui.conftest import Program, csrf_of
from tests.kiosk_ui.sample import SampleStore

SignIn = Callable[[str], FlaskClient]
PNG = b"\x89PNG\r\n\x1a\n the paper"


@pytest.fixture
def tray(shop: SampleStore) -> Tray:
    return Tray(shop.store.directory / "paper")


@pytest.fixture
def app(shop: SampleStore, tray: Tray) -> Iterator[Flask]:
    def draw(paper: Document, width: int) -> bytes:
        return PNG + f"{paper.kind} {paper.lang} {width}".encode()

    shop.hub = replace(shop.hub, preview=draw, paper=tray)
    app = create_app(shop.hub, testing=True)
    yield app
    app.extensions["storehub_stream"].stop()


@pytest.fixture
def printer(shop: SampleStore) -> str:
    shop.store.writer.run(lambda tx: fleet.enroll(tx, "printer-1", kind="printer", place="counter"))
    return "printer-1"


def says(shop: SampleStore, job: str, state: str) -> None:
    """The printer's word, as ingest hands it on."""
    data = SimpleNamespace(job=job, state=state, detail=None)
    seen: Any = SimpleNamespace(device="printer-1", data=data, cause=f"printer-1:{job}-{state}")
    shop.store.writer.run(lambda tx: actions.reported(tx, seen, tx.now))


def press(client: FlaskClient, path: str, **form: str):  # type: ignore[no-untyped-def]
    token = csrf_of(client.get("/").text)
    return client.post(path, data=form, headers={"HX-Request": "true", "X-CSRFToken": token})


def printed(client: FlaskClient, **form: str):  # type: ignore[no-untyped-def]
    wanted = {"kind": "pickup_slip", "ref": "R-1", "key": "k1"}
    return press(client, "/print/papers", **wanted | form)


def jobs(program: Program) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = program.get("/print/jobs").json["items"]
    return found


def test_the_order_page_prints_its_slip_and_says_where_it_stands(
    sign_in: SignIn, program: Program, shop: SampleStore, printer: str
) -> None:
    shop.place("R-1", name="Maria Keller")
    ada = sign_in("ada")
    assert 'id="do-print"' in ada.get("/counter/orders/R-1").text
    answer = printed(ada)
    assert answer.status_code == 200
    assert "On its way to the printer" in answer.text
    assert 'id="do-print"' not in answer.text, "no second paper while the first may come"
    (job,) = jobs(program)
    assert (job["by"], job["printer"], job["state"]) == ("staff:ada", "printer-1", "queued")
    says(shop, job["job"], "no_paper")
    assert "the printer has no paper" in ada.get("/counter/orders/R-1").text
    says(shop, job["job"], "printed")
    page = ada.get("/counter/orders/R-1").text
    assert "Print again" in page
    assert "Ada Lindqvist" in page


def test_a_double_click_prints_once(
    sign_in: SignIn, program: Program, shop: SampleStore, printer: str
) -> None:
    shop.place("R-1")
    ada = sign_in("ada")
    printed(ada)
    printed(ada)
    assert len(jobs(program)) == 1


def test_a_doubt_is_asked_on_the_order_page(
    sign_in: SignIn, program: Program, shop: SampleStore, printer: str
) -> None:
    shop.place("R-1")
    ada = sign_in("ada")
    printed(ada)
    name = jobs(program)[0]["job"]
    says(shop, name, "in_doubt")
    page = ada.get("/counter/orders/R-1").text
    assert "Did it print?" in page
    assert 'id="do-print"' not in page
    wanted = {"kind": "pickup_slip", "ref": "R-1"}
    press(ada, f"/print/jobs/{name}/no", key="k2", **wanted)
    assert [(one["state"], one["again_of"]) for one in jobs(program)] == [
        ("queued", name),
        ("failed", None),
    ]
    again = jobs(program)[0]["job"]
    says(shop, again, "in_doubt")
    assert program.get("/tasks?kind=confirm").json["items"][0]["reason"] == "DID_IT_PRINT"
    answer = press(ada, f"/print/jobs/{again}/yes", key="k3", **wanted)
    assert "Printed" in answer.text
    assert program.get("/tasks?kind=confirm").json["items"] == []
    assert len(jobs(program)) == 2


def test_what_waits_can_be_let_go(
    sign_in: SignIn, program: Program, shop: SampleStore, printer: str
) -> None:
    shop.place("R-1")
    ada = sign_in("ada")
    printed(ada)
    name = jobs(program)[0]["job"]
    press(ada, f"/print/jobs/{name}/cancel", key="k2", kind="pickup_slip", ref="R-1")
    assert jobs(program)[0]["state"] == "canceled"


def test_a_store_without_a_printer_says_so(sign_in: SignIn, shop: SampleStore) -> None:
    shop.place("R-1")
    ada = sign_in("ada")
    assert "no printer yet" in ada.get("/counter/orders/R-1").text
    assert "no printer yet" in printed(ada).text
    assert "device enrol" in ada.get("/print").text


def test_nobody_prints_or_sees_paper_without_signing_in(
    anyone: FlaskClient, shop: SampleStore, printer: str
) -> None:
    shop.place("R-1")
    slip = "?kind=pickup_slip&ref=R-1"
    for path in ("", "/parts", f"/panel{slip}", f"/preview{slip}", "/sheets/000001.png"):
        assert anyone.get(f"/print{path}").status_code in (302, 303, 401), path
    assert printed(anyone).status_code in (302, 303, 401)
    assert anyone.get("/api/v1/print/jobs").status_code == 401
    assert anyone.get("/api/v1/print/preview/pickup_slip/R-1").status_code == 401


def test_a_paper_is_seen_before_it_is_printed(
    sign_in: SignIn, program: Program, shop: SampleStore
) -> None:
    shop.place("R-1")
    seen = sign_in("ada").get("/print/preview?kind=pickup_slip&ref=R-1")
    assert (seen.content_type, seen.data) == ("image/png", PNG + b"pickup_slip en 80")
    narrow = program.get("/print/preview/shelf_label/4711?width=58&lang=de")
    assert narrow.data == PNG + b"shelf_label de 58"
    assert program.get("/print/preview/shelf_label/4711?width=70").status_code == 422
    assert program.get("/print/preview/poster/4711").status_code == 422
    assert program.get("/print/preview/shelf_label/4711?lang=%00").status_code == 422
    assert program.get("/print/preview/shelf_label/nobody").status_code == 404


def test_a_program_prints_hears_and_answers(
    program: Program, shop: SampleStore, printer: str
) -> None:
    made = program.post("/print", {"kind": "shelf_label", "ref": "4711", "copies": 2}, key="a")
    assert made.status_code == 201
    first, second = (one["job"] for one in made.json["jobs"])
    again = program.post("/print", {"kind": "shelf_label", "ref": "4711", "copies": 2}, key="a")
    assert again.json == made.json
    says(shop, first, "in_doubt")
    answer = program.post(f"/print/jobs/{first}/answer", {"printed": False})
    assert [one["state"] for one in answer.json["jobs"]] == ["failed", "queued"]
    assert program.post(f"/print/jobs/{first}/answer", {"printed": True}).status_code == 409
    assert program.post(f"/print/jobs/{second}/again", {}).status_code == 409
    assert program.post(f"/print/jobs/{second}/cancel", {}).json["jobs"][0]["state"] == "canceled"
    assert program.post(f"/print/jobs/{second}/again", {}).status_code == 201
    assert program.get(f"/print/jobs/{first}").json["state"] == "failed"
    assert program.get("/print/jobs/P-nobody").status_code == 404
    assert program.get("/print/printers").json["items"] == [{"id": "printer-1"}]
    assert len(program.get("/print/jobs?kind=shelf_label&ref=4711").json["items"]) == 4
    assert program.post("/print", {"kind": "poster", "ref": "4711"}).status_code == 422
    assert program.post("/print", {"kind": "shelf_label", "ref": "x"}).status_code == 404


def test_a_sku_with_a_slash_has_a_preview(program: Program, shop: SampleStore) -> None:
    assert program.get("/print/preview/shelf_label/A%2F12").status_code == 404


def test_the_page_of_printers_tests_prints_and_shows_what_waits(
    sign_in: SignIn, program: Program, shop: SampleStore, printer: str
) -> None:
    ada = sign_in("ada")
    answer = printed(ada, kind="test_page", ref="printer-1", **{"from": "page"})
    assert "Test page" in answer.text
    assert 'id="print-key"' in answer.text, "the next press is another command"
    says(shop, jobs(program)[0]["job"], "cover_open")
    assert "cover is open" in ada.get("/print/parts").text
    assert (
        "no product nobody"
        in printed(ada, kind="shelf_label", ref="nobody", key="k2", **{"from": "page"}).text.lower()
    )


def test_the_sample_printer_shows_its_sheets_and_can_be_emptied(
    sign_in: SignIn, shop: SampleStore, tray: Tray, printer: str
) -> None:
    ada = sign_in("ada")
    assert "Take the paper out" not in ada.get("/print").text
    tray.keep(PNG)
    assert "Take the paper out" in ada.get("/print").text
    assert ada.get("/print/sheets/000001.png").data == PNG
    assert ada.get("/print/sheets/000002.png").status_code == 404
    assert ada.get("/print/sheets/..%2Fhub.png").status_code == 404
    assert "Put paper in" in press(ada, "/print/roll/out").text
    assert not tray.loaded()
    press(ada, "/print/roll/in")
    assert tray.loaded()
