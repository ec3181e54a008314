"""One router for every scan: a badge, an order's code, a staging shelf, an article.

scanner ──► route ──┐                      ┌─► pickup.actions (the same steps as the buttons)
counter ──► at_counter ──► read, decide ───┼─► scanner_session (who holds which scanner)
                                           └─► screens (a paired scanner acts on its screen)
"""

from hub.scans.routing import Outcome, at_counter, handler, route
from hub.scans.tables import MIGRATIONS, TABLES, Session, session, sessions

__all__ = [
    "MIGRATIONS",
    "TABLES",
    "Outcome",
    "Session",
    "at_counter",
    "handler",
    "route",
    "session",
    "sessions",
]
