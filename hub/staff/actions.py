"""Adds and changes people and API tokens, and records who signed in.

It must never put a name, a PIN or a badge into a fact, and never hash a PIN: hashing takes
longer than the writer may be kept (see `pins`).
"""

import secrets
from base64 import b32encode

from hub.clock import stamp
from hub.errors import Invalid, NotFound, Refusal
from hub.journal import Transaction
from hub.staff import queries, rules, tables
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
    known_role, shown = rules.role(role), rules.person_name(name)
    tables.insert_member(tx.conn, staff_id, shown, known_role, pin_hash, stamp(tx.now))
    if badge is not None:
        set_badge(tx, staff_id, badge)
    tx.touch("staff")
    return _member(tx, staff_id)


def set_pin(tx: Transaction, staff_id: str, pin_hash: str) -> None:
    """Give a person a new PIN (`pins.hashed`), forget the wrong tries and end all sessions.

    Whoever knew the old one may be signed in with it.
    """
    _member(tx, staff_id)
    tables.delete_sessions_of(tx.conn, staff_id)
    tables.update_pin(tx.conn, staff_id, pin_hash)
    tables.forget_tries(tx.conn, staff_id)
    tx.touch("staff")


def set_badge(tx: Transaction, staff_id: str, badge: str | None) -> None:
    """Give a person a badge, or take it away with None; the person's sessions end.

    Two people never share one.
    """
    _member(tx, staff_id)
    digest = None if badge is None else rules.badge_digest(badge)
    holder = None if digest is None else queries.by_badge_digest(tx.conn, digest)
    if holder is not None and holder.staff_id != staff_id:
        raise Refusal(f"This badge belongs to {holder.name}.", slug="badge-taken")
    tables.update_badge(tx.conn, staff_id, digest)
    tables.delete_sessions_of(tx.conn, staff_id)
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
    tables.update_role(tx.conn, staff_id, wanted)
    tx.touch("staff")


def deactivate(tx: Transaction, staff_id: str) -> None:
    """Let a person sign in no more; screens where they are signed in end at the next click."""
    if not _member(tx, staff_id).active:
        return
    _must_leave_a_lead(tx, staff_id)
    tables.update_inactive(tx.conn, staff_id)
    tables.delete_sessions_of(tx.conn, staff_id)
    tx.touch("staff")


def begin_try(tx: Transaction, staff_id: str) -> None:
    """Count a try before the PIN is compared, so that tries at the same time can't be free.

    Raises Refusal while the person has to wait.
    """
    if queries.member(tx.conn, staff_id) is None:
        return
    failures, last = queries.tries(tx.conn, staff_id)
    rules.decide_try(failures, last, tx.now)
    tables.count_try(tx.conn, staff_id, stamp(tx.now))


def signed_in(tx: Transaction, staff_id: str, *, method: str, screen: str) -> Member:
    """Record that a person proved who they are (`method`: pin or badge) at `screen`."""
    found = _member(tx, staff_id)
    if not found.active:
        raise Refusal(f"{found.name} can't sign in any more.", slug="signin-refused")
    if method == "pin":
        tables.forget_tries(tx.conn, staff_id)
    tables.insert_sign_in(tx.conn, stamp(tx.now), staff_id, screen[:40], method)
    return found


def begin_session(tx: Transaction, staff_id: str) -> str:
    """Return the random text by which a cookie names a new session; only its digest is kept."""
    text = secrets.token_urlsafe(16)
    tables.insert_session(tx.conn, rules.session_digest(text), staff_id, stamp(tx.now))
    tables.delete_sessions_of(tx.conn, staff_id, but=rules.MOST_SESSIONS)
    return text


def end_session(tx: Transaction, session: str) -> None:
    """End a session: a copy of its cookie opens nothing any more. Twice is once."""
    tables.delete_session(tx.conn, rules.session_digest(session))


def forget_sign_ins(tx: Transaction) -> None:
    """Delete who signed in when, after 90 days: it says who worked when. Not by a wrong clock.

    Sessions are deleted after a shift, by when their cookies are refused in any case.
    """
    if tx.quality != "unknown":
        tables.delete_sessions(tx.conn, stamp(tx.now - rules.LONGEST_SESSION))
        tables.delete_sign_ins(tx.conn, stamp(tx.now - rules.SIGN_INS_KEPT))


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
    rules.identifier(name, "name")
    digest = rules.token_digest(text)
    tables.put_token(tx.conn, name, rules.role(role), digest, stamp(tx.now))
    tx.touch("tokens")


def revoke_token(tx: Transaction, name: str) -> None:
    """Make a token worthless; twice is once."""
    if not tables.revoke_token(tx.conn, name, stamp(tx.now)):
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
