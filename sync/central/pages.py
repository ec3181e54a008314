"""The order page for people: choose a store, find products, order, follow the order.

It must never show a pickup code or take a cancel without the order's own key in the link.
"""

import hmac
import secrets
import sqlite3
from hashlib import blake2b
from typing import Any, Final

import msgspec
import segno
from flask import Blueprint, Flask, Response, redirect, render_template, request, url_for
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_wtf import CSRFProtect
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from hub.catalog.search import Found, search
from hub.errors import HubError, Invalid, NotFound

from . import (
    api,
    fleet_page,
    fleet_views,
    hub_doors,
    intake,
    offers,
    store_journal,
    store_orders,
)
from .web import answer, inventory

blueprint = Blueprint("pages", __name__)
csrf: Final = CSRFProtect()
limiter: Final = Limiter(get_remote_address, storage_uri="memory://")

RESULTS: Final = 24
NUMBER: Final = 9
# What the largest QR code holds (ISO/IEC 18004, version 40-L) is 2953 bytes.
QR_MOST: Final = 2900
# Currencies without a minor unit; all others that a shop here meets have two digits.
WHOLE: Final = frozenset({"JPY", "KRW", "CLP", "ISK", "VND", "XAF", "XOF"})
STEPS: Final = (
    ("PROPOSED", "Ordered"),
    ("RESERVED", "Confirmed"),
    ("PICKING", "Being prepared"),
    ("READY_FOR_PICKUP", "Ready"),
    ("PICKED_UP", "Picked up"),
)
# How far along the customer's five steps each state is.
REACHED: Final = {
    "PROPOSED": 0,
    "RESERVED": 1,
    "IN_TRANSIT": 1,
    "RECEIVED": 1,
    "ON_HOLD": 1,
    "PICKING": 2,
    "PREPARED": 2,
    "READY_FOR_PICKUP": 3,
    "PICKED_UP": 4,
}
SAID: Final = {
    "PROPOSED": ("Thank you!", "We have sent your order to the store and wait for its answer."),
    "RESERVED": ("Confirmed", "The store keeps your items for you."),
    "IN_TRANSIT": ("On its way", "Your items travel to the store."),
    "RECEIVED": ("Arrived at the store", "Your items are at the store."),
    "PICKING": ("Being prepared", "Somebody is fetching your items right now."),
    "PREPARED": ("Being prepared", "Your items are packed and get their last check."),
    "READY_FOR_PICKUP": ("Ready for pickup", "Come by and show your code at the counter."),
    "PICKED_UP": ("Picked up", "Thank you for shopping with us."),
    "ON_HOLD": ("On hold", "The store is looking into your order."),
    "REJECTED": ("Not available", "The store can't fulfill this order. Nothing is charged."),
    "CANCELED": ("Canceled", "This order was canceled."),
    "EXPIRED": ("Expired", "This order was not collected in time."),
}


def register(app: Flask) -> None:
    """Give the application its pages, protected against forged and endless forms."""
    csrf.init_app(app)
    csrf.exempt(api.blueprint)
    csrf.exempt(hub_doors.blueprint)
    csrf.exempt(fleet_views.blueprint)
    limiter.init_app(app)
    app.register_blueprint(blueprint)
    fleet_page.register(app, limiter)
    offers.register(app, limiter)
    app.jinja_env.filters["money"] = money


def money(minor: int | None, currency: str) -> str:
    """Return an amount as people write it."""
    if minor is None:
        return ""
    if currency in WHOLE:
        return f"{minor:,} {currency}"
    sign = {"EUR": "€", "USD": "$", "GBP": "£"}.get(currency)
    amount = f"{minor // 100:,}.{minor % 100:02}"
    return f"{sign}{amount}" if sign else f"{amount} {currency}"


@blueprint.get("/")
def shop() -> str:
    return _shop({}, {}, None)


def _shop(form: dict[str, str], units: dict[str, str], problem: str | None) -> str:
    store = inventory().store
    with store.reader() as central:
        stores = store_journal.stores(central)
    with store.catalog.reader() as conn:
        found = search(conn, request.args.get("q", ""), RESULTS, "en", store.clock.now())
        picked = {sku: _by_sku(conn, sku) for sku in units}
    basket = [_product(one) | {"qty": units[sku]} for sku, one in picked.items() if one]
    return render_template(
        "shop.html",
        stores=stores,
        products=[_product(one) for one in found],
        basket=basket,
        form=form,
        problem=problem,
        asked=form.get("store", "") if problem else "",
        query=request.args.get("q", ""),
    )


@blueprint.get("/products")
def products() -> Response:
    store = inventory().store
    with store.catalog.reader() as conn:
        found = search(conn, request.args.get("q", "")[:200], RESULTS, "en", store.clock.now())
    return answer({"items": [_product(one) for one in found]})


def _product(found: Found) -> dict[str, Any]:
    price = found.price
    hue = blake2b((found.category or found.sku).encode(), digest_size=1).digest()[0] % 8
    return {
        "sku": found.sku,
        "name": found.name,
        "brand": found.brand or "",
        "category": found.category or "",
        "letter": found.name[:1].upper(),
        "hue": hue,
        "price_minor": price.amount_minor if price else None,
        "currency": price.currency if price else "EUR",
        "price": money(price.amount_minor, price.currency) if price else "",
    }


