"""Shows one order: its lines, the next step, who did what.

It must never offer a step that the lifecycle's table does not know for the order's state.
"""

import math
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Final

from flask import render_template
from markupsafe import Markup

from hub.pickup import queries, rules
from kiosk_ui import show
from kiosk_ui.counter import cards, signature
from kiosk_ui.printing import panel
from kiosk_ui.session import Person, hub
from kiosk_ui.words import _, later

PATH: Final = (
    ("RESERVED", later("New")),
    ("PICKING", later("Picking")),
    ("PREPARED", later("Prepared")),
    ("READY_FOR_PICKUP", later("Ready")),
    ("PICKED_UP", later("Picked up")),
)
BEFORE: Final = ("PROPOSED", "IN_TRANSIT", "RECEIVED")
SHORT: Final = (
    ("NOT_IN_STOCK", later("Not in stock")),
    ("DAMAGED", later("Damaged")),
    ("MISMATCH", later("Wrong article on the shelf")),
    ("WORN_DISPLAY", later("Only the display piece")),
    ("PICK_LATER", later("Pick it later")),
)
CANCEL: Final = (
    ("BUYER_REQUEST", later("Customer asked")),
    ("BUYER_NO_SHOW", later("Customer did not come")),
    ("BUYER_REJECTED", later("Customer refused it")),
    ("OUT_OF_STOCK", later("Out of stock")),
)
CORRECT: Final = (
    ("MISTAKE", later("Touched by mistake")),
    ("WRONG_CUSTOMER", later("Given to the wrong customer, and back here")),
    ("BROUGHT_BACK", later("Brought back at once")),
)
ID_KINDS: Final = (
    ("id_card", later("Identity card")),
    ("passport", later("Passport")),
    ("driving_licence", later("Driving licence")),
    ("residence_permit", later("Residence permit")),
    ("staff_card", later("Staff card")),
    ("other", later("Another document")),
)
KINDS: Final = {
    "ambient": later("Room temperature"),
    "large": later("Large goods"),
    "chilled": later("Chilled"),
    "frozen": later("Frozen"),
}
TONES: Final = {
    "READY_FOR_PICKUP": "ok",
    "PICKED_UP": "ok",
    "PICKING": "accent",
    "PREPARED": "calm",
    "ON_HOLD": "soon",
    "REJECTED": "late",
    "CANCELED": "late",
    "EXPIRED": "late",
}
EXTRA: Final = {"undo", "release", "hold", "cancel", "correct"}


def whole(order_id: str, person: Person, *, code: str | None = None) -> str:
    return render_template("counter/order.html", here="counter", **shown(order_id, person, code))


def part(
    order_id: str,
    person: Person,
    *,
    code: str | None = None,
    refused: str | None = None,
    done: str | None = None,
    hit: str | None = None,
) -> str:
    """Return the page's body, with what was refused or done just now."""
    found = shown(order_id, person, code)
    return render_template("counter/order_body.html", refused=refused, done=done, hit=hit, **found)


def shown(order_id: str, person: Person, code: str | None = None) -> dict[str, Any]:
    """Return all that the order's templates need."""
    now = hub().clock.now()
    with hub().reader() as connection:
        order = queries.order(connection, order_id)
        known = cards.Known(connection)
        lines = [line_shown(line, known) for line in walked(order["lines"])]
        events = [happened(event, known) for event in reversed(order["timeline"])]
        customer = known.customer(order["customer_ref"])
        by = known.person(order["claimed_by"])
        signed = signature.kept(connection, known, order_id, person)
    state = order["state"]
    steps = cards.allowed(state)
    timing, words = show.timer(order["promise_at"], now)
    wanted = [line for line in lines if not line["substitute_for"]]
    return {
        "order": order,
        "lines": lines,
        "timeline": events,
        "customer": customer,
        "by": by,
        "signature": signed,
        "timing": timing,
        "words": words,
        "tone": TONES.get(state, ""),
        # A lead may still correct a handover: that keeps no promise running.
        "open": bool(steps) and state not in rules.DONE,
        "picking": state == "PICKING",
        "travels": cards.travels(order),
        "parts": parts(order, lines),
        "allowed": steps,
        "more": more(order, steps, person),
        "left": sum(line["pending"] for line in wanted),
        "units": sum(line["ordered"] for line in wanted),
        "path": PATH,
        "position": position(state),
        "reason": order["reason"],
        "reasons": SHORT,
        "cancel_reasons": CANCEL,
        "correct_reasons": CORRECT,
        "code": code,
        "paper": Markup(panel.panel("pickup_slip", order_id)),
        "keys": lambda: secrets.token_hex(12),
    }


