"""Tells two live hubs of one store apart, and holds all but the older until a person confirms.

It must never take a late packet of a dead process for a living one: only a process that was told
of a newer one, and still speaks, proves that both live. Numbers are never written to the hub's
disk, for a clone would carry them away.
"""

from dataclasses import dataclass, replace
from typing import Literal

Standing = Literal["ok", "hello", "held", "retired"]


@dataclass(frozen=True, slots=True)
class Number:
    """Which process speaks: the `n`-th that said hello in this `life` of the numbers."""

    life: str
    n: int


@dataclass(frozen=True, slots=True)
class Badge:
    """What a process shows with each push: its number, the highest it was told of, its machine."""

    number: Number | None = None
    told: int = 0
    hardware: str = ""


@dataclass(frozen=True, slots=True)
class Fence:
    """Central's memory of a store's processes.

    `oldest` > 0: numbers above it are held. `rounds` counts confirmations; each begins a new life.
    """

    life: str = ""
    rounds: int = 0
    last: int = 0
    used: int = 0
    oldest: int = 0
    given: tuple[tuple[int, str], ...] = ()
    retired: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Passed:
    """How a process stands, the number it is to carry, and the highest number that was used."""

    standing: Standing
    number: Number | None
    used: int


def life_of(fence: Fence, generation: str) -> str:
    """Name the life of the numbers: another generation or a confirmation begins a new one."""
    return f"{generation}.{fence.rounds}"


def judge(fence: Fence, badge: Badge, generation: str) -> tuple[Fence, Passed]:
    """Central's side: may this process be heard? The answer names the highest number used."""
    life = life_of(fence, generation)
    if fence.life != life:
        fence = replace(fence, life=life, last=0, used=0, oldest=0, given=())
    if badge.hardware and badge.hardware in fence.retired:
        # It brings what it has and stops; its number would frighten the one that stayed.
        return fence, Passed("retired", None, 0)
    number = badge.number
    if number is None or number.life != life or number.n > fence.last:
        n = fence.last + 1
        # A machine's latest number is enough: one that restarts all night must not fill the row.
        others = (one for one in fence.given if one[1] != badge.hardware)
        fence = replace(fence, last=n, given=(*others, (n, badge.hardware)))
        return fence, Passed("hello", Number(life, n), fence.used)
    used = max(fence.used, number.n)
    oldest = fence.oldest
    if badge.told > number.n:
        oldest = min(oldest or number.n, number.n)
    fence = replace(fence, used=used, oldest=oldest)
    held = 0 < oldest < number.n
    return fence, Passed("held" if held else "ok", number, used)


def confirm(fence: Fence, keep: str) -> Fence:
    """A person said which machine stays; the others bring what they have and stop.

    Numbers begin again, for those of before would accuse the one that stayed.
    """
    others = {hardware for _, hardware in fence.given if hardware and hardware != keep}
    retired = (fence.retired | others) - {keep}
    return Fence(rounds=fence.rounds + 1, retired=retired)


def take_told(badge: Badge, passed: Passed) -> Badge:
    """The hub's side: carry the number that central gave, and remember who else was heard.

    A process has one number in a life: a second hello that was answered late gives it no other.
    """
    if passed.number is None:
        return replace(badge, number=None, told=0)
    if badge.number is None or badge.number.life != passed.number.life:
        return replace(badge, number=passed.number, told=0)
    return replace(badge, told=max(badge.told, passed.used))
