"""What a lead sees and others do not: what customers said, and what they signed with."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from hub.clock import FixedClock
from hub.customers import actions as customers
from hub.customers import queries, tables
from hub.errors import Unavailable
from hub.experience import actions as experience
from hub.pickup import actions as pickup
from tests.kiosk_ui.conftest import Program, csrf_of
from tests.kiosk_ui.sample import SampleStore

SignIn = Callable[[str], FlaskClient]
SIGNED = "[[100,200,110,213,120,231,133,252,171,263,188,299,201,307],[5,6]]"


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 11, 2, 12, tzinfo=UTC))


@pytest.fixture
def shop(tmp_path: Path, clock: FixedClock) -> Iterator[SampleStore]:
    store = SampleStore(tmp_path / "data", clock, timezone="Europe/Berlin", signout_minutes=99_999)
    store.hire("ada", "Ada Lindqvist", "associate")
    store.hire("sam", "Sam Okoro", "lead")
    store.receive("4711", 90)
    yield store
    store.close()


def press(client: FlaskClient, path: str, **form: str):  # type: ignore[no-untyped-def]
    headers = {"HX-Request": "true", "X-CSRFToken": csrf_of(client.get("/").text)}
    return client.post(path, data=form, headers=headers)


def judged(shop: SampleStore, order_id: str, score: int, *felt: str) -> None:
    """Hand an order over, and let its customer say how it was."""
    shop.made_ready(order_id, (("4711", 1),))
    run, why = shop.store.writer.run, {"actor": "staff:ada", "cause": f"hub:{order_id:0>8}"}
    proof = {"kind": "id_seen", "value": "passport"}
    run(lambda tx: pickup.handover(tx, order_id, proof, **why))
    why = {"actor": "customer", "cause": f"central:{order_id}-felt"}
    run(lambda tx: experience.give(tx, order_id, score, felt, **why))


def test_a_lead_sees_what_customers_said_by_day_and_week_and_an_associate_does_not(
    app: Flask, sign_in: SignIn, shop: SampleStore, clock: FixedClock
) -> None:
    judged(shop, "R-OLD1", 1, "clear")
    clock.advance(timedelta(days=20))  # 22 November: in the week that ended a week ago
    judged(shop, "R-OLD2", 2)
    # 23:30 in Berlin is the day before the store's today, whatever UTC says.
    clock.advance(timedelta(days=6, hours=10, minutes=30))
    judged(shop, "R-EVE3", 3, "found")
    clock.advance(timedelta(hours=13))
    judged(shop, "R-DAY4", 5, "fast", "friendly")
    clock.advance(timedelta(minutes=1))
    judged(shop, "R-DAY6", 5)
    clock.advance(timedelta(minutes=1))
    judged(shop, "R-DAY5", 4, "fast")

    lead = Program(app.test_client(), shop.token("lead"))
    found = lead.get("/experience/feedback").json
    today = {"1": 0, "2": 0, "3": 0, "4": 1, "5": 2}
    assert found["today"] == {
        "day": "2026-11-29",
        "count": 3,
        "mean_hundredths": 467,
        "scores": today,
        "felt": {"fast": 2, "friendly": 1, "found": 0, "clear": 0},
    }
    weeks = [(one["first_day"], one["count"], one["scores"]) for one in found["weeks"]]
    nobody = dict.fromkeys(today, 0)
    assert weeks == [
        ("2026-11-23", 4, today | {"3": 1}),
        ("2026-11-16", 1, nobody | {"2": 1}),
        ("2026-11-09", 0, nobody),
        ("2026-11-02", 1, nobody | {"1": 1}),
    ]
    latest = [(one["order_id"], one["short_code"], one["score"]) for one in found["latest"]]
    assert latest == [
        ("R-DAY5", "DAY5", 4),
        ("R-DAY6", "DAY6", 5),
        ("R-DAY4", "DAY4", 5),
        ("R-EVE3", "EVE3", 3),
        ("R-OLD2", "OLD2", 2),
        ("R-OLD1", "OLD1", 1),
    ]
    assert lead.get("/experience?day=2026-11-28").json["scores"] == nobody | {"3": 1}

    page = sign_in("sam").get("/counter/day").text
    assert "What customers said" in page
    assert page.index("DAY5") < page.index("EVE3") < page.index("OLD2")
    assert "4.7" in page
    other = sign_in("ada").get("/counter/day")
    assert (other.status_code, "customers said" in other.text) == (200, False)
    associate = Program(app.test_client(), shop.token("associate", "till"))
    assert associate.get("/experience/feedback").status_code == 403


def test_a_lead_looks_at_a_signature_and_it_is_noted_who_looked(
    sign_in: SignIn,
    shop: SampleStore,
    clock: FixedClock,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop.made_ready("R-1", (("4711", 1),), name="Maria Keller")
    ada, sam = sign_in("ada"), sign_in("sam")
    assert "look-signature" not in sam.get("/counter/orders/R-1").text
    handed = press(ada, "/counter/handover/R-1", proof="signature", strokes=SIGNED, key="k-1")
    assert handed.status_code == 200

    assert "look-signature" not in ada.get("/counter/orders/R-1").text
    assert press(ada, "/counter/orders/R-1/signature").status_code == 403
    page = sam.get("/counter/orders/R-1").text
    assert "look-signature" in page
    assert "100,200" not in page
    assert "Sam Okoro" not in page.split('id="signature"')[1]

    clock.advance(timedelta(minutes=7))
    seen = press(sam, "/counter/orders/R-1/signature")
    assert 'points="100,200 100,200 110,213' in seen.text
    assert 'points="5,6 5,6"' in seen.text  # a dot
    assert "Sam Okoro" in seen.text
    assert seen.headers["Cache-Control"] == "no-store"
    policy = seen.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    for inline in ("style=", "<script", "onload"):
        assert inline not in seen.text
    again = sam.get("/counter/orders/R-1").text
    assert "Sam Okoro" in again.split('id="signature"')[1].split("</section>")[0]
    assert "100,200" not in again

    with shop.hub.reader() as connection:
        texts = [row[0] for row in connection.execute("SELECT entry FROM journal")]
        replies = [bytes(str(tuple(row)), "utf-8") for row in connection.execute(REPLIES)]
    for kept in (*texts, *replies, caplog.text.encode()):
        assert b"110,213" not in kept

    # Nothing is shown that could not be noted.
    with monkeypatch.context() as full_disk:
        full_disk.setattr(tables, "insert_look", full)
        refused = press(sam, "/counter/orders/R-1/signature").text
    assert "The disk is full." in refused
    assert "110,213" not in refused

    shop.store.writer.run(
        lambda tx: customers.erase(tx, "c-R-1", actor="central", cause="central:erase")
    )
    assert b"110,213" not in everything(shop.store.directory)
    assert "look-signature" not in sam.get("/counter/orders/R-1").text
    gone = press(sam, "/counter/orders/R-1/signature").text
    assert "No signature is kept for this order." in gone
    for days, left in ((364, 1), (2, 0)):  # who looked is forgotten after a year
        clock.advance(timedelta(days=days))
        shop.store.writer.run(customers.forget_signatures)
        with shop.hub.reader() as connection:
            assert len(queries.looks(connection, "R-1")) == left


def full(*_given: object) -> None:
    raise Unavailable("The disk is full.")


REPLIES = "SELECT * FROM command_reply"


def everything(directory: Path) -> bytes:
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    return b"\n".join(path.read_bytes() for path in files)
