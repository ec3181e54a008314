"""What RFID readers report: reads into a memory of tags, the memory into few facts.

It must never write a row for a read that changed nothing, and never put into the journal where a
tag is that is no article of this store: it may be sewn into somebody's coat.

The memory lives on the writer's thread. Each write draws a new token beside the rows; a memory
that carries another token, after a rollback or a restart, is read anew. What a kill can lose is
when a tag was heard last (at most `KEPT_MS` of it), and which other places heard it.
"""

import secrets
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from sqlite3 import Row
from typing import Final

from hub import gs1
from hub.catalog import queries as catalog
from hub.chain import Entry
from hub.clock import stamp
from hub.journal import Fact, Transaction
from hub.shelf import queries, tables, tagging
from hub.shelf.facts import TagArrived, TagDeparted, TagMoved
from hub.shelf.sensors import PlaceOf, Sensed
from hub.shelf.sweeping import WHOLE
from hub.shelf.tagging import Change, Heard, Tag, Tuning
from hub.tasks import queries as tasks
from hub.tasks.rules import Kind, decide_open

# A tag that is heard all day is written so often.
KEPT_MS: Final = 30_000
# Codes that are no article here, remembered so that they are looked up once.
FOREIGN_MOST: Final = 50_000
# One append of departures takes no more; the next run takes the rest.
DEPARTURES: Final = 500
# Sales so long before a departure by a door still explain it.
SOLD_BEFORE: Final = timedelta(hours=1)
FORGOTTEN: Final = timedelta(days=7)
# So many rows of old inventories go in one run.
SWEPT_MOST: Final = 5_000

_Places = dict[tuple[str, int], str]


