"""The fleet and the promise across stores by API; and the fleet as JSON.

It must never answer with what a store keeps for its own channels, nor with a page without end.
"""

from datetime import datetime
from typing import Annotated, Any, Final, get_args

import msgspec
from flask import Blueprint, Response, request

from hub.clock import stamp
from hub.errors import Invalid
from hub.stock.ledger import per_sku
from hub.stock.rules import MAX_QTY, check_sku

from . import (
    fleet_rules,
    intake,
    store_fleet,
    store_journal,
    store_life,
    store_promise,
    store_telemetry,
)
from .fleet_rules import Condition, Fleet, Group, Standing
from .store_port import Connection
from .web import answer, inventory, may, once

blueprint = Blueprint("fleet_api", __name__, url_prefix="/api/v1")
PAGE: Final = 100
LINES_MOST: Final = 50


class _Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    sku: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    qty: Annotated[int, msgspec.Meta(ge=1, le=MAX_QTY)]


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /api/v1/promise`. `near`: the store that comes first among equals."""

    lines: Annotated[list[_Line], msgspec.Meta(min_length=1, max_length=LINES_MOST)]
    near: str | None = None


_wanted: Final = msgspec.json.Decoder(Wanted)


def judged() -> tuple[Fleet, datetime]:
    """Return the fleet as it stands, and when that is."""
    store = inventory().store
    now = store.clock.now()
    with store.reader() as conn:
        return fleet_rules.fleet(store_fleet.stores(conn), now), now


@blueprint.get("/fleet")
@may("read")
def fleet() -> Response:
    """How each store stands, most urgent first."""
    condition, after = request.args.get("condition", ""), request.args.get("after", "0")
    if condition and condition not in get_args(Condition):
        known = ", ".join(fleet_rules.URGENCY)
        raise Invalid(f"condition is one of {known}.", field="condition")
    if not after.isdecimal() or len(after) > 9:
        raise Invalid("after is a number of stores from 0.", field="after")
    found, now = judged()
    chosen = fleet_rules.chosen(found, condition, request.args.get("q", "")[:100])
    start = int(after)
    generation = inventory().store.generation
    return answer(
        {
            "as_of": stamp(now),
            "generation": generation,
            "counts": found.counts,
            "groups": [shown_group(one) for one in found.groups],
            "items": [shown(one, now, generation) for one in chosen[start : start + PAGE]],
            "next": start + PAGE if start + PAGE < len(chosen) else None,
        }
    )


def shown_group(group: Group) -> dict[str, Any]:
    return {"since": stamp(group.since), "stores": len(group.stores), "some": group.stores[:5]}


def shown(one: Standing, now: datetime, generation: str) -> dict[str, Any]:
    """Show one store. Ages are seconds, None where they are not known."""
    seen = one.seen
    waited = (now - seen.told_at).total_seconds() if seen.told_at else 0.0
    return {
        "store": seen.store,
        "name": seen.name,
        "condition": one.condition,
        "since": stamp(one.since) if one.since else None,
        "why": one.why or None,
        "heard_at": stamp(seen.heard_at) if seen.heard_at else None,
        "silent_s": round((now - seen.heard_at).total_seconds()) if seen.heard_at else None,
        "lag_s": None if seen.newest_s is None else round(seen.newest_s + waited),
        "backlog": seen.backlog,
        "oldest_s": _oldest(one, waited),
        "release": seen.release or None,
        "schema": seen.schema or None,
        "generation": seen.generation or None,
        "agreed": seen.generation == generation,
        "quarantine": {"central": seen.quarantine_central, "hub": seen.quarantine_hub},
        "refused": seen.refused or None,
        "held": seen.two_hubs,
        "retired": seen.retired,
        "sealed": seen.sealed,
    }


def _oldest(one: Standing, waited: float) -> int | None:
    if one.seen.oldest_s is None:
        return None
    return round(one.seen.oldest_s + waited) if one.seen.backlog else 0


@blueprint.get("/stock/<path:sku>")
@may("read")
def stock(sku: str) -> Response:
    """What may be promised of an article, store by store."""
    check_sku(sku)
    with inventory().store.reader() as conn:
        return answer(store_promise.stock(conn, sku, store_life.generation(conn)))


@blueprint.get("/stores/<store>/telemetry")
@may("read")
def telemetry(store: str) -> Response:
    """How the devices of a store were when its hub said so last."""
    with inventory().store.reader() as conn:
        store_journal.store(conn, store)
        return answer(store_telemetry.devices(conn, store))


@blueprint.post("/promise")
@may("read")
def promise() -> Response:
    """Which stores can give all of this, and which a part. It reserves nothing."""
    asked = intake.decode(_wanted, request.get_data())
    for n, line in enumerate(asked.lines):
        check_sku(line.sku, f"lines.{n}.sku")
    wanted = per_sku((line.sku, line.qty) for line in asked.lines)

    now = inventory().store.clock.now()

    def promised(conn: Connection) -> dict[str, Any]:
        generation = store_life.generation(conn)
        return store_promise.promise(conn, wanted, asked.near, generation, now)

    if "Idempotency-Key" in request.headers:
        return once(lambda tx: (200, promised(tx.conn), False))
    with inventory().store.reader() as conn:
        return answer(promised(conn))
