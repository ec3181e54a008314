"""The list of goods to put back names what somebody took off the floor, and nothing else."""

import re
from collections.abc import Callable

from flask.testing import FlaskClient

from hub.pickup import actions
from tests.kiosk_ui.conftest import Program
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


def test_a_lead_corrects_the_handover_of_a_canceled_order(
    shop: SampleStore, sign_in: Callable[[str], FlaskClient], program: Program
) -> None:
    shop.made_ready("R-1", [("4711", 2)])
    seen = {"kind": "id_seen", "value": "passport"}
    part = [{"line_id": "L1", "qty": 1}]
    program.post("/orders/R-1/handover", {"proof": seen, "lines": part})
    program.post("/orders/R-1/cancel", {"reason": "BUYER_REQUEST"})
    assert 'id="correct"' not in sign_in("ada").get("/counter/orders/R-1").text
    lead = sign_in("sam")
    page = lead.get("/counter/orders/R-1").text
    assert 'id="correct"' in page
    assert "data-promise" not in page, "a correction keeps no promise running"
    answer = program.post("/orders/R-1/correct", {"reason": "MISTAKE", "lines": part}).json
    assert (answer["state"], answer["lines"][0]["handed_over"]) == ("CANCELED", 0)
    assert answer["lines"][0]["to_put_back"] == 2
    assert answer["timeline"][-1]["type"] == "HandoverCorrected"
