"""A session ends at the hub: what a copied cookie is worth, and when it is worth nothing."""

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient

from hub import backup
from hub.clock import FixedClock
from hub.staff import actions, queries, rules
from kiosk_ui.app import create_app
from kiosk_ui.session import standing
from tests.kiosk_ui.conftest import csrf_of
from tests.kiosk_ui.sample import BADGE, HASHED, PIN, SampleStore

SignIn = Callable[[str], FlaskClient]


def cookie(client: FlaskClient) -> str:
    found = client.get_cookie("storehub")
    assert found is not None
    return found.value


def thief(app: Flask, copied: str) -> FlaskClient:
    """Return another browser that shows a copy of the cookie."""
    client = app.test_client()
    client.set_cookie("storehub", copied)
    return client


def opens(client: FlaskClient) -> bool:
    """Does this browser see the counter? Its cookie may be written anew by the answer."""
    return client.get("/counter").status_code == 200


def leave(client: FlaskClient) -> None:
    token = csrf_of(client.get("/signin").text)
    assert client.post("/signout", data={"csrf_token": token}).status_code == 303


def test_a_copied_cookie_is_refused_once_its_person_has_signed_out(
    app: Flask, sign_in: SignIn
) -> None:
    counter, phone = sign_in("ada"), sign_in("ada")
    copied = cookie(counter)
    assert opens(thief(app, copied))
    leave(counter)
    assert not opens(thief(app, copied))
    assert thief(app, copied).get("/api/v1/orders").status_code == 401
    assert opens(phone)


def test_another_person_s_badge_at_this_screen_ends_the_session_before(
    app: Flask, sign_in: SignIn
) -> None:
    sam = sign_in("sam")
    copied = cookie(sam)
    token = csrf_of(sam.get("/signin").text)
    sam.post("/signin", data={"badge": BADGE, "csrf_token": token})
    assert "AL" in sam.get("/counter").text
    assert not opens(thief(app, copied))


def test_a_screen_that_signs_out_by_itself_ends_the_session_for_copies(tmp_path: Path) -> None:
    clock = FixedClock(datetime(2026, 11, 21, 12, tzinfo=UTC))
    shop = SampleStore(tmp_path / "data", clock, signout_minutes=5)
    shop.hire("ada", "Ada Lindqvist", "associate")
    app = create_app(shop.hub, testing=True)
    ada = app.test_client()
    token = csrf_of(ada.get("/signin").text)
    ada.post("/signin", data={"staff_id": "ada", "pin": PIN, "csrf_token": token})
    busy = thief(app, cookie(ada))
    clock.advance(timedelta(minutes=4))
    assert opens(busy)
    clock.advance(timedelta(minutes=2))
    assert not opens(ada)
    assert not opens(busy)
    app.extensions["storehub_stream"].stop()
    shop.close()


def test_a_new_pin_a_new_badge_and_leaving_end_all_sessions_of_that_person_alone(
    sign_in: SignIn, shop: SampleStore
) -> None:
    sam = sign_in("sam")
    for change in (
        lambda tx: actions.set_pin(tx, "ada", HASHED),
        lambda tx: actions.set_badge(tx, "ada", actions.new_badge()),
        lambda tx: actions.deactivate(tx, "ada"),
    ):
        counter, phone = sign_in("ada"), sign_in("ada")
        shop.store.writer.run(change)
        assert not opens(counter)
        assert not opens(phone)
    assert opens(sam)


def test_an_open_stream_is_told_when_its_session_or_token_ends(
    app: Flask, sign_in: SignIn, shop: SampleStore
) -> None:
    ada, token = sign_in("ada"), shop.token(name="till")
    with ada:
        ada.get("/counter")
        still_ada = standing()
    with app.test_request_context(headers={"Authorization": f"Bearer {token}"}):
        still_till = standing()
    with app.test_request_context():
        assert standing() is None
    assert still_ada is not None
    assert still_till is not None
    assert still_ada()
    assert still_till()
    leave(ada)
    assert not still_ada()
    assert still_till()
    shop.store.writer.run(lambda tx: actions.revoke_token(tx, "till"))
    assert not still_till()


