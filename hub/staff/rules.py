"""Who may do what, when a wrong PIN has to wait, and when a screen signs its person out.

It must never see a stored PIN, and never read a clock: times are arguments.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Final, Literal, get_args

from hub.errors import Invalid, Refusal

Role = Literal["associate", "lead", "it"]

# From the least to the most; each may what the one before it may.
ROLES: Final[tuple[Role, ...]] = get_args(Role)

# The lowest role that may take a step. What is not named here nobody may.
NEEDS: Final[Mapping[str, Role]] = {
    # reading
    "orders": "associate",
    "stock": "associate",
    "catalog": "associate",
    "tasks": "associate",
    "customers": "associate",
    "shelves": "associate",
    "events": "associate",
    # a pickup order
    "claim": "associate",
    "release": "associate",
    "pick": "associate",
    "short": "associate",
    "substitute": "associate",
    "stage": "associate",
    "ready": "associate",
    "undo": "associate",
    "handover": "associate",
    "cancel": "associate",
    "hold": "associate",
    "resume": "associate",
    "correct_handover": "lead",
    "correct": "lead",
    "buyer": "associate",
    "delegate": "associate",
    "ship": "associate",
    "pace": "lead",
    "returns": "associate",
    "refund": "lead",
    "feedback": "lead",
    "signature": "lead",
    "policy": "lead",
    "print": "associate",
    # the goods
    "sell": "associate",
    "receive": "associate",
    "put_away": "associate",
    "count": "associate",
    "stock_hold": "associate",
    "aisle": "associate",
    "calibrate": "associate",
    "plan": "lead",
    "adjust": "lead",
    "rights": "lead",
    # the store
    "erase": "lead",
    "staff": "lead",
    "console": "lead",
    "quarantine": "it",
    "devices": "it",
    "line": "it",
    "tokens": "it",
    "settings": "it",
}

# A person mistypes; a guesser needs thousands of tries.
FREE_TRIES: Final = 5
FIRST_WAIT: Final = timedelta(seconds=30)
LONGEST_WAIT: Final = timedelta(minutes=15)
# A shift: nobody stays signed in through the night, however busy the screen is.
LONGEST_SESSION: Final = timedelta(hours=12)

# Counter, phone, console, and some more: the next one ends the oldest.
MOST_SESSIONS: Final = 20

SIGN_INS_KEPT: Final = timedelta(days=90)

BADGE: Final = "SH1:B:"
# Fewer characters could be guessed from their digest.
SHORTEST_BADGE: Final = 20

_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}", re.ASCII)
_PIN: Final = re.compile(r"[0-9]{4,8}", re.ASCII)
_RUN: Final = "01234567890 09876543210"


def may(role: str, step: str) -> bool:
    """Say whether `role` may take `step`."""
    needed = NEEDS.get(step)
    return needed is not None and role in ROLES and _rank(role) >= _rank(needed)


def role(text: str) -> Role:
    """Return a known role."""
    for known in ROLES:
        if text == known:
            return known
    raise Invalid(f"role is associate, lead or it, not {text[:20]!r}.", field="role")


def identifier(text: str, field: str = "staff_id") -> str:
    """Return a name for actors such as `staff:ada`: 1 to 40 letters, digits, `.`, `_`, `-`."""
    if not _ID.fullmatch(text):
        raise Invalid(f"{field} is 1 to 40 letters, digits, dots or dashes.", field=field)
    return text


def person_name(text: str) -> str:
    """Return a person's name as screens show it."""
    name = " ".join(text.split())
    if not 1 <= len(name) <= 80 or not name.isprintable():
        raise Invalid("A name has 1 to 80 characters.", field="name")
    return name


def pin(text: str) -> str:
    """Return a PIN that is worth its name: 4 to 8 digits, not 0000, not 1234."""
    if not _PIN.fullmatch(text):
        raise Invalid("A PIN has 4 to 8 digits.", field="pin")
    if len(set(text)) == 1 or text in _RUN:
        raise Invalid("This PIN is too easy to guess: choose another.", field="pin")
    return text


def wait_after(failures: int) -> timedelta:
    """Return how long the next try has to wait: nothing for 5, then 30 s, doubled each time."""
    if failures < FREE_TRIES:
        return timedelta(0)
    doublings = min(failures - FREE_TRIES, 10)
    return min(FIRST_WAIT * (1 << doublings), LONGEST_WAIT)


def decide_try(failures: int, last: datetime | None, now: datetime) -> None:
    """Refuse a try that comes too early. A clock that was set back does not lock anybody out."""
    if last is None or now < last:
        return
    left = last + wait_after(failures) - now
    if left > timedelta(0):
        seconds = -(-left // timedelta(seconds=1))
        raise Refusal(
            f"Too many wrong PINs. Try again in {seconds} seconds, or scan your badge.",
            slug="signin-locked",
        )


def session_over(signed_in: datetime, last_used: datetime, now: datetime, idle: timedelta) -> bool:
    """Say whether a screen signs its person out: unused for `idle`, or longer than a shift."""
    return now - last_used >= idle or now - signed_in >= LONGEST_SESSION


def decide_deactivate(active: Iterable[tuple[str, str]], staff_id: str) -> None:
    """Refuse to send the last one away who may manage staff. `active`: (staff_id, role)."""
    others = [role for other, role in active if other != staff_id]
    if not any(may(other, "staff") for other in others):
        raise Refusal("Somebody who may manage staff has to remain.", slug="last-lead")


def badge_digest(code: str) -> str:
    """Return what is stored of a badge: 64 hex digits, the same for the same badge.

    Badges of this product carry 130 random bits, so their digest needs no secret; a code that
    is short enough to be guessed is refused. Raises Invalid.
    """
    bare = code.strip().removeprefix(BADGE)
    if len(bare) < SHORTEST_BADGE or not bare.isprintable():
        raise Invalid(
            f"A badge code has at least {SHORTEST_BADGE} characters after {BADGE}.", field="badge"
        )
    return blake2b(bare.encode(), digest_size=32, person=b"storehub.badge").hexdigest()


def session_digest(text: str) -> str:
    """Return what is stored of the random text by which a cookie names its session."""
    return blake2b(text.encode(), digest_size=32, person=b"storehub.session").hexdigest()


def token_digest(text: str) -> str:
    """Return what is stored of an API token."""
    return blake2b(text.encode(), digest_size=32, person=b"storehub.token").hexdigest()


def _rank(name: str) -> int:
    return [str(known) for known in ROLES].index(name)
