"""What the counter keeps for the hours without its hub: the last board, and a page that shows it.

It must never hand out anything personal: no name, no contact, no reference that stands for one.
"""

import hashlib
from base64 import b64encode
from typing import Any, Final

from flask import Blueprint, Response, current_app, render_template
from flask_babel import get_locale

from hub.catalog import queries as catalog
from hub.clock import stamp
from hub.pickup import queries
from hub.pickup.board import queries as boards
from kiosk_ui import show, sight
from kiosk_ui.assets import load
from kiosk_ui.counter import cards, page
from kiosk_ui.session import hub, need

away = Blueprint("away", __name__, url_prefix="/counter")
# What a counter may have to find without the hub; a store with more is shown its most urgent.
KEPT: Final = 400
SHIPPED: Final = (
    "app.css",
    "contrast.css",
    "forced.css",
    "counter.css",
    "app.js",
    "queue.js",
    "counter-away.js",
    "icons.svg",
)


@away.get("/last")
def last() -> dict[str, Any]:
    """The board as it stands, for this browser to keep: goods, shelves, states and the public keys.

    Orders of one customer share a `group`, a number that means nothing outside this answer.
    """
    need("orders")
    shown, now = hub(), hub().clock.now()
    with shown.reader() as connection:
        known = cards.Known(connection)
        groups: dict[str, int] = {}
        orders = [
            _kept(queries.order(connection, card["order_id"]), known, groups)
            for card in boards.board(connection, limit=KEPT, now=now)
        ]
        keys = {
            key_id: b64encode(raw).decode()
            for key_id, raw in catalog.pickup_keys(connection).items()
        }
    return {"store": shown.store, "as_of": stamp(now), "keys": keys, "orders": orders}


@away.get("/away")
def shell() -> str:
    """The page without a hub behind it. It is kept by the browser and holds no data of its own."""
    return render_template("counter/away.html", here="counter", person=None)


@away.get("/worker.js")
def worker() -> Response:
    """The service worker; its text changes with each release and language, so browsers renew it."""
    found = load("counter-worker.js")
    body = found.raw.decode() if found else ""
    parts = [asset.version for name in SHIPPED if (asset := load(name))]
    parts += [hub().options.brand.version, sight.chosen()]
    parts += [current_app.extensions["storehub_version"], str(get_locale()), body]
    version = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
    response = Response(f'const VERSION = "{version}";\n{body}', content_type="text/javascript")
    response.headers["Service-Worker-Allowed"] = "/counter"
    response.headers["Cache-Control"] = "no-cache"
    return response


def _kept(order: dict[str, Any], known: cards.Known, groups: dict[str, int]) -> dict[str, Any]:
    ref = order["customer_ref"] or order["order_id"]
    lines = [page.line_shown(line, known) for line in order["lines"]]
    return {
        "order_id": order["order_id"],
        "short_code": order["short_code"],
        "state": order["state"],
        "shelf": show.stands_on(order),
        "promise_at": order["promise_at"],
        "group": groups.setdefault(ref, len(groups)),
        "age_min": order.get("age_min", 0),
        "units": sum(line["ordered"] for line in lines if not line["substitute_for"]),
        "lines": [
            {"name": line["name"], "qty": line["to_hand_over"], "picture": line["picture"]}
            for line in lines
            if line["to_hand_over"] > 0
        ],
    }
