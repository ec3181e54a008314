"""The list of goods to put back names what somebody took off the floor, and nothing else."""

import re
from collections.abc import Callable

from flask.testing import FlaskClient

from hub.pickup import actions
from tests.kiosk_ui.sample import SampleStore


def test_a_canceled_order_lists_what_was_picked_of_it(
    shop: SampleStore, sign_in: Callable[[str], FlaskClient]
) -> None:
    shop.place("R-1", [("4711", 3), ("4712", 2)], code="7K4M")
    steps = ((actions.claim,), (actions.pick, "L1", 1), (actions.cancel, "BUYER_REQUEST"))
    for n, (step, *given) in enumerate(steps):
        why = {"actor": "staff:ada", "cause": f"hub:000000b{n}"}
        shop.store.writer.run(
            lambda tx, step=step, given=given, why=why: step(tx, "R-1", *given, **why)
        )
    page = sign_in("ada").get("/counter/back").text
    assert re.findall(r'class="count">(\d+)<small', page) == ["1"]
