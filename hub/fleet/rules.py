"""What a device may be called, and how its secret is hashed for the broker."""

import base64
import re
from hashlib import pbkdf2_hmac
from typing import Final

from hub.errors import Invalid

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
# The hub's own name at the broker; a device of that name would read everything.
RESERVED: Final = frozenset({"hub"})
# mosquitto_passwd's own default. A device's secret has 160 random bits, so more would buy nothing.
ITERATIONS: Final = 101
SALT_BYTES: Final = 12


def check_name(device: str) -> None:
    """Raise Invalid unless `device` can stand in a topic and at the broker."""
    if not _NAME.fullmatch(device):
        raise Invalid(
            f"{device[:80]!r} is no device id: letters, digits, - and _, at most 64.", field="id"
        )
    if device in RESERVED:
        raise Invalid(f"{device!r} is the hub's own name.", field="id")


def hashed(secret: str, salt: bytes) -> str:
    """Return mosquitto's `$7$` form: PBKDF2-HMAC-SHA512 with its iterations and salt."""
    key = pbkdf2_hmac("sha512", secret.encode(), salt, ITERATIONS)
    parts = (str(ITERATIONS), base64.b64encode(salt).decode(), base64.b64encode(key).decode())
    return "$7$" + "$".join(parts)


def matches(secret: str, stored: str) -> bool:
    """Is `stored` the hash of `secret`? For the embedded broker, which takes the same file."""
    try:
        _, seven, iterations, salt, key = stored.split("$")
        found = pbkdf2_hmac("sha512", secret.encode(), base64.b64decode(salt), int(iterations))
    except ValueError:
        return False
    return seven == "7" and found == base64.b64decode(key)
