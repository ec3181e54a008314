"""RFID inventories: a sweep begins, collects tags, ends as counts with their evidence.

It must never count a SKU whose units do not all carry tags, and never enter a large difference
that no person has confirmed.
"""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Final

import msgspec

from hub import journal
from hub.clock import stamp
from hub.errors import NotFound, Refusal
from hub.journal import Fact, Transaction
from hub.shelf import queries, sweeping, tables
from hub.shelf.facts import TagsCounted
from hub.shelf.queries import Sweep
from hub.shelf.sweeping import ASIDE, WHOLE, Found
from hub.stock import queries as stock
from hub.stock import rules as stock_rules
from hub.stock.work import trusted_now
from hub.tasks import queries as tasks
from hub.tasks.rules import Kind, decide_finish, decide_open

REASON: Final = "RFID"


def begin(tx: Transaction, place: str, device: str = "", *, actor: str, cause: str) -> Sweep:
    """Begin an inventory of a place, or of the whole store (`*`).

    Reads of `device` (a sled) belong to it wherever it is; without one, those of every reader
    whose antenna looks at the place.
    """
    if place != WHOLE:
        queries.known_place(tx.conn, place)
    sweeping.refuse_second([one[1] for one in queries.open_sweeps(tx.conn)], place)
    sweep_id = "I-" + blake2b(cause.encode(), digest_size=6).hexdigest()
    since = stock.last_entry(tx.conn)
    tables.begin_sweep(tx.conn, (sweep_id, place, device, "open", _ms(tx.now), since, actor))
    tx.touch("shelf")
    return queries.sweep(tx.conn, sweep_id)


def end(tx: Transaction, sweep_id: str, confirm_above: int, *, actor: str, cause: str) -> Sweep:
    """End it: what differs little is counted now, what differs much waits for a person."""
    sweep = queries.sweep(tx.conn, sweep_id)
    if sweep.state != "open":
        return sweep
    if sweep.tags == 0:
        raise Refusal(
            "No tag was read: look at the reader, or drop this inventory.", slug="nothing-read"
        )
    facts: list[Fact] = []
    lines = []
    ended, readers = tx.now, _readers(tx, sweep)
    for found in _found(tx, sweep):
        asks = sweeping.needs_person(found, confirm_above)
        if not asks:
            facts += _counted(tx, sweep, found, readers, ended, actor)
        lines.append(_line(found, "waiting" if asks else "counted"))
    waiting = any(line["state"] == "waiting" for line in lines)
    if waiting:
        subject = f"inventory:{sweep_id}"
        asked = tasks.unfinished(tx.conn, Kind.CONFIRM, subject)
        facts += decide_open(asked, Kind.CONFIRM, subject, "INVENTORY_DIFFERS", cause=cause)
    state = "waiting" if waiting else "counted"
    return _change(tx, sweep, state, _ms(ended), lines, facts, actor, cause)


def confirm(
    tx: Transaction, sweep_id: str, sku: str, accept: bool, *, actor: str, cause: str
) -> Sweep:
    """A person looked at a large difference: count it, or leave the record as it is."""
    sweep = queries.sweep(tx.conn, sweep_id)
    line = next((one for one in sweep.result if one["sku"] == sku), None)
    if line is None:
        raise NotFound(f"Inventory {sweep_id} has no line of SKU {sku}.")
    if line["state"] != "waiting":
        return sweep
    facts: list[Fact] = []
    if accept:
        found = Found(sku, line["tags"], line["aside"], line["expected"])
        ended = datetime.fromtimestamp((sweep.ended_ms or 0) / 1000, UTC)
        facts += _counted(tx, sweep, found, _readers(tx, sweep), ended, actor)
    decided = "counted" if accept else "left"
    lines = [one | {"state": decided} if one["sku"] == sku else one for one in sweep.result]
    state = sweep.state
    if all(one["state"] != "waiting" for one in lines):
        state = "counted"
        asked = tasks.unfinished(tx.conn, Kind.CONFIRM, f"inventory:{sweep_id}")
        facts += decide_finish([asked] if asked else [], actor)
    return _change(tx, sweep, state, None, lines, facts, actor, cause)


