"""Changes the planogram: load, decide, append. Sensors, tags and sweeps have files of their own.

It must never append more than once for one action.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from hub.chain import Entry
from hub.journal import Transaction
from hub.shelf import queries, rules, tables
from hub.shelf.rules import Facing, Place
from hub.stock.rules import check_sku


def put_place(tx: Transaction, wanted: Place, *, actor: str, cause: str) -> list[Entry]:
    """Make a place, or change one."""
    facts = rules.decide_put(queries.place(tx.conn, wanted.place), wanted)
    return _append(tx, facts, actor, cause)


def drop_place(tx: Transaction, place_id: str, *, actor: str, cause: str) -> list[Entry]:
    known = queries.known_place(tx.conn, place_id)
    facts = rules.decide_drop(known, len(queries.gaps(tx.conn, place_id)))
    return _append(tx, facts, actor, cause)


def set_facing(
    tx: Transaction, wanted: Facing, *, actor: str, cause: str, tagged: bool | None = None
) -> list[Entry]:
    """Say that a product belongs to a place, how much of it, and whether its units carry tags."""
    facts = rules.decide_facing(
        queries.place(tx.conn, wanted.place),
        queries.facing(tx.conn, wanted.place, wanted.sku),
        wanted,
    )
    if tagged is not None:
        facts += rules.decide_tagging(queries.is_tagged(tx.conn, wanted.sku), wanted.sku, tagged)
    return _append(tx, facts, actor, cause)


def drop_facing(tx: Transaction, place_id: str, sku: str, *, actor: str, cause: str) -> list[Entry]:
    queries.known_place(tx.conn, place_id)
    facts = rules.decide_facing_drop(queries.facing(tx.conn, place_id, sku))
    return _append(tx, facts, actor, cause)


def set_tagged(tx: Transaction, sku: str, tagged: bool, *, actor: str, cause: str) -> list[Entry]:
    """Say that every unit of `sku` carries an RFID tag, or no longer does."""
    check_sku(sku)
    facts = rules.decide_tagging(queries.is_tagged(tx.conn, sku), sku, tagged)
    return _append(tx, facts, actor, cause)


def plan(
    tx: Transaction, lines: Iterable[Mapping[str, Any]], *, actor: str, cause: str
) -> list[Entry]:
    """Set one place whole, from the lines of a file that name it (hub.imports.kinds.Planogram)."""
    listed = list(lines)
    head = listed[0]
    wanted = Place(head["place"], head["kind"], head["name"], head["aisle"], head["position"])
    facings = [
        Facing(wanted.place, one["sku"], one["facings"], one["capacity"], one["low"])
        for one in listed
        if one["sku"]
    ]
    tagging = {
        one["sku"]: (queries.is_tagged(tx.conn, one["sku"]), one["tagged"])
        for one in listed
        if one["sku"] and one["tagged"] is not None
    }
    facts = rules.decide_plan(
        queries.place(tx.conn, wanted.place),
        queries.facings(tx.conn, wanted.place),
        wanted,
        facings,
        tagging,
    )
    return _append(tx, facts, actor, cause)


def look_at(tx: Transaction, device: str, antenna: int, place_id: str) -> None:
    """Say which place an antenna of a reader looks at; "" takes it back to the reader's own."""
    if place_id:
        queries.known_place(tx.conn, place_id)
    tables.keep_antenna(tx.conn, device, antenna, place_id)
    tx.touch("shelf", "devices")


def _append(tx: Transaction, facts: list[rules.PlanFact], actor: str, cause: str) -> list[Entry]:
    return tx.append(facts, cause=cause, actor=actor) if facts else []
