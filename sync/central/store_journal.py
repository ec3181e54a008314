"""The stores' journals at central: takes pushes in, folds them, and remembers what it could not.

It must never store an entry that the chain does not lead to, never refuse a fact for what it says,
and never move the head in another transaction than the entries.
"""

from dataclasses import dataclass
from typing import Any, Final

import msgspec

from hub.chain import ORIGIN, Pair
from hub.clock import stamp
from hub.errors import NotFound, Refusal
from sync import digest, protocol
from sync.protocol import Fence, Push, Received, has_gone_back, receive

from . import (
    store_access,
    store_aisle,
    store_feed,
    store_fleet,
    store_life,
    store_notices,
    store_people,
    store_points,
    store_reroute,
    store_returns,
    store_rights,
    store_words,
)
from .projection import DIGEST, Fold, read_order
from .store_port import Connection, Tx

REFOLD_AT_ONCE: Final = 5000
_fences: Final = msgspec.json.Decoder(Fence)


def head(conn: Connection, store_id: str) -> Pair:
    """Return how far central has this store's journal."""
    row = conn.execute("SELECT seq, hash FROM store WHERE store_id = ?", (store_id,)).fetchone()
    return Pair(row["seq"], row["hash"])


@dataclass(frozen=True)
class StoredChain:
    """A store's journal at central, as `sync.protocol` looks things up in it."""

    conn: Connection
    store_id: str
    known: Pair | None = None

    def head(self) -> Pair:
        return self.known or head(self.conn, self.store_id)

    def floor(self) -> Pair:
        return ORIGIN

    def pair_at(self, seq: int) -> Pair | None:
        if seq == 0:
            return ORIGIN
        if self.known is not None and self.known.seq == seq:
            return self.known
        row = self.conn.execute(
            "SELECT hash FROM journal WHERE store_id = ? AND seq = ?", (self.store_id, seq)
        ).fetchone()
        return None if row is None else Pair(seq, bytes(row[0]).hex())

    def contents(self, after: int, limit: int) -> list[bytes]:
        rows = self.conn.execute(
            "SELECT entry FROM journal WHERE store_id = ? AND seq > ? ORDER BY seq LIMIT ?",
            (self.store_id, after, limit),
        )
        return [bytes(row[0]) for row in rows]


def accept(tx: Tx, store_id: str, push: Push, instance: str, generation: str) -> Received | None:
    """Judge a push and take it in whole: bytes, what they fold to, head; or nothing of it.

    None: the hub shows an answer of this generation that central no longer has. Then central was
    put back to an older copy, and has to draw a new generation before it goes on.
    """
    tx.hold(store_id)
    chain, known, key = _stands(tx.conn, store_id)
    if has_gone_back(generation, push, chain):
        return None
    judged = receive(generation, known, push, chain)
    if judged.fence != known:
        save_fence(tx, store_id, judged.fence)
    if judged.answer.status != "taken":
        store_fleet.heard(tx, store_id, instance, push, judged.answer)
        return judged
    if judged.pairs:
        tx.insert(
            "journal",
            ("store_id", "seq", "entry", "hash"),
            [
                (store_id, pair.seq, content, bytes.fromhex(pair.hash))
                for pair, content in zip(judged.pairs, push.contents, strict=True)
            ],
        )
        _project(tx, store_id, judged.pairs, push.contents)
    store_fleet.agreed(tx, store_id, instance, push, judged.answer, key)
    return judged


def unsettled(conn: Connection, store_id: str) -> bool:
    """May a push of this store settle an order, or does the distribution centre owe anybody?"""
    row = conn.execute(
        "SELECT 1 WHERE EXISTS (SELECT 1 FROM placed WHERE store_id = ?1 AND watched = 1)"
        " OR EXISTS (SELECT 1 FROM placed WHERE fallback = ?1 AND watched = 1)"
        " OR EXISTS (SELECT 1 FROM distribution_right WHERE store_id = ?1 AND due = 1)"
        " OR EXISTS (SELECT 1 FROM goods_return WHERE awaits = ?1)"
        " OR EXISTS (SELECT 1 FROM aisle_order WHERE state = 'CONDITIONAL')",
        (store_id,),
    ).fetchone()
    return row is not None


def _stands(conn: Connection, store_id: str) -> tuple["StoredChain", Fence, str | None]:
    """Return a store's journal with its head, its fence and its hub's key, by one statement."""
    row = conn.execute(
        "SELECT seq, hash, fence, head_key FROM store WHERE store_id = ?", (store_id,)
    ).fetchone()
    known = Fence() if row["fence"] is None else _fences.decode(row["fence"])
    chain = StoredChain(conn, store_id, Pair(row["seq"], row["hash"]))
    return chain, known, row["head_key"]


