"""How central reaches customers, from `central/notices.toml`; it must never guess what is missing.

Without the file nobody is told anything. Times: `wait` in hours and minutes, by whom: `who`.
"""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from hub.errors import Refusal

from .notice_rules import KINDS

FILE: Final = "notices.toml"
_Url = Annotated[str, Meta(pattern=r"^https?://[^\s/]+")]


class Mail(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An SMTP server. `security`: STARTTLS (587), TLS from the first byte (465), or none."""

    server: Annotated[str, Meta(min_length=1)]
    sender: Annotated[str, Meta(pattern=r"@")]
    port: Annotated[int, Meta(ge=1, le=65535)] = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str | None = None
    password: str | None = None
    timeout_s: Annotated[int, Meta(ge=1, le=50)] = 20


class Webhook(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who sends SMS or push for us; `secret` signs what we say (HMAC-SHA256)."""

    url: _Url
    secret: Annotated[str, Meta(min_length=16)]
    timeout_s: Annotated[int, Meta(ge=1, le=120)] = 10


class Wait(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A ready order is reminded of after hours, a late one is late after minutes."""

    reminder_hours: Annotated[int, Meta(ge=1, le=720)] = 24
    delayed_minutes: Annotated[int, Meta(ge=0, le=1440)] = 15
    give_up_hours: Annotated[int, Meta(ge=1, le=720)] = 48


class Notices(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`url`: where customers reach central; `who`: by kind, who tells, central unless it says."""

    url: _Url
    mail: Mail | None = None
    webhook: Webhook | None = None
    who: dict[str, Literal["central", "shop"]] = {}
    wait: Wait = Wait()

    def channels(self) -> tuple[str, ...]:
        """Return the ways in which central can tell somebody something."""
        return tuple(name for name in ("mail", "webhook") if getattr(self, name) is not None)


def read(directory: Path) -> Notices | None:
    """Read the file; None without one. Raises Refusal that names what is wrong in it."""
    path = directory / FILE
    if not path.exists():
        return None
    try:
        found: dict[str, Any] = tomllib.loads(path.read_text())
        notices = msgspec.convert(found, Notices)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise Refusal(f"{FILE}: {error}.", slug="notices") from None
    for kind in notices.who:
        if kind not in KINDS:
            raise Refusal(f"{FILE}: {kind!r} is none of {', '.join(KINDS)}.", slug="notices")
    return notices
