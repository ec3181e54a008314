"""The hub's certificate while the hub runs: shown at its doors, renewed before it runs out.

It must never keep the store from opening: without a usable certificate the screens are there
without TLS, and the reason stands in the log, in the console and in `storehub doctor`.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from hub import broker
from hub.authority import Tls
from hub.errors import Refusal, Unavailable
from hub.settings import Settings

log = logging.getLogger(__name__)

# How often the hub looks whether its addresses are other ones or the certificate runs out.
LOOK_S: Final = 3600

Pair = tuple[Path, Path]


class Identity:
    """Holds the TLS files of a running hub. `note` says what a person should mend."""

    def __init__(self, directory: Path, settings: Settings) -> None:
        self._directory, self._settings = directory, settings
        self._renew: Callable[[Pair], None] = lambda _: None
        self._shown = b""
        self.tls: Tls | None = None
        self.note = ""
        self._look()

    @property
    def wanted(self) -> bool:
        return bool(self._settings.https_port)

    def open(
        self, open_tls: Callable[[str, int, Pair], None], renew: Callable[[Pair], None]
    ) -> None:
        """Open the HTTPS door, when there is one; what is wrong with it becomes the note."""
        if not self.wanted or self.tls is None:
            return
        host, port = self._settings.http_host, self._settings.https_port
        try:
            open_tls(host, port, (self.tls.certificate, self.tls.key))
        except Unavailable as error:
            self.note = error.sentence
            log.error("No HTTPS: %s", error.sentence)
        else:
            self._renew = renew

    def look(self, _now: datetime) -> None:
        """Renew the certificate where needed; the doors show the new one at once."""
        before = self._shown
        self._look()
        if self.tls is not None and self._shown != before:
            self._renew((self.tls.certificate, self.tls.key))
            broker.reload(self._directory)

    def ca(self) -> str:
        """Return the store's CA as PEM. Raises Unavailable when there is none to show."""
        if self.tls is None:
            raise Unavailable(self.note, retry_after_s=60)
        return self.tls.ca.read_text()

    def _look(self) -> None:
        try:
            self.tls = broker.store_tls(self._directory, self._settings)
        except Refusal as refusal:
            note = refusal.sentence
        else:
            note = self.tls.note
            self._shown = self.tls.certificate.read_bytes()
        if note and note != self.note:
            log.error("%s", note)
        # A taken port stays a note; only the files are looked at again.
        self.note = note or (self.note if "https_port" in self.note else "")
