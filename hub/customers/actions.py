"""Keeps and erases the personal data of customers.

It must never write anything personal into a fact, and never bring back what was erased.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from hub.catalog.words import fold
from hub.clock import stamp
from hub.customers import queries, rules, tables
from hub.customers.facts import PersonalDataErased
from hub.errors import NotFound, Refusal
from hub.journal import Transaction

# As long as customers and card companies may say that they never got their goods.
SIGNATURES_KEPT: Final = timedelta(days=120)
# Whoever audits who looks at personal data asks for a year.
LOOKS_KEPT: Final = timedelta(days=365)


def put(tx: Transaction, ref: str, personal: Mapping[str, object]) -> bool:
    """Keep who `ref` stands for: name, email, phone, plate, note. False when it was erased."""
    if queries.is_erased(tx.conn, rules.ref(ref)):
        return False
    cleaned = rules.personal(personal)
    phone = cleaned["phone"] or ""
    digits = "".join(letter for letter in phone if letter.isdigit())
    found_by = (cleaned["name"], cleaned["email"], phone, digits)
    folded = fold(" ".join(part for part in found_by if part))
    tables.put_personal(tx.conn, ref, cleaned, folded, stamp(tx.now))
    return True


def sign(tx: Transaction, ref: str | None, order_id: str, strokes: str) -> None:
    """Keep the signature that stands for the handover of an order, as personal data of `ref`.

    Refused where nobody is known whose it would be: it could never be erased.
    """
    if ref is None or queries.is_erased(tx.conn, rules.ref(ref)):
        raise Refusal(
            "This order names no customer, so no signature can be kept for it:"
            " scan the pickup code or look at an ID.",
            slug="nobody-to-sign",
        )
    tables.put_signature(tx.conn, (order_id, ref, rules.strokes(strokes), stamp(tx.now)))


def look_at_signature(tx: Transaction, order_id: str, *, actor: str) -> tuple[str, str]:
    """Note who looks, and return (strokes, stamp). Raises NotFound when none is kept any more.

    Nothing is shown before the note is on disk: the caller shows what the commit let out.
    """
    found = queries.signature(tx.conn, order_id)
    if found is None:
        raise NotFound("No signature is kept for this order.", slug="no-signature")
    tables.insert_look(tx.conn, order_id, actor, stamp(tx.now))
    return found


def forget_signatures(tx: Transaction, kept: timedelta = SIGNATURES_KEPT) -> int:
    """Delete signatures that nobody will ask for any more; return how many.

    Who looked at them is forgotten after a year.
    """
    tables.delete_looks(tx.conn, stamp(tx.now - LOOKS_KEPT))
    found = tables.delete_signatures(tx.conn, stamp(tx.now - kept))
    if found:
        tx.clean_wal()
    return found


def add(tx: Transaction, ref: str, said: Mapping[str, object]) -> bool:
    """Keep what a customer says later: plate, delegate, feedback. False when nobody is known."""
    cleaned = rules.added(said)
    if not cleaned or queries.is_erased(tx.conn, rules.ref(ref)):
        return False
    tx.touch("customers")
    return tables.add_personal(tx.conn, ref, cleaned)


def erase(tx: Transaction, ref: str, *, actor: str, cause: str) -> bool:
    """Delete the data for good and append the fact; False when it was erased before.

    The writer's connection overwrites what it deletes (secure_delete) and empties the WAL after
    the commit. The fact is appended for an unknown reference too: data that comes later is not
    kept.
    """
    known = queries.is_erased(tx.conn, rules.ref(ref))
    if not known:
        tx.append([PersonalDataErased(ref)], cause=cause, actor=actor)
    sweep(tx)
    tx.clean_wal()
    return not known


def sweep(tx: Transaction) -> int:
    """Delete data that facts call erased (after a restore or a rebase); return how many rows."""
    found = tables.delete_erased(tx.conn)
    if found:
        tx.clean_wal()
    return found
