"""What a device may be called, may write, and how its secret is hashed for the broker; pure.

It must never let a foreign topic reach into our own, where observations and acks are.
"""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from hashlib import pbkdf2_hmac
from typing import Any, Final, Literal

from hub.errors import Invalid
from hub.fleet.facts import DeviceEnrolled

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
# The hub's own name at the broker, by which a device would read everything; and what the causes
# of others begin with: a device of that name could take central's next order for one done.
RESERVED: Final = frozenset({"hub", "central", "key", "cmd", "import", "conflict"})
# mosquitto_passwd's own default. A device's secret has 160 random bits, so more would buy nothing.
ITERATIONS: Final = 101
SALT_BYTES: Final = 12
# The family of what speaks our own protocol.
OWN: Final = "storehub"
# What nobody adopted, and who was turned away: so many are remembered, the latest.
SIGHTINGS_MOST: Final = 500
ROGUES_MOST: Final = 500
CommandState = Literal["queued", "sent", "in_doubt", "done", "failed", "gave_up"]
# What a device says of a command that it carried out.
DONE: Final = frozenset({"done", "ok", "printed"})
_FAMILY: Final = re.compile(r"[a-z0-9-]{1,32}(:[A-Za-z0-9_-]{1,32})?")
_COMMAND: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PAYLOAD_MOST: Final = 16 * 1024
_TEXT_MOST: Final = 200


def check_name(device: str) -> None:
    """Raise Invalid unless `device` can stand in a topic and at the broker."""
    if not _NAME.fullmatch(device):
        raise Invalid(
            f"{device[:80]!r} is no device id: letters, digits, - and _, at most 64.", field="id"
        )
    if device in RESERVED:
        raise Invalid(f"{device!r} is a name of the hub's own.", field="id")


def check(fact: DeviceEnrolled) -> None:
    """Raise Invalid unless a device can be enrolled as `fact` says."""
    check_name(fact.device)
    if not fact.kind or len(fact.kind) > 32:
        raise Invalid("A device has a kind of 1 to 32 characters.", field="kind")
    check_place(fact.place)
    if not _FAMILY.fullmatch(fact.family):
        raise Invalid(f"{fact.family[:80]!r} is no family of devices.", field="family")
    if fact.power not in ("mains", "battery"):
        raise Invalid("Power is mains or battery.", field="power")
    if fact.via == fact.device:
        raise Invalid("A device does not speak through itself.", field="via")
    if fact.address is not None:
        check_address(fact.family, fact.address)
    for grant in fact.grants:
        check_grant(grant)


def check_place(place: str) -> None:
    if len(place) > _TEXT_MOST or not place.isprintable():
        raise Invalid("A place is at most 200 printable characters.", field="place")


def check_address(family: str, address: str) -> None:
    """Raise Invalid unless `address` can be what `family` calls one of its devices."""
    if not _FAMILY.fullmatch(family):
        raise Invalid(f"{family[:80]!r} is no family of devices.", field="family")
    if not 0 < len(address) <= _TEXT_MOST or not address.isprintable():
        raise Invalid("An address is 1 to 200 printable characters.", field="address")


def check_grant(filter_: str) -> None:
    """Raise Invalid unless a foreign device may be allowed to write `filter_`.

    Its first level is a name, and not ours: `#` or `+/…` would reach other devices' acks.
    """
    levels = filter_.split("/")
    wild = any(("+" in one or "#" in one) and one not in ("+", "#") for one in levels)
    inner = "#" in levels[:-1]
    odd = not filter_.isprintable() or " " in filter_ or len(filter_) > _TEXT_MOST
    if odd or wild or inner or levels[0] in ("", "+", "#", OWN) or levels[0].startswith("$"):
        raise Invalid(
            f"{filter_[:80]!r} can't be granted: a foreign topic begins with a name of its own.",
            field="grants",
        )


def check_command(name: str, payload: Mapping[str, Any]) -> None:
    """Raise Invalid unless `cmd/{name}` with `payload` can be sent."""
    if not _COMMAND.fullmatch(name):
        raise Invalid(f"{name[:80]!r} is no command: letters, digits, - and _.", field="name")
    if "key" in payload:
        raise Invalid("The hub draws the command's key itself.", field="payload")
    if len(json.dumps(payload)) > _PAYLOAD_MOST:
        raise Invalid("A command's payload is at most 16 KiB.", field="payload")


def has_account(via: str | None, grants: Sequence[str]) -> bool:
    """Does the device log in at the broker itself? One that a gateway speaks for need not."""
    return via is None or bool(grants)


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


def command_state(tries: int, answer: str | None, outcome: str | None) -> CommandState:
    """Return how far a command has come: `answer` is the device's, `outcome` the outbox's word."""
    if answer is not None:
        return "done" if answer in DONE else "failed"
    if outcome is not None:
        return "gave_up" if outcome == "expired" else "done" if outcome in DONE else "failed"
    if tries == 0:
        return "queued"
    return "sent" if tries == 1 else "in_doubt"
