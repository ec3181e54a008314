"""MQTT ↔ observations: nothing is acknowledged before it is on disk.

    broker ──► link (paho, own thread) ──► wire.read ──► record (one job on the writer)
                 ▲                                          │ seen · observation · handlers
                 └── PUBACK and application ack ◄── COMMIT ◄┘

It must never acknowledge what is not committed, never count one observation twice, and never let
one bad message hold up the others.
"""

from hub.ingest.link import Address
from hub.ingest.loop import Counters, Ingest
from hub.ingest.record import Fold, Folds, Handler, Handlers, replayer
from hub.ingest.retention import Retention
from hub.ingest.tables import MIGRATIONS, TABLES
from hub.ingest.travels import Travel

__all__ = [
    "MIGRATIONS",
    "TABLES",
    "Address",
    "Counters",
    "Fold",
    "Folds",
    "Handler",
    "Handlers",
    "Ingest",
    "Retention",
    "Travel",
    "replayer",
]
