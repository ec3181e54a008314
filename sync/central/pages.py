"""The order page for people: choose a store, find products, order.

It must never take less from a form than the API would take.
"""

import secrets
import sqlite3
from hashlib import blake2b
from typing import Any, Final

import msgspec
from flask import Blueprint, Flask, Response, redirect, render_template, request, url_for
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_wtf import CSRFProtect
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from hub.catalog.search import Found, search
from hub.errors import HubError, Invalid

from . import (
    api,
    customer_page,
    fleet_page,
    fleet_views,
    hub_doors,
    intake,
    notice_views,
    offers,
    points_views,
    return_doors,
    store_journal,
    supply_views,
)
from .customer_page import key_of
from .web import answer, inventory
from .words import LANGUAGES, _, later, nearest, words

blueprint = Blueprint("pages", __name__)
csrf: Final = CSRFProtect()
limiter: Final = Limiter(get_remote_address, storage_uri="memory://")

FIELDS: Final = ("store", "name", "email", "phone", "consent")
RESULTS: Final = 24
NUMBER: Final = 9
# What the page's script says.
SPOKEN: Final = {
    "add": later("Add"),
    "add_one": later("Add {name}"),
    "more": later("One {name} more"),
    "less": later("One {name} less"),
    "has": later("{store}: has it now"),
    "asks": later("{store}: will check"),
    "lacks": later("{store}: sold out"),
    "picked": later("{first} is sold out of something you chose, so {second} is picked."),
    "nothing": later("Nothing found for “{query}”. Try another word."),
    "unreachable": later("The search can't be reached at the moment. Please try again."),
}


def register(app: Flask) -> None:
    """Give the application its pages, protected against forged and endless forms."""
    csrf.init_app(app)
    csrf.exempt(api.blueprint)
    csrf.exempt(hub_doors.blueprint)
    csrf.exempt(return_doors.blueprint)
    csrf.exempt(fleet_views.blueprint)
    csrf.exempt(supply_views.blueprint)
    csrf.exempt(points_views.blueprint)
    csrf.exempt(notice_views.blueprint)
    limiter.init_app(app)
    app.register_blueprint(blueprint)
    customer_page.register(app, limiter)
    fleet_page.register(app, limiter)
    offers.register(app, limiter)
    app.jinja_env.filters["money"] = lambda minor, currency: words().money(minor, currency)
    app.jinja_env.globals["_"] = _


@blueprint.get("/")
def shop() -> str:
    return _shop({}, {}, None)


def _shop(form: dict[str, str], units: dict[str, str], problem: str | None) -> str:
    store = inventory().store
    with store.reader() as central:
        stores = store_journal.stores(central)
    with store.catalog.reader() as conn:
        found = search(conn, request.args.get("q", ""), RESULTS, words().lang, store.clock.now())
        picked = {sku: _by_sku(conn, sku) for sku in units}
    basket = [_product(one) | {"qty": units[sku]} for sku, one in picked.items() if one]
    return render_template(
        "shop.html",
        spoken={name: words()(text) for name, text in SPOKEN.items()},
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
        found = search(
            conn, request.args.get("q", "")[:200], RESULTS, words().lang, store.clock.now()
        )
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
        "price": words().money(price.amount_minor, price.currency) if price else "",
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
        typed = {name: request.form.get(name, "") for name in FIELDS}
        units = {
            name.removeprefix("qty:"): value
            for name, value in request.form.items()
            if name.startswith("qty:") and value.isdecimal() and int(value[:8])
        }
        return _shop(typed, units, error.sentence), 422
    order_id = shown["order_id"]
    return redirect(url_for("customer.order", order_id=order_id, key=key_of(order_id)), 303)


def _order_of(form: MultiDict[str, str]) -> intake.Order:
    units: dict[str, int] = {}
    for name, value in form.items():
        if name.startswith("qty:") and value.strip() not in ("", "0"):
            if not value.strip().isdecimal():
                raise Invalid(_("A quantity is a whole number."), field=name)
            units[name.removeprefix("qty:")] = int(value[:8])
    if not units:
        raise Invalid(_("Your basket is empty: add a product first."), field="lines")
    if not form.get("name", "").strip():
        told = _("Please tell us your name, so that the store can greet you.")
        raise Invalid(told, field="name")
    body = {
        "order_id": _order_id(form.get("number", "")),
        "store": form.get("store", ""),
        "lines": _lines(units),
        "currency": "EUR",
        "customer": {
            "name": form.get("name", "").strip(),
            "email": form.get("email", "").strip() or None,
            "phone": form.get("phone", "").strip() or None,
            "language": words().lang,
            "consent": form.get("consent") == "yes",
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
    found = search(conn, sku, 5, words().lang, inventory().store.clock.now())
    return next((one for one in found if one.sku == sku), None)


@blueprint.app_context_processor
def _drawn() -> dict[str, Any]:
    chosen = nearest(request.args.get("lang"))
    return {"number": _number(), "words": words(), "tongues": LANGUAGES, "chosen": chosen}
