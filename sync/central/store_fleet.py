"""What central remembers of each hub beside its facts: when it spoke, what of, why it was refused.

It must never hold a push up or refuse one: this is for people to look at.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from hub.clock import parse, stamp
from sync import seal
from sync.protocol import About, Fence, Push, PushAnswer

from .fleet_rules import Seen
from .store_port import Connection, Row, Tx

NOTE_EVERY: Final = timedelta(seconds=30)
_abouts: Final = msgspec.json.Decoder(About)
_fences: Final = msgspec.json.Decoder(Fence)


class _Recorded(msgspec.Struct, frozen=True):
    recorded_at: str


_recorded: Final = msgspec.json.Decoder(_Recorded)


def agreed(
    tx: Tx, store_id: str, instance: str, push: Push, answer: PushAnswer, key: str | None
) -> None:
    """A push was taken: note the new head, and that both journals are one in this generation.

    What the hub said of itself beside it, too: one statement, for a push is every store's minute.
    `key`: what signs this store's heads. A head that is not signed with it is taken, for a fact is
    never refused, and people are told.
    """
    now, told, about = stamp(tx.now), _told(push), push.about or About()
    sealed = seal.judge(key, about.key, about.signature, store_id, answer.head)
    tx.conn.execute(
        "UPDATE store SET seq = ?, hash = ?, pushed_at = ?, agreed = ?, heard_at = ?, instance = ?,"
        " told = coalesce(?, told), told_at = coalesce(?, told_at),"
        " refused = NULL, refused_since = NULL, refused_at = NULL,"
        " sealed = ?, head_key = coalesce(head_key, ?),"
        " newest_at = coalesce(?, newest_at) WHERE store_id = ?",
        (
            *answer.head,
            now,
            answer.generation,
            now,
            instance,
            told,
            now if told else None,
            sealed,
            about.key if sealed == "good" else None,
            _newest(push.contents),
            store_id,
        ),
    )


def heard(tx: Tx, store_id: str, instance: str, push: Push, answer: PushAnswer) -> None:
    """A push was not taken: note who spoke, and whether it is refused."""
    now, told = stamp(tx.now), _told(push)
    tx.conn.execute(
        "UPDATE store SET heard_at = ?, instance = ?, told = coalesce(?, told),"
        " told_at = coalesce(?, told_at) WHERE store_id = ?",
        (now, instance, told, now if told else None, store_id),
    )
    if answer.status != "hello":
        _refuse(tx, store_id, answer.status)


def _told(push: Push) -> str | None:
    return None if push.about is None else msgspec.json.encode(push.about).decode()


def refused(tx: Tx, store_id: str, why: str) -> None:
    """A hub was heard and sent away before its push was read: who is it, what is that?"""
    row = tx.conn.execute(
        "SELECT refused, refused_at FROM store WHERE store_id = ?", (store_id,)
    ).fetchone()
    if row is None or (row[0] == why and parse(row[1]) + NOTE_EVERY > tx.now):
        return
    tx.conn.execute("UPDATE store SET heard_at = ? WHERE store_id = ?", (stamp(tx.now), store_id))
    _refuse(tx, store_id, why)


def _refuse(tx: Tx, store_id: str, why: str) -> None:
    tx.conn.execute(
        "UPDATE store SET refused = ?1, refused_at = ?2,"
        " refused_since = coalesce(refused_since, ?2) WHERE store_id = ?3",
        (why, stamp(tx.now), store_id),
    )


def _newest(contents: Sequence[bytes]) -> str | None:
    try:
        return stamp(parse(_recorded.decode(contents[-1]).recorded_at)) if contents else None
    except (msgspec.DecodeError, ValueError):
        return None


def stores(conn: Connection, only: str | None = None) -> list[Seen]:
    """Return what central knows of each store, by one query."""
    rows = conn.execute(
        "SELECT s.*, (SELECT count(*) FROM quarantine q WHERE q.store_id = s.store_id) AS poison"
        " FROM store s WHERE CAST(?1 AS TEXT) IS NULL OR store_id = ?1",
        (only,),
    )
    return [_seen(row) for row in rows]


def _seen(row: Row) -> Seen:
    about = _abouts.decode(row["told"]) if row["told"] else About()
    known = _fences.decode(row["fence"]) if row["fence"] else Fence()
    said = row["told"] is not None
    return Seen(
        store=row["store_id"],
        name=row["name"],
        seq=row["seq"],
        heard_at=_at(row["heard_at"]),
        pushed_at=_at(row["pushed_at"]),
        told_at=_at(row["told_at"]),
        newest_s=_newest_s(row, about) if said else None,
        backlog=max(0, about.head - row["seq"]) if said else None,
        oldest_s=float(max(0, about.oldest_s)) if said else None,
        release=about.release[:40],
        schema=about.schema,
        quarantine_hub=max(0, about.quarantine),
        quarantine_central=row["poison"],
        refused=row["refused"] or "",
        refused_since=_at(row["refused_since"]),
        two_hubs=known.oldest > 0,
        retired=len(known.retired),
        generation=row["agreed"] or "",
        sealed=row["sealed"],
    )


def _newest_s(row: Row, about: About) -> float | None:
    # Both by the hub's own clock: a box that woke up in 1970 is as late as any other.
    try:
        age = (parse(about.at) - parse(row["newest_at"])).total_seconds()
    except (TypeError, ValueError):
        return None
    return max(0.0, age)


def _at(text: str | None) -> datetime | None:
    return None if text is None else parse(text)