def parts(order: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what belongs on which shelf, of an order with goods of several kinds; else nothing."""
    known = {line["line_id"]: line for line in lines}
    listed = [(one["kind"], None, one["shelf"], one["lines"]) for one in order["suggested_shelves"]]
    if order["state"] == "PICKING":
        there = [(known[one["lines"][0]]["storage"], one["shelf"], None, one["lines"])
                 for one in order["shelves"]]  # fmt: skip
        listed = there + listed
    if len(listed) < 2:
        return []
    return [
        {
            "kind": KINDS.get(kind, kind),
            "there": on,
            "shelf": shelf,
            "units": sum(max(known[n]["pending"], 0) + known[n]["to_hand_over"] for n in ids),
            "names": [known[n]["name"] for n in ids],
        }
        for kind, on, shelf, ids in listed
    ]


def more(order: Mapping[str, Any], steps: set[str], person: Person) -> set[str]:
    """Return the lesser steps to offer; there is nothing to undo before the first pick."""
    offered = steps & EXTRA
    if order["state"] == "PICKING" and not order["can_undo_line"]:
        offered -= {"undo"}
    # A lead may say that a handover did not happen.
    handed = any(line["handed_over"] for line in order["lines"])
    if not handed or not person.may("correct"):
        offered -= {"correct"}
    return offered


def position(state: str) -> int:
    """Return where on the path an order stands; -1 for one that left it."""
    names = [name for name, _label in PATH]
    if state in BEFORE:
        return 0
    if state == "PICKED_UP":
        return len(names)
    return names.index(state) if state in names else -1


def walked(lines: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return lines as one walks the floor once; what no plan knows comes last."""
    return sorted(lines, key=lambda line: line["place"]["order"] if line["place"] else math.inf)


def line_shown(line: Mapping[str, Any], known: cards.Known) -> dict[str, Any]:
    product = known.product(line["sku"])
    name = line["name"] or (product.name() if product else "") or line["sku"]
    return {
        **line,
        "name": name,
        "picture": show.picture(product.image if product else None),
        "price": show.money(line["unit_price_minor"], line["currency"]),
        "to_hand_over": line["picked"] - line["handed_over"],
    }


def happened(event: Mapping[str, Any], known: cards.Known) -> dict[str, Any]:
    """Return one entry of the timeline in staff's words."""
    qty, note = event.get("qty"), event.get("note")
    words = {
        "OrderProposed": _("Order received"),
        "OrderMatched": _("Central’s copy arrived"),
        "OrderReserved": _("Units promised"),
        "OrderRejected": _("Rejected"),
        "OrderShipped": _("On its way to this store"),
        "ParcelsNamed": _("Parcel announced: %(code)s", code=note or ""),
        "ParcelArrived": _("Parcel here: %(code)s", code=note or ""),
        "OrderReceived": _("Goods arrived, not all of them whole") if note else _("Goods arrived"),
        "GoodsToStock": _("Goods arrived too late and went to stock"),
        "PickingClaimed": _("Picking started"),
        "PickingReleased": _("Picking given back"),
        "LinePicked": _("Picked %(n)s", n=qty),
        "LineShorted": _("%(n)s not there", n=qty),
        "LinePostponed": _("Pick later"),
        "LinesStaged": _("Put on shelf %(shelf)s", shelf=note or ""),
        "LineSubstituted": _("Substituted %(n)s", n=qty),
        "LineStepUndone": _("Last step undone"),
        "OrderStaged": _("Put on shelf %(shelf)s", shelf=note or ""),
        "StagingUndone": _("Taken off the shelf"),
        "OrderReady": _("Ready for pickup"),
        "ReadyUndone": _("Not ready after all"),
        "OrderHandedOver": _("Handed over"),
        "HandoverCorrected": _("Handover corrected"),
        "OrderHeld": _("Put on hold"),
        "OrderResumed": _("Resumed"),
        "OrderCanceled": _("Canceled"),
        "OrderExpired": _("Expired: nobody came"),
        "BuyerSeen": _("Customer on the way"),
    }
    return {
        "what": words.get(event["type"], event["type"]),
        "who": known.person(event.get("actor")),
        "at": event["at"],
    }
