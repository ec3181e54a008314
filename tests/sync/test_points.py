"""Points at central come from stores' facts: once, whatever comes again, and go with the goods."""

from typing import Any

import msgspec

from hub.chain import ORIGIN, Pair
from hub.pickup import facts as pickup
from hub.returns import facts as returns
from tests.sync.pair import STORE, Central, entry, order_body, push


def told(cause: str, *facts: Any) -> list[bytes]:
    """Return the entries of one append, as a hub writes them."""
    bodies = [(type(fact).__name__, msgspec.to_builtins(fact)) for fact in facts]
    return [entry(cause, body, kind, i, len(bodies)) for i, (kind, body) in enumerate(bodies)]


def handed(order_id: str, **units: int) -> pickup.OrderHandedOver:
    lines = tuple(pickup.HandedLine(line_id=name, qty=qty) for name, qty in units.items())
    return pickup.OrderHandedOver(
        order_id=order_id, lines=lines, proof_kind="id_seen", complete=True
    )


def back(return_id: str, order_id: str, *lines: tuple[str, int, str]) -> list[Any]:
    """Return the facts of a return: (line of the order, units, what becomes of them)."""
    parts = [
        returns.ReturnedLine(line_id=f"B{n}", sku="1", qty=qty, source_line=line)
        for n, (line, qty, _) in enumerate(lines, 1)
    ]
    opened = returns.ReturnOpened(
        return_id=return_id, order_id=order_id, lines=tuple(parts), reason="OTHER"
    )
    disposed = [
        returns.ReturnLineDisposed(
            return_id=return_id, line_id=part.line_id, disposition=disposition
        )
        for part, (*_, disposition) in zip(parts, lines, strict=True)
    ]
    return [opened, *disposed, returns.ReturnClosed(return_id=return_id)]


class Till:
    """A store's hub as central hears it."""

    def __init__(self, central: Central) -> None:
        self.central, self.head, self.said = central, ORIGIN, 0

    def say(self, *facts: Any) -> tuple[Pair, list[bytes]]:
        self.said += 1
        before, contents = self.head, told(f"c{self.said}", *facts)
        answer = push(self.central, before, contents)
        assert answer.status_code == 200, answer.text
        self.head = Pair(**answer.json()["head"])
        return before, contents


def ref_of(central: Central, order_id: str) -> str:
    ref: str = central.get(f"/orders/{order_id}").json()["customer_ref"]
    return ref


def points(central: Central, ref: str) -> tuple[int, list[tuple[str, int]]]:
    shown = central.get(f"/customers/{ref}/points").json()
    assert shown["balance"] == sum(one["points"] for one in shown["items"])
    return shown["balance"], sorted((one["kind"], one["points"]) for one in shown["items"])


def test_the_same_facts_twice_are_earned_once_and_a_fold_again_changes_nothing(
    central: Central,
) -> None:
    assert central.post("/loyalty", {"points_per_unit": 3}).json() == {"points_per_unit": 3}
    central.place("R-1", {"4711": 2, "4712": 1})  # 1.99 each
    ref, till = ref_of(central, "R-1"), Till(central)
    assert points(central, ref) == (0, [])
    before, contents = till.say(handed("R-1", L1=2, L2=1))
    assert points(central, ref) == (17, [("handover", 17)])  # 5.97 × 3 = 17.91
    assert push(central, before, contents).status_code == 409  # a retry
    till.say(handed("R-1", L1=2, L2=1))  # another box gave it as well: it is paid for once
    assert points(central, ref) == (17, [("handover", 0), ("handover", 17)])

    till.say(*back("B-1", "R-1", ("L1", 1, "RESTOCKED"), ("L2", 1, "MISSING")))
    till.say(returns.RefundSettled(return_id="B-1", state="PAID"))
    shown = points(central, ref)
    assert shown == (11, [("handover", 0), ("handover", 17), ("return", -6)])  # 3.98 × 3
    whole = central.get(f"/customers/{ref}/points").json()
    for _ in range(2):
        assert central.post(f"/stores/{STORE}/refold", {}).status_code == 200
        assert central.get(f"/customers/{ref}/points").json() == whole

    till.say(*back("B-2", "R-1", ("L1", 1, "NOT_RESTOCKED"), ("L2", 1, "RESTOCKED")))
    assert points(central, ref)[0] == 0
    till.say(returns.RefundSettled(return_id="B-2", state="REFUSED"))
    assert points(central, ref)[0] == 11
    assert central.get("/quarantine").json()["items"] == []


