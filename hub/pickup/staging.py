"""Staging shelves as pickup uses them: is this one good, and how is one planned or given up?

It must never move goods: an order that stands on a shelf stays there, whatever becomes of the plan.
"""

from sqlite3 import Connection

from hub.chain import Entry
from hub.house import numbering, rules
from hub.house import queries as house
from hub.house.rules import Shelf
from hub.journal import Transaction
from hub.pickup import queries
from hub.pickup.loading import append


def check_shelf(conn: Connection, shelf: str) -> None:
    """Refuse a shelf that nobody planned, where the store decided so."""
    rules.check_shelf(_planned(conn), shelf, house.word(conn, "unknown_shelves"))


def shelf_kinds(conn: Connection) -> dict[str, str]:
    """Return the kind of goods that each planned shelf is for."""
    return {one.shelf: one.kind for one in house.shelves(conn)}


def plan_shelf(
    tx: Transaction, shelf: str, capacity: int, kind: str, *, actor: str, cause: str
) -> list[Entry]:
    """Plan a staging shelf, or change one."""
    known = _planned(tx.conn).get(rules.read_shelf(shelf))
    return append(tx, rules.decide_plan(known, shelf, capacity, kind), actor, cause)


def plan_shelves(
    tx: Transaction, shelves: str, capacity: int, kind: str, *, actor: str, cause: str
) -> list[Entry]:
    """Plan several at once, written as `A-01..A-12, K-1`: all of them, or none."""
    known = _planned(tx.conn)
    facts = [
        fact
        for number in numbering.read(shelves)
        for fact in rules.decide_plan(known.get(number), number, capacity, kind)
    ]
    return append(tx, facts, actor, cause)


def drop_shelf(tx: Transaction, shelf: str, *, actor: str, cause: str) -> list[Entry]:
    """Give a staging shelf up; refused while orders stand on it."""
    known = _planned(tx.conn).get(rules.read_shelf(shelf))
    return append(tx, rules.decide_drop(known, shelf), actor, cause)


def _planned(conn: Connection) -> dict[str, Shelf]:
    return {one.shelf: one for one in queries.staging_shelves(conn)}
