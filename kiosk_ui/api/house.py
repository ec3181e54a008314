"""What the store decides for itself, for programs: policies, staging shelves, pace; the day too.

It must never know a rule: a refusal comes from the room and is passed on as its sentence.
"""

from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import msgspec
from flask import request
from msgspec import Meta, Struct

from hub.clock import parse
from hub.errors import Invalid
from hub.house import actions
from hub.house import queries as house
from hub.journal import Transaction
from hub.pickup import queries, staging, watching
from kiosk_ui.api import bodies
from kiosk_ui.api.contract import Call, Query, command, read
from kiosk_ui.session import hub


class SetPolicy(bodies.Asked):
    """null gives the policy its default back."""

    value: int | str | None = None


class PlanShelf(bodies.Asked):
    shelf: Annotated[str, Meta(min_length=1, max_length=32)]
    capacity: Annotated[int, Meta(ge=1, le=1000)]
    kind: Literal["ambient", "large", "chilled", "frozen"] = "ambient"


class SetPace(bodies.Asked):
    pace: Literal["normal", "slow", "paused"]
    minutes: Annotated[int, Meta(ge=1, le=10_080)] | None = None
    reason: bodies.Reason | None = None


class Policies(Struct):
    items: list[dict[str, Any]]


class Shelves(Struct):
    items: list[dict[str, Any]]


class Pace(Struct):
    pace: str
    until: str | None
    reason: str | None
    at: str | None
    by: str | None


class Figures(Struct):
    since: bodies.Time
    accepted: int
    ready: int
    handed_over: int
    late: int
    to_ready: dict[str, Any]
    to_handover: dict[str, Any]
    wait: dict[str, Any]
    states: dict[str, int]
    accepted_by_state: dict[str, int]
    shorts: dict[str, int]
    short_units: int


def zone() -> ZoneInfo:
    return ZoneInfo(hub().options.timezone)


# -- policies


def _policies(tx: Transaction, cause: str = "", **_parts: Any) -> Any:
    return {"items": house.shown(tx.conn)}


@read("/policies", "What this store decides for itself.", step="orders", answer=Policies)
def policies() -> Any:
    with hub().reader() as connection:
        return {"items": house.shown(connection)}


@command(
    "/policies/<name>",
    "Decide a policy.",
    step="policy",
    body=SetPolicy,
    answer=Policies,
    show=_policies,
)
def policy_set(call: Call, asked: SetPolicy, name: str) -> Any:
    actions.set_policy(call.tx, name, asked.value, actor=call.actor, cause=call.cause)
    return _policies(call.tx)


# -- staging shelves


def _shelves(tx: Transaction, cause: str = "", **_parts: Any) -> Any:
    return {"items": shelves_shown(tx.conn)}


def shelves_shown(connection: Any) -> list[dict[str, Any]]:
    """Return `{"shelf","capacity","kind","orders","free"}` of each planned staging shelf."""
    return [one._asdict() | {"free": one.free} for one in queries.staging_shelves(connection)]


@read(
    "/staging-shelves",
    "Planned staging shelves, with how many orders stand on each.",
    step="orders",
    answer=Shelves,
)
def staging_shelves() -> Any:
    with hub().reader() as connection:
        return {"items": shelves_shown(connection)}


@command(
    "/staging-shelves",
    "Plan a staging shelf, or change one.",
    step="plan",
    body=PlanShelf,
    answer=Shelves,
    show=_shelves,
)
def staging_shelf_plan(call: Call, asked: PlanShelf) -> Any:
    wanted = msgspec.structs.asdict(asked)
    staging.plan_shelf(call.tx, **wanted, actor=call.actor, cause=call.cause)
    return _shelves(call.tx)


@command(
    "/staging-shelves/<shelf>/drop",
    "Give a staging shelf up; refused while orders stand on it.",
    step="plan",
    body=bodies.Nothing,
    answer=Shelves,
    show=_shelves,
)
def staging_shelf_drop(call: Call, asked: bodies.Nothing, shelf: str) -> Any:
    staging.drop_shelf(call.tx, shelf, actor=call.actor, cause=call.cause)
    return _shelves(call.tx)


# -- pace


def _pace(tx: Transaction, cause: str = "") -> Any:
    return house.pace(tx.conn, tx.now)


@read("/pickup/pace", "Is picking paused or slowed?", step="orders", answer=Pace)
def pickup_pace() -> Any:
    with hub().reader() as connection:
        return house.pace(connection, hub().clock.now())


@command(
    "/pickup/pace",
    "Pause picking, slow it, or let it go on: orders without a promise are promised later.",
    step="pace",
    body=SetPace,
    answer=Pace,
    show=_pace,
)
def pickup_pace_set(call: Call, asked: SetPace) -> Any:
    actions.set_pace(
        call.tx, asked.pace, asked.minutes, asked.reason, actor=call.actor, cause=call.cause
    )
    return _pace(call.tx)


# -- watching


@read(
    "/pickup/no-shows",
    "Ready orders whose customers should have come by now.",
    step="orders",
    answer=bodies.Listed,
)
def pickup_no_shows() -> Any:
    with hub().reader() as connection:
        found = watching.no_shows(connection, hub().clock.now(), zone())
    return {"items": found, "next": None}


@read(
    "/pickup/figures",
    "The day in figures: orders, times in seconds, what was not found.",
    step="orders",
    answer=Figures,
    queries=(Query("since", "A time in UTC; the store's midnight unless told."),),
)
def pickup_figures() -> Any:
    now, text = hub().clock.now(), request.args.get("since")
    try:
        begin = parse(text) if text else watching.today(now, zone())
    except ValueError as error:
        raise Invalid(str(error), field="since") from None
    with hub().reader() as connection:
        return watching.day(connection, begin)
