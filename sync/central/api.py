"""The API of head office: orders, customers, catalogue, stores, their stock.

It must never answer an order with more than PROPOSED before the store said so.
"""

from typing import Annotated, Any, Final

import msgspec
from flask import Blueprint, Response, g, request

from hub.errors import Invalid

from . import (
    customer_page,
    intake,
    openapi,
    store_access,
    store_buyer,
    store_journal,
    store_keys,
    store_orders,
    store_promise,
    store_return_rows,
)
from .web import answer, inventory, may, numbers, once

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")
KEYS_OF_AN_ORDER: Final = frozenset({"pickup_code", "page"})


class _Cancel(msgspec.Struct, frozen=True):
    reason: str = "BUYER_REQUEST"


class _Rows(msgspec.Struct, frozen=True):
    rows: list[dict[str, Any]]


class _Store(msgspec.Struct, frozen=True):
    store: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,32}\Z")]
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class _Token(msgspec.Struct, frozen=True):
    name: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._-]{1,64}\Z")]
    role: str


class _Machine(msgspec.Struct, frozen=True):
    hardware: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


_tokens: Final = msgspec.json.Decoder(_Token)
_machines: Final = msgspec.json.Decoder(_Machine)
_cancels: Final = msgspec.json.Decoder(_Cancel)
_rows: Final = msgspec.json.Decoder(_Rows)
_stores: Final = msgspec.json.Decoder(_Store)


@blueprint.post("/orders")
@may("orders")
def place() -> Response:
    order, central = intake.read_order(request.get_data()), inventory()
    page = _page(order.order_id)

    def work(tx: Any) -> tuple[int, Any, bool]:
        shown, known = central.place(tx, order)
        return 201, shown | page, known

    response = once(work)
    if response.status_code == 201 and "Idempotency-Replayed" not in response.headers:
        numbers().orders.inc()
    return response


@blueprint.get("/orders/<order_id>")
@may("read")
def order(order_id: str) -> Response:
    with inventory().store.reader() as conn:
        shown = store_orders.order(conn, order_id) | _page(order_id)
        now = inventory().store.clock.now()
        shown |= {"store_now": store_promise.mood(conn, shown["store"], now)}
    if "orders" not in g.rights:
        # Who has the code collects, and who has the link cancels: reading alone gives neither.
        shown = {name: value for name, value in shown.items() if name not in KEYS_OF_AN_ORDER}
    return answer(shown)


def _page(order_id: str) -> dict[str, str]:
    """Where the customer follows the order: whoever has this link may see and say all."""
    return {"page": customer_page.path_of(inventory().page_secret, order_id)}


@blueprint.post("/orders/<order_id>/cancel")
@may("orders")
def cancel(order_id: str) -> Response:
    asked = intake.decode(_cancels, request.get_data() or b"{}")
    if asked.reason not in store_orders.REASONS:
        known = ", ".join(store_orders.REASONS)
        raise Invalid(f"reason is one of {known}.", field="reason")
    return once(lambda tx: (200, store_orders.ask_to_cancel(tx, order_id, asked.reason), False))


@blueprint.post("/orders/<order_id>/shipped")
@may("orders")
def shipped(order_id: str) -> Response:
    """The goods of an order have left for its store."""
    told = intake.read_shipped(request.get_data())
    return once(lambda tx: (200, store_orders.ship(tx, order_id, told), False))


@blueprint.post("/customers/<ref>/erase")
@may("orders")
def erase(ref: str) -> Response:
    return once(lambda tx: (200, store_orders.erase(tx, ref), False))


@blueprint.post("/catalog/import")
@may("catalog")
def import_catalog() -> Response:
    rows, central = intake.decode(_rows, request.get_data()).rows, inventory()
    response = once(lambda tx: (200, central.import_catalog(tx, rows), False))
    central.store.follow()
    return response


@blueprint.get("/stores")
@may("read")
def stores() -> Response:
    with inventory().store.reader() as conn:
        return answer({"items": store_journal.stores(conn), "next": None})