@blueprint.post("/orders")
@limiter.limit("30 per minute")
def place() -> AnyResponse | tuple[str, int]:
    """Take in the form. What is missing is said on the page, and nothing typed is lost."""
    try:
        order, central = _order_of(request.form), inventory()
        offers.check(order, asked=request.form.get("asked", ""))
        shown, _ = central.store.run(lambda tx: central.place(tx, order))
    except HubError as error:
        typed = {name: request.form.get(name, "") for name in ("store", "name", "email", "phone")}
        units = {
            name.removeprefix("qty:"): value
            for name, value in request.form.items()
            if name.startswith("qty:") and value.isdecimal() and int(value[:8])
        }
        return _shop(typed, units, error.sentence), 422
    order_id = shown["order_id"]
    return redirect(url_for("pages.order", order_id=order_id, key=key_of(order_id)), 303)


def _order_of(form: MultiDict[str, str]) -> intake.Order:
    units: dict[str, int] = {}
    for name, value in form.items():
        if name.startswith("qty:") and value.strip() not in ("", "0"):
            if not value.strip().isdecimal():
                raise Invalid("A quantity is a whole number.", field=name)
            units[name.removeprefix("qty:")] = int(value[:8])
    if not units:
        raise Invalid("Your basket is empty: add a product first.", field="lines")
    if not form.get("name", "").strip():
        raise Invalid("Please tell us your name, so that the store can greet you.", field="name")
    body = {
        "order_id": _order_id(form.get("number", "")),
        "store": form.get("store", ""),
        "lines": _lines(units),
        "currency": "EUR",
        "customer": {
            "name": form.get("name", "").strip(),
            "email": form.get("email", "").strip() or None,
            "phone": form.get("phone", "").strip() or None,
        },
    }
    return intake.read_order(msgspec.json.encode(body))


def _order_id(number: str) -> str:
    # Drawn with the page, so that a form sent twice is one order.
    if len(number) == NUMBER and set(number) <= set(intake.LETTERS):
        return f"W-{number}"
    return f"W-{_number()}"


def _number() -> str:
    return "".join(secrets.choice(intake.LETTERS) for _ in range(NUMBER))


def _lines(units: dict[str, int]) -> list[dict[str, Any]]:
    store = inventory().store
    with store.catalog.reader() as conn:
        found = {sku: _by_sku(conn, sku) for sku in units}
    prices = {sku: one.price.amount_minor for sku, one in found.items() if one and one.price}
    return [
        {"line_id": f"L{n}", "sku": sku, "qty": qty, "unit_price_minor": prices.get(sku)}
        for n, (sku, qty) in enumerate(units.items(), 1)
    ]


def _by_sku(conn: sqlite3.Connection, sku: str) -> Found | None:
    found = search(conn, sku, 5, "en", inventory().store.clock.now())
    return next((one for one in found if one.sku == sku), None)


@blueprint.get("/orders/<order_id>")
def order(order_id: str) -> str:
    """Show an order: its state to everybody who knows its number, its code to who has the key."""
    with inventory().store.reader() as conn:
        shown = store_orders.order(conn, order_id)
        name = store_journal.store(conn, shown["store"])["name"]
        first = shown.get("rerouted_from")
        from_name = store_journal.store(conn, first)["name"] if first else None
    title, sentence = SAID[shown["state"]]
    total = sum(
        (line.get("unit_price_minor") or 0) * line.get("qty", line.get("ordered", 0))
        for line in shown["lines"]
    )
    return render_template(
        "order.html",
        order=shown,
        store_name=name,
        from_name=from_name,
        title=title,
        sentence=sentence,
        steps=STEPS,
        reached=REACHED.get(shown["state"]),
        total=total,
        key=_right_key(order_id),
        has_code=len(shown.get("pickup_code", "")) <= QR_MOST,
        may_cancel=shown["state"] not in store_orders.FINAL and not shown.get("cancel_asked_at"),
        final=shown["state"] in store_orders.FINAL,
    )


@blueprint.get("/orders/<order_id>/code.svg")
def code(order_id: str) -> Response:
    """Draw the pickup code."""
    if _right_key(order_id) is None:
        raise NotFound("This link doesn't carry the order's key.")
    with inventory().store.reader() as conn:
        shown = store_orders.order(conn, order_id)
    text = shown["pickup_code"]
    if len(text) > QR_MOST:
        raise NotFound("This order has too many lines for a code; the counter finds it by name.")
    drawn = segno.make(text, error="m" if len(text) < QR_MOST // 2 else "l").svg_inline(
        border=2, scale=4
    )
    image = drawn.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    return Response(image, content_type="image/svg+xml", headers={"Cache-Control": "private"})


@blueprint.post("/orders/<order_id>/cancel")
@limiter.limit("30 per minute")
def cancel(order_id: str) -> AnyResponse:
    key = _right_key(order_id)
    if key is None:
        raise NotFound("This link doesn't carry the order's key.")
    inventory().store.run(lambda tx: store_orders.ask_to_cancel(tx, order_id, "BUYER_REQUEST"))
    return redirect(url_for("pages.order", order_id=order_id, key=key), 303)


def key_of(order_id: str) -> str:
    """Return the key that lets whoever placed an order see its code."""
    secret = inventory().page_secret.encode()
    return hmac.new(secret, order_id.encode(), "sha256").hexdigest()[:32]


def _right_key(order_id: str) -> str | None:
    key = request.args.get("key", "")
    return key if hmac.compare_digest(key.encode(), key_of(order_id).encode()) else None


@blueprint.app_context_processor
def _drawn() -> dict[str, str]:
    return {"number": _number()}
