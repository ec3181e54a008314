"""Reads the cards of a board: the earliest promise on top, who is here, who is on the way.

It must never write, and never show anything personal: names are read from `customers`.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from sqlite3 import Connection
from typing import Any

from hub.clock import parse, stamp
from hub.pickup.queries import BOARD
from hub.pickup.rules import urgency


def board(
    conn: Connection,
    states: Sequence[str] = BOARD,
    limit: int = 100,
    now: datetime | None = None,
) -> list[dict[str, Any]]:
    """The cards of a board, the earliest promise on top; `now` colours their timers."""
    wanted = [str(state) for state in states]
    where = f"state IN ({','.join('?' * len(wanted))})"
    return _cards(conn, where, wanted, limit, now)


def cards(conn: Connection, ids: Sequence[str], now: datetime) -> list[dict[str, Any]]:
    """The cards of these orders, as `board` has them."""
    where = "order_id IN (SELECT value FROM json_each(?))"
    return _cards(conn, where, [json.dumps(list(ids))], len(ids), now)


def coming(conn: Connection, now: datetime, limit: int = 12) -> list[dict[str, Any]]:
    """The cards of orders whose customer is here or on the way.

    Who is here and waits longest is first; who is on the way follows by when they are expected.
    """
    marks = ",".join("?" * len(BOARD))
    where = (
        f"state IN ({marks}) AND (buyer_arrived_at IS NOT NULL OR buyer_on_the_way_at IS NOT NULL)"
    )
    found = _cards(conn, where, [state.value for state in BOARD], 100, now)
    found.sort(
        key=lambda card: (
            card["buyer_arrived_at"] is None,
            card["buyer_arrived_at"] or card["expected_at"] or card["buyer_on_the_way_at"],
        )
    )
    return found[:limit]


def _cards(
    conn: Connection, where: str, given: Sequence[str], limit: int, now: datetime | None
) -> list[dict[str, Any]]:
    rows = conn.execute(
        "SELECT o.order_id, o.short_code, o.state, o.shelf, o.also_on, o.channel, o.supply,"
        " o.customer_ref,"
        " o.claimed_by, o.promise_at, o.accepted_at, o.ready_at, o.buyer_on_the_way_at,"
        " o.buyer_arrived_at, o.buyer_eta_minutes, o.buyer_stall, o.picked_up_at, o.reason,"
        " o.version,"
        " count(l.n) AS lines, total(l.ordered) AS units,"
        " (SELECT json_group_array(sku) FROM (SELECT sku FROM pickup_line WHERE"
        "  order_id = o.order_id AND substitute_for IS NULL ORDER BY n LIMIT 4)) AS skus,"
        " total(l.ordered - l.picked - l.short - l.substituted - l.canceled) AS pending"
        f" FROM (SELECT * FROM pickup_order WHERE {where}"
        "  ORDER BY promise_at IS NULL, promise_at, accepted_at, order_id LIMIT ?) o"
        " LEFT JOIN pickup_line l ON l.order_id = o.order_id AND l.substitute_for IS NULL"
        " GROUP BY o.order_id"
        " ORDER BY o.promise_at IS NULL, o.promise_at, o.accepted_at, o.order_id",
        (*given, limit),
    )
    return [_card(dict(row), now) for row in rows]


def counts(conn: Connection) -> dict[str, int]:
    """How many orders stand in each state."""
    rows = conn.execute("SELECT state, count(*) FROM pickup_order GROUP BY state")
    return dict(map(tuple, rows))


def _card(card: dict[str, Any], now: datetime | None) -> dict[str, Any]:
    card["units"], card["pending"] = int(card["units"]), int(card["pending"])
    card["skus"] = json.loads(card["skus"])
    left = None
    if now is not None and card["promise_at"] is not None:
        left = (parse(card["promise_at"]) - now).total_seconds()
    card["urgency"] = urgency(left)
    left_at, minutes = card["buyer_on_the_way_at"], card["buyer_eta_minutes"]
    said = left_at and minutes
    card["expected_at"] = stamp(parse(left_at) + timedelta(minutes=minutes)) if said else None
    return card