def test_an_open_stream_ends_with_the_shift_and_a_token_s_goes_on(tmp_path: Path) -> None:
    clock = FixedClock(datetime(2026, 11, 21, 12, tzinfo=UTC))
    shop = SampleStore(tmp_path / "data", clock)
    shop.hire("ada", "Ada Lindqvist", "associate")
    app = create_app(shop.hub, testing=True)
    token = shop.token(name="till")
    ada = app.test_client()
    form = csrf_of(ada.get("/signin").text)
    ada.post("/signin", data={"staff_id": "ada", "pin": PIN, "csrf_token": form})
    with ada:
        ada.get("/counter")
        still_ada = standing()
    with app.test_request_context(headers={"Authorization": f"Bearer {token}"}):
        still_till = standing()
    assert still_ada is not None
    assert still_till is not None
    clock.advance(rules.LONGEST_SESSION - timedelta(minutes=1))
    assert still_ada()
    clock.advance(timedelta(minutes=1))
    assert not still_ada()
    assert still_till()
    app.extensions["storehub_stream"].stop()
    shop.close()


def test_sessions_outlive_a_restart_and_those_that_ended_stay_ended(
    app: Flask, sign_in: SignIn, shop: SampleStore
) -> None:
    ada, sam = sign_in("ada"), sign_in("sam")
    going, ended = cookie(ada), cookie(sam)
    leave(sam)
    key, directory = shop.hub.secret_key, shop.store.directory
    shop.close()
    again = SampleStore(directory)
    app = create_app(dataclasses.replace(again.hub, secret_key=key), testing=True)
    assert opens(thief(app, going))
    assert not opens(thief(app, ended))
    app.extensions["storehub_stream"].stop()
    again.close()


def test_a_restored_backup_signs_nobody_in(
    app: Flask, sign_in: SignIn, shop: SampleStore, tmp_path: Path
) -> None:
    going = cookie(sign_in("ada"))
    backup.backup(shop.store.directory, tmp_path / "one", "store-1", shop.clock)
    (tmp_path / "new").mkdir()
    backup.restore(tmp_path / "one", tmp_path / "new")
    again = SampleStore(tmp_path / "new")
    hub = dataclasses.replace(again.hub, secret_key=shop.hub.secret_key)
    other = create_app(hub, testing=True)
    assert opens(thief(app, going))
    assert not opens(thief(other, going))
    other.extensions["storehub_stream"].stop()
    again.close()


def test_a_person_has_so_many_sessions_and_the_hub_forgets_those_of_the_shift_before(
    tmp_path: Path,
) -> None:
    clock = FixedClock(datetime(2026, 11, 21, 12, tzinfo=UTC))
    shop = SampleStore(tmp_path / "data", clock)
    shop.hire("ada", "Ada Lindqvist", "associate")
    run = shop.store.writer.run

    def going(sessions: list[str]) -> list[bool]:
        with shop.hub.reader() as connection:
            return [queries.in_session(connection, text) is not None for text in sessions]

    begun = [run(lambda tx: actions.begin_session(tx, "ada")) for _ in range(rules.MOST_SESSIONS)]
    clock.advance(timedelta(hours=1))
    begun.append(run(lambda tx: actions.begin_session(tx, "ada")))
    assert going(begun) == [False] + [True] * rules.MOST_SESSIONS
    clock.advance(rules.LONGEST_SESSION - timedelta(minutes=30))
    run(actions.forget_sign_ins)
    assert going(begun) == [False] * rules.MOST_SESSIONS + [True]
    shop.close()


def test_reading_pages_writes_nothing_and_a_cookie_of_the_release_before_asks_to_sign_in_once(
    sign_in: SignIn, shop: SampleStore
) -> None:
    ada = sign_in("ada")
    written: list[object] = []
    run = shop.store.writer.run
    shop.store.writer.run = lambda work: (written.append(work), run(work))[1]  # type: ignore[method-assign]
    for _ in range(3):
        assert opens(ada)
    with ada.session_transaction() as session:
        del session["id"]
    assert not opens(ada)
    assert not written
