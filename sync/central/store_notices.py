"""What customers have to be told, and each message on its way: central's outbox.

It must never hold an address or a name: those are joined when a message is sent, so that nobody
is told anything any more once erased.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from hub.clock import parse, stamp
from hub.errors import NotFound, Refusal

from . import notice_rules
from .projection import News
from .store_port import Connection, Tx

# Whoever took a message and did not say what became of it within this time, died: a server may
# take its `timeout_s` for each of about ten answers.
LEASE: Final = timedelta(minutes=10)


class Message(NamedTuple):
    """One notice by one channel; `doubtful`: an earlier attempt may have reached the customer."""

    id: str
    notice: str
    order_id: str
    kind: str
    channel: str
    attempts: int
    at: str
    doubtful: int


_MESSAGE: Final = "id, notice, order_id, kind, channel, attempts, at, doubtful"


def add(tx: Tx, news: Iterable[News]) -> None:
    """Note what has to be told. The same fact again, after a repair or a fold, is told once."""
    for one in news:
        known = tx.conn.execute("SELECT 1 FROM placed WHERE order_id = ?", (one.order_id,))
        if known.fetchone() is None:
            continue
        at = _at(one, stamp(tx.now))
        tx.conn.execute(
            "INSERT INTO notice (id, order_id, kind, at, due_at, state)"
            " VALUES (?, ?, ?, ?, ?, 'new') ON CONFLICT (id) DO NOTHING",
            (_name(one), one.order_id, one.kind, at, at),
        )
        tx.grown.add("notices")


def _at(news: News, now: str) -> str:
    """When a notice is about; a hub's clock may be ahead, and its line was down perhaps."""
    if news.kind == "reminder":
        return now  # not in the same minute as the news that it is ready
    return news.at if news.kind == "delayed" else min(news.at, now)


def _name(news: News) -> str:
    # An order is received once and late once, whichever fact says so.
    if news.kind in ("received", "delayed", "moved"):
        return f"{news.order_id}/{news.kind}"
    return f"{news.fact}/{news.kind}"


def undecided(conn: Connection, now: datetime, limit: int) -> list[dict[str, Any]]:
    """Return notices whose time has come and of which nobody decided yet, oldest first."""
    rows = conn.execute(
        "SELECT id, order_id, kind, at FROM notice WHERE state = 'new' AND due_at <= ?"
        " ORDER BY due_at, id LIMIT ?",
        (stamp(now), limit),
    )
    return [dict(row) for row in rows]


def person_of(conn: Connection, order_id: str) -> tuple[str, bool] | None:
    """Return the reference of who ordered, and whether they agreed to be told more."""
    row = conn.execute(
        "SELECT customer_ref, consent FROM placed WHERE order_id = ?", (order_id,)
    ).fetchone()
    return None if row is None else (row["customer_ref"], bool(row["consent"]))


def postpone(tx: Tx, notice_id: str, until: datetime) -> None:
    tx.conn.execute(
        "UPDATE notice SET due_at = ? WHERE id = ? AND state = 'new'", (stamp(until), notice_id)
    )


def decide(tx: Tx, notice: dict[str, Any], outcome: str, channels: Iterable[str]) -> None:
    """Note what becomes of a notice, and a message for each channel when it is sent."""
    changed = tx.conn.execute(
        "UPDATE notice SET state = ? WHERE id = ? AND state = 'new'", (outcome, notice["id"])
    )
    if changed.rowcount != 1 or outcome != "send":
        return
    for channel in channels:
        tx.conn.execute(
            "INSERT INTO message (id, notice, order_id, kind, channel, state, attempts, at,"
            " made_at, due_at, doubtful) VALUES (?, ?, ?, ?, ?, 'waiting', 0, ?, ?, ?, 0)"
            " ON CONFLICT (id) DO NOTHING",
            (
                f"{notice['id']}/{channel}",
                notice["id"],
                notice["order_id"],
                notice["kind"],
                channel,
                notice["at"],
                stamp(tx.now),
                stamp(tx.now),
            ),
        )


def take(tx: Tx, limit: int, resting: Iterable[str] = ()) -> list[Message]:
    """Take messages to send, none by a channel that rests.

    What somebody took and never settled may have gone out: it is doubtful.
    """
    off = tuple(resting)
    due = tx.conn.execute(
        "SELECT id, state FROM message WHERE state IN ('waiting', 'sending') AND due_at <= ?"
        f"{''.join(' AND channel <> ?' for _ in off)} ORDER BY due_at, id LIMIT ?",
        (stamp(tx.now), *off, limit),
    ).fetchall()
    taken = []
    for row in due:
        got = tx.conn.execute(
            "UPDATE message SET state = 'sending', attempts = attempts + 1, due_at = ?,"
            " doubtful = CASE WHEN state = 'sending' THEN 1 ELSE doubtful END"
            f" WHERE id = ? AND state = ? AND due_at <= ? RETURNING {_MESSAGE}",
            (stamp(tx.now + LEASE), row["id"], row["state"], stamp(tx.now)),
        ).fetchone()
        if got is not None:
            taken.append(Message(*tuple(got)))
    return taken


