"""Whom the hub takes for central: the CA that its certificate has to come from, at any hour.

It must never talk to a central whose certificate another CA made, and never let a box that woke
up in 1970 be kept off line by a date: until the clock is set, a pinned CA counts and the times of
the certificate do not, but for one that ended before this release was written.
"""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from hub.clock import BUILT, Clock, SystemClock
from hub.settings import Settings

FILE: Final = "central-ca.pem"
"""What `storehub init --central-ca` calls its copy in DIR."""
# OpenSSL's X509_V_FLAG_NO_CHECK_TIME, which Python does not name.
_NO_CHECK_TIME: Final = 0x200000


@dataclass(frozen=True)
class Trust:
    """`ca`: a PEM file; None = whom the system trusts, and then a wrong clock means no line."""

    ca: Path | None = None
    clock: Clock = field(default_factory=SystemClock)

    def is_timeless(self) -> bool:
        """Is the clock not set yet, and the CA known by its file?"""
        return self.ca is not None and self.clock.quality() == "unknown"

    def before(self, context: Any) -> None:
        """Let `context` judge times, or not, in the handshake that follows."""
        if context is not None:
            kept = int(context.verify_flags) & ~_NO_CHECK_TIME
            context.verify_flags = kept | (_NO_CHECK_TIME if self.is_timeless() else 0)

    def after(self, sock: Any) -> None:
        """Raises ssl.SSLError where a certificate had ended before anybody could run this."""
        if self.is_timeless() and isinstance(sock, ssl.SSLSocket):
            shown = sock.getpeercert() or {}
            until = ssl.cert_time_to_seconds(str(shown.get("notAfter")))
            if until < BUILT.timestamp():
                raise ssl.SSLError("central's certificate ended before this release was made")


def trust_of(settings: Settings, directory: Path, clock: Clock | None = None) -> Trust:
    """Return it as the store's settings say; `central_ca` is a file in DIR, or a whole path."""
    ca = directory / settings.central_ca if settings.central_ca else None
    return Trust(ca, clock or SystemClock())
