"""The handover's form: what was ticked is handed over, once, and nothing else."""

from collections.abc import Callable

from flask.testing import FlaskClient

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
