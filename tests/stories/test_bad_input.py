"""Whatever a broken or hostile sender says is refused or quarantined with a reason, and no more."""

import json
import secrets
import socket
import time
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import requests

from tests.device import Device
from tests.floor import Floor

NASTY = "'; DROP TABLE journal; -- <script>alert(1)</script>"


def quarantined(floor: Floor) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = floor.hub.json("/quarantine")["items"]
    return items


def still_sells(floor: Floor, till: Device) -> None:
    """Show that nothing else was disturbed."""
    sku = f"T-{secrets.token_hex(5)}"
    floor.receive({sku: 2})
    line = {"sku": sku, "qty": 1}
    ack = till.send("sale", {"sale_id": secrets.token_hex(5), "lines": [line]})
    assert ack["status"] == "committed"
    assert floor.stock(sku)["on_hand"] == 1


SALE = {"sale_id": "S1", "lines": [{"sku": "A", "qty": 1}]}


def changed(**changes: Any) -> Any:
    return lambda body: body | changes


def without(name: str) -> Any:
    return lambda body: {key: value for key, value in body.items() if key != name}


WRONG_BODIES = {
    "an unknown field": changed(surprise=1),
    "no data": without("data"),
    "no boot": without("boot"),
    "a negative seq": changed(seq=-1),
    "a fraction as seq": changed(seq=1.5),
    "an unknown time quality": changed(time_quality="guessed"),
    "a time that is none": changed(at="yesterday"),
    "a time without its zone": changed(at="2026-11-21T12:00:00"),
    "a quantity of nothing": changed(data={"sale_id": "S2", "lines": [{"sku": "A", "qty": 0}]}),
    "a quantity beyond sense": changed(
        data={"sale_id": "S2", "lines": [{"sku": "A", "qty": 10**30}]}
    ),
    "a text as quantity": changed(data={"sale_id": "S2", "lines": [{"sku": "A", "qty": "1"}]}),
    "no lines": changed(data={"sale_id": "S2", "lines": []}),
    "data of another kind": changed(data={"grams": 5}),
    "a list as data": changed(data=[1]),
}


@pytest.mark.parametrize("change", WRONG_BODIES.values(), ids=WRONG_BODIES.keys())
def test_a_wrong_body_is_quarantined_with_its_reason(floor: Floor, change: Any) -> None:
    with floor.device("till-1") as till:
        body = change(till.body(SALE))
        till.publish("sale", body)
        ack = till.wait([body["id"]])[body["id"]]
    assert ack["status"] == "quarantined"
    assert ack["reason"]


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"[" * 10_000,
        b'{"id":"' + b"\xc3\x28" + b'"}',
        b'{"id":"x","data":NaN}',
        b'"text"',
        b"null",
        b"{}" * 1000,
        b'{"id":"' + b"x" * 60_000 + b'"}',
        b'{"id":"../../etc/passwd"}',
    ],
    ids=lambda payload: repr(payload[:16]),
)
def test_bytes_that_are_no_observation_are_quarantined(floor: Floor, payload: bytes) -> None:
    before = floor.status()["quarantine"]
    # A message that was sent before is counted in its row, not kept twice.
    marked = payload + b" " * (1 + secrets.randbelow(4000))
    with floor.device() as device:
        device.publish_raw(f"{device.base}/obs/scan", marked)
        floor.until(lambda: floor.status()["quarantine"] == before + 1, "it is in quarantine")
        still_sells(floor, device)


def test_an_unknown_kind_is_quarantined(floor: Floor) -> None:
    with floor.device() as device:
        ack = device.send("horoscope", {"sign": "virgo"})
        assert ack["status"] == "quarantined"
        still_sells(floor, device)


def test_the_same_id_with_another_body_is_quarantined_and_the_first_stands(floor: Floor) -> None:
    sku = f"T-{secrets.token_hex(5)}"
    floor.receive({sku: 10})
    with floor.device("till-1") as till:
        first = till.body({"sale_id": secrets.token_hex(5), "lines": [{"sku": sku, "qty": 1}]})
        till.publish("sale", first)
        till.wait([first["id"]])
        second = first | {
            "data": {"sale_id": secrets.token_hex(5), "lines": [{"sku": sku, "qty": 5}]}
        }
        till.publish("sale", second)
        ack = till.wait([first["id"]])[first["id"]]
    assert (ack["status"], ack["reason"]) == ("quarantined", "id_reused")
    assert floor.stock(sku)["on_hand"] == 9


def test_a_batch_with_one_bad_observation_loses_only_that_one(floor: Floor) -> None:
    sku = f"T-{secrets.token_hex(5)}"
    floor.receive({sku: 10})
    with floor.device("till-1") as till:
        bodies = [
            till.body({"sale_id": secrets.token_hex(5), "lines": [{"sku": sku, "qty": 1}]})
            | {"kind": "sale"}
            for _ in range(5)
        ]
        bodies[2]["time_quality"] = "guessed"
        till.publish_raw(f"{till.base}/obs/batch", json.dumps(bodies).encode())
        acks = till.wait([body["id"] for body in bodies])
    found = [acks[body["id"]]["status"] for body in bodies]
    assert found == ["committed", "committed", "quarantined", "committed", "committed"]
    assert floor.stock(sku)["on_hand"] == 6


