"""The JSON API by its contract: answers, refusals, idempotency, errors in one shape."""

from pathlib import Path

import pytest
from flask.testing import FlaskClient

from kiosk_ui.app import create_app
from tests.kiosk_ui.conftest import Program
from tests.kiosk_ui.sample import SampleStore

PROBLEM = "application/problem+json"


def test_an_order_goes_its_whole_way_by_its_steps(program: Program, shop: SampleStore) -> None:
    shop.place("R-1", [("4711", 2), ("4712", 1)])
    assert program.get("/orders/R-1").json["state"] == "RESERVED"
    assert program.post("/orders/R-1/claim", {}).json["state"] == "PICKING"
    picked = program.post("/orders/R-1/pick", {"line_id": "L1", "qty": 2, "code": "9521234543213"})
    assert picked.json["lines"][0]["picked"] == 2
    short = program.post("/orders/R-1/short", {"line_id": "L2", "qty": 1, "reason": "NOT_IN_STOCK"})
    assert short.json["lines"][1]["short"] == 1
    staged = program.post("/orders/R-1/stage", {"shelf": "B-12"})
    assert (staged.json["state"], staged.json["shelf"]) == ("PREPARED", "B-12")
    assert program.post("/orders/R-1/ready", {}).json["state"] == "READY_FOR_PICKUP"
    assert program.post("/orders/R-1/undo", {}).json["state"] == "PREPARED"
    program.post("/orders/R-1/ready", {})
    done = program.post("/orders/R-1/handover", {"proof": {"kind": "id_seen", "value": "passport"}})
    assert done.status_code == 200
    assert done.json["state"] == "PICKED_UP"
    assert done.json["timeline"][-1]["type"] == "OrderHandedOver"


def test_a_refusal_is_409_and_its_detail_is_a_sentence_for_staff(
    program: Program, shop: SampleStore
) -> None:
    shop.place("R-2")
    answer = program.post("/orders/R-2/ready", {})
    assert answer.status_code == 409
    assert answer.content_type == PROBLEM
    assert answer.json["type"] == "urn:storehub:problem:wrong-state"
    assert answer.json["detail"].endswith(".")


def test_the_same_key_gets_the_same_answer_and_one_effect(
    program: Program, shop: SampleStore
) -> None:
    sale = {"sale_id": "S-1", "lines": [{"sku": "4711", "qty": 1}]}
    first = program.post("/sales", sale, key="k1")
    again = program.post("/sales", sale, key="k1")
    assert first.status_code == again.status_code == 200
    assert first.data == again.data
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert program.get("/stock/4711").json["on_hand"] == 9


def test_a_stored_refusal_is_replayed_as_it_was(program: Program, shop: SampleStore) -> None:
    shop.place("R-3")
    first = program.post("/orders/R-3/ready", {}, key="k")
    program.post("/orders/R-3/claim", {})
    again = program.post("/orders/R-3/ready", {}, key="k")
    assert (first.status_code, first.data) == (again.status_code, again.data)
    assert again.headers["Idempotency-Replayed"] == "true"


def test_a_key_with_another_body_is_422(program: Program) -> None:
    program.post("/holds", {"sku": "4711", "qty": 1}, key="k2")
    answer = program.post("/holds", {"sku": "4711", "qty": 2}, key="k2")
    assert answer.status_code == 422
    assert answer.json["type"].endswith("idempotency-key-reused")


def test_a_hold_is_201_and_is_released(program: Program) -> None:
    held = program.post("/holds", {"sku": "4711", "qty": 4, "seconds": 60})
    assert held.status_code == 201
    assert set(held.json) >= {"hold_id", "until"}
    assert program.get("/stock/4711").json["available_to_promise"]["web"] == 6
    released = program.post(f"/holds/{held.json['hold_id']}/release", {})
    assert released.json["stock"]["4711"]["buckets"]["available"] == 10


def test_more_than_there_is_cannot_be_held(program: Program) -> None:
    answer = program.post("/holds", {"sku": "4711", "qty": 11})
    assert answer.status_code == 409


def test_counts_and_receipts_answer_entries_and_stock(program: Program) -> None:
    counted = program.post("/counts", {"sku": "4712", "counted": 7})
    assert counted.json["stock"]["4712"]["on_hand"] == 7
    assert counted.json["entries"]
    received = program.post(
        "/receipts", {"receipt_id": "G-1", "lines": [{"sku": "4712", "qty": 3}]}
    )
    assert received.json["stock"]["4712"]["on_hand"] == 10