def fence(conn: Connection, store_id: str) -> Fence:
    """Return what central knows of a store's processes."""
    row = conn.execute("SELECT fence FROM store WHERE store_id = ?", (store_id,)).fetchone()
    return Fence() if row[0] is None else _fences.decode(row[0])


def save_fence(tx: Tx, store_id: str, known: Fence) -> None:
    """Keep it, in the transaction of the push that it was judged by."""
    text = msgspec.json.encode(known).decode()
    tx.conn.execute("UPDATE store SET fence = ? WHERE store_id = ?", (text, store_id))


def _project(
    tx: Tx,
    store_id: str,
    pairs: tuple[Pair, ...],
    contents: tuple[bytes, ...],
    *,
    fresh: bool = True,
) -> None:
    # A fold again brings no news: customers were told, or it was before central could tell them.
    fold = Fold(lambda order_id: _folded_order(tx.conn, store_id, order_id))
    for pair, content in zip(pairs, contents, strict=True):
        reason = fold.take(content)
        if reason is not None:
            tx.conn.execute(
                "INSERT INTO quarantine (store_id, seq, reason, at) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (store_id, seq)"
                " DO UPDATE SET reason = excluded.reason, at = excluded.at",
                (store_id, pair.seq, reason, stamp(tx.now)),
            )
    tx.conn.executemany(
        "INSERT INTO stock (store_id, sku, bucket, qty) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (store_id, sku, bucket) DO UPDATE SET qty = stock.qty + excluded.qty",
        [(store_id, sku, bucket, qty) for (sku, bucket), qty in fold.moved.items()],
    )
    tx.conn.executemany(
        "INSERT INTO pickup (store_id, order_id, state, folded, timeline) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (store_id, order_id) DO UPDATE SET state = excluded.state,"
        " folded = excluded.folded, timeline = excluded.timeline",
        [(store_id, *row) for row in fold.order_rows()],
    )
    tx.conn.executemany(
        "INSERT INTO feedback (store_id, order_id, score, felt, at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (store_id, order_id) DO NOTHING",
        [(store_id, *row) for row in fold.feedback],
    )
    if fresh:
        store_notices.add(tx, fold.news)
    store_reroute.note_broken(tx, store_id, fold.broken)
    store_returns.take(tx, store_id, fold.returns)
    store_points.take(tx, store_id, fold.goods)
    store_rights.take(tx, store_id, fold.rights)
    store_aisle.take(tx, store_id, fold.aisle)
    for ref in fold.erased:
        _forget(tx, store_id, ref)
    if fresh:  # what was folded before may be of an older request than the one that waits
        # A cancel that the store refused is settled: it may be asked for again.
        tx.conn.executemany(
            "UPDATE placed SET cancel_asked_at = NULL WHERE store_id = ? AND order_id = ?",
            [(store_id, order_id) for order_id in fold.refused],
        )


def _forget(tx: Tx, store_id: str, ref: str) -> None:
    """A store erased a customer of its own: central forgets them as well, and no other store's."""
    known = tx.conn.execute(
        "SELECT 1 FROM placed p LEFT JOIN rerouted r USING (order_id)"
        " WHERE p.customer_ref = ?2 AND (p.store_id = ?1 OR r.from_store = ?1) LIMIT 1",
        (store_id, ref),
    ).fetchone()
    if known is not None or (
        store_aisle.is_customer(tx.conn, store_id, ref)
        and store_people.find(tx.conn, ref) is not None
    ):
        if store_people.erase(tx, ref) is not None:
            store_feed.tell_erased(tx, ref)
        store_words.erase(tx, ref)
        store_notices.forget(tx, ref)


def refold(tx: Tx) -> bool:
    """Fold every store's journal again when this release folds otherwise; False when it does not.

    What an earlier release could not read is read again and leaves the quarantine.
    """
    tx.hold("folds")
    if store_life.read(tx.conn, "folds") == DIGEST:
        return False
    for (store_id,) in tx.conn.execute("SELECT store_id FROM store").fetchall():
        refold_store(tx, store_id)
    store_life.write(tx.conn, "folds", DIGEST)
    return True


