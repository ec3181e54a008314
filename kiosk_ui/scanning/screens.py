"""The screen that a signed-in browser is: its name lives in the session and goes with it.

It must never name a screen that nobody is signed in at.
"""

import secrets
from contextlib import suppress

from flask import session

from hub.errors import HubError
from hub.journal import Transaction
from hub.scans import screens, tables
from hub.scans.tables import Waiting
from kiosk_ui.ports import Hub

KEY = "screen"


def name() -> str | None:
    """Return this browser's screen, if it has shown a pairing code since it was signed in."""
    found = session.get(KEY)
    return found if isinstance(found, str) else None


def opened() -> str:
    """Return this browser's screen; it has one from now on."""
    return name() or session.setdefault(KEY, secrets.token_urlsafe(9))


def show_code(hub: Hub, staff_id: str) -> str:
    """Return the text of the QR code that pairs a scanner with this screen."""
    screen = opened()
    return hub.writer.run(lambda tx: screens.show_code(tx, screen, staff_id))


def paired(hub: Hub) -> list[str]:
    """Return the scanners that act on this screen."""
    with hub.reader() as connection:
        return tables.paired(connection, name() or "")


def unpair(hub: Hub, device: str) -> None:
    screen = name()
    if screen is not None:
        hub.writer.run(lambda tx: screens.unpair(tx, screen, device))


def take(hub: Hub) -> Waiting | None:
    """Return the next scan that waits for this screen; it is taken once."""
    screen = name()
    if screen is None or not _waits(hub, screen):
        return None
    return hub.writer.run(lambda tx: screens.take(tx, screen))


def leave(hub: Hub) -> None:
    """The session ends: no scanner acts on this screen any more."""
    screen = name()
    if screen is None:
        return

    def close(tx: Transaction) -> None:
        screens.close(tx, screen)

    # Whoever signs out is signed out, whatever the disk says; the shift ends the binding then.
    with suppress(HubError):
        hub.writer.run(close)


def _waits(hub: Hub, screen: str) -> bool:
    with hub.reader() as connection:
        return bool(tables.waiting(connection, screen))
