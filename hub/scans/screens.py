"""A scanner that acts on a screen: paired by the code that the screen shows, until it is not.

It must never let a scan act on a screen that does not take it, twice, or later than somebody who
scanned would expect; and never pass a badge on.

    screen shows SH1:P:… ─► scanner reads it ─► bound ─► each scan waits for the screen
                                                            screen:{id} rings ─► the page takes it
"""

import secrets
from datetime import timedelta
from typing import Final

from hub.clock import parse, stamp
from hub.errors import Refusal
from hub.journal import Transaction
from hub.scans import tables
from hub.scans.tables import Screen, Session, Waiting
from hub.staff import queries as staff
from hub.staff.rules import LONGEST_SESSION
from hub.wire.badges import mask_badges

PREFIX: Final = "SH1:P:"
# A code that hangs about on a photo pairs nobody the day after.
CODE_VALID: Final = timedelta(minutes=10)
CODE_FRESH: Final = timedelta(minutes=2)
# Whoever scanned looks at the screen now, not a minute later.
TAKE_WITHIN: Final = timedelta(seconds=15)
# Characters that nobody mistakes, all in a QR code's denser alphabet.
_LETTERS: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


def show_code(tx: Transaction, screen: str, staff_id: str) -> str:
    """Return what the QR code on `screen` says: the same for a while, then another one."""
    if tx.quality != "unknown":
        for old in tables.screens_before(tx.conn, stamp(tx.now - LONGEST_SESSION)):
            close(tx, old)
    shown = tables.screen(tx.conn, screen)
    if (
        shown is not None
        and shown.staff_id == staff_id
        and parse(shown.code_until) - tx.now > CODE_FRESH
    ):
        return PREFIX + shown.code
    code = "".join(secrets.choice(_LETTERS) for _ in range(12))
    until, opened = stamp(tx.now + CODE_VALID), shown.opened_at if shown else stamp(tx.now)
    tables.put_screen(tx.conn, Screen(screen, code, until, staff_id, opened))
    return PREFIX + code


def pair(tx: Transaction, device: str, text: str) -> str:
    """Let `device` act on the screen whose code it read; return the screen. Raises Refusal."""
    found = tables.screen_of_code(tx.conn, text.removeprefix(PREFIX))
    if found is None or _over(tx, found):
        raise Refusal("No screen shows this pairing code.", slug="pairing-unknown")
    if tx.quality != "unknown" and parse(found.code_until) < tx.now:
        raise Refusal(
            "This pairing code is too old: let the screen show it again.", slug="pairing-old"
        )
    before = tables.session(tx.conn, device).screen
    tables.bind_screen(tx.conn, device, found.id, stamp(tx.now))
    if before is not None and before != found.id:
        tx.touch(f"screen:{before}")
    tx.touch(f"screen:{found.id}", f"scanner:{device}")
    return found.id


def unpair(tx: Transaction, screen: str, device: str) -> None:
    """Let `device` act on `screen` no longer. One that does not act on it changes nothing."""
    if tables.session(tx.conn, device).screen != screen:
        return
    tables.unbind(tx.conn, device, stamp(tx.now))
    tx.touch(f"screen:{screen}", f"scanner:{device}")


def close(tx: Transaction, screen: str) -> None:
    """The screen was signed out: its scanners act on nothing until they are bound again."""
    for device in tables.paired(tx.conn, screen):
        unpair(tx, screen, device)
    tables.drop_screen(tx.conn, screen)


def pass_on(tx: Transaction, held: Session, text: str, key: str) -> str:
    """Let a scan wait for its screen and ring there; return the screen. Raises Refusal."""
    shown = tables.screen(tx.conn, held.screen or "")
    if shown is None or _over(tx, shown):
        raise Refusal(
            "The screen of this scanner is signed out: pair it again.", slug="screen-gone"
        )
    left = tables.waiting(tx.conn, shown.id)
    if left and not _young(tx, left[0]):
        raise Refusal(
            "The screen of this scanner does not listen: open it, or pair another one.",
            slug="screen-deaf",
        )
    masked = mask_badges(text.encode()).decode()
    tables.put_scan(tx.conn, shown.id, held.device, masked, key, stamp(tx.now))
    tx.touch(f"screen:{shown.id}")
    return shown.id


def take(tx: Transaction, screen: str) -> Waiting | None:
    """Return the oldest scan that waits for `screen`, and never again; None when none does.

    One that waited too long is let go: acting when somebody looks again would surprise.
    """
    for one in tables.waiting(tx.conn, screen):
        tables.taken(tx.conn, screen, one.n)
        if _young(tx, one):
            return one
    return None


def _young(tx: Transaction, scan: Waiting) -> bool:
    return tx.quality == "unknown" or tx.now - parse(scan.at) <= TAKE_WITHIN


def _over(tx: Transaction, screen: Screen) -> bool:
    """A shift is over, or the person works here no more: the screen signs out by itself."""
    member = staff.member(tx.conn, screen.staff_id)
    late = tx.quality != "unknown" and tx.now - parse(screen.opened_at) > LONGEST_SESSION
    return late or member is None or not member.active
