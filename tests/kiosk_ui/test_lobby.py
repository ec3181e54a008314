"""The wall screen: codes and shelves, nothing personal, for the store's own network only."""

import pytest
from flask.testing import FlaskClient

from kiosk_ui.lobby.views import A_PAGE
from tests.kiosk_ui.conftest import Program
from tests.kiosk_ui.sample import SampleStore, facts


def made_ready(shop: SampleStore, order_id: str, code: str, shelf: str = "B-12") -> None:
    shop.place(order_id, [("4711", 1)], name="Maria Keller", code=code)
    shop.append(facts.PickingClaimed(order_id=order_id, by="staff:ada"))
    shop.append(facts.LinePicked(order_id=order_id, line_id="L1", qty=1))
    shop.append(facts.OrderStaged(order_id=order_id, shelf=shelf))
    shop.append(facts.OrderReady(order_id=order_id))


def test_who_waits_sees_codes_and_where_to_go(anyone: FlaskClient, shop: SampleStore) -> None:
    shop.place("R-1", [("4711", 1)], name="Jonas Weber", code="7K4M", minutes=10)
    shop.place("R-2", [("4711", 1)], name="Ann Lee", code="2PX9", minutes=60 * 24)
    made_ready(shop, "R-3", "6CD7")
    page = anyone.get("/lobby").text
    preparing, ready = page.split('class="side ready"')
    assert 'data-code="7K4M"' in preparing
    assert 'data-code="6CD7"' in ready
    assert "B-12" in ready
    assert "2PX9" not in page, "nobody waits for an order of tomorrow"


def test_nothing_personal_and_no_order_number_leaves(
    anyone: FlaskClient, shop: SampleStore
) -> None:
    shop.place("R-1", [("4711", 1)], name="Jonas Weber", code="7K4M", minutes=10)
    made_ready(shop, "R-3", "6CD7")
    for path in ("/lobby", "/lobby/codes"):
        text = anyone.get(path).text
        for secret in (
            "Jonas",
            "Weber",
            "Maria",
            "Keller",
            "R-1",
            "R-3",
            "Rye bread",
            "staff",
            "Ada",
        ):
            assert secret not in text, path


def test_only_the_stores_own_network_and_staff_may_look(
    anyone: FlaskClient, program: Program
) -> None:
    for address, status in (
        ("192.168.1.20", 200),
        ("fe80::1", 200),
        ("::ffff:10.1.2.3", 200),
        ("203.0.114.9", 403),
        ("2606:4700::1111", 403),
        ("", 403),
    ):
        found = anyone.get("/lobby/codes", environ_overrides={"REMOTE_ADDR": address})
        assert found.status_code == status, address


@pytest.mark.parametrize(
    ("asked", "shown"), [("de,ar", ("Bereit für Sie", "جاهز لك")), ("ar", ("جاهز لك", ""))]
)
def test_titles_are_said_in_two_languages(
    anyone: FlaskClient, asked: str, shown: tuple[str, str]
) -> None:
    page = anyone.get(f"/lobby?lang={asked}").text
    for title in shown:
        assert title in page
    assert f'<html lang="{asked[:2]}" dir="{"rtl" if asked[:2] == "ar" else "ltr"}"' in page


def test_more_than_a_wall_holds_takes_turns(anyone: FlaskClient, shop: SampleStore) -> None:
    for n in range(A_PAGE + 1):
        shop.place(f"R-{n}", [(f"471{1 + n % 3}", 1)], code=f"A{n:03}", minutes=5)
    page = anyone.get("/lobby/codes").text
    preparing = page.split('class="side ready"')[0]
    assert preparing.count('class="sheet"') == 2
    assert preparing.count("<i") == 2