def test_what_may_be_promised_is_explained_term_by_term(program: Program) -> None:
    answer = program.get("/stock/4711/explain?channel=web").json
    assert (
        answer["available_to_promise"] == sum(term["qty"] for term in answer["terms"])
        or answer["terms"]
    )
    assert program.get("/stock/4711/explain?channel=moon").status_code == 422


def test_search_forgives_and_a_barcode_finds(program: Program) -> None:
    assert program.get("/catalog/search?q=rye").json["items"][0]["sku"] == "4711"
    assert program.get("/catalog/search?q=9521234543220").json["items"][0]["sku"] == "4712"
    assert program.get("/catalog/search?q=").status_code == 422


def test_quarantine_is_listed_as_text_and_replayed_by_command(
    program: Program, shop: SampleStore
) -> None:
    shop.quarantine("scanner-9", b'<script>alert("x")</script>\xff')
    listed = program.get("/quarantine").json
    (item,) = listed["items"]
    assert item["device"] == "scanner-9"
    assert item["body"].startswith("<script>")
    replayed = program.post(f"/quarantine/{item['id']}/replay", {})
    assert replayed.json["outcome"] == "committed"
    assert shop.replays == [item["id"]]
    assert program.get("/quarantine").json["items"] == []
    assert program.post("/quarantine/999/replay", {}).status_code == 404


@pytest.mark.parametrize(
    ("sent", "status", "field"),
    [
        (b"{not json", 400, None),
        (b'{"sku": "4711", "qty": NaN}', 400, None),
        (b"\xff\xfe", 400, None),
        (b'{"sku": "4711"}', 422, "qty"),
        (b'{"sku": "4711", "qty": 0}', 422, "qty"),
        (b'{"sku": "4711", "qty": "one"}', 422, "qty"),
        (b'{"sku": "4711", "qty": 1, "colour": "red"}', 422, "colour"),
        (b"[]", 422, ""),
        (b'{"sku": "", "qty": 1}', 422, "sku"),
    ],
)
def test_a_bad_body_is_400_or_422_with_the_field(
    program: Program, sent: bytes, status: int, field: str | None
) -> None:
    answer = program.post("/holds", data=sent, content_type="application/json")
    assert answer.status_code == status, answer.text
    assert answer.content_type == PROBLEM
    if field is not None:
        assert [error["field"] for error in answer.json.get("errors", [])] == (
            [field] if field else []
        ) or answer.json["errors"][0]["field"] == field


def test_a_body_of_five_megabytes_is_413_and_disturbs_nothing(program: Program) -> None:
    body = b'{"sku": "' + b"x" * 5_000_000 + b'", "qty": 1}'
    answer = program.post("/holds", data=body, content_type="application/json")
    assert (answer.status_code, answer.content_type) == (413, PROBLEM)
    assert program.get("/stock/4711").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/api/v1/orders/none", 404),
        ("GET", "/api/v1/stock/none", 404),
        ("DELETE", "/api/v1/orders", 405),
        ("PUT", "/api/v1/holds", 405),
    ],
)
def test_every_error_of_the_api_is_a_problem(
    program: Program, method: str, path: str, status: int
) -> None:
    answer = program._client.open(path, method=method, headers=program._headers())
    assert (answer.status_code, answer.content_type) == (status, PROBLEM)
    assert answer.json["type"].startswith("urn:storehub:problem:")


def test_nobody_reads_or_writes_without_a_token(anyone: FlaskClient) -> None:
    for answer in (anyone.get("/api/v1/orders"), anyone.get("/api/v1/stock/4711")):
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    wrong = anyone.get("/api/v1/orders", headers={"Authorization": "Bearer sht_wrong"})
    assert wrong.status_code == 401
    assert anyone.post("/api/v1/sales", json={}).status_code == 401


@pytest.mark.parametrize("path", ["sales", "receipts"])
def test_a_document_that_comes_again_without_a_key_gets_the_same_entries(
    program: Program, path: str
) -> None:
    name = "sale_id" if path == "sales" else "receipt_id"
    told = {name: "D-1", "lines": [{"sku": "4711", "qty": 1}, {"sku": "4712", "qty": 2}]}
    first, again = (program.post(f"/{path}", told).json for _ in "12")
    assert first["entries"]
    assert again["entries"] == first["entries"]
    assert again["stock"].keys() == {"4711", "4712"}
    assert again["stock"]["4711"]["on_hand"] == first["stock"]["4711"]["on_hand"]