def settle(tx: Tx, message: Message, state: str, error: str = "") -> None:
    """Note the end of a message: `sent`, `failed`, `stale`, `no-address`.

    Sent is sent, whoever says so; all else counts from who has the message now.
    """
    tx.conn.execute(
        "UPDATE message SET state = ?, error = ?, done_at = ? WHERE id = ?"
        " AND (? = 'sent' OR (state = 'sending' AND attempts = ?))",
        (state, error or None, stamp(tx.now), message.id, state, message.attempts),
    )


def again(tx: Tx, message: Message, error: str, *, doubtful: bool, give_up: timedelta) -> None:
    """Try later, or give up on what is too old to be of use."""
    row = tx.conn.execute("SELECT made_at FROM message WHERE id = ?", (message.id,)).fetchone()
    if row is None:
        return
    until = tx.now + notice_rules.backoff(message.attempts)
    if until > parse(row["made_at"]) + give_up:
        settle(tx, message, "failed", error)
        return
    tx.conn.execute(
        "UPDATE message SET state = 'waiting', error = ?, due_at = ?, doubtful = ?"
        " WHERE id = ? AND state = 'sending' AND attempts = ?",
        (
            error,
            stamp(until),
            1 if doubtful or message.doubtful else 0,
            message.id,
            message.attempts,
        ),
    )


def next_due(conn: Connection) -> datetime | None:
    """Return when something is to be done next."""
    row = conn.execute(
        "SELECT min(due_at) FROM (SELECT due_at FROM message WHERE state IN ('waiting', 'sending')"
        " UNION ALL SELECT due_at FROM notice WHERE state = 'new') AS due"
    ).fetchone()
    return None if row is None or row[0] is None else parse(row[0])


def forget(tx: Tx, ref: str) -> None:
    """Take all that is on its way to an erased person out of the outbox."""
    for table in ("message", "notice"):
        tx.conn.execute(
            f"DELETE FROM {table} WHERE order_id IN"
            " (SELECT order_id FROM placed WHERE customer_ref = ?)",
            (ref,),
        )


def retry(tx: Tx, message_id: str) -> dict[str, Any]:
    """A person asks to try a failed message again. Raises NotFound, Refusal for what went out."""
    row = tx.conn.execute("SELECT state FROM message WHERE id = ?", (message_id,)).fetchone()
    if row is None:
        raise NotFound(f"No message {message_id[:100]} here.")
    if row["state"] == "sent":
        raise Refusal("This message was sent.", slug="sent")
    if row["state"] == "sending":
        raise Refusal("This message is being sent.", slug="sending")
    tx.conn.execute(
        "UPDATE message SET state = 'waiting', due_at = ?, made_at = ? WHERE id = ?",
        (stamp(tx.now), stamp(tx.now), message_id),
    )
    tx.grown.add("notices")
    return {"id": message_id, "state": "waiting"}


def shown(
    conn: Connection, state: str | None, order_id: str | None, after: str, limit: int
) -> list[dict[str, Any]]:
    """Return messages as head office sees them, by id."""
    rows = conn.execute(
        f"SELECT {_MESSAGE}, state, error, made_at, due_at, done_at FROM message WHERE id > ?1"
        " AND (?2 = '' OR state = ?2) AND (?3 = '' OR order_id = ?3) ORDER BY id LIMIT ?4",
        (after, state or "", order_id or "", limit),
    )
    return [dict(row) | {"doubtful": bool(row["doubtful"])} for row in rows]


def decided(conn: Connection, order_id: str) -> list[dict[str, Any]]:
    """Return what was decided of an order's notices: `send`, or why nothing is sent."""
    rows = conn.execute(
        "SELECT id, kind, at, due_at, state FROM notice WHERE order_id = ? ORDER BY at, id",
        (order_id,),
    )
    return [dict(row) for row in rows]


def counts(conn: Connection) -> dict[str, int]:
    """Return how many messages stand in each state."""
    rows = conn.execute("SELECT state, count(*) FROM message GROUP BY state")
    return {row[0]: int(row[1]) for row in rows}
