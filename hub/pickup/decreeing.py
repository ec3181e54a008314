"""Brings a store to what a file says of its policies and staging shelves: all of it, or nothing.

It must never append what the store has decided already, nor more than once for one file.
"""

from sqlite3 import Connection
from typing import Any, NamedTuple

from hub.house import queries as house
from hub.house import rules
from hub.house.facts import PolicySet, StagingShelfDropped, StagingShelfPlanned
from hub.house.rules import POLICIES, Shelf
from hub.journal import Transaction
from hub.pickup import queries
from hub.pickup.loading import append

Decided = PolicySet | StagingShelfPlanned | StagingShelfDropped


class Wanted(NamedTuple):
    """What a file asks for: policies by name (None: the default), staging shelves by number."""

    policies: dict[str, int | str | None]
    shelves: dict[str, Shelf]


def would_change(conn: Connection, wanted: Wanted, whole: bool = False) -> list[dict[str, Any]]:
    """Return what `apply` would change: `[{"what","from","to"}]`; no shelf is None.

    `whole`: what the file does not name gets its default back, or is given up. Raises Refusal
    while orders stand on such a shelf.
    """
    current, known = house.policies(conn), _known(conn)
    return [_told(fact, current, known) for fact in _facts(conn, wanted, whole)]


def apply(
    tx: Transaction, wanted: Wanted, whole: bool = False, *, actor: str, cause: str
) -> list[dict[str, Any]]:
    """Do it, in one append; return what changed as `would_change` does."""
    changes = would_change(tx.conn, wanted, whole)
    append(tx, _facts(tx.conn, wanted, whole), actor, cause)
    return changes


def _facts(conn: Connection, wanted: Wanted, whole: bool) -> list[Decided]:
    current, known = house.policies(conn), _known(conn)
    facts: list[Decided] = []
    unnamed: dict[str, int | str | None] = dict.fromkeys(POLICIES) if whole else {}
    for name, value in (unnamed | wanted.policies).items():
        facts += rules.decide_policy(name, value, current[name])
    for shelf in wanted.shelves.values():
        facts += rules.decide_plan(known.get(shelf.shelf), shelf.shelf, shelf.capacity, shelf.kind)
    for number in sorted(known.keys() - wanted.shelves.keys()) if whole else ():
        facts += rules.decide_drop(known[number], number)
    return facts


def _told(fact: Decided, current: dict[str, int | str], known: dict[str, Shelf]) -> dict[str, Any]:
    if isinstance(fact, PolicySet):
        value = POLICIES[fact.name].default if fact.value is None else fact.value
        return {"what": f"policies.{fact.name}", "from": current[fact.name], "to": value}
    before, after = known.get(fact.shelf), None
    if isinstance(fact, StagingShelfPlanned):
        after = {"kind": fact.kind, "capacity": fact.capacity}
    return {
        "what": f"staging_shelves.{fact.shelf}",
        "from": before and {"kind": before.kind, "capacity": before.capacity},
        "to": after,
    }


def _known(conn: Connection) -> dict[str, Shelf]:
    return {one.shelf: one for one in queries.staging_shelves(conn)}
