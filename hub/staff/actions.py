"""Adds and changes people and API tokens, and records who signed in.

It must never put a name, a PIN or a badge into a fact, and never hash a PIN: hashing takes
longer than the writer may be kept (see `pins`).
"""

import secrets
from base64 import b32encode

from hub.clock import stamp
from hub.errors import Invalid, NotFound, Refusal
from hub.journal import Transaction
from hub.staff import queries, rules
from hub.staff.queries import Member


def add(
    tx: Transaction,
    staff_id: str,
    name: str,
    role: str,
    *,
    pin_hash: str | None = None,
    badge: str | None = None,
) -> Member:
    """Add a person. `pin_hash` comes from `pins.hashed`, `badge` is the code that is scanned."""
    if queries.member(tx.conn, rules.identifier(staff_id)) is not None:
        raise Refusal(f"{staff_id} works here already.", slug="staff-exists")
    tx.conn.execute(
        "INSERT INTO staff_member (staff_id, name, role, pin_hash, added_at)"
        " VALUES (?, ?, ?, ?, ?)",
        (staff_id, rules.person_name(name), rules.role(role), pin_hash, stamp(tx.now)),
    )
    if badge is not None:
        set_badge(tx, staff_id, badge)
    tx.touch("staff")
    return _member(tx, staff_id)


def set_pin(tx: Transaction, staff_id: str, pin_hash: str) -> None:
    """Give a person a new PIN (`pins.hashed`) and forget the wrong tries."""
    _member(tx, staff_id)
    tx.conn.execute("UPDATE staff_member SET pin_hash = ? WHERE staff_id = ?", (pin_hash, staff_id))
    tx.conn.execute("DELETE FROM staff_try WHERE staff_id = ?", (staff_id,))
    tx.touch("staff")


def set_badge(tx: Transaction, staff_id: str, badge: str | None) -> None:
    """Give a person a badge, or take it away with None. Two people never share one."""
    _member(tx, staff_id)
    digest = None if badge is None else rules.badge_digest(badge)
    holder = tx.conn.execute(
        "SELECT staff_id FROM staff_member WHERE badge_digest = ?", (digest,)
    ).fetchone()
    if holder is not None and holder[0] != staff_id:
        raise Refusal(f"This badge belongs to {holder[0]}.", slug="badge-taken")
    tx.conn.execute(
        "UPDATE staff_member SET badge_digest = ? WHERE staff_id = ?", (digest, staff_id)
    )
    tx.touch("staff")


def new_badge() -> str:
    """Return the text of a new badge: 130 random bits, to be printed as a QR."""
    return rules.BADGE + b32encode(secrets.token_bytes(17)).decode()[:26]


def set_role(tx: Transaction, staff_id: str, role: str) -> None:
    """Change what a person may do."""
    wanted = rules.role(role)
    _member(tx, staff_id)
    if not rules.may(wanted, "staff"):
        _must_leave_a_lead(tx, staff_id)
    tx.conn.execute("UPDATE staff_member SET role = ? WHERE staff_id = ?", (wanted, staff_id))
    tx.touch("staff")


def deactivate(tx: Transaction, staff_id: str) -> None:
    """Let a person sign in no more; screens where they are signed in see it at the next click."""
    if not _member(tx, staff_id).active:
        return
    _must_leave_a_lead(tx, staff_id)
    tx.conn.execute(
        "UPDATE staff_member SET active = 0, badge_digest = NULL WHERE staff_id = ?", (staff_id,)
    )
    tx.touch("staff")


def begin_try(tx: Transaction, staff_id: str) -> None:
    """Count a try before the PIN is compared, so that tries at the same time can't be free.

    Raises Refusal while the person has to wait.
    """
    if queries.member(tx.conn, staff_id) is None:
        return
    failures, last = queries.tries(tx.conn, staff_id)
    rules.decide_try(failures, last, tx.now)
    tx.conn.execute(
        "INSERT INTO staff_try VALUES (?, 1, ?) ON CONFLICT (staff_id)"
        " DO UPDATE SET failures = failures + 1, last_at = excluded.last_at",
        (staff_id, stamp(tx.now)),
    )


def signed_in(tx: Transaction, staff_id: str, *, method: str, screen: str) -> Member:
    """Record that a person proved who they are (`method`: pin or badge) at `screen`."""
    found = _member(tx, staff_id)
    if not found.active:
        raise Refusal(f"{found.name} can't sign in any more.", slug="signin-refused")
    if method == "pin":
        tx.conn.execute("DELETE FROM staff_try WHERE staff_id = ?", (staff_id,))
    tx.conn.execute(
        "INSERT INTO staff_sign_in (at, staff_id, screen, method) VALUES (?, ?, ?, ?)",
        (stamp(tx.now), staff_id, screen[:40], method),
    )
    return found


def create_token(tx: Transaction, name: str, role: str) -> str:
    """Return the text of a new API token; it is shown this once and stored as a digest."""
    rules.identifier(name, "name")
    known = {token.name for token in queries.tokens(tx.conn) if token.revoked_at is None}
    if name in known:
        raise Refusal(f"There is a token {name} already: revoke it first.", slug="token-exists")
    text = "sht_" + secrets.token_urlsafe(32)
    put_token(tx, name, role, text)
    return text


def put_token(tx: Transaction, name: str, role: str, text: str) -> None:
    """Store a token whose text the caller made (at least 32 characters); replaces a namesake."""
    if len(text) < 32:
        raise Invalid("A token has at least 32 characters.", field="token")
    tx.conn.execute(
        "INSERT OR REPLACE INTO api_token VALUES (?, ?, ?, ?, NULL)",
        (rules.identifier(name, "name"), rules.role(role), rules.token_digest(text), stamp(tx.now)),
    )
    tx.touch("tokens")


def revoke_token(tx: Transaction, name: str) -> None:
    """Make a token worthless; twice is once."""
    changed = tx.conn.execute(
        "UPDATE api_token SET revoked_at = coalesce(revoked_at, ?) WHERE name = ?",
        (stamp(tx.now), name),
    )
    if changed.rowcount == 0:
        raise NotFound(f"There is no token {name[:40]}.")
    tx.touch("tokens")


def _must_leave_a_lead(tx: Transaction, staff_id: str) -> None:
    active = queries.members(tx.conn, active_only=True)
    rules.decide_deactivate([(other.staff_id, other.role) for other in active], staff_id)


def _member(tx: Transaction, staff_id: str) -> Member:
    found = queries.member(tx.conn, staff_id)
    if found is None:
        raise NotFound(f"Nobody here has the staff id {staff_id[:40]}.")
    return found
