"""What both ends must hold when it is quiet again, and what still keeps them apart.

It must never look inside a step: only what both ends have on disk counts.
"""

from collections import Counter
from typing import Any

from sync import protocol
from sync.protocol import append_of

from .fold import folded, read
from .world import Violation


def unlike(story: Any) -> str:
    """Return what still keeps both ends apart; "" when they are one."""
    for device in story.devices:
        if device.pending and not device.hub.retired:
            return f"{device.name} was not heard"
    for store in story.stores:
        ledger = story.office.books.journals[store]
        live = [hub for hub in story.hubs if hub.store == store and not hub.retired]
        if len(live) != 1:
            return f"{store} has {len(live)} hubs on line"
        hub = live[0]
        if not hub.alive or hub.pusher.standing != "online":
            return f"{hub.machine} is {hub.pusher.standing}"
        if hub.disk.head() != ledger.head():
            return f"{hub.machine} at {hub.disk.head().seq}, central at {ledger.head().seq}"
        feed = story.office.books.commands[store]
        if hub.disk.commands.position != feed.end or (
            hub.disk.commands.generation != story.office.books.generation and feed.end
        ):
            return f"{hub.machine} has not all commands"
        if hub.disk.replica_at.position != story.office.books.replica.end:
            return f"{hub.machine} has not all rows"
        if any(f"conflict:{entry}" not in hub.disk.causes for entry in hub.disk.fold.conflicts):
            return f"{hub.machine} has not asked about a conflict"
    return ""


def check(story: Any) -> None:
    """The invariants, by what both ends hold."""
    books = story.office.books
    for hub in story.hubs:
        if hub.retired:
            continue
        disk, ledger, told = hub.disk, books.journals[hub.store], hub.told
        if disk.rows != ledger.rows:
            raise Violation(f"{hub.machine}: bytes differ under one head")
        causes = _appends(disk.rows)
        twice = [c for c, count in causes.items() if count > 1 and c not in told.garbled]
        if twice:
            raise Violation(f"{hub.machine}: {twice[0]} has {causes[twice[0]]} appends")
        garbage = any(read(content) is None for content in disk.rows)
        if garbage and not told.damaged & told.lost:
            raise Violation(f"{hub.machine}: damaged bytes stand beside their good copy")
        ids = [entry.id for content in disk.rows if (entry := read(content)) is not None]
        if len(ids) != len(set(ids)):
            raise Violation(f"{hub.machine}: an entry stands twice")
        presses = Counter(p for p, _ in set(pressed(disk.rows)))
        doubled = [p for p, n in presses.items() if n > 1 and p not in told.damaged]
        if doubled:
            raise Violation(f"{hub.machine}: {doubled[0]} was pressed once and stands twice")
        lost = told.acked - told.lost - presses.keys()
        if lost:
            raise Violation(f"{hub.machine}: acknowledged and lost: {sorted(lost)[0]}")
        whole = folded(disk.rows)
        if not disk.fold == whole == ledger.fold:
            raise Violation(f"{hub.machine}: projections differ from their facts")
        damaged = disk.damage()
        if damaged:
            raise Violation(f"{hub.machine}: entry {damaged} is still damaged")
        now = {key: row for _, key, row in books.replica.rows if row is not None}
        if disk.replica != now:
            raise Violation(f"{hub.machine}: replica rows differ")
        for _, name, row in books.commands[hub.store].rows:
            known = f"central:{name}" in causes
            if row["kind"] == "poison":
                known = name in disk.quarantine
            if not known and f"order {name}" not in told.lost:
                raise Violation(f"{hub.machine}: command {name} was never applied")


def pressed(rows: list[bytes]) -> list[tuple[str, str]]:
    """Return (what was pressed, cause) of each entry that says so."""
    found = [entry for content in rows if (entry := read(content)) is not None]
    return [(entry.body["p"], entry.cause) for entry in found if "p" in entry.body]


def _appends(rows: list[bytes]) -> Counter[str]:
    """Count the whole appends of each cause; half of one counts as two."""
    found: Counter[str] = Counter()
    for cause, contents in protocol.appends(rows):
        if cause:
            size = append_of(contents[0])[2]
            found[cause] += 1 if len(contents) == size else 2
    return found