def refold_store(tx: Tx, store_id: str) -> dict[str, Any]:
    """Fold one store's journal again: its entries in quarantine are tried once more."""
    tx.hold(store_id)
    known = store(tx.conn, store_id)
    for table in ("stock", "pickup", "feedback", "quarantine"):
        tx.conn.execute(f"DELETE FROM {table} WHERE store_id = ?", (store_id,))
    store_points.forget(tx, store_id)
    after = 0
    while rows := tx.conn.execute(
        "SELECT seq, hash, entry FROM journal WHERE store_id = ? AND seq > ? ORDER BY seq LIMIT ?",
        (store_id, after, REFOLD_AT_ONCE),
    ).fetchall():
        pairs = tuple(Pair(row["seq"], bytes(row["hash"]).hex()) for row in rows)
        _project(tx, store_id, pairs, tuple(bytes(row["entry"]) for row in rows), fresh=False)
        after = pairs[-1].seq
    left = store(tx.conn, store_id)["quarantine"]
    return {"store": store_id, "before": known["quarantine"], "quarantine": left}


def confirm(tx: Tx, store_id: str, keep: str) -> dict[str, Any]:
    """A person said which machine of a store stays. Raises Refusal for one nobody has seen."""
    tx.hold(store_id)
    store(tx.conn, store_id)
    known = fence(tx.conn, store_id)
    machines = {hardware for _, hardware in known.given} | known.retired
    if keep not in machines:
        raise Refusal(f"No machine {keep} of store {store_id} has said hello.", slug="unknown")
    save_fence(tx, store_id, protocol.confirm(known, keep))
    store_access.forget_key(tx, store_id)
    return store(tx.conn, store_id)


def _hubs(known: Fence) -> dict[str, Any]:
    """Show the processes that said hello, newest last, and whether all but the oldest are held."""
    last = {hardware: number for number, hardware in known.given}
    return {
        "held": known.oldest > 0,
        "hubs": [
            {"hardware": hardware, "number": number, "held": 0 < known.oldest < number}
            for hardware, number in sorted(last.items(), key=lambda one: one[1])
        ],
        "retired": sorted(known.retired),
    }


def _folded_order(conn: Connection, store_id: str, order_id: str) -> tuple[bytes, bytes] | None:
    row = conn.execute(
        "SELECT folded, timeline FROM pickup WHERE store_id = ? AND order_id = ?",
        (store_id, order_id),
    ).fetchone()
    return None if row is None else (row["folded"], row["timeline"].encode())


def stock(conn: Connection, store_id: str, sku: str) -> dict[str, int]:
    """Return a SKU's buckets by the store's facts."""
    rows = conn.execute(
        "SELECT bucket, qty FROM stock WHERE store_id = ? AND sku = ?", (store_id, sku)
    )
    return {row["bucket"]: row["qty"] for row in rows}


def store(conn: Connection, store_id: str) -> dict[str, Any]:
    """Return one store as `stores` shows it. Raises NotFound."""
    found = stores(conn, store_id)
    if not found:
        raise NotFound(f"No store {store_id} here.")
    return found[0]


def stores(conn: Connection, only: str | None = None) -> list[dict[str, Any]]:
    """Return each store with how far central has it."""
    rows = conn.execute(
        "SELECT s.*, (SELECT count(*) FROM quarantine q WHERE q.store_id = s.store_id) AS poison"
        " FROM store s WHERE CAST(?1 AS TEXT) IS NULL OR store_id = ?1 ORDER BY store_id",
        (only,),
    )
    return [
        {
            "store": row["store_id"],
            "name": row["name"],
            "head": {"seq": row["seq"], "hash": row["hash"]},
            "as_of": row["pushed_at"],
            "heard_at": row["heard_at"],
            "quarantine": row["poison"],
            **_hubs(Fence() if row["fence"] is None else _fences.decode(row["fence"])),
        }
        for row in rows
    ]


def quarantine(conn: Connection, after: int, limit: int) -> list[dict[str, Any]]:
    """Return entries that central holds and could not fold, oldest first."""
    rows = conn.execute(
        "SELECT id, store_id, seq, reason, at FROM quarantine WHERE id > ? ORDER BY id LIMIT ?",
        (after, limit),
    )
    return [dict(row) for row in rows]


def store_digest(conn: Connection, store_id: str) -> digest.Digest:
    """Sum up what central has of a store, at its head. One read transaction around it."""
    stock_rows = conn.execute(
        "SELECT sku, bucket, qty FROM stock WHERE store_id = ? AND qty <> 0", (store_id,)
    )
    orders = conn.execute("SELECT folded FROM pickup WHERE store_id = ?", (store_id,))
    return digest.of_store(
        head(conn, store_id),
        (tuple(row) for row in stock_rows),
        (digest.order_row(read_order(row["folded"])) for row in orders),
    )
