"""Hashes PINs and compares them, slowly on purpose; it must never run on the writer's thread."""

import secrets
import threading
from contextlib import suppress
from typing import Final

from werkzeug.security import check_password_hash, generate_password_hash

from hub.errors import Invalid
from hub.staff import rules

# 16 MiB and some 50 ms a try on a PC, 200 ms on a Pi: guessing is slow, the box stays small.
_METHOD: Final = "scrypt:16384:8:1"
_ONE_AT_A_TIME: Final = threading.Lock()
# Compared when there is no such person, so that the answer takes as long.
_NOBODY: Final = (
    "scrypt:16384:8:1$nobodynobodynobo$"
    "0000000000000000000000000000000000000000000000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000000000000"
)


def drawn() -> str:
    """Return a random PIN that the rules allow."""
    while True:
        with suppress(Invalid):
            return rules.pin(f"{secrets.randbelow(10_000):04}")


def hashed(pin: str) -> str:
    """Return the scrypt hash of a PIN that the rules allow. Raises Invalid."""
    with _ONE_AT_A_TIME:
        return generate_password_hash(rules.pin(pin), method=_METHOD)


def matches(pin: str, stored: str | None) -> bool:
    """Say whether `pin` is the one that was hashed; None (nobody, no PIN) never matches."""
    with _ONE_AT_A_TIME:
        return check_password_hash(stored or _NOBODY, pin[:64]) and stored is not None
