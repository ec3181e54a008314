"""The doors at which a hub asks whether goods of another store may come back to it.

It must never answer who bought them.
"""

import msgspec
from flask import Blueprint, Response, request

from sync import claims
from sync.frames import JSON

from . import store_returns
from .hub_doors import for_store, signed, unpacked
from .web import answer, inventory

blueprint = Blueprint("return_doors", __name__, url_prefix="/sync/v1")
blueprint.after_request(signed)


@blueprint.get("/stores/<store>/handed")
@for_store
def handed(store: str) -> Response:
    """What was handed over of `order_id`, at which store, and what came back of it."""
    with inventory().store.reader() as conn:
        found = store_returns.handed(conn, request.args.get("order_id", "")[:64])
    return Response(msgspec.json.encode(found), content_type=JSON)


@blueprint.post("/stores/<store>/returns")
@for_store
def claim(store: str) -> Response:
    """Claim units for a return that this store is about to open."""

    def take(store: str, asked: claims.Asked) -> Response:
        said = inventory().store.run(lambda tx: store_returns.claim(tx, store, asked))
        return Response(msgspec.json.encode(said), content_type=JSON)

    return unpacked(store, claims.unpack, take)


@blueprint.post("/stores/<store>/returns/<return_id>/release")
@for_store
def release(store: str, return_id: str) -> Response:
    """The return was not opened after all."""
    gone = inventory().store.run(lambda tx: store_returns.release(tx, store, return_id))
    return answer({"released": gone})