@blueprint.post("/stores")
@may("admin")
def add_store() -> Response:
    wanted = intake.decode(_stores, request.get_data())

    def work(tx: Any) -> tuple[int, Any, bool]:
        added = store_access.add_store(tx, wanted.store, wanted.name)
        return 201 if added else 200, {"store": wanted.store, "added": added}, False

    return once(work)


@blueprint.post("/stores/<store>/enrolment")
@may("admin")
def enrolment(store: str) -> Response:
    # A secret is not kept as a reply: each call makes a token of its own.
    token = inventory().store.run(lambda tx: store_access.create_enrolment(tx, store))
    return answer({"store": store, "token": token}, 201)


@blueprint.post("/stores/<store>/revoke")
@may("admin")
def revoke(store: str) -> Response:
    """Shut this store's hub out: a stolen box, a credential that was seen."""
    return once(
        lambda tx: (200, {"store": store, "revoked": store_access.revoke(tx, store)}, False)
    )


@blueprint.post("/stores/<store>/confirm")
@may("admin")
def confirm(store: str) -> Response:
    """Two hubs of this store are on line: a person says which machine stays."""
    chosen = intake.decode(_machines, request.get_data()).hardware
    return once(lambda tx: (200, store_journal.confirm(tx, store, chosen), False))


@blueprint.post("/stores/<store>/refold")
@may("admin")
def refold(store: str) -> Response:
    """Replay of central's quarantine: whatever this release can read now leaves it."""
    return once(lambda tx: (200, store_journal.refold_store(tx, store), False))


@blueprint.post("/tokens")
@may("admin")
def add_token() -> Response:
    wanted = intake.decode(_tokens, request.get_data())
    # A secret is not kept as a reply: each call makes a token of its own.
    token = inventory().store.run(
        lambda tx: store_access.create_token(tx, wanted.name, wanted.role)
    )
    return answer({"name": wanted.name, "role": wanted.role, "token": token}, 201)


@blueprint.post("/tokens/<name>/revoke")
@may("admin")
def revoke_token(name: str) -> Response:
    return once(lambda tx: (200, {"revoked": store_access.revoke_tokens(tx, name)}, False))


@blueprint.get("/stores/<store>/experience")
@may("read")
def experience(store: str) -> Response:
    """Answer what a store's customers said between two times; all of it unless told."""
    begin, end = request.args.get("from", "0000"), request.args.get("to", "9999")
    with inventory().store.reader() as conn:
        store_journal.store(conn, store)
        return answer({"store": store, **store_buyer.experience_of(conn, store, begin, end)})


@blueprint.get("/returns")
@may("read")
def returns() -> Response:
    """Answer what came back at all stores; `word=CONFLICT`: what a person has to look at."""
    asked = request.args
    with inventory().store.reader() as conn:
        items, more = store_return_rows.returns(
            conn, asked.get("order_id"), asked.get("word"), asked.get("after", "")
        )
    return answer({"items": items, "next": more})


@blueprint.get("/keys")
@may("admin")
def keys() -> Response:
    with inventory().store.reader() as conn:
        return answer({"items": store_keys.keys(conn), "next": None})


@blueprint.post("/keys/rotate")
@may("admin")
def rotate_key() -> Response:
    central = inventory()
    return once(lambda tx: (201, store_keys.rotate(tx, central.ring), False))


@blueprint.post("/keys/<key_id>/revoke")
@may("admin")
def revoke_key(key_id: str) -> Response:
    central = inventory()
    return once(lambda tx: (200, store_keys.revoke(tx, key_id, central.ring), False))


@blueprint.get("/stores/<store>/stock/<path:sku>")
@may("read")
def stock(store: str, sku: str) -> Response:
    return answer(inventory().stock(store, sku))


@blueprint.get("/quarantine")
@may("read")
def quarantine() -> Response:
    after = request.args.get("after", "0")
    if not after.isdecimal() or len(after) > 18:
        raise Invalid("after is the id of the last row that was read.", field="after")
    with inventory().store.reader() as conn:
        items = store_journal.quarantine(conn, int(after), 200)
    return answer({"items": items, "next": items[-1]["id"] if len(items) == 200 else None})


@blueprint.get("/openapi.json")
def document() -> Response:
    return answer(openapi.document())
