"""The API of the distribution centre: its count, what hubs were lent of it, endless-aisle orders.

Here stand a person's decisions about a holder of rights that is dead. It must never decide them.
"""

from typing import Annotated, Any, Final

import msgspec
from flask import Blueprint, Response, request

from . import intake, store_aisle, store_journal, store_life, store_rights, store_supply
from .web import answer, inventory, may, once

blueprint = Blueprint("supply_api", __name__, url_prefix="/api/v1")
ROWS_MOST: Final = 1000


class Counted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /api/v1/distribution/stock`. `ref` names the count in the moves."""

    rows: Annotated[list[dict[str, Any]], msgspec.Meta(min_length=1, max_length=ROWS_MOST)]
    ref: Annotated[str, msgspec.Meta(max_length=100)] = ""


_counts: Final = msgspec.json.Decoder(Counted)


@blueprint.post("/distribution/stock")
@may("catalog")
def count() -> Response:
    """Units at the distribution centre as counted; each difference becomes a move."""
    asked = intake.decode(_counts, request.get_data())

    def work(tx: Any) -> tuple[int, Any, bool]:
        generation = store_life.generation(tx.conn)
        items = store_aisle.recount(tx, asked.rows, asked.ref, generation)
        return 200, {"items": items}, False

    return once(work)


@blueprint.get("/distribution/stock/<path:sku>")
@may("read")
def stock(sku: str) -> Response:
    with inventory().store.reader() as conn:
        return answer(store_supply.shown(conn, sku, store_life.generation(conn)))


@blueprint.get("/stores/<store>/aisle-orders")
@may("read")
def orders(store: str) -> Response:
    with inventory().store.reader() as conn:
        store_journal.store(conn, store)
        items, more = store_aisle.orders(conn, store, request.args.get("after", "")[:64])
    return answer({"items": items, "next": more})


@blueprint.get("/stores/<store>/aisle-orders/<order_id>")
@may("read")
def order(store: str, order_id: str) -> Response:
    with inventory().store.reader() as conn:
        return answer(store_aisle.order(conn, store, order_id))


@blueprint.get("/stores/<store>/aisle-orders/<order_id>/customer")
@may("orders")
def customer(store: str, order_id: str) -> Response:
    """Who gets the goods and where, for who packs them; 404 once erased."""
    with inventory().store.reader() as conn:
        return answer(store_aisle.customer(conn, store, order_id))


@blueprint.post("/stores/<store>/aisle-orders/<order_id>/shipped")
@may("orders")
def shipped(store: str, order_id: str) -> Response:
    return once(lambda tx: (200, store_aisle.shipped(tx, store, order_id), False))


@blueprint.post("/stores/<store>/aisle-orders/<order_id>/decline")
@may("orders")
def decline(store: str, order_id: str) -> Response:
    return once(lambda tx: (200, store_aisle.decline(tx, store, order_id), False))


@blueprint.get("/stores/<store>/rights")
@may("read")
def rights(store: str) -> Response:
    """Rights in both directions: to the store's units, and to the distribution centre's."""
    with inventory().store.reader() as conn:
        store_journal.store(conn, store)
        return answer(
            {
                "store": store,
                "of_the_store": store_rights.of_store(conn, store),
                "of_the_distribution_centre": store_supply.lent_to(conn, store),
            }
        )


@blueprint.post("/stores/<store>/rights/return")
@may("admin")
def give_back(store: str) -> Response:
    """Central sells nothing more of a store that may be dead; orders that were taken stay."""

    def work(tx: Any) -> tuple[int, Any, bool]:
        store_journal.store(tx.conn, store)
        return 200, {"store": store, "returned": store_rights.give_all_back(tx, store)}, False

    return once(work)


@blueprint.post("/stores/<store>/rights/reclaim")
@may("admin")
def reclaim(store: str) -> Response:
    """What a store that is dead was lent of the distribution centre is central's again."""

    def work(tx: Any) -> tuple[int, Any, bool]:
        taken = store_supply.reclaim(tx, store, store_life.generation(tx.conn))
        return 200, {"store": store, "taken": taken}, False

    return once(work)