def test_a_command_whose_reply_is_gone_is_answered_from_the_journal(
    program: Program, shop: SampleStore
) -> None:
    commands_sent = [
        ("/holds", {"sku": "4711", "qty": 1}),
        ("/sales", {"sale_id": "S-1", "lines": [{"sku": "4711", "qty": 1}]}),
        ("/receipts", {"receipt_id": "R-1", "lines": [{"sku": "4711", "qty": 1}]}),
        ("/counts", {"sku": "4711", "counted": 10}),
    ]
    first = [program.post(path, body, key="k").json for path, body in commands_sent]
    shop.hub.writer.run(lambda tx: tx.conn.execute("DELETE FROM command_reply"))
    for (path, body), known in zip(commands_sent, first, strict=True):
        again = program.post(path, body, key="k")
        assert (again.status_code, again.headers["Idempotency-Replayed"]) == (200, "true")
        assert again.json["entries"] == known["entries"]
        assert again.json.get("hold_id") == known.get("hold_id")
        assert again.json.get("until") == known.get("until")


def test_a_sale_line_names_the_goods_once(program: Program) -> None:
    for goods in ({}, {"sku": "4711", "gtin": "9521234543213"}):
        answer = program.post("/sales", {"sale_id": "S-2", "lines": [{"qty": 1} | goods]})
        assert answer.status_code == 422
        assert answer.json["errors"][0]["field"] == "lines.0"


@pytest.mark.parametrize("name", ["a" * 5_000, "../app.py", "%2e%2e/app.py", "%00", "category"])
def test_what_is_no_static_file_is_404(anyone: FlaskClient, name: str) -> None:
    assert anyone.get(f"/static/{name}").status_code == 404


def test_a_role_that_does_not_suffice_is_403(shop: SampleStore, app) -> None:  # type: ignore[no-untyped-def]
    associate = Program(app.test_client(), shop.token("associate", "till"))
    assert associate.get("/quarantine").status_code == 403
    assert associate.get("/orders").status_code == 200


def test_lists_answer_items_and_next(program: Program, shop: SampleStore) -> None:
    for n in range(3):
        shop.place(f"R-L{n}", [("4713", 1)])
    page = program.get("/orders?limit=2").json
    assert [order["order_id"] for order in page["items"]] == ["R-L0", "R-L1"]
    rest = program.get(f"/orders?limit=2&after={page['next']}").json
    assert [order["order_id"] for order in rest["items"]] == ["R-L2"]
    assert rest["next"] is None
    assert program.get("/orders?state=PICKING").json["items"] == []
    assert program.get("/orders?state=WHERE").status_code == 422
    assert program.get("/orders?limit=0").status_code == 422


def test_health_readiness_and_metrics(anyone: FlaskClient, shop: SampleStore) -> None:
    from kiosk_ui.ports import Check

    assert anyone.get("/healthz").json["ok"] is True
    assert anyone.get("/readyz").status_code == 200
    shop.checks.append(Check("disk", False, "The disk is full."))
    not_ready = anyone.get("/readyz")
    assert not_ready.status_code == 503
    assert not_ready.json["reasons"] == ["The disk is full."]
    assert b"storehub_committed_total 12.0" in anyone.get("/metrics").data


def test_whoever_guesses_tokens_is_slowed_down(tmp_path: Path) -> None:
    shop = SampleStore(tmp_path / "data", stranger_limit="5 per minute")
    app = create_app(shop.hub, testing=True)
    client = app.test_client()
    wrong = {"Authorization": "Bearer sht_guess"}
    for _ in range(5):
        assert client.get("/api/v1/orders", headers=wrong).status_code == 401
    slowed = client.get("/api/v1/orders", headers=wrong)
    assert (slowed.status_code, slowed.content_type) == (429, PROBLEM)
    assert int(slowed.headers["Retry-After"]) >= 1
    right = Program(client, shop.token())
    assert right.get("/orders").status_code == 200
    app.extensions["storehub_stream"].stop()
    shop.close()
