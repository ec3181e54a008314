"""Answers a scan at the counter: a badge, an order, a staging shelf, an article.

It must never guess: what is not understood is said, and nothing happens.
"""

from typing import Any, Final

import msgspec
from flask import Response, render_template, url_for

from hub import gs1
from hub.errors import HubError, NotFound, Refusal
from hub.journal import Transaction
from hub.pickup import actions, queries
from hub.pickup import code as codes
from hub.pickup.arrival import queries as arrivals
from hub.pickup.lifecycle import Status
from hub.scans import routing
from hub.staff import rules as staff_rules
from hub.staff import signin as staff
from kiosk_ui import session
from kiosk_ui.api import arrival_bodies, bodies
from kiosk_ui.counter import find
from kiosk_ui.pressing import Press, as_problem
from kiosk_ui.session import Person, hub
from kiosk_ui.steps import STEPS
from kiosk_ui.words import _

SHELF: Final = "SH1:S:"
PAIRING: Final = "SH1:P:"
LONGEST: Final = 4_096
SCREEN: Final = "counter"


def answer(
    text: str, order_id: str | None, person: Person, key: str | None, *, listed: bool = False
) -> Response:
    """Do what the scan means in its context; a fragment for the toast, or a redirect."""
    if not text or len(text) > LONGEST:
        return said(_("Nothing was scanned."))
    meaning = gs1.read(text)
    if meaning.kind == "opaque":
        text = meaning.text  # without the prefix that some scanners set before every code
    try:
        if text.startswith(PAIRING):
            return said(_("This scanner types into the screen by itself: nothing to pair."))
        if text.startswith(staff_rules.BADGE):
            return badge(text)
        if text.startswith(codes.PREFIX):
            return _order(text, person, key)
        if order_id and (done := _in_order(text, order_id, person, key)):
            return done
        return _find(text, listed)
    except HubError as error:
        return said(error.sentence)


def said(sentence: str, tone: str = "refused") -> Response:
    return Response(render_template("parts/said.html", sentence=sentence, tone=tone))


def go(address: str) -> Response:
    return Response("", headers={"HX-Redirect": address})


def badge(text: str) -> Response:
    """Sign the badge's person in on this screen."""
    member = staff.by_badge(hub().writer.run, hub().reader, text, SCREEN)
    session.sign_in(member.staff_id)
    return Response("", headers={"HX-Refresh": "true"})


def _order(text: str, person: Person, key: str | None) -> Response:
    """Open the order of a pickup code; one that central could not send yet begins here."""
    if not codes.is_signed(text):
        order_id, proof = text.removeprefix(codes.PREFIX), None
    else:
        with hub().reader() as connection:
            read = codes.read(text, queries.keys(connection), hub().store)
        order_id, proof = read.order_id, text
        if not _known(order_id):

            def work(tx: Transaction, cause: str) -> tuple[int, Any]:
                actions.adopt(tx, read, actor=person.actor, cause=cause)
                return 200, {"order_id": order_id}

            sent = Press(person, "POST /counter/scan", key, text.encode())
            refused = as_problem(sent.run(work))
            if refused:
                return said(refused)
    if not _known(order_id):
        raise NotFound(_("This store has no order %(id)s.", id=order_id[:64]))
    return go(place(order_id, proof))


def place(order_id: str, code: str | None = None) -> str:
    """Return an order's page; with a customer's `code`, the handover of whatever is ready."""
    with hub().reader() as connection:
        order = queries.load(connection, order_id)
        states = [order.state.value]
        if code and order.customer_ref:
            states += [state for _id, state in queries.of_customer(connection, order.customer_ref)]
    ready = Status.READY_FOR_PICKUP.value in states
    return find.address(order_id, Status.READY_FOR_PICKUP if ready else order.state, code)


def _known(order_id: str) -> bool:
    with hub().reader() as connection:
        return queries.find(connection, order_id) is not None


def _in_order(text: str, order_id: str, person: Person, key: str | None) -> Response | None:
    """Stage the order on a scanned shelf, or pick the line that a scanned article belongs to."""
    if text.startswith(SHELF):
        with hub().reader() as connection:
            here = queries.load(connection, order_id).state is Status.RECEIVED
        if here:
            return _run(person, order_id, "put_away", arrival_bodies.PutAway(text), key)
        return _run(person, order_id, "stage", bodies.Stage(text, split=True), key)
    with hub().reader() as connection:
        order = queries.load(connection, order_id)
        if order.state is not Status.PICKING:
            return None
        sku = find.sku_of(connection, text)
        if sku is None:
            raise Refusal(_("Nothing of this order waits for that article."), slug="not-in-order")
        line_id, qty = routing.waiting(connection, order, sku, gs1.read(text))
    return _run(person, order_id, "pick", bodies.Pick(line_id, qty, text), key)


def _run(person: Person, order_id: str, step: str, asked: Any, key: str | None) -> Response:
    sent = Press(person, f"POST /counter/scan/{order_id}", key, msgspec.json.encode(asked))

    def work(tx: Transaction, cause: str) -> tuple[int, Any]:
        STEPS[step].run(tx, order_id, asked, actor=person.actor, cause=cause)
        return 200, {"order_id": order_id}

    refused = as_problem(sent.run(work))
    return said(refused) if refused else said(_("Done."), "done")


def _find(text: str, listed: bool) -> Response:
    """Open the one order that was meant, list several, or tell about an article."""
    with hub().reader() as connection:
        if gs1.read(text).sscc or arrivals.is_parcel(connection, text):
            return go(url_for("counter_arrivals.whole", code=text))
        exact = queries.find(connection, text)
        ids = [text] if exact is not None else queries.by_short_code(connection, text, 1)
        article = None
        if not ids:
            ids, article = find.orders(connection, text)
    if len(ids) == 1 and article is None:
        return go(place(ids[0]))
    if listed and (ids or article):
        return Response(find.found(text), headers={"HX-Retarget": "#found"})
    if article is not None:
        return said(find.sentence(article), "calm")
    if ids:
        return said(_("Several orders fit: look for it on the board."), "calm")
    return said(_("“%(text)s” is no order and no article here.", text=text[:60]))
