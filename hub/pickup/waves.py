"""Takes several orders for picking in one append, and shows what somebody picks at present.

It must never append for one order of a wave and not for the others.
"""

from collections.abc import Sequence
from sqlite3 import Connection
from typing import Any, Final

from hub.catalog import queries as catalog
from hub.chain import Entry
from hub.house.rules import suggest
from hub.journal import Fact, Transaction
from hub.pickup import queries, walking
from hub.pickup.loading import append, load, pick_tasks
from hub.tasks.rules import decide_claim

_ORDER: Final = (
    "order_id",
    "short_code",
    "state",
    "version",
    "promise_at",
    "channel",
    "suggested_shelf",
    "suggested_shelves",
)


def claim(tx: Transaction, order_ids: Sequence[str], *, actor: str, cause: str) -> list[Entry]:
    """Claim all these orders or none. Those that `actor` picks already are no news."""
    loaded = [load(tx, order_id) for order_id in order_ids]
    claimed = walking.decide_wave(loaded, actor)
    facts: list[Fact] = [*claimed]
    for order_id in (one.order_id for one in claimed):
        for task in pick_tasks(tx, order_id):
            facts += decide_claim(task, actor, "") if task.claimed_by is None else []
    return append(tx, facts, actor, cause)


def _spread(conn: Connection, orders: Sequence[dict[str, Any]]) -> None:
    """Suggest no shelf to more orders of a round than it has room for: they come together."""
    shelves = queries.staging_shelves(conn)
    for order in orders:
        for part in order["suggested_shelves"]:
            best = suggest(shelves, part["kind"], part["shelf"])
            part["shelf"] = best
            shelves = [
                one._replace(orders=one.orders + 1) if one.shelf == best else one for one in shelves
            ]
        if order["suggested_shelves"]:
            order["suggested_shelf"] = order["suggested_shelves"][0]["shelf"]


def picking(conn: Connection, actor: str) -> dict[str, Any]:
    """What `actor` picks now: `{"orders","lines"}`, the lines as the floor is walked."""
    orders = [queries.order(conn, order_id) for order_id in queries.picked_by(conn, actor)]
    _spread(conn, orders)
    later = queries.put_off(conn, [order["order_id"] for order in orders])
    lines = [
        {
            "order_id": order["order_id"],
            "short_code": order["short_code"],
            "promise_at": order["promise_at"],
            **line,
            "name": line["name"] or catalog.name(conn, line["sku"]),
            "gtins": catalog.gtins(conn, line["sku"]),
            "later": (order["order_id"], line["line_id"]) in later,
        }
        for order in orders
        for line in order["lines"]
    ]
    return {
        "orders": [{name: order[name] for name in _ORDER} for order in orders],
        "lines": [dict(line) for line in walking.walk(lines, later)],
    }
