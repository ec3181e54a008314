"""Says which action each observation and each of central's commands becomes; it never decides.

This is the one list of what can reach the store from outside besides HTTP.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from hub import foreign, scans
from hub.aisle import actions as aisle
from hub.customers import actions as customers
from hub.errors import Invalid, Refusal
from hub.experience import actions as experience
from hub.fleet import actions as fleet
from hub.fleet import queries as fleet_queries
from hub.ingest import Folds, Handlers
from hub.journal import Transaction
from hub.pickup import actions as pickup
from hub.pickup import queries as pickup_queries
from hub.pickup import selling
from hub.printing import actions as printing
from hub.returns import actions as returns
from hub.settings import Settings
from hub.shelf import sensing, sensors, tagging, tags
from hub.stock import actions as stock
from hub.wire import Observation

log = logging.getLogger(__name__)

Command = Callable[[Transaction, Mapping[str, Any]], None]


def _sale(tx: Transaction, seen: Observation, occurred_at: datetime) -> None:
    selling.sell(
        tx,
        seen.data.sale_id,
        msgspec.to_builtins(seen.data.lines),
        actor=f"device:{seen.device}",
        cause=seen.cause,
        occurred_at=occurred_at,
    )


def _done(tx: Transaction, seen: Observation, occurred_at: datetime) -> None:
    fleet.answered(tx, seen.device, seen.data.key, seen.data.state)


def observations(store: str) -> Handlers:
    """Return what each kind of observation does in `store`; other kinds are only kept."""
    return {
        "scan": scans.handler(store),
        "sale": _sale,
        "done": _done,
        "printed": printing.reported,
        "sighted": foreign.sighted,
        "garbage": foreign.garbage,
    }


def watch(settings: Settings) -> tags.Watch:
    """Return a memory of RFID tags; the running hub has one for its reads and its timer."""
    tuning = tagging.Tuning(
        gone_ms=round(settings.tag_gone_s * 1000),
        margin_db=settings.tag_margin_db,
        holdoff_ms=settings.tag_holdoff_ms,
        decay_db_s=settings.tag_decay_db_s,
    )
    return tags.Watch(tuning, fleet_queries.place_of, left_task=settings.tag_left_task)


def shelf_tuning(settings: Settings) -> sensing.Tuning:
    return sensing.Tuning(
        stable_ms=round(settings.shelf_stable_s * 1000),
        gap_ms=round(settings.shelf_gap_s * 1000),
        hysteresis=settings.shelf_hysteresis,
        drift_per_hour=settings.shelf_drift,
        noise_grams=settings.shelf_noise_g,
        tolerance=settings.shelf_tolerance,
        disagree_ms=round(settings.shelf_disagree_s * 1000),
    )


def telemetry(settings: Settings, memory: tags.Watch) -> Folds:
    """Return what each kind of telemetry means to the shelves; other kinds are only kept."""
    at, tuning = fleet_queries.place_of, shelf_tuning(settings)
    return {
        "weight": lambda tx, sensed: sensors.weigh(tx, sensed, at, tuning),
        "presence": lambda tx, sensed: sensors.notice(tx, sensed, at, tuning),
        "rfid": memory.hear,
    }


def _place(tx: Transaction, command: Mapping[str, Any]) -> None:
    order = command["order"]
    pickup.place(tx, order, actor="central", cause=_cause(command))
    if order.get("personal") and order.get("customer_ref"):
        _keep_person(tx, order)


def _keep_person(tx: Transaction, order: Mapping[str, Any]) -> None:
    try:
        customers.put(tx, order["customer_ref"], order["personal"])
    except Invalid as error:
        # An order is not lost for a name; central holds it, and the sentence never quotes it.
        name = str(order.get("order_id"))
        log.warning("Who collects is not kept: %s", error.sentence, extra={"order": name})


def _known(tx: Transaction, command: Mapping[str, Any]) -> None:
    """The order stands in the journal; who collects it may be unknown after a repair."""
    order = command["order"]
    if order.get("personal") and order.get("customer_ref"):
        _keep_person(tx, order)


def _cancel(tx: Transaction, command: Mapping[str, Any]) -> None:
    order_id, cause = command["order_id"], _cause(command)
    try:
        with tx.savepoint():
            pickup.cancel(tx, order_id, command["reason"], actor="central", cause=cause)
    except Refusal as no:
        # Head office has to hear the no as well: it is a fact, and it travels as one.
        pickup.refuse_cancel(tx, order_id, no.slug, actor="central", cause=cause)


def _ship(tx: Transaction, command: Mapping[str, Any]) -> None:
    pickup.ship(
        tx,
        command["order_id"],
        command.get("parcels") or (),
        command.get("carrier"),
        command.get("tracking"),
        actor="central",
        cause=_cause(command),
    )


def _buyer(tx: Transaction, command: Mapping[str, Any]) -> None:
    pickup.buyer_seen(
        tx,
        command["order_id"],
        command["where"],
        command.get("eta_minutes"),
        command.get("stall"),
        actor="customer",
        cause=_cause(command),
    )
    _keep_words(tx, command["order_id"], command)


def _delegate(tx: Transaction, command: Mapping[str, Any]) -> None:
    pickup.delegate_named(tx, command["order_id"], actor="customer", cause=_cause(command))
    _keep_words(tx, command["order_id"], command)


def _feedback(tx: Transaction, command: Mapping[str, Any]) -> None:
    order_id = command["order_id"]
    experience.give(
        tx,
        order_id,
        command["score"],
        command.get("felt") or (),
        actor="customer",
        cause=_cause(command),
    )
    _keep_words(tx, order_id, command)


def _keep_words(tx: Transaction, order_id: str, command: Mapping[str, Any]) -> None:
    """Keep what is personal in a command beside its customer; of nobody it is not kept."""
    order = pickup_queries.find(tx.conn, order_id)
    personal = command.get("personal")
    if order is None or not order.customer_ref or not isinstance(personal, Mapping):
        return
    try:
        customers.add(tx, order.customer_ref, personal)
    except Invalid as error:
        # That somebody is here is not lost for a word; the sentence never quotes it.
        log.warning(
            "What a customer said is not kept: %s", error.sentence, extra={"order": order_id}
        )


def _erase(tx: Transaction, command: Mapping[str, Any]) -> None:
    customers.erase(tx, command["ref"], actor="central", cause=_cause(command))


def _rights(tx: Transaction, command: Mapping[str, Any]) -> None:
    stock.rights_told(tx, command["rights"], cause=_cause(command))


def _lent(tx: Transaction, command: Mapping[str, Any]) -> None:
    aisle.lent(tx, command["lent"], cause=_cause(command))


def _confirmed(tx: Transaction, command: Mapping[str, Any]) -> None:
    aisle.outcome(tx, command["order_id"], confirmed=True, cause=_cause(command))


def _declined(tx: Transaction, command: Mapping[str, Any]) -> None:
    aisle.outcome(
        tx, command["order_id"], confirmed=False, reason=command["reason"], cause=_cause(command)
    )


def _decided(tx: Transaction, command: Mapping[str, Any]) -> None:
    returns.decided(tx, command, cause=_cause(command))


def _elsewhere(tx: Transaction, command: Mapping[str, Any]) -> None:
    returns.came_back_elsewhere(tx, command, cause=_cause(command))


def _cause(command: Mapping[str, Any]) -> str:
    return f"central:{command['id']}"


COMMANDS: Final[Mapping[str, Command]] = {
    "order.place": _place,
    "order.known": _known,
    "order.cancel": _cancel,
    "order.ship": _ship,
    "customer.erase": _erase,
    "rights.told": _rights,
    "buyer": _buyer,
    "delegate": _delegate,
    "feedback": _feedback,
    "supply.lent": _lent,
    "aisle.confirmed": _confirmed,
    "aisle.declined": _declined,
    "return.decided": _decided,
    "returned.elsewhere": _elsewhere,
}