def test_a_correction_takes_back_and_what_a_store_gave_instead_counts_as_it_cost(
    central: Central,
) -> None:
    central.post("/loyalty", {"points_per_unit": 1})
    central.place("R-1", {"4711": 1})
    ref, till = ref_of(central, "R-1"), Till(central)
    other = pickup.OrderLine(line_id="L1.1", sku="4713", qty=1, unit_price_minor=700)
    till.say(
        pickup.LineSubstituted(order_id="R-1", line_id="L1", qty=1, reason="X", substitute=other),
        handed("R-1", **{"L1.1": 1}),
    )
    assert points(central, ref)[0] == 7
    line = pickup.HandedLine(line_id="L1.1", qty=1)
    till.say(
        pickup.HandoverCorrected(order_id="R-1", lines=(line,), by="staff:sam", reason="MISTAKE")
    )
    assert points(central, ref) == (0, [("correction", -7), ("handover", 7)])


def test_goods_of_an_order_that_the_store_did_not_know_take_back_once_central_has_said_what_it_was(
    central: Central,
) -> None:
    central.post("/loyalty", {"points_per_unit": 1})
    central.place("R-1", {"4711": 5, "4712": 1})
    ref, till = ref_of(central, "R-1"), Till(central)
    till.say(handed("R-1", L1=5, L2=1))
    brought = [
        returns.ReturnedLine(line_id=f"B{n}", sku=sku, qty=qty)
        for n, (sku, qty) in enumerate((("4711", 3), ("4712", 1)), 1)
    ]
    till.say(
        returns.ReturnOpened(
            return_id="B-1", order_id="R-1", lines=tuple(brought), reason="OTHER", provisional=True
        ),
        returns.ReturnLineDisposed(return_id="B-1", line_id="B1", disposition="RESTOCKED"),
        returns.ReturnLineDisposed(return_id="B-1", line_id="B2", disposition="MISSING"),
        returns.ReturnClosed(return_id="B-1"),
    )
    assert points(central, ref) == (11, [("handover", 11)]), "nothing is refunded yet"
    named = [("B1", "L1", 2), ("B1.2", "L1", 1), ("B2", "L2", 1)]
    lines = tuple(
        returns.ConfirmedLine(line_id=part, source_line=line, sku="x", qty=qty)
        for part, line, qty in named
    )
    till.say(returns.ReturnConfirmed(return_id="B-1", lines=lines, refund_minor=597))
    assert points(central, ref) == (5, [("handover", 11), ("return", -6)])
    whole = central.get(f"/customers/{ref}/points").json()
    assert central.post(f"/stores/{STORE}/refold", {}).status_code == 200
    assert central.get(f"/customers/{ref}/points").json() == whole


def test_a_customer_s_orders_add_up_and_each_keeps_the_rate_that_it_began_with(
    central: Central,
) -> None:
    till = Till(central)
    assert central.get("/loyalty").json() == {"points_per_unit": 0}
    central.place("R-1", {"4711": 2})
    ref = ref_of(central, "R-1")
    till.say(handed("R-1", L1=1))
    central.post("/loyalty", {"points_per_unit": 10})
    till.say(handed("R-1", L1=1))
    assert points(central, ref)[0] == 0, "it was handed over before there were points"

    known = {"name": "Somebody Else", "ref": ref}
    assert central.post("/orders", order_body("R-2", {"4711": 1}, customer=known)).ok
    assert ref_of(central, "R-2") == ref
    till.say(handed("R-2", L1=1))
    central.post("/loyalty", {"points_per_unit": 1})
    till.say(*back("B-1", "R-2", ("L1", 1, "RESTOCKED")))
    assert points(central, ref) == (
        0,
        [("handover", 0), ("handover", 0), ("handover", 19), ("return", -19)],
    )
    commands = central.door("/feed", params={"stream": "commands", "after": 0}).text
    assert (commands.count("Ida Probe"), "Somebody Else" in commands) == (2, False)

    unknown = {"name": "Ida Probe", "ref": "c_nobody"}
    refused = central.post("/orders", order_body("R-3", {"4711": 1}, customer=unknown))
    assert refused.status_code == 404
    assert central.post(f"/customers/{ref}/erase", {}).status_code == 200
    assert central.get(f"/customers/{ref}/points").status_code == 404
    late = central.post("/orders", order_body("R-4", {"4711": 1}, customer=known))
    assert late.status_code == 404


def test_a_refund_refused_before_centrals_word_takes_no_points(central: Central) -> None:
    central.post("/loyalty", {"points_per_unit": 1})
    central.place("R-1", {"4711": 5})
    ref, till = ref_of(central, "R-1"), Till(central)
    till.say(handed("R-1", L1=5))
    earned = points(central, ref)
    brought = returns.ReturnedLine(line_id="B1", sku="4711", qty=2)
    till.say(
        returns.ReturnOpened(
            return_id="B-1", order_id="R-1", lines=(brought,), reason="OTHER", provisional=True
        ),
        returns.ReturnClosed(return_id="B-1"),
        returns.RefundSettled(return_id="B-1", state="REFUSED"),
    )
    confirmed = returns.ConfirmedLine(line_id="B1", source_line="L1", sku="4711", qty=2)
    till.say(returns.ReturnConfirmed(return_id="B-1", lines=(confirmed,), refund_minor=398))
    assert points(central, ref) == earned
