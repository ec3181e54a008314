"""Which stores the order page offers for a basket, so that nobody picks one that has none of it.

It must never tell how many units a store has: it has them, has to be asked, or lacks them.
"""

from typing import Final

from flask import Blueprint, Flask, Response, request
from flask_limiter import Limiter

from hub.errors import Invalid, Refusal
from hub.stock.ledger import per_sku

from . import intake, store_journal, store_life, store_promise
from .promise_rules import Word
from .web import answer, inventory

blueprint = Blueprint("offers", __name__)
SKUS_MOST: Final = 50
NAMED_MOST: Final = 3


def register(app: Flask, limiter: Limiter) -> None:
    limiter.limit("120 per minute")(blueprint)
    app.register_blueprint(blueprint)


@blueprint.get("/offers")
def offers() -> Response:
    """Answer {store: has|asks|lacks} for a basket `?SKU=QTY&…`."""
    wanted = {}
    for sku, qty in list(request.args.items())[:SKUS_MOST]:
        if not qty.isdecimal() or not int(qty[:8]) > 0 or len(sku) > 64:
            raise Invalid("Each product needs a quantity.", field="qty")
        wanted[sku] = int(qty[:8])
    return answer({"stores": _words(wanted)})


def _words(wanted: dict[str, int]) -> dict[str, Word]:
    with inventory().store.reader() as conn:
        return store_promise.words(conn, wanted, store_life.generation(conn))


def check(order: intake.Order, *, asked: str) -> None:
    """Refuse once a store that lacks the goods, where another one has them, naming that.

    Who chooses it again (`asked`) has the store itself decide, as always.
    """
    if asked == order.store:
        return
    found = _words(per_sku((line.sku, line.qty) for line in order.lines))
    having = [store for store, word in found.items() if word == "has"][:NAMED_MOST]
    if found.get(order.store) != "lacks" or not having:
        return
    with inventory().store.reader() as conn:
        here = store_journal.store(conn, order.store)["name"]
        names = [store_journal.store(conn, store)["name"] for store in having]
    raise Refusal(
        f"{here} does not have everything you chose. {' and '.join(names)}"
        f" {'has' if len(names) == 1 else 'have'} it now. Choose a store and place the order"
        " again.",
        slug="not-there",
    )
