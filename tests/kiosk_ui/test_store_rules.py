"""A lead decides policies and plans staging shelves by form; what is wrong stands at its field."""

from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient

from hub.house.rules import POLICIES, STORAGE
from hub.pickup import facts
from kiosk_ui.console import house, opening
from tests.kiosk_ui.conftest import Program, csrf_of
from tests.kiosk_ui.sample import SampleStore

SignIn = Callable[[str], FlaskClient]
Post = Callable[..., str]


@pytest.fixture
def post(sign_in: SignIn) -> Post:
    """Send a form as a lead does; return what the screen shows then."""
    lead = sign_in("sam")
    token = csrf_of(lead.get("/console").text)

    def sent(path: str, **form: str) -> str:
        answer = lead.post(f"/console/{path}", data={"csrf_token": token, **form})
        assert answer.status_code == 200, answer.text
        return answer.text

    return sent


def value(program: Program, name: str) -> object:
    items = program.get("/policies").json["items"]
    return next(one["value"] for one in items if one["name"] == name)


def test_every_policy_and_kind_of_shelf_has_words_for_people() -> None:
    assert house.NAMES.keys() == POLICIES.keys()
    assert {name for _title, names in house.GROUPS for name in names} == POLICIES.keys()
    choices = {choice for policy in POLICIES.values() for choice in policy.choices}
    assert choices <= house.CHOICES.keys()
    assert tuple(house.KINDS) == STORAGE


def test_a_policy_is_decided_and_its_default_given_back(
    post: Post, program: Program, shop: SampleStore
) -> None:
    shown = post("policies/pickers", value="3", do="save")
    assert "Decided by Sam Okoro" in shown
    assert "Default: 0 people." in shown
    assert value(program, "pickers") == 3
    before = shop.store.journal.head
    assert "It is decided." in post("policies/pickers", value="3", do="save")
    assert shop.store.journal.head == before, "what is decided already is no news"
    assert "This is the default." in post("policies/pickers", value="7", do="default")
    assert value(program, "pickers") == 0


def test_what_is_wrong_stands_beside_the_field_with_what_was_typed(
    post: Post, program: Program
) -> None:
    for name, typed, sentence in (
        ("pickers", "many", "The value is a whole number."),
        ("pickers", "", "The value is a whole number."),
        ("pickers", "100", "The value is 0 to 99."),
        ("no_show_hours", "-1", "The value is a whole number."),
        ("opening_hours", "mo 20:00-08:00", "mo 20:00-08:00 ends before it begins."),
        ("opening_hours", "<b>", "Opening hours are written like"),
        ("clocks_run", "never", "The value is always or open."),
    ):
        before = value(program, name)
        shown = post(f"policies/{name}", value=typed, do="save")
        assert sentence in shown
        assert f'id="wrong-{name}"' in shown
        assert "<b>" not in shown
        assert value(program, name) == before


def test_opening_hours_are_told_for_each_weekday_while_they_are_typed(sign_in: SignIn) -> None:
    lead = sign_in("sam")
    shown = lead.get("/console/hours", query_string={"value": "mo-fr 08:00-12:00, mo 13:00-20:00"})
    assert "08:00–12:00, 13:00–20:00" in shown.text
    assert shown.text.count("closed") == 2
    assert "are written like" in lead.get("/console/hours?value=mo-fr").text


def test_until_when_the_store_is_open_is_said_in_words(app: Flask) -> None:
    zone = ZoneInfo("Europe/Berlin")
    for at, text, told in (
        ("2026-11-20 12:00", "mo-fr 08:00-20:00, sa 09:00-18:00", "Open now until 20:00."),
        ("2026-11-20 07:00", "mo-fr 08:00-20:00", "Closed now. It opens at 08:00."),
        ("2026-11-20 20:00", "mo-fr 08:00-20:00", "Closed now. It opens on Monday at 08:00."),
        ("2026-11-20 23:00", "fr 20:00-24:00, sa 00:00-02:00", "Open now until Saturday at 02:00."),
        ("2026-11-20 12:00", "mo-su 00:00-24:00", "Always open."),
        ("2026-11-20 12:00", "", "Always open."),
    ):
        now = datetime.fromisoformat(at).replace(tzinfo=zone).astimezone(UTC)
        with app.test_request_context():
            assert opening.now_said(text, now, zone) == (not told.startswith("Closed"), told)


def test_shelves_are_planned_at_once_changed_and_given_up_unless_an_order_stands_there(
    post: Post, program: Program, shop: SampleStore
) -> None:
    before = shop.store.journal.head.seq
    shown = post("staging", shelf="a-01..a-12, k-1", kind="chilled", capacity="2")
    assert "13 shelves" in shown
    assert shop.store.journal.head.seq == before + 13
    post("staging", shelf="K-1", kind="frozen", capacity="5", row="K-1")
    shop.place("R-1", [("4711", 1)])
    shop.append(facts.PickingClaimed(order_id="R-1", by="staff:ada"))
    shop.append(facts.LinePicked(order_id="R-1", line_id="L1", qty=1))
    shop.append(facts.OrderStaged(order_id="R-1", shelf="K-1"))
    refused = post("staging/drop", shelf="K-1", row="K-1")
    assert "1 order stands on shelf K-1." in refused
    assert "13 shelves" in refused
    assert "12 shelves" in post("staging/drop", shelf="A-01", row="A-01")
    shelves = {one["shelf"]: one for one in program.get("/staging-shelves").json["items"]}
    assert (shelves["K-1"]["kind"], shelves["K-1"]["capacity"]) == ("frozen", 5)
    assert shelves["K-1"]["orders"] == 1
    assert "A-01" not in shelves


def test_shelves_that_cannot_be_are_refused_whole_beside_the_form(
    post: Post, program: Program
) -> None:
    for wrong, sentence in (
        ({"shelf": "A-01..B-02"}, "Several shelves are written like A-01..A-12."),
        ({"shelf": "A-5..A-1"}, "A-5..A-1 ends before it begins."),
        ({"shelf": ""}, "shelf must be 1 to 32 letters"),
        ({"capacity": "few"}, "The capacity is a whole number of orders."),
        ({"capacity": "0"}, "capacity is 1 to 1000 orders."),
        ({"kind": "hot"}, "kind is one of ambient, large, chilled, frozen."),
    ):
        shown = post(
            "staging", **{"shelf": "A-1, A-2", "kind": "ambient", "capacity": "4", **wrong}
        )
        assert sentence in shown
        assert 'id="wrong-new"' in shown
        assert program.get("/staging-shelves").json["items"] == []


def test_an_associate_decides_nothing(sign_in: SignIn) -> None:
    ada = sign_in("ada")
    token = csrf_of(ada.get("/counter").text)
    assert ada.get("/console/policies").status_code == 403
    for path in ("policies/pickers", "staging", "staging/drop"):
        form = {"csrf_token": token, "value": "1", "shelf": "A-1", "kind": "ambient"}
        assert ada.post(f"/console/{path}", data=form).status_code == 403
