"""Head office's view of notices: what went out, what waits, what failed and why.

It must never show whom they are for.
"""

from flask import Blueprint, Response, request

from hub.errors import Invalid

from . import store_notices
from .web import answer, inventory, may, once

blueprint = Blueprint("notices", __name__, url_prefix="/api/v1")
STATES = ("waiting", "sending", "sent", "failed", "stale", "no-address")
PAGE = 200


@blueprint.get("/notices")
@may("read")
def notices() -> Response:
    state, order_id = request.args.get("state", ""), request.args.get("order_id", "")
    if state and state not in STATES:
        raise Invalid(f"state is one of {', '.join(STATES)}.", field="state")
    with inventory().store.reader() as conn:
        items = store_notices.shown(conn, state, order_id, request.args.get("after", ""), PAGE)
        decided = store_notices.decided(conn, order_id) if order_id else []
        counts = store_notices.counts(conn)
    following = items[-1]["id"] if len(items) == PAGE else None
    return answer({"items": items, "next": following, "decided": decided, "counts": counts})


@blueprint.post("/notices/<path:message_id>/retry")
@may("orders")
def retry(message_id: str) -> Response:
    return once(lambda tx: (200, store_notices.retry(tx, message_id), False))
