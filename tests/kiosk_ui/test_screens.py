"""The screens for people: who may see what, what buttons do, what is escaped."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from hub.clock import FixedClock
from hub.ingest.travels import Travel
from kiosk_ui.app import create_app
from tests.kiosk_ui.conftest import csrf_of
from tests.kiosk_ui.sample import BADGE, PIN, SampleStore, facts

SignIn = Callable[[str], FlaskClient]


def press(client: FlaskClient, path: str, **form: str):  # type: ignore[no-untyped-def]
    token = csrf_of(client.get("/").text)
    headers = {"HX-Request": "true", "X-CSRFToken": token}
    return client.post(path, data=form, headers=headers)


def test_the_start_page_is_for_anyone_and_names_nobody(
    anyone: FlaskClient, shop: SampleStore
) -> None:
    shop.place("R-1", name="Maria Keller")
    page = anyone.get("/")
    assert page.status_code == 200
    assert "Maria" not in page.text
    assert "R-1" not in page.text
    assert "line-switch" in page.text


@pytest.mark.parametrize("length", [20, 30, 180, 400])
def test_the_start_page_tells_nobody_a_code_that_collects_an_order(
    anyone: FlaskClient, shop: SampleStore, length: int
) -> None:
    code = '{"code":"SH1:O:' + "R-4711" * (length // 6) + '"}'
    shop.travels = [Travel("scanner-1", "scan", "o1", code[:200], 0)]
    shown = anyone.get("/floor/travels")
    assert b"R-4711" not in shown.data
    assert shown.json["items"][0]["text"] == "the code of an order"


def test_the_line_switch_drives_the_line(sign_in: SignIn, shop: SampleStore) -> None:
    it = sign_in("ivy")
    assert press(it, "/floor/line/down").status_code == 200
    assert shop.line.status() == "down"
    press(it, "/floor/line/up")
    assert shop.line.status() == "up"


def test_only_it_may_cut_the_line_of_a_real_store(sign_in: SignIn, shop: SampleStore) -> None:
    assert press(sign_in("ada"), "/floor/line/down").status_code == 403
    assert shop.line.status() == "up"


def test_a_store_without_a_line_shows_no_switch(tmp_path: Path) -> None:
    import dataclasses

    shop = SampleStore(tmp_path / "data")
    app = create_app(dataclasses.replace(shop.hub, line=None), testing=True)
    client = app.test_client()
    assert "line-switch" not in client.get("/").text
    app.extensions["storehub_stream"].stop()
    shop.close()


@pytest.mark.parametrize("path", ["/counter", "/counter/orders/R-1", "/console"])
def test_nobody_sees_orders_without_signing_in(anyone: FlaskClient, path: str) -> None:
    answer = anyone.get(path)
    assert answer.status_code == 302
    assert answer.location.startswith("/signin?next=")


def test_a_wrong_pin_is_refused_without_saying_what_was_wrong(anyone: FlaskClient) -> None:
    token = csrf_of(anyone.get("/signin").text)
    for staff_id in ("ada", "nobody"):
        answer = anyone.post(
            "/signin", data={"staff_id": staff_id, "pin": "9753", "csrf_token": token}
        )
        assert answer.status_code == 409
        assert "Name and PIN do not fit." in answer.text


def test_a_badge_signs_in(anyone: FlaskClient) -> None:
    token = csrf_of(anyone.get("/signin").text)
    answer = anyone.post("/signin", data={"badge": BADGE, "csrf_token": token, "next": "/counter"})
    assert (answer.status_code, answer.location) == (303, "/counter")
    assert "AL" in anyone.get("/counter").text


@pytest.mark.parametrize(
    "evil", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_signing_in_leads_to_no_other_site(anyone: FlaskClient, evil: str) -> None:
    token = csrf_of(anyone.get("/signin").text)
    form = {"staff_id": "ada", "pin": PIN, "csrf_token": token, "next": evil}
    assert anyone.post("/signin", data=form).location == "/counter"


def test_a_form_without_its_token_is_refused(sign_in: SignIn, shop: SampleStore) -> None:
    shop.place("R-1")
    client = sign_in("ada")
    assert client.post("/counter/orders/R-1/claim").status_code == 403
    assert client.post("/api/v1/orders/R-1/claim", json={}).status_code == 403


def test_a_person_is_signed_out_when_nobody_touches_the_screen(tmp_path: Path) -> None:
    clock = FixedClock(datetime(2026, 11, 21, 12, tzinfo=UTC))
    shop = SampleStore(tmp_path / "data", clock, signout_minutes=5)
    shop.hire("ada", "Ada Lindqvist", "associate")
    app = create_app(shop.hub, testing=True)
    client = app.test_client()
    token = csrf_of(client.get("/signin").text)
    client.post("/signin", data={"staff_id": "ada", "pin": PIN, "csrf_token": token})
    clock.advance(timedelta(minutes=4))
    assert client.get("/counter").status_code == 200
    for _ in range(3):  # the page refreshes itself: no sign of a person
        clock.advance(timedelta(minutes=2))
        answer = client.get("/counter/columns", headers={"X-Unattended": "1"})
    assert answer.status_code == 302
    app.extensions["storehub_stream"].stop()
    shop.close()


def test_who_was_sent_away_is_out_at_the_next_click(sign_in: SignIn, shop: SampleStore) -> None:
    from hub.staff import actions

    client = sign_in("ada")
    assert client.get("/counter").status_code == 200
    shop.store.writer.run(lambda tx: actions.deactivate(tx, "ada"))
    assert client.get("/counter").status_code == 302


def test_the_board_shows_a_new_order_at_once(sign_in: SignIn, shop: SampleStore) -> None:
    client = sign_in("ada")
    assert "No new orders." in client.get("/counter").text
    shop.place("R-77AB", name="Maria Keller")
    board = client.get("/counter/columns").text
    assert "77AB" in board
    assert "Maria Keller" in board
    assert "bakery.svg" in board


def test_a_screen_that_names_its_drawing_gets_what_changed_alone(
    sign_in: SignIn, shop: SampleStore
) -> None:
    client = sign_in("ada")
    shop.place("R-77AB", name="Maria Keller", code="77AB")
    shop.place("R-88CD", name="Jonas Weber", code="88CD")
    drawing = re.search('data-drawing="([^"]+)"', client.get("/counter").text)
    assert drawing
    known = {"X-Board": drawing[1]}
    shop.append(facts.PickingClaimed(order_id="R-88CD", by="staff:ada"))
    board = client.get("/counter/columns", headers=known).text
    assert '<i id="card-R-77AB" data-same></i>' in board
    assert "Maria Keller" not in board
    assert "Jonas Weber" in board  # in another column than before
    drawing = re.search('data-drawing="([^"]+)"', board)
    assert drawing
    shop.append(facts.LinePicked(order_id="R-88CD", line_id="L1", qty=1))
    board = client.get("/counter/columns", headers={"X-Board": drawing[1]}).text
    assert "Jonas Weber" in board  # in its old column, and it reads differently
    for stranger in ({}, {"X-Board": "of another hub"}):
        assert "Maria Keller" in client.get("/counter/columns", headers=stranger).text


def test_a_late_order_comes_first_and_says_so(sign_in: SignIn, shop: SampleStore) -> None:
    shop.place("R-LATER", [("4711", 1)], minutes=90, code="CALM")
    shop.place("R-SOON1", [("4711", 1)], minutes=5, code="SOON")
    shop.place("R-LATE1", [("4711", 1)], minutes=-5, code="LATE")
    board = sign_in("ada").get("/counter").text
    assert board.index(">LATE<") < board.index(">SOON<") < board.index(">CALM<")
    assert 'class="card timed late"' in board
    assert 'class="card timed soon"' in board
    assert "5 min late" in board


def test_a_column_is_capped_and_says_how_many_more(tmp_path: Path) -> None:
    shop = SampleStore(tmp_path / "data", column_cards=5)
    shop.hire("ada", "Ada Lindqvist", "associate")
    shop.receive("4711", 100)
    for n in range(8):
        shop.place(f"R-{n}", [("4711", 1)])
    app = create_app(shop.hub, testing=True)
    client = app.test_client()
    token = csrf_of(client.get("/signin").text)
    client.post("/signin", data={"staff_id": "ada", "pin": PIN, "csrf_token": token})
    board = client.get("/counter/columns").text
    assert board.count('<article class="card') == 5
    assert "and 3 more" in board
    app.extensions["storehub_stream"].stop()
    shop.close()


def test_every_step_is_a_button(sign_in: SignIn, shop: SampleStore) -> None:
    shop.place("R-1", [("4711", 2)])
    ada = sign_in("ada")
    order = "/counter/orders/R-1"
    assert "Pick all 2" in press(ada, f"{order}/claim", key="1").text
    assert "All resolved" in press(ada, f"{order}/pick", line_id="L1", qty="2", key="2").text
    assert "B-12" in press(ada, f"{order}/stage", shelf="b-12", key="3").text
    assert "Hand over" in press(ada, f"{order}/ready", key="4").text
    given = press(ada, "/counter/handover/R-1", proof="passport", key="5").text
    assert 'id="given"' in given
    done = ada.get(order).text
    assert "The customer has it." in done
    assert "Ada Lindqvist" in done


def test_a_double_click_is_one_step(sign_in: SignIn, shop: SampleStore) -> None:
    shop.place("R-1", [("4711", 2)])
    ada = sign_in("ada")
    press(ada, "/counter/orders/R-1/claim", key="1")
    for _ in range(2):
        press(ada, "/counter/orders/R-1/pick", line_id="L1", qty="1", key="same")
    with shop.hub.reader() as connection:
        from hub.pickup import queries

        assert queries.order(connection, "R-1")["lines"][0]["picked"] == 1


def test_a_refusal_is_shown_in_place(sign_in: SignIn, shop: SampleStore) -> None:
    shop.place("R-1", [("4711", 2)])
    press(sign_in("sam"), "/counter/orders/R-1/claim", key="1")
    refused = press(sign_in("ada"), "/counter/orders/R-1/pick", line_id="L1", qty="1", key="2")
    assert refused.status_code == 200
    assert 'role="alert"' in refused.text
    assert "Sam Okoro" in refused.text


def test_half_an_order_is_handed_over(sign_in: SignIn, shop: SampleStore) -> None:
    shop.place("R-1", [("4711", 1), ("4712", 1)])
    ada, order = sign_in("ada"), "/counter/orders/R-1"
    press(ada, f"{order}/claim", key="1")
    press(ada, f"{order}/pick", line_id="L1", qty="1", key="2")
    press(ada, f"{order}/pick", line_id="L2", qty="1", key="3")
    press(ada, f"{order}/stage", shelf="A1", key="4")
    press(ada, f"{order}/ready", key="5")
    none = {"proof": "passport", "qty:R-1:L1": "0", "qty:R-1:L2": "0", "key": "7"}
    assert "at least one unit" in press(ada, "/counter/handover/R-1", **none).text
    form = {"proof": "passport", "qty:R-1:L1": "1", "qty:R-1:L2": "0", "key": "6"}
    page = press(ada, "/counter/handover/R-1", **form).text
    assert "Handed over before: 1 × Rye bread" in page
    assert "do-handover" in page
    assert "1 handed over" in ada.get(order).text


def test_a_scan_is_understood_wherever_it_is_typed(sign_in: SignIn, shop: SampleStore) -> None:
    shop.place("R-1", [("4711", 1)], code="7K4M")
    ada = sign_in("ada")
    assert press(ada, "/counter/scan", text="7k4m").headers["HX-Redirect"].endswith("/R-1")
    assert "Rye bread" in press(ada, "/counter/scan", text="9521234543213").text
    assert "is no order" in press(ada, "/counter/scan", text="what?").text
    press(ada, "/counter/orders/R-1/claim", key="1")
    scan = {"order_id": "R-1", "text": "9521234543220", "key": "2"}
    assert "Whole milk 1 l is not in order 7K4M" in press(ada, "/counter/scan", **scan).text
    scan = {"order_id": "R-1", "text": "9521234543213", "key": "3"}
    assert "Done." in press(ada, "/counter/scan", **scan).text
    scan = {"order_id": "R-1", "text": "SH1:S:C-3", "key": "4"}
    assert "Done." in press(ada, "/counter/scan", **scan).text
    assert "C-3" in ada.get("/counter/orders/R-1").text


def test_what_devices_sent_is_text_and_never_markup(sign_in: SignIn, shop: SampleStore) -> None:
    shop.quarantine("scanner-1", b'<script>alert("x")</script><img src=x onerror=alert(1)>')
    for path in ("/console", "/console/quarantine/1"):
        page = sign_in("ivy").get(path)
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "&lt;script&gt;" in page.text


def test_names_and_articles_are_escaped(sign_in: SignIn, shop: SampleStore) -> None:
    shop.place("R-1", [("4711", 1)], name='<b onclick="x">Eve</b>')
    ada = sign_in("ada")
    for path in ("/counter", "/counter/orders/R-1"):
        assert '<b onclick="x">' not in ada.get(path).text


def test_the_console_is_not_for_associates_and_replay_is_for_it(
    sign_in: SignIn, shop: SampleStore
) -> None:
    shop.quarantine("scanner-1", b"x")
    assert sign_in("ada").get("/console").status_code == 403
    assert "replay-1" not in sign_in("sam").get("/console").text
    ivy = sign_in("ivy")
    assert "replay-1" in ivy.get("/console").text
    assert press(ivy, "/console/quarantine/1/replay", key="1").status_code == 200
    assert shop.replays == [1]


def test_offline_is_a_calm_banner_with_the_age_of_central(
    sign_in: SignIn, shop: SampleStore
) -> None:
    shop.sync = {"state": "offline", "as_of": "2026-11-21T14:02:00.000Z", "backlog": 3}
    page = sign_in("ada").get("/counter").text
    banner = page[page.index('id="offline"') :][:700]
    assert "hidden" not in banner[: banner.index(">")]
    assert "14:02" in banner


def test_pages_carry_a_strict_policy(app: Flask, anyone: FlaskClient) -> None:
    for path in ("/", "/signin", "/api/v1/openapi.json", "/nothing"):
        policy = anyone.get(path).headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy


def test_pages_are_small(sign_in: SignIn, shop: SampleStore) -> None:
    shop.place("R-1")
    client = sign_in("ada")
    page = client.get("/counter")
    cold = len(page.data)
    for address in set(_assets(page.text)):
        answer = client.get(address, headers={"Accept-Encoding": "gzip"})
        assert answer.status_code == 200
        assert "immutable" in answer.headers["Cache-Control"]
        if "woff2" not in address:
            cold += len(answer.data)
    # Of it 12 kB are what the counter needs to go on without its hub, and 2 kB the sheets of high
    # contrast and of forced colours, which are fetched after everything that the page waits for.
    assert cold < 75_000, cold


def _assets(page: str) -> list[str]:
    import re

    return re.findall(r'(?:src|href)="(/static/[^"#]+)', page)


def test_the_board_says_when_a_customer_on_the_way_is_expected(tmp_path: Path) -> None:
    clock = FixedClock(datetime(2026, 11, 21, 12, tzinfo=UTC))
    shop = SampleStore(tmp_path / "data", clock, signout_minutes=60)
    shop.hire("ada", "Ada Lindqvist", "associate")
    shop.receive("4711", 20)
    shop.receive("4712", 20)
    for order_id in ("R-1", "R-2", "R-3", "R-4"):
        shop.made_ready(order_id, code=order_id)
    for order_id, minutes in (("R-1", 30), ("R-2", 10), ("R-3", None)):
        shop.append(facts.BuyerSeen(order_id=order_id, where="on_the_way", eta_minutes=minutes))
        clock.advance(timedelta(minutes=1))
    shop.append(facts.BuyerSeen(order_id="R-4", where="arrived"))
    app = create_app(shop.hub, testing=True)
    client = app.test_client()
    token = csrf_of(client.get("/signin").text)
    client.post("/signin", data={"staff_id": "ada", "pin": PIN, "csrf_token": token})

    def coming() -> list[tuple[str, str]]:
        page = client.get("/counter").text
        strip = page[page.index('id="coming"') : page.index("board-sub")]
        return re.findall(r'id="coming-(R-\d)".*?<time[^>]*>([^<]*)</time>', strip, re.DOTALL)

    # Who is here is first; then who comes next, not who left first.
    assert coming() == [
        ("R-4", "now"), ("R-3", "1 min ago"), ("R-2", "8 min"), ("R-1", "27 min")
    ]  # fmt: skip
    clock.advance(timedelta(minutes=13))
    shop.append(facts.BuyerSeen(order_id="R-3", where="arrived"))
    assert ("R-2", "5 min late") in coming()
    app.extensions["storehub_stream"].stop()
    shop.close()


def test_the_counter_asks_for_a_shelf_for_each_kind_of_goods(
    sign_in: SignIn, shop: SampleStore
) -> None:
    from hub.pickup import staging

    for shelf, kind in (("A1", "ambient"), ("F1", "frozen")):
        shop.store.writer.run(
            lambda tx, s=shelf, k=kind: staging.plan_shelf(
                tx, s, 3, k, actor="staff:ada", cause=f"plan:{s}"
            )
        )
    for sku in ("4711", "4714"):
        shop.receive(sku, 5)
    shop.place("R-1", [("4711", 1), ("4714", 1)], frozen="4714")
    client, order = sign_in("ada"), "/counter/orders/R-1"
    press(client, f"{order}/claim")
    for line in ("L1", "L2"):
        page = press(client, f"{order}/pick", line_id=line, qty="1").text
    parts = page.split('id="parts"', 1)[1].split("</ul>", 1)[0]
    found = [parts.index(word) for word in ("Frozen", "F1", "Room temperature", "A1")]
    assert found == sorted(found)
    page = press(client, "/counter/scan", text="SH1:S:F1", order_id="R-1").text
    assert "Done." in page
    page = client.get(order).text
    assert 'name="split"' in page, "the rest waits for its shelf"
    press(client, f"{order}/stage", shelf="A1", split="true")
    assert "It stands on F1 + A1" in client.get(order).text
    assert "F1 + A1" in client.get("/counter").text
