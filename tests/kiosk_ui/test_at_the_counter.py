"""What a clerk at six in the evening does with a scanner, and beside somebody who does it too."""

import secrets
from typing import Any

from hub.pickup import actions as pickup
from hub.pickup import queries
from hub.pickup.facts import HandedLine, OrderHandedOver
from tests.kiosk_ui.sample import SampleStore
from tests.kiosk_ui.test_lead import SignIn, press

MILK = "9521234543220"
PASSPORT = {"kind": "id_seen", "value": "passport"}


def whys(who: str = "staff:ada") -> dict[str, str]:
    return {"actor": who, "cause": f"hub:{secrets.token_hex(16)}"}


def order(shop: SampleStore) -> dict[str, Any]:
    return shop.store.read(queries.order, "R-1")


def test_the_code_of_an_order_that_is_not_ready_leads_to_what_is(
    sign_in: SignIn, shop: SampleStore
) -> None:
    shop.made_ready("R-1", name="Maria Keller", ref="c-1")
    shop.place("R-3", [("4713", 1)], name="Maria Keller", ref="c-1")
    shop.place("R-4", [("4713", 1)], name="Otto Brandt", ref="c-2")
    ada = sign_in("ada")
    hers = press(ada, "/counter/scan", text=shop.code("R-3")).headers["HX-Redirect"]
    assert "/counter/handover/R-3" in hers
    page = ada.get(hers).text
    assert "B-12" in page
    assert "1 more order is not ready yet" in page
    assert 'id="proven"' in page
    # Nothing of his is ready, and the number on the store's own slip is no customer at the counter.
    for text, order in ((shop.code("R-4"), "R-4"), ("SH1:O:R-3", "R-3")):
        at = press(ada, "/counter/scan", text=text).headers["HX-Redirect"]
        assert at.partition("?")[0] == f"/counter/orders/{order}"


def test_a_weighed_article_is_picked_by_its_weight(sign_in: SignIn, shop: SampleStore) -> None:
    shop.teach({"kind": "product", "sku": "4713", "names": {"en": "Apples"}, "unit": "gram"})
    shop.receive("4713", 2_000)
    shop.place("R-1", [("4713", 1_000)])
    ada = sign_in("ada")
    press(ada, "/counter/orders/R-1/claim", key="k1")
    label = "]C101095212345432373103000450"
    press(ada, "/counter/scan", order_id="R-1", text=label, key="k2")
    assert order(shop)["lines"][0]["picked"] == 450


def test_a_substitute_is_named_by_its_barcode(sign_in: SignIn, shop: SampleStore) -> None:
    shop.place("R-1", [("4711", 1)])
    ada = sign_in("ada")
    press(ada, "/counter/orders/R-1/claim", key="k1")
    form = {"line_id": "L1", "sku": MILK, "qty": "1", "key": "k2"}
    press(ada, "/counter/orders/R-1/substitute", **form)
    assert order(shop)["lines"][1]["sku"] == "4712"
    answer = press(ada, "/counter/orders/R-1/substitute", line_id="L1", qty="1", key="k3")
    assert answer.status_code == 200
    assert "sku" in answer.text


def test_two_who_undo_one_step_undo_one(sign_in: SignIn, shop: SampleStore) -> None:
    shop.made_ready("R-1")
    seen = 'name="state" value="READY_FOR_PICKUP"'
    ada, sam = sign_in("ada"), sign_in("sam")
    assert seen in ada.get("/counter/orders/R-1").text
    undo = {"state": "READY_FOR_PICKUP"}
    press(ada, "/counter/orders/R-1/undo", key="k1", **undo)
    told = press(sam, "/counter/orders/R-1/undo", key="k2", **undo).text
    assert "a moment ago: look at it again" in told
    assert order(shop)["state"] == "PREPARED"


def test_what_cannot_both_have_happened_is_shown_to_a_person(
    sign_in: SignIn, shop: SampleStore
) -> None:
    shop.made_ready("R-1", (("4711", 1),), code="7K4M")
    shop.store.writer.run(lambda tx: pickup.handover(tx, "R-1", PASSPORT, **whys()))
    again = OrderHandedOver(
        order_id="R-1", lines=(HandedLine(line_id="L1", qty=1),), proof_kind="code",
        complete=True,
    )  # fmt: skip
    shop.append(again)
    shop.store.writer.run(pickup.settle)
    sam = sign_in("sam")
    page = sam.get("/associate").text
    assert "Does not fit together" in page
    assert "gone or given up before" in page
    assert 'href="/counter/orders/R-1"' in page
    task = page.split('id="job-', 1)[1].split('"', 1)[0]
    assert "Does not fit together" not in press(sam, f"/associate/tasks/{task}/done", key="k1").text
