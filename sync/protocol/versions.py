"""Which version of the protocol two ends speak: the newest that both know.

It must never guess: an end that knows no common version says so, and nothing is exchanged.
"""

from collections.abc import Collection
from typing import Final

VERSION: Final = "1"
"""As the header spells it."""
SPOKEN: Final = (1,)
"""What this release speaks, newest first: its own version and the two before, once there are."""


def written(versions: Collection[int]) -> str:
    """Spell versions for a header: `3, 2, 1`."""
    return ", ".join(str(version) for version in sorted(versions, reverse=True))


def read_versions(text: str | None) -> frozenset[int]:
    """Read such a header; what is no number is ignored."""
    parts = (part.strip() for part in (text or "").split(","))
    return frozenset(int(part) for part in parts if part.isdecimal() and len(part) < 6)


def common(theirs: Collection[int], ours: Collection[int] | None = None) -> int | None:
    """Return the newest version that both know."""
    return max(set(theirs) & set(SPOKEN if ours is None else ours), default=None)
