"""What a join code looks like, how long it lives and how often it may be guessed at; pure.

8 characters of 30 are 6.6e11 codes. At most 50 are open, and after 100 wrong ones none opens any
more until a person makes another: all guesses together succeed once in a hundred million.
"""

import base64
from dataclasses import dataclass
from datetime import timedelta
from hashlib import pbkdf2_hmac
from typing import Final, Literal

from hub.errors import Invalid, Refusal

How = Literal["enrol", "rotate", "replace"]

# Nothing that looks like something else: no 0 O, 1 I L, no U beside V.
ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH: Final = 8
LIFE: Final = timedelta(minutes=10)
# Wrong codes are counted over this time: from one address, and from all together.
WINDOW: Final = timedelta(minutes=10)
WRONG_HERE: Final = 10
WRONG_ALL: Final = 100
OPEN_MOST: Final = 50
# So long a code that is over is told from one that never was.
KEPT: Final = timedelta(days=1)
# About 2 ms on the writer. A code lives ten minutes, so more would buy little.
ITERATIONS: Final = 5_000
QR: Final = "SH1:J:"
# X.509's limit for the name by which a certificate logs in.
COMMON_NAME_MOST: Final = 64


@dataclass(frozen=True)
class Kept:
    """A code as it is kept. `used` and `over` are what became of it."""

    device: str
    used: bool
    over: bool


def tidy(code: str) -> str:
    """Return a code as it was drawn, however it was typed. Raises Invalid."""
    bare = "".join(code.split()).replace("-", "").upper()
    if len(bare) != LENGTH or not set(bare) <= set(ALPHABET):
        raise Invalid(f"A join code has {LENGTH} letters and digits, like ABCD-2345.", field="code")
    return bare


def shown(code: str) -> str:
    """Return a code as people read it aloud: ABCD-2345."""
    return f"{code[:4]}-{code[4:]}"


def digest(code: str, store: str) -> str:
    """Return what is kept of a code, however it was typed. Raises Invalid."""
    salt = f"storehub join code of {store}".encode()
    return pbkdf2_hmac("sha256", tidy(code).encode(), salt, ITERATIONS).hex()


def check_attempts(here: int, everywhere: int) -> None:
    """Raise Refusal when too many wrong codes came in the last ten minutes."""
    if here >= WRONG_HERE or everywhere >= WRONG_ALL:
        raise Refusal(
            "Too many wrong join codes: make a new one at the hub.", slug="too-many-codes"
        )


def refusal(kept: Kept | None) -> str | None:
    """Return why a code opens nothing, None when it does."""
    if kept is None:
        return "No such join code: compare it with the one on the hub's screen, or make a new one."
    if kept.used:
        return "This join code was used already. If it was not by you, revoke the device."
    if kept.over:
        return "This join code is older than ten minutes: make a new one."
    return None


def qr_text(url: str, code: str, ca_sha256: str) -> str:
    """Return what the QR says: the code, the CA's SHA-256, and where the hub answers."""
    packed = base64.urlsafe_b64encode(bytes.fromhex(ca_sha256)).decode().rstrip("=")
    return f"{QR}{tidy(code)}:{packed}:{url}"


def read_qr(text: str) -> tuple[str, str, str]:
    """Return (url, code, CA's SHA-256 in hex) of a QR. Raises Invalid."""
    code, _, rest = text.strip().removeprefix(QR).partition(":")
    packed, _, url = rest.partition(":")
    try:
        found = base64.urlsafe_b64decode(packed + "=").hex()
    except ValueError:
        found = ""
    if not text.strip().startswith(QR) or len(found) != 64 or not url.startswith("http"):
        raise Invalid("This is no join code's QR.", field="code")
    return url, tidy(code), found