class Watch:
    """The memory of tags. Every method runs on the writer."""

    def __init__(self, tuning: Tuning, place_of: PlaceOf, *, left_task: bool = False) -> None:
        self._tuning = tuning
        self._place_of = place_of
        self._left_task = left_task
        self._token: str | None = None
        self._tags: dict[str, Tag] = {}
        self._foreign: set[str] = set()
        self._swept: dict[str, set[str]] = {}
        self._resumed_ms = 0
        self._deaf_ms: dict[str, int] = {}
        self._left: list[tuple[datetime, str]] = []

    # -- reads

    def hear(self, tx: Transaction, sensed: Sequence[Sensed]) -> None:
        """Take reads in; append an arrival or a move where one is due."""
        self._recall(tx)
        places = self._places(tx, sensed)
        sweeps = queries.open_sweeps(tx.conn)
        # Until all is written the memory is nobody's: an error on the way undoes the rows alone.
        token, self._token = self._token, None
        met: list[tuple[str, str, str, str]] = []
        dirty: dict[str, Tag] = {}
        changes: list[tuple[str, Change]] = []
        tags, tuning = self._tags, self._tuning
        for seen, at_ms in sensed:
            data, device = seen.data, seen.device
            tag = tags.get(data.epc) or self._tag(tx, data.epc)
            place = places[device, data.antenna]
            if sweeps:
                met += self._sweep(sweeps, tag, data.epc, device, place, at_ms)
            if tag is None or not place:
                continue
            change = tagging.hear(tag, place, device, data.rssi_dbm, at_ms, tuning)
            if change is not None:
                changes.append((seen.cause, change))
                dirty[tag.epc] = tag
            elif tag.last_ms - tag.kept_ms >= KEPT_MS:
                dirty[tag.epc] = tag
        for cause, change in changes:
            self._append(tx, cause, change)
        if dirty or met:
            token = self._write(tx, dirty.values(), met)
        self._token = token

    def _places(self, tx: Transaction, sensed: Sequence[Sensed]) -> _Places:
        """Return where each antenna of this batch looks; "" where the plan has no such place."""
        aliases = queries.antennas(tx.conn)
        found: _Places = {}
        for seen, _ in sensed:
            key = (seen.device, seen.data.antenna)
            if key not in found:
                place = aliases.get(key) or self._place_of(tx.conn, seen.device)
                found[key] = place if queries.place(tx.conn, place) is not None else ""
        return found

    def _tag(self, tx: Transaction, text: str) -> Tag | None:
        """Return the tag of a code as it was sent, a new one when it is an article of ours."""
        code = gs1.decode_epc(text)
        known = self._tags.get(code.hex)
        if known is not None or code.gtin is None or code.hex in self._foreign:
            return known
        sku = catalog.sku_for_gtin(tx.conn, code.gtin)
        if sku is None:
            if len(self._foreign) >= FOREIGN_MOST:
                self._foreign.clear()
            self._foreign.add(code.hex)
            return None
        tag = self._tags[code.hex] = Tag(code.hex, sku)
        return tag

    def _sweep(
        self,
        sweeps: Iterable[tuple[str, str, str, int]],
        tag: Tag | None,
        text: str,
        device: str,
        place: str,
        at_ms: int,
    ) -> list[tuple[str, str, str, str]]:
        epc, sku = (tag.epc, tag.sku) if tag is not None else (gs1.decode_epc(text).hex, "")
        found = []
        for sweep, swept, by, began_ms in sweeps:
            here = by == device if by else swept in (place, WHOLE)
            known = self._swept.setdefault(sweep, set())
            if here and at_ms >= began_ms and epc not in known:
                known.add(epc)
                found.append((sweep, epc, sku, device))
        return found

    def _append(self, tx: Transaction, cause: str, change: Change) -> None:
        if tx.knows(cause):
            return
        actor, at = f"device:{change.device}", _at(change.at_ms)
        tx.append([_fact(change)], cause=cause, actor=actor, occurred_at=at)

    # -- silence

    def depart(
        self, tx: Transaction, deaf: Collection[str] = (), *, cause: str, actor: str = "hub"
    ) -> list[Entry]:
        """Declare departed what nobody has heard for long enough (the scheduler's job).

        `deaf` are readers that are away: what they would hear is unknown, not gone.
        """
        if tx.quality == "unknown":
            return []
        self._recall(tx)
        now_ms, limit = round(tx.now.timestamp() * 1000), DEPARTURES
        self._deaf_ms.update(dict.fromkeys(deaf, now_ms))
        token, self._token = self._token, None
        gone: list[tuple[Tag, Change]] = []
        for tag in self._tags.values():
            if now_ms - tag.last_ms < self._tuning.gone_ms:
                continue
            resumed_ms = max(self._resumed_ms, self._deaf_ms.get(tag.device, 0))
            change = tagging.leave(tag, now_ms, self._tuning, resumed_ms)
            if change is not None:
                gone.append((tag, change))
                if len(gone) == limit:
                    break
        entries: list[Entry] = []
        if gone:
            facts: list[Fact] = [_fact(change) for _, change in gone]
            facts += self._unsold(tx, [change for _, change in gone], cause)
            entries = tx.append(facts, cause=cause, actor=actor)
            token = self._write(tx, [tag for tag, _ in gone], [])
        self._token = token
        return entries

    def forget(self, tx: Transaction) -> int:
        """Forget tags that departed, and what inventories met, long ago (the scheduler's job)."""
        before = round((tx.now - FORGOTTEN).timestamp() * 1000)
        self._foreign.clear()
        tables.forget_swept(tx.conn, before, SWEPT_MOST)
        known, token = self._token == queries.mark(tx.conn), secrets.token_hex(8)
        gone = tables.forget_tags(tx.conn, before, token)
        if gone and known:
            # The rows of all the others would be read anew: 0.2 s for 50,000.
            tags = self._tags.values()
            left = {tag.epc: tag for tag in tags if tag.place or tag.last_ms >= before}
            self._tags, self._token = left, token
        return gone

    def _unsold(self, tx: Transaction, changes: Iterable[Change], cause: str) -> list[Fact]:
        """Ask a person about articles that left by a door and were not sold, where switched on."""
        if not self._left_task:
            return []
        since = tx.now - SOLD_BEFORE - timedelta(milliseconds=self._tuning.gone_ms)
        doors = {one.place for one in queries.places(tx.conn, "door")}
        left = [one.sku for one in changes if one.place in doors]
        if not left:
            return []
        self._left = [one for one in self._left if one[0] >= since]
        self._left += [(tx.now, sku) for sku in left]
        sold = queries.sold_since(tx.conn, stamp(since))
        facts: list[Fact] = []
        for sku in dict.fromkeys(left):
            if sum(one == sku for _, one in self._left) <= sold.get(sku, 0):
                continue
            subject = f"left:{sku}"
            asked = tasks.unfinished(tx.conn, Kind.CONFIRM, subject)
            reason = "LEFT_WITHOUT_SALE"
            facts += decide_open(asked, Kind.CONFIRM, subject, reason, cause=cause, sku=sku)
        return facts

    # -- the memory and its rows

    def _recall(self, tx: Transaction) -> None:
        """Read the tags anew when the rows are not those that this memory wrote."""
        token = queries.mark(tx.conn)
        if token == self._token:
            return
        self._tags.clear()
        self._swept.clear()
        for row in queries.tag_rows(tx.conn):
            tag = _remembered(row)
            if tag.place:
                tag.heard[tag.place] = Heard(row["rssi"], tag.since_ms, tag.last_ms)
            self._tags[tag.epc] = tag
        for sweep, *_ in queries.open_sweeps(tx.conn):
            self._swept[sweep] = {epc for epc, *_ in queries.swept(tx.conn, sweep)}
        if not self._resumed_ms:
            self._resumed_ms = round(tx.now.timestamp() * 1000)
        self._token = token

    def _write(
        self, tx: Transaction, dirty: Iterable[Tag], met: Sequence[tuple[str, str, str, str]]
    ) -> str:
        token = secrets.token_hex(8)
        listed = list(dirty)
        tables.keep_tags(tx.conn, [_row(tag) for tag in listed], token)
        for tag in listed:
            tag.kept_ms = tag.last_ms
        if met:
            tables.keep_swept(tx.conn, met, token)
            tx.touch("shelf")
        return token


def _remembered(row: Row) -> Tag:
    return Tag(
        epc=row["epc"],
        sku=row["sku"],
        place=row["place"],
        device=row["device"],
        since_ms=row["since_ms"],
        last_ms=row["last_ms"],
        gone_ms=row["gone_ms"],
        kept_ms=row["last_ms"],
    )


def _row(tag: Tag) -> tables.TagRow:
    here = tag.heard.get(tag.place)
    rssi = here.rssi if here is not None else 0.0
    head = (tag.epc, tag.sku, tag.place, tag.device)
    return (*head, rssi, tag.since_ms, tag.last_ms, tag.gone_ms)


def _fact(change: Change) -> TagArrived | TagMoved | TagDeparted:
    place, epc, sku, device = change.place, change.epc, change.sku, change.device
    if change.what == "arrived":
        return TagArrived(place=place, epc=epc, sku=sku, device=device)
    if change.what == "moved":
        return TagMoved(place=place, epc=epc, sku=sku, device=device, source=change.source)
    seen = stamp(_at(change.at_ms))
    return TagDeparted(place=place, epc=epc, sku=sku, device=device, last_seen=seen)


def _at(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
