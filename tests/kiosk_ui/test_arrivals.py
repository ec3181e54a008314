"""The page of arrivals says what is to be done with a parcel, whatever became of its order."""

import pytest
from flask import Flask

from hub.pickup import actions
from tests.kiosk_ui.sample import SampleStore
from tests.kiosk_ui.test_lead import SIGNED, SignIn, press

SSCC, OTHER = "340123450000000017", "340123450000000024"
NOTHING_TO_DO = "Nothing is to be done here"


@pytest.fixture
def store(tmp_path):  # type: ignore[no-untyped-def]
    made = SampleStore(tmp_path / "data")
    made.hire("ada", "Ada Lindqvist", "associate")
    made.receive("4711", 9)
    yield made
    made.close()


@pytest.fixture
def shop(store: SampleStore) -> SampleStore:
    return store


def sent(shop: SampleStore, *parcels: str) -> None:
    shop.place("W-1", (("4711", 2),), code="7K4M", supply="ship_to_store")
    why = {"actor": "central", "cause": "central:ship-1"}
    shop.store.writer.run(lambda tx: actions.ship(tx, "W-1", parcels, "DPD", "0144", **why))


def test_an_order_on_hold_and_one_of_the_sales_floor_are_not_said_to_be_here(
    shop: SampleStore, sign_in: SignIn
) -> None:
    sent(shop, SSCC)
    why = {"actor": "staff:ada", "cause": "hub:000000h1"}
    shop.store.writer.run(lambda tx: actions.hold(tx, "W-1", "ASKED", **why))
    shop.place("R-9", (("4711", 1),), code="ZZ99")
    ada = sign_in("ada")
    for code in (SSCC, "R-9"):
        page = press(ada, "/counter/arrivals/scan", text=code).text
        assert NOTHING_TO_DO not in page
        assert 'id="receive-whole"' in page


def test_a_parcel_that_was_given_up_and_comes_all_the_same_is_booked_as_a_receipt(
    shop: SampleStore, sign_in: SignIn
) -> None:
    sent(shop, SSCC, OTHER)
    ada = sign_in("ada")
    form = {"code": SSCC, "key": "k1", "some": "1", "missing:L1": "1"}
    press(ada, "/counter/arrivals/receive/W-1", **form)
    assert 'id="receive-whole"' in press(ada, "/counter/arrivals/scan", text=OTHER).text
    said = press(ada, "/counter/arrivals/receive/W-1", code=OTHER, key="k2").text
    assert "as a receipt of goods" in said


def test_what_comes_for_a_canceled_order_can_be_received_all_the_same(
    shop: SampleStore, sign_in: SignIn
) -> None:
    sent(shop, SSCC)
    why = {"actor": "central", "cause": "central:cancel-1"}
    shop.store.writer.run(lambda tx: actions.cancel(tx, "W-1", "BUYER_REQUEST", **why))
    ada = sign_in("ada")
    for code in (SSCC, "W-1"):
        page = press(ada, "/counter/arrivals/scan", text=code).text
        assert "Nobody waits for this order any more" in page
        assert 'id="receive-whole"' in page


def test_the_label_of_an_order_is_no_parcel(shop: SampleStore, sign_in: SignIn) -> None:
    sent(shop, SSCC)
    ada = sign_in("ada")
    page = press(ada, "/counter/arrivals/scan", text="SH1:O:W-1").text
    # It stands in the page's own field alone, not in the form that receives.
    assert page.count('value="SH1:O:W-1"') == 1


def test_a_program_sees_no_signature(app: Flask, shop: SampleStore, sign_in: SignIn) -> None:
    shop.made_ready("R-1", (("4711", 1),), name="Maria Keller")
    press(sign_in("ada"), "/counter/handover/R-1", proof="signature", strokes=SIGNED, key="k-1")
    token = {"Authorization": f"Bearer {shop.token('lead')}"}
    answer = app.test_client().post("/counter/orders/R-1/signature", headers=token)
    assert answer.status_code == 403
    assert "100,200" not in answer.text
