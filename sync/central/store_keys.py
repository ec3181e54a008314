"""Which key signs a store's pickup codes: the newest one that its hub is known to have.

It must never sign with a key that the store's hub could not check with the line down, as long as
there is one that it can.
"""

from typing import Any

import msgspec

from hub.catalog import rows
from hub.clock import stamp
from hub.errors import NotFound, Refusal
from hub.pickup import code

from . import keys as keyring
from . import store_feed, store_secrets
from .keys import Keyring, PickupKey
from .store_port import Connection, Tx


def publish(tx: Tx, key: PickupKey) -> None:
    """Make a key known to every hub; it signs for a store once its hub has it."""
    tx.conn.execute(
        "INSERT INTO signing_key (key_id, made_at) VALUES (?, ?) ON CONFLICT (key_id) DO NOTHING",
        (key.key_id, stamp(tx.now)),
    )
    row = tx.conn.execute(
        "SELECT revoked_at FROM signing_key WHERE key_id = ?", (key.key_id,)
    ).fetchone()
    if row[0] is None:
        store_feed.add_rows(tx, [key.row()])


def rotate(tx: Tx, ring: Keyring) -> dict[str, Any]:
    """Draw a key and publish it. Codes that were signed before stay good."""
    text = keyring.draw()
    store_secrets.keep(tx, keyring.name_of(text), text)
    key = ring.add(text)
    publish(tx, key)
    return {"key_id": key.key_id, "made_at": stamp(tx.now)}


def has_up_to(conn: Connection, position: int) -> str | None:
    """Return the newest good key that a hub has which took the catalogue's feed to `position`."""
    row = conn.execute(
        "SELECT k.key_id FROM signing_key k"
        " JOIN replica_feed f ON f.key = 'pickup_key ' || k.key_id"
        " WHERE k.revoked_at IS NULL AND f.position <= ? ORDER BY f.position DESC LIMIT 1",
        (position,),
    ).fetchone()
    return None if row is None else str(row[0])


def news(conn: Connection, store_id: str, position: int) -> str | None:
    """Return the key that is to sign for a store from now on, whose hub is at `position`."""
    has = has_up_to(conn, position)
    return None if has is None or has == of_store(conn, store_id) else has


def of_store(conn: Connection, store_id: str) -> str | None:
    """Return the key that signs for a store; a store that was never heard has the oldest good one.

    None: nothing was published yet.
    """
    row = conn.execute(
        "SELECT k.key_id FROM signing_key k LEFT JOIN store s"
        " ON s.key_id = k.key_id AND s.store_id = ?"
        " WHERE k.revoked_at IS NULL"
        " ORDER BY CASE WHEN s.key_id IS NULL THEN 1 ELSE 0 END, k.made_at, k.key_id LIMIT 1",
        (store_id,),
    ).fetchone()
    return None if row is None else str(row[0])


def heard(tx: Tx, store_id: str, key_id: str) -> None:
    """A hub showed by its cursor that it has this key, and none that is newer."""
    tx.conn.execute(
        "UPDATE store SET key_id = ? WHERE store_id = ? AND EXISTS"
        " (SELECT 1 FROM signing_key WHERE key_id = ? AND revoked_at IS NULL)",
        (key_id, store_id, key_id),
    )


def keys(conn: Connection) -> list[dict[str, Any]]:
    """Return all keys, newest first, and how many stores each signs for."""
    found = conn.execute(
        "SELECT k.key_id, k.made_at, k.revoked_at,"
        " (SELECT count(*) FROM store s WHERE s.key_id = k.key_id) AS stores"
        " FROM signing_key k ORDER BY k.made_at DESC, k.key_id"
    )
    return [dict(row) for row in found]


def revoke(tx: Tx, key_id: str, ring: Keyring) -> dict[str, Any]:
    """Make the codes of a key worthless, and sign those of orders still open anew.

    Raises NotFound, and Refusal for the last good key. A hub refuses the old codes once it has
    heard; `unaware` are the stores whose hub does not have the new key yet.
    """
    known = tx.conn.execute(
        "SELECT revoked_at FROM signing_key WHERE key_id = ?", (key_id,)
    ).fetchone()
    if known is None:
        raise NotFound(f"No signing key {key_id[:16]} here.")
    heir = tx.conn.execute(
        "SELECT key_id FROM signing_key WHERE revoked_at IS NULL AND key_id <> ?"
        " ORDER BY made_at DESC LIMIT 1",
        (key_id,),
    ).fetchone()
    if heir is None:
        raise Refusal("This is the last good key: rotate first.", slug="last-key")
    at = known[0] or stamp(tx.now)
    tx.conn.execute("UPDATE signing_key SET revoked_at = ? WHERE key_id = ?", (at, key_id))
    store_feed.add_rows(tx, [rows.PickupKeyRow(key_id=key_id, deleted=True)])
    unaware = [
        row[0]
        for row in tx.conn.execute(
            "SELECT store_id FROM store WHERE key_id IS NULL OR key_id = ? ORDER BY store_id",
            (key_id,),
        ).fetchall()
    ]
    for store_id in unaware:
        heard(tx, store_id, heir[0])
    signed = _sign_anew(tx, key_id, ring)
    return {"key_id": key_id, "revoked_at": at, "codes": signed, "unaware": unaware}


def _sign_anew(tx: Tx, key_id: str, ring: Keyring) -> int:
    open_orders = tx.conn.execute(
        "SELECT p.order_id, p.store_id, p.pickup_code, p.short_code, p.body FROM placed p"
        " LEFT JOIN pickup k ON k.store_id = p.store_id AND k.order_id = p.order_id"
        " WHERE coalesce(k.state, 'PROPOSED') NOT IN"
        " ('PICKED_UP', 'REJECTED', 'EXPIRED', 'CANCELED')"
    ).fetchall()
    count = 0
    for row in open_orders:
        if code.key_id_of(row["pickup_code"]) != key_id:
            continue
        body = msgspec.json.decode(row["body"])
        rights = body.get("rights", [])
        supply = body.get("supply", "store")
        ids = row["order_id"], row["store_id"]
        fresh = sign(tx, ring, *ids, body["lines"], rights, row["short_code"], supply)
        tx.conn.execute(
            "UPDATE placed SET pickup_code = ? WHERE order_id = ?", (fresh, row["order_id"])
        )
        count += 1
    return count


def sign(
    tx: Tx,
    ring: Keyring,
    order_id: str,
    store_id: str,
    lines: list[dict[str, Any]],
    rights: list[dict[str, Any]],
    short_code: str,
    supply: str,
) -> str:
    """Return the text inside the customer's QR, signed so that this store can check it."""
    signed = [(line["line_id"], line["sku"], line["qty"]) for line in lines]
    spent = [(side["sku"], side["returned"], side["spent"]) for side in rights]
    key = _key(tx.conn, ring, of_store(tx.conn, store_id))
    return code.make(order_id, store_id, signed, key.private, key.key_id, spent, short_code, supply)


def _key(conn: Connection, ring: Keyring, key_id: str | None) -> PickupKey:
    """Return a key, fetched when another machine drew it."""
    known = ring.get(key_id)
    if known is not None or key_id is None:
        return known or ring.first
    text = store_secrets.find(conn, keyring.name_of_id(key_id))
    return ring.first if text is None else ring.add(text)
