"""The handover's form: what was ticked is handed over, once, and nothing else."""

from collections.abc import Callable

from flask.testing import FlaskClient

from tests.kiosk_ui.conftest import csrf_of
from tests.kiosk_ui.sample import SampleStore
from tests.kiosk_ui.test_screens import press

SignIn = Callable[[str], FlaskClient]


def state(shop: SampleStore, order_id: str) -> str:
    from hub.pickup import queries

    with shop.hub.reader() as connection:
        return queries.load(connection, order_id).state.value


def two_of_maria(shop: SampleStore) -> None:
    for order_id in ("R-1", "R-2"):
        shop.made_ready(order_id, name="Maria Keller", ref="c-maria")


def test_with_no_order_ticked_none_is_handed_over(sign_in: SignIn, shop: SampleStore) -> None:
    two_of_maria(shop)
    ada = sign_in("ada")
    assert 'name="ticks"' in ada.get("/counter/handover/R-1").text
    page = press(ada, "/counter/handover/R-1", proof="passport", ticks="yes", key="1").text
    assert "Tick at least one order" in page
    assert [state(shop, one) for one in ("R-1", "R-2")] == ["READY_FOR_PICKUP"] * 2
    press(ada, "/counter/handover/R-1", proof="passport", ticks="yes", take="R-2", key="1")
    assert [state(shop, one) for one in ("R-1", "R-2")] == ["READY_FOR_PICKUP", "PICKED_UP"]


def test_a_form_whose_answer_was_lost_is_answered_as_done_when_the_queue_sends_it_again(
    sign_in: SignIn, shop: SampleStore
) -> None:
    """As counter-away.js sends it: the same key, and the body in its own order and spelling."""
    shop.made_ready("R-1")
    ada = sign_in("ada")
    form = {"proof": "passport", "qty:R-1:L1": "1", "qty:R-1:L2": "0", "key": "k-1"}
    press(ada, "/counter/handover/R-1", collected_by="customer", age_checked="yes", **form)
    body = {
        "age_checked": True,
        "collected_by": "customer",
        "lines": [{"qty": 1, "line_id": "L1"}],
        "proof": {"value": "passport", "kind": "id_seen"},
    }
    headers = {"Idempotency-Key": "k-1", "X-CSRFToken": csrf_of(ada.get("/").text)}
    path = "/api/v1/orders/R-1/handover"
    again = ada.post(path, json=body, headers=headers)
    assert (again.status_code, again.headers.get("Idempotency-Replayed")) == (200, "true")
    assert [one["handed_over"] for one in again.json["lines"]] == [1, 0]
    other = ada.post(path, json={"proof": body["proof"]}, headers=headers)
    assert other.status_code == 422
