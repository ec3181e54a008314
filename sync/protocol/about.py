"""What a hub says of itself with each push, so that head office sees its fleet; additive.

It must never be needed: a hub of an older release says nothing, and its pushes are as good.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class About:
    """`at`: the hub's own clock (a stamp), so that ages are told by one clock, right or wrong.

    `head`: the journal's last seq. `oldest_s`: how long the oldest fact waits that this push does
    not bring. `schema`: the format of hub.db. `quarantine`: messages that wait at the hub.
    `promise_minutes`: when an order would be due that came now; 0: not to be said, None: not told.
    `opening_hours`, `time_zone`: in which of those minutes somebody is there; "": always.
    `pace`: normal, slow or paused; "": not told.
    `signature`: of the head that this push leads to, with the hub's `key` (`sync.seal`).
    """

    at: str = ""
    release: str = ""
    schema: int = 0
    head: int = 0
    oldest_s: int = 0
    quarantine: int = 0
    promise_minutes: int | None = None
    key: str = ""
    signature: str = ""
    opening_hours: str = ""
    time_zone: str = ""
    pace: str = ""