def drop(tx: Transaction, sweep_id: str, *, actor: str, cause: str) -> Sweep:
    """Give it up; nothing (more) is counted."""
    sweep = queries.sweep(tx.conn, sweep_id)
    if sweep.state not in ("open", "waiting"):
        return sweep
    lines = [one | {"state": "left"} if one["state"] == "waiting" else one for one in sweep.result]
    asked = tasks.unfinished(tx.conn, Kind.CONFIRM, f"inventory:{sweep_id}")
    facts: list[Fact] = [*decide_finish([asked] if asked else [], actor)]
    return _change(tx, sweep, "dropped", _ms(tx.now), lines, facts, actor, cause)


def _found(tx: Transaction, sweep: Sweep) -> list[Found]:
    tagged = queries.tagged(tx.conn)
    places = {sku: [one.place for one in queries.places_of(tx.conn, sku)] for sku in tagged}
    tags: dict[str, int] = {}
    for _, sku, _ in queries.swept(tx.conn, sweep.id):
        tags[sku] = tags.get(sku, 0) + 1
    found = []
    for sku in sweeping.covered(sweep.place, tagged, places):
        account = stock.load(tx.conn, sku, tx.now)
        aside = 0 if sweep.place == WHOLE else sum(account.units(one) for one in ASIDE)
        expected = account.on_hand - _moved(tx, sku, sweep.since)
        found.append(Found(sku, tags.get(sku, 0), aside, expected))
    return found


def _moved(tx: Transaction, sku: str, since: str | None) -> int:
    # The entry may be gone from this journal's numbering after a restore; then all is as of now.
    if since is None or journal.seq_of(tx.conn, since) is None:
        return 0
    return stock.moved_since(tx.conn, sku, since)


def _readers(tx: Transaction, sweep: Sweep) -> dict[str, set[str]]:
    """Which devices met tags of each SKU; read once, for a sweep may have met 100,000."""
    found: dict[str, set[str]] = {}
    for _, sku, device in queries.swept(tx.conn, sweep.id):
        found.setdefault(sku, set()).add(device)
    return found


def _counted(
    tx: Transaction,
    sweep: Sweep,
    found: Found,
    readers: Mapping[str, Collection[str]],
    ended: datetime,
    actor: str,
) -> list[Fact]:
    """The evidence, then the count that rests on it, then the end of the count's task."""
    evidence = TagsCounted(
        place=sweep.place,
        inventory=sweep.id,
        sku=found.sku,
        epcs=found.tags,
        devices=tuple(sorted(readers.get(found.sku, ()))),
        began=stamp(datetime.fromtimestamp(sweep.began_ms / 1000, UTC)),
        ended=stamp(ended),
    )
    count = stock_rules.decide_count(
        stock.load(tx.conn, found.sku, tx.now),
        found.counted,
        moved_since=_moved(tx, found.sku, sweep.since),
        since=sweep.since,
        now=trusted_now(tx),
        reason=REASON,
    )
    asked = tasks.unfinished(tx.conn, Kind.COUNT, f"sku:{found.sku}")
    return [evidence, *count, *decide_finish([asked] if asked else [], actor)]


def _line(found: Found, state: str) -> dict[str, Any]:
    return {
        "sku": found.sku,
        "tags": found.tags,
        "aside": found.aside,
        "expected": found.expected,
        "difference": found.difference,
        "state": state,
    }


def _change(
    tx: Transaction,
    sweep: Sweep,
    state: str,
    ended_ms: int | None,
    lines: list[dict[str, Any]],
    facts: list[Fact],
    actor: str,
    cause: str,
) -> Sweep:
    tables.change_sweep(tx.conn, sweep.id, state, ended_ms, msgspec.json.encode(lines))
    tx.touch("shelf")
    if facts:
        tx.append(facts, cause=cause, actor=actor)
    return queries.sweep(tx.conn, sweep.id)


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