def test_a_clock_in_1970_is_accepted_and_its_time_estimated(floor: Floor) -> None:
    sku = f"T-{secrets.token_hex(5)}"
    floor.receive({sku: 2})
    with floor.device("till-1") as till:
        data = {"sale_id": secrets.token_hex(5), "lines": [{"sku": sku, "qty": 1}]}
        ack = till.send("sale", data, at="1970-01-01T00:00:12.000Z", time_quality="unknown")
    assert ack["status"] == "committed"
    rows = floor.storehub("export", "journal").stdout.splitlines()
    last = [json.loads(row)["entry"] for row in rows if sku in row][-1]
    assert last["occurred_at"][:4] == time.strftime("%Y", time.gmtime())


def test_a_quarantined_message_is_shown_and_can_be_replayed(floor: Floor) -> None:
    with floor.device("till-1") as till:
        body = till.body(SALE, time_quality="guessed")
        till.publish("sale", body)
        till.wait([body["id"]])
    mine = [one for one in quarantined(floor) if body["id"] in json.dumps(one)]
    assert mine
    assert mine[0]["reason"]
    answer = floor.storehub("quarantine", "replay", str(mine[0]["id"]), check=False)
    assert answer.returncode in (0, 1)
    assert "Traceback" not in answer.stderr


def test_hostile_text_is_only_text(floor: Floor) -> None:
    """SQL and HTML in every text field of HTTP and MQTT."""
    sku = NASTY.replace(" ", "_")[:60]
    floor.receive({sku: 3})
    assert floor.stock(quote(sku, safe=""))["on_hand"] == 3
    answer = floor.hub.get("/catalog/search", q=NASTY)
    assert answer.status_code == 200
    assert floor.hub.post("/sales", {"sale_id": NASTY, "lines": [{"sku": sku, "qty": 1}]}).ok
    placed = floor.place(
        {},
        lines=[{"line_id": "L1", "sku": sku, "qty": 1, "unit_price_minor": 1, "name": NASTY}],
        customer={"name": NASTY, "email": NASTY, "phone": NASTY[:40]},
    )
    floor.arrived(placed["order_id"])
    with floor.device() as device:
        for kind, data in (
            ("scan", {"code": NASTY, "symbology": NASTY}),
            ("kiosk", {"event": NASTY, "query": NASTY}),
            ("printed", {"job": NASTY, "state": NASTY}),
            ("heartbeat", {"firmware": NASTY}),
        ):
            ack = device.send(kind, data)
            assert ack["status"] in ("committed", "refused", "quarantined")
        still_sells(floor, device)
    for path in ("claim", "hold", "cancel", "short", "stage"):
        answer = floor.hub.post(f"/orders/{placed['order_id']}/{path}", {"reason": NASTY})
        assert answer.status_code in (200, 409, 422), path
        assert "<script>" not in answer.text or answer.headers["Content-Type"].startswith(
            ("application/json", "application/problem+json")
        )


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"\xff", 400),
        (b'{"sku":NaN}', 400),
        (b"[]", 422),
        (b"{}", 422),
        (b'{"sku":"A","qty":0}', 422),
        (b'{"sku":"A","qty":1,"surprise":true}', 422),
        (b'{"sku":"A","qty":1e400}', (400, 422)),
        (b'{"sku":"' + b"x" * 5_000_000 + b'","qty":1}', 413),
    ],
    ids=lambda value: repr(value[:20]) if isinstance(value, bytes) else "",
)
def test_a_wrong_http_body_is_a_problem_with_a_sentence(
    floor: Floor, body: bytes, status: int | tuple[int, ...]
) -> None:
    try:
        answer = floor.hub.session.post(
            f"{floor.hub.url}/api/v1/holds",
            data=body,
            headers={"Content-Type": "application/json"},
            timeout=20,
        )
    except requests.ConnectionError:
        assert len(body) > 1_000_000, "only a body that is too large may be cut off"
        return
    assert answer.status_code in (status if isinstance(status, tuple) else (status,))
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"].startswith("urn:storehub:problem:")
    assert problem["detail"]


def test_nobody_without_a_password_reaches_the_broker(floor: Floor) -> None:
    import paho.mqtt.client as mqtt
    from paho.mqtt.enums import CallbackAPIVersion

    url = urlsplit(floor.facts()["urls"]["mqtt"])
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    refused: list[bool] = []
    client.on_connect = lambda _c, _d, _f, code, _p: refused.append(code.is_failure)
    client.connect(url.hostname or "", url.port or 0)
    client.loop_start()
    floor.until(lambda: bool(refused), "the broker answers")
    client.loop_stop()
    assert refused == [True] or all(refused)


def test_a_device_cannot_speak_for_another(floor: Floor) -> None:
    sku = f"T-{secrets.token_hex(5)}"
    floor.receive({sku: 2})
    with floor.device("till-1") as one, floor.device("shelf-1") as two:
        body = one.body({"sale_id": secrets.token_hex(5), "lines": [{"sku": sku, "qty": 1}]})
        one.publish_raw(f"{two.base}/obs/sale", json.dumps(body).encode())
        one.publish_raw(f"{one.base}/ack", b'{"acks":[{"id":"x","status":"committed"}]}')
        still_sells(floor, one)
        assert "x" not in one.acks
    assert floor.stock(sku)["on_hand"] == 2


def test_garbage_on_the_sockets_disturbs_nobody(floor: Floor) -> None:
    facts = floor.facts()["urls"]
    for name in ("hub", "central", "mqtt"):
        url = urlsplit(facts[name])
        with socket.create_connection((url.hostname, url.port), timeout=40) as raw:
            raw.sendall(secrets.token_bytes(4096))
    with floor.device() as device:
        still_sells(floor, device)
    assert floor.verify()["ok"]
