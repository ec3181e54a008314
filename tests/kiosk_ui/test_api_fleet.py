"""Devices over the API: let in, placed, told, shut out; a secret is shown once."""

import pytest

from hub.fleet import actions, queries, rules
from tests.kiosk_ui.conftest import Program
from tests.kiosk_ui.sample import SampleStore


def account(shop: SampleStore, name: str) -> queries.Account | None:
    with shop.store.database.reader() as reader:
        return next((one for one in queries.accounts(reader) if one.name == name), None)


def test_a_device_is_let_in_and_its_password_stands_in_one_answer_alone(
    program: Program, shop: SampleStore
) -> None:
    body = {"kind": "till", "place": "counter"}
    first = program.post("/devices/till-1/enrol", body, key="k1")
    again = program.post("/devices/till-1/enrol", body, key="k1")
    assert first.status_code == again.status_code == 201
    password = first.json["password"]
    assert again.json == {"id": "till-1", "username": "till-1", "password": None}
    known = account(shop, "till-1")
    assert known is not None
    assert rules.matches(password, known.secret)
    with shop.store.database.reader() as reader:
        kept = b"".join(row[0] for row in reader.execute("SELECT body FROM command_reply"))
    assert password.encode() not in kept


def test_the_broker_hears_of_each_change_of_who_may_connect(
    program: Program, shop: SampleStore
) -> None:
    program.post("/devices/till-1/enrol", {"kind": "till"})
    program.post("/devices/till-1/rotate", {})
    program.post("/devices/till-1/move", {"place": "door"})
    program.post("/devices/till-1/replace", {})
    program.post("/devices/till-1/revoke", {})
    assert shop.told_broker == 4
    assert account(shop, "till-1") is None


def test_a_device_is_moved_and_shown_whole(program: Program) -> None:
    program.post("/devices/till-1/enrol", {"kind": "till", "place": "counter"})
    assert program.post("/devices/till-1/move", {"place": "door"}).json["place"] == "door"
    shown = program.get("/devices/till-1").json
    assert shown["device"]["place"] == "door"
    assert (shown["device"]["state"], shown["device"]["guarantee"]) == ("never", "A")
    assert (shown["observations"], shown["commands"], shown["missing"]) == ([], [], [])
    assert program.get("/devices/nobody").status_code == 404


def test_what_was_noticed_is_adopted(program: Program, shop: SampleStore) -> None:
    program.post("/devices/gate/enrol", {"kind": "gateway"})
    shop.store.writer.run(lambda tx: actions.sighted(tx, "shelly", "a8", "gate", name="Bell"))
    assert program.get("/sightings").json["items"][0]["name"] == "Bell"
    body = {"family": "shelly", "address": "a8", "kind": "button", "place": "door"}
    made = program.post("/devices/bell/adopt", body)
    assert (made.status_code, made.json["password"]) == (201, None)
    assert program.get("/sightings").json["items"] == []
    assert program.post("/devices/bell2/adopt", body).status_code == 404


def test_a_command_waits_and_says_how_far_it_has_come(program: Program, shop: SampleStore) -> None:
    program.post("/devices/till-1/enrol", {"kind": "till"})
    told = program.post("/devices/till-1/commands", {"name": "config", "payload": {"beep": False}})
    assert (told.status_code, told.json["state"]) == (201, "queued")
    key = told.json["key"]
    shop.store.writer.run(lambda tx: actions.answered(tx, "till-1", key, "unknown_command"))
    (command,) = program.get("/devices/till-1").json["commands"]
    assert (command["state"], command["answer"]) == ("failed", "unknown_command")
    assert command["actor"] == "token:acceptance"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/devices/a b/enrol", {"kind": "till"}, 422),
        ("/devices/hub/enrol", {"kind": "till"}, 422),
        ("/devices/a/enrol", {"kind": ""}, 422),
        ("/devices/a/enrol", {"kind": "x", "grants": ["#"]}, 422),
        ("/devices/a/enrol", {"kind": "x", "via": "nobody"}, 404),
        ("/devices/nobody/revoke", {}, 404),
        ("/devices/nobody/commands", {"name": "identify"}, 404),
        ("/devices/nobody/move", {"place": "x"}, 404),
    ],
)
def test_what_cannot_be_is_said(program: Program, path: str, body: object, status: int) -> None:
    assert program.post(path, body).status_code == status


def test_only_it_may(program: Program, shop: SampleStore) -> None:
    lead = Program(program._client, shop.token("lead", "lead"))
    assert lead.get("/devices").status_code == 403
    assert lead.post("/devices/x/enrol", {"kind": "till"}).status_code == 403
