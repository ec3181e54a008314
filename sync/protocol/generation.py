"""Central's generation: which life of its data an answer belongs to; compared for equality only.

It must never stay the same when the data are an older copy, whoever put it there.
"""

from typing import NamedTuple


class Life(NamedTuple):
    """What central writes at each start: the nonce goes into the database and beside it."""

    generation: str
    nonce: str


def begin(stored: Life | None, beside: str | None, fresh: Life) -> Life:
    """Return the life that starts now. `fresh` is chance.

    A random nonce is written at each start into the database and beside it: an older copy that is
    put back carries another one than the file that stayed.
    """
    if stored is None or stored.nonce != beside:
        return fresh
    return Life(stored.generation, fresh.nonce)
