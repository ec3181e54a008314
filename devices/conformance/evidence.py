"""What was seen of a device while it was examined; plain records, written by one thread.

It must never judge: the rules do, from this alone. Times are ms of one monotonic clock.
"""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

# begin: it arrives. steady: each event gets its word at once. withheld: none gets one. cut: the
# line is down. back: the line is up again. asked: commands. end: the line stays up and all is said.
Phase = Literal["begin", "steady", "withheld", "cut", "back", "asked", "end"]


class Got(NamedTuple):
    """One observation, each time it came. `claimed_off_ms`: its `at` less the examiner's time."""

    at_ms: int
    phase: Phase
    id: str
    boot: str
    seq: int
    uptime_ms: int
    quality: str
    claimed_off_ms: int | None
    digest: bytes
    kind: str
    qos: int
    together: int
    size: int


class Bad(NamedTuple):
    """Something that no hub could read."""

    at_ms: int
    reason: str
    detail: str


class Said(NamedTuple):
    """A word on the status topic."""

    at_ms: int
    phase: Phase
    online: bool
    readable: bool = True


class Answer(NamedTuple):
    at_ms: int
    key: str
    state: str


@dataclass
class Evidence:
    """`acked`: when each id first got a word, and which. `cut_ms`/`mended_ms`: of the line.

    `tries`: how often it tried to connect while the line was cut. `retained`: topics on which
    the broker kept an observation. `asked`: command name → key.
    """

    got: list[Got] = field(default_factory=list)
    bad: list[Bad] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    acked: dict[str, tuple[int, str]] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)
    cut_ms: int | None = None
    mended_ms: int | None = None
    tries: int = 0
    retained: list[str] | None = None

    def first(self) -> dict[str, Got]:
        """Return each id's first arrival."""
        found: dict[str, Got] = {}
        for one in self.got:
            found.setdefault(one.id, one)
        return found

    def times(self, name: str) -> list[Got]:
        return [one for one in self.got if one.id == name]
