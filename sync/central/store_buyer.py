"""What a customer says on their page: where they are, who else collects, how it felt.

It must never take the customer's word for the store's: each is a command, and the store's own fact
answers it.
"""

import re
import secrets
from collections.abc import Sequence
from typing import Any, Final

from hub.clock import stamp
from hub.errors import Invalid, Refusal
from hub.experience import rules as experience

from . import store_feed, store_orders, store_people, store_words
from .store_port import Connection, Tx
from .words import later

ETA_MOST: Final = 180
# What customers read is said in their language by the page.
ODD_STALL: Final = later("A stall is a few letters and digits, as on its sign.")
NO_DELEGATE: Final = later("Please tell us the name of who collects.")
TOO_EARLY: Final = later("You can tell us how it was once you have your order.")
DONE: Final = later("This order is done, so there is nothing to collect.")
_STALL: Final = re.compile(r"[\w -]{1,12}")
# Before the store's word there is nobody who could wait for the customer.
EXPECTED: Final = frozenset(
    {"PROPOSED", "RESERVED", "IN_TRANSIT", "RECEIVED", "PICKING", "PREPARED", "ON_HOLD"}
    | {"READY_FOR_PICKUP"}
)


def say_where(
    tx: Tx, order_id: str, where: str, eta_minutes: int | None, stall: str, plate: str
) -> None:
    """Tell the store that the customer is on the way, or here. The same again is told once."""
    found = _open(tx, order_id)
    if where not in ("on_the_way", "arrived"):
        raise Invalid("where is on_the_way or arrived.", field="where")
    if eta_minutes is not None and not 0 < eta_minutes <= ETA_MOST:
        raise Invalid(f"It takes 1 to {ETA_MOST} minutes.", field="eta_minutes")
    stall = stall.strip()
    if stall and not _STALL.fullmatch(stall):
        raise Invalid(ODD_STALL, field="stall")
    words = _keep(tx, found, {"plate": plate})
    known = _known(tx.conn, order_id)
    if known == (where, eta_minutes, stall or None) and not words:
        return
    tx.conn.execute(
        "INSERT INTO buyer (order_id, said, eta_minutes, stall, at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (order_id) DO UPDATE SET said = excluded.said,"
        " eta_minutes = excluded.eta_minutes, stall = excluded.stall, at = excluded.at",
        (order_id, where, eta_minutes, stall or None, stamp(tx.now)),
    )
    command: dict[str, Any] = {"type": "buyer", "order_id": order_id, "where": where}
    if eta_minutes is not None:
        command["eta_minutes"] = eta_minutes
    if stall:
        command["stall"] = stall
    _send(tx, found, command, words)


def name_delegate(tx: Tx, order_id: str, name: str) -> None:
    """Name somebody else who may collect this order. Raises Invalid without a name."""
    found = _open(tx, order_id)
    if not name.strip():
        raise Invalid(NO_DELEGATE, field="delegate")
    if name.strip() == _delegate(tx.conn, order_id):
        return
    words = _keep(tx, found, {"delegate": name})
    tx.conn.execute(
        "UPDATE placed SET delegate_word = ? WHERE order_id = ?",
        (words[0] if words else None, order_id),
    )
    _send(tx, found, {"type": "delegate", "order_id": order_id}, words)


def follow(tx: Tx, order_id: str) -> None:
    """The order went to another store: who else collects is told there as well.

    Where the customer is was said to the store before: they say it anew, and the page asks.
    """
    tx.conn.execute("DELETE FROM buyer WHERE order_id = ?", (order_id,))
    placed = tx.conn.execute(
        "SELECT delegate_word FROM placed WHERE order_id = ?", (order_id,)
    ).fetchone()
    if placed["delegate_word"] is not None:
        command = {"type": "delegate", "order_id": order_id}
        _send(tx, store_orders.order(tx.conn, order_id), command, [placed["delegate_word"]])


def give_feedback(tx: Tx, order_id: str, score: object, felt: Sequence[object], text: str) -> None:
    """Send what the customer felt to the store, once. Raises Invalid, and Refusal before pickup."""
    found = store_orders.order(tx.conn, order_id)
    given = experience.read(order_id, score, felt)
    known = tx.conn.execute("SELECT 1 FROM feedback_said WHERE order_id = ?", (order_id,))
    if known.fetchone() is not None:
        return
    if found["state"] != "PICKED_UP":
        raise Refusal(TOO_EARLY, slug="not-picked-up")
    tx.conn.execute(
        "INSERT INTO feedback_said (order_id, score, felt, at) VALUES (?, ?, ?, ?)",
        (order_id, given.score, " ".join(given.felt), stamp(tx.now)),
    )
    words = _keep(tx, found, {"feedback": text})
    command = {"type": "feedback", "order_id": order_id, "score": given.score}
    _send(tx, found, command | {"felt": list(given.felt)}, words)


def of_order(conn: Connection, order_id: str) -> dict[str, Any]:
    """Return what the customer said: `{"buyer","delegate","feedback"}`, None where nothing."""
    buyer = conn.execute(
        "SELECT said, eta_minutes, stall, at FROM buyer WHERE order_id = ?", (order_id,)
    ).fetchone()
    feedback = conn.execute(
        "SELECT score, felt FROM feedback_said WHERE order_id = ?", (order_id,)
    ).fetchone()
    return {
        "buyer": None if buyer is None else dict(buyer),
        "delegate": _delegate(conn, order_id),
        "feedback": None
        if feedback is None
        else {"score": feedback["score"], "felt": feedback["felt"].split()},
    }


def experience_of(conn: Connection, store_id: str, begin: str, end: str) -> dict[str, Any]:
    """Sum up what a store's customers said from stamp `begin` up to `end`, by its own facts."""
    rows = conn.execute(
        "SELECT score, felt, count(*) AS times FROM feedback"
        " WHERE store_id = ? AND at >= ? AND at < ? GROUP BY score, felt",
        (store_id, begin, end),
    ).fetchall()
    return experience.summed((row["score"], row["felt"].split(), row["times"]) for row in rows)


def _open(tx: Tx, order_id: str) -> dict[str, Any]:
    found = store_orders.order(tx.conn, order_id)
    if found["state"] not in EXPECTED:
        raise Refusal(DONE, slug="order-done")
    return found


def _delegate(conn: Connection, order_id: str) -> str | None:
    row = conn.execute(
        "SELECT delegate_word FROM placed WHERE order_id = ?", (order_id,)
    ).fetchone()
    if row is None or row["delegate_word"] is None:
        return None
    return store_words.find(conn, [row["delegate_word"]]).get("delegate")


def _known(conn: Connection, order_id: str) -> tuple[Any, ...] | None:
    row = conn.execute(
        "SELECT said, eta_minutes, stall FROM buyer WHERE order_id = ?", (order_id,)
    ).fetchone()
    return None if row is None else (row["said"], row["eta_minutes"], row["stall"])


def _keep(tx: Tx, found: dict[str, Any], said: dict[str, object]) -> list[int]:
    ref = found.get("customer_ref")
    if ref is None:
        return []
    tx.hold(ref)  # an erasure at this moment either sees these words or comes before them
    if store_people.erased_at(tx.conn, ref):
        return []
    return store_words.add(tx, ref, said)


def _send(tx: Tx, found: dict[str, Any], command: dict[str, Any], words: list[int]) -> None:
    command["id"] = f"{command['type']}-{command['order_id']}-{secrets.token_hex(4)}"
    ref = found.get("customer_ref") if words else None
    store_feed.add_command(tx, found["store"], command | ({"words": words} if ref else {}), ref)
