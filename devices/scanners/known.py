"""Asks the hub which barcodes the store sells, so that a camera looks twice at what it does not.

It must never stop a scan: while nobody can say, every item counts as known to nobody.
"""

import base64
import logging
import ssl
import threading
from array import array
from bisect import bisect_left
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from sys import byteorder
from typing import Final
from urllib.parse import urlsplit

from devices.account import Account
from hub.errors import Invalid

log = logging.getLogger(__name__)

EVERY_S: Final = 300.0
AGAIN_S: Final = 10.0
PATIENCE_S: Final = 20.0
PATH: Final = "/api/v1/catalog/gtins"
# Eight bytes each: four million items.
MOST: Final = 32 * 1024 * 1024


class Catalogue:
    """The store's barcodes as the hub at `url` last told them. Call it with a GTIN."""

    def __init__(self, url: str, account: Account) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Invalid(f"hub = {url!r} is no address: https://NAME:PORT.", field="hub")
        self._parts, self._account = parts, account
        self._numbers: array[int] | None = None
        self._mark: str | None = None
        self._trouble = False

    def __call__(self, gtin: str) -> bool | None:
        """Is it sold here? None while nobody can say."""
        numbers = self._numbers
        if numbers is None or not gtin.isdecimal():
            return None
        at = bisect_left(numbers, int(gtin))
        return at < len(numbers) and numbers[at] == int(gtin)

    def keep(self, stop: threading.Event) -> None:
        """Ask again and again until `stop` is set; what was told holds while nobody answers."""
        while not stop.wait(EVERY_S if self.ask() else AGAIN_S):
            pass

    def ask(self) -> bool:
        """Ask once; return whether the hub answered. Logs once when it goes and once when back."""
        try:
            status, mark, body = self._get()
        except (OSError, HTTPException) as error:
            return self._told(str(error) or type(error).__name__)
        if status == 200 and len(body) % 8 == 0:
            numbers = array("Q", body)
            if byteorder == "little":
                numbers.byteswap()
            self._numbers, self._mark = numbers, mark
        elif status != 304:
            return self._told(f"status {status}")
        return self._told(None)

    def _get(self) -> tuple[int, str | None, bytes]:
        host, port = self._parts.hostname or "", self._parts.port
        if self._parts.scheme == "https":
            context = ssl.create_default_context(cafile=self._account.ca)
            line: HTTPConnection = HTTPSConnection(host, port, timeout=PATIENCE_S, context=context)
        else:
            line = HTTPConnection(host, port, timeout=PATIENCE_S)
        secret = f"{self._account.username}:{self._account.password}".encode()
        headers = {"Authorization": f"Basic {base64.b64encode(secret).decode()}"}
        if self._mark is not None:
            headers["If-None-Match"] = self._mark
        try:
            line.request("GET", PATH, headers=headers)
            answer = line.getresponse()
            return answer.status, answer.headers.get("ETag"), answer.read(MOST)
        finally:
            line.close()

    def _told(self, trouble: str | None) -> bool:
        if trouble and not self._trouble:
            log.warning("The hub does not say what is sold here: %s", trouble)
        elif self._trouble and not trouble:
            log.info("The hub says again what is sold here.")
        self._trouble = trouble is not None
        return trouble is None
