"""What a store may decide for itself, and which staging shelf is the best one for an order.

It must never read a clock or a database: times and shelves are arguments.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from hub.errors import Invalid, NotFound, Refusal
from hub.house import hours
from hub.house.facts import PickupPaceSet, PolicySet, StagingShelfDropped, StagingShelfPlanned

# What goods and shelves can be, the most demanding last: it decides where an order stands.
STORAGE: Final = ("ambient", "large", "chilled", "frozen")
PACES: Final = ("normal", "slow", "paused")
SLOW: Final = 2
# Promises are told in steps of so many minutes: nobody believes 14:37.
STEP: Final = 5
MOST_ON_A_SHELF: Final = 1000
# A week, in minutes.
LONGEST_PAUSE: Final = 10_080
_SHELF: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}", re.ASCII)
_REASON: Final = re.compile(r"[A-Z][A-Z_]{0,31}", re.ASCII)


class Policy(NamedTuple):
    """One decision: its default, its unit, what it may be, and why it is there."""

    default: int | str
    unit: str
    about: str
    least: int = 0
    most: int = 0
    choices: tuple[str, ...] = ()


POLICIES: Final[Mapping[str, Policy]] = {
    "opening_hours": Policy(
        "", "", "When the store is open, as mo-fr 08:00-20:00, sa 09:00-18:00; empty: always."
    ),
    "clocks_run": Policy(
        "always",
        "",
        "Whether no-show and expiry also run while the store is closed.",
        choices=("always", "open"),
    ),
    "unknown_shelves": Policy(
        "take",
        "",
        "What becomes of an order that is put on a shelf nobody planned.",
        choices=("take", "refuse"),
    ),
    "ready_hours": Policy(
        0, "h", "A ready order not collected by then expires; 0: as pickup_days says.", most=2000
    ),
    "no_show_hours": Policy(
        24, "h", "A ready order is on the no-show list after this.", least=1, most=2000
    ),
    "hold_hours": Policy(
        0, "h", "An order on hold for so long expires; 0: it waits for a person.", most=2000
    ),
    "pickers": Policy(
        0, "people", "How many pick at a time; 0: a promise does not count the work ahead.", most=99
    ),
    "line_minutes": Policy(
        3, "min", "How long a picker takes for one line, the way to it included.", least=1, most=60
    ),
    "accept_minutes": Policy(
        0,
        "min",
        "A new order nobody picks calls after this, and again after twice; 0: never.",
        most=1440,
    ),
}


class Shelf(NamedTuple):
    """A staging shelf, with how many orders stand on it."""

    shelf: str
    capacity: int
    kind: str
    orders: int = 0

    @property
    def free(self) -> int:
        return max(0, self.capacity - self.orders)


def decide_policy(name: str, value: int | str | None, current: int | str) -> list[PolicySet]:
    """Set a policy, or give it its default back. What it is already is no news."""
    policy = POLICIES.get(name)
    if policy is None:
        raise NotFound(f"There is no policy {name[:40]}.")
    wanted = policy.default if value is None else _checked(policy, value)
    if wanted == current:
        return []
    return [PolicySet(name=name, value=None if value is None else wanted)]


def _checked(policy: Policy, value: int | str) -> int | str:
    if policy.choices:
        if value not in policy.choices:
            raise Invalid(f"The value is {' or '.join(policy.choices)}.", field="value")
        return value
    if isinstance(policy.default, str):
        if not isinstance(value, str) or len(value) > 400:
            raise Invalid("The value is a text.", field="value")
        hours.read(value)
        return " ".join(value.lower().split())
    if isinstance(value, bool) or not isinstance(value, int):
        raise Invalid("The value is a whole number.", field="value")
    if not policy.least <= value <= policy.most:
        raise Invalid(f"The value is {policy.least} to {policy.most}.", field="value")
    return value


def read_shelf(shelf: str) -> str:
    """Return a staging shelf's number as it is kept: capitals."""
    if not _SHELF.fullmatch(shelf.strip()):
        raise Invalid("shelf must be 1 to 32 letters, digits, dots or dashes.", field="shelf")
    return shelf.strip().upper()


def decide_plan(
    known: Shelf | None, shelf: str, capacity: int, kind: str
) -> list[StagingShelfPlanned]:
    """Plan a staging shelf, or change one; an order that already stands there stays."""
    number = read_shelf(shelf)
    if kind not in STORAGE:
        raise Invalid(f"kind is one of {', '.join(STORAGE)}.", field="kind")
    if not 1 <= capacity <= MOST_ON_A_SHELF:
        raise Invalid(f"capacity is 1 to {MOST_ON_A_SHELF} orders.", field="capacity")
    if known is not None and (known.capacity, known.kind) == (capacity, kind):
        return []
    return [StagingShelfPlanned(shelf=number, capacity=capacity, kind=kind)]


def decide_drop(known: Shelf | None, shelf: str) -> list[StagingShelfDropped]:
    if known is None:
        raise NotFound(f"No staging shelf {shelf[:32]} is planned.")
    if known.orders:
        noun = "order stands" if known.orders == 1 else "orders stand"
        raise Refusal(f"{known.orders} {noun} on shelf {known.shelf}.", slug="shelf-in-use")
    return [StagingShelfDropped(shelf=known.shelf)]


def demanding(kinds: Iterable[str]) -> str:
    """Return what the goods of one order need together: the coldest of them decides."""
    return max((kind for kind in kinds if kind in STORAGE), key=STORAGE.index, default="ambient")


def suggest(shelves: Iterable[Shelf], kind: str, beside: str | None = None) -> str | None:
    """Return the best free shelf for goods of `kind`; None where none is free.

    Where the customer's other order stands (`beside`), if it fits; else the emptiest.
    """
    free = [shelf for shelf in shelves if shelf.kind == kind and shelf.free]
    best = min(free, key=lambda one: (one.shelf != beside, -one.free, one.shelf), default=None)
    return None if best is None else best.shelf


def suggest_each(
    shelves: Iterable[Shelf], lines: Iterable[tuple[str, str]], beside: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Return the best free shelf for each kind of goods, the most demanding kind first.

    `lines`: (line id, kind). `beside`: where the customer's other orders stand. Answers
    `{"kind","shelf","lines"}`.
    """
    planned, kinds = list(shelves), dict[str, list[str]]()
    for line_id, kind in lines:
        kinds.setdefault(demanding([kind]), []).append(line_id)
    near = {one.kind: one.shelf for one in planned if one.shelf in beside and one.free}
    return [
        {"kind": kind, "shelf": suggest(planned, kind, near.get(kind)), "lines": kinds[kind]}
        for kind in sorted(kinds, key=STORAGE.index, reverse=True)
    ]


def check_shelf(planned: Mapping[str, Shelf], shelf: str, unknown: str) -> None:
    """Refuse a shelf that nobody planned, where the store decided so. No plan: all are good."""
    if unknown == "refuse" and planned and shelf not in planned:
        raise Refusal(f"There is no staging shelf {shelf} in this store.", slug="unknown-shelf")


def decide_pace(
    current: tuple[str, str | None], pace: str, until: str | None, reason: str | None
) -> list[PickupPaceSet]:
    """A lead pauses, slows or resumes picking; `until` is a stamp, None until further notice."""
    if pace not in PACES:
        raise Invalid(f"pace is one of {', '.join(PACES)}.", field="pace")
    if reason is not None and not _REASON.fullmatch(reason):
        raise Invalid("reason must be a code such as STAFF_SHORT, no free text.", field="reason")
    end = None if pace == "normal" else until
    if current == (pace, end):
        return []
    return [PickupPaceSet(pace=pace, until=end, reason=None if pace == "normal" else reason)]


def pace_at(pace: str, until: str | None, now: str) -> str:
    """Return the pace that counts at the stamp `now`: a pause ends by itself."""
    return "normal" if until is not None and until <= now else pace


def work_minutes(lines: int, pickers: int, line_minutes: int) -> int:
    """Return how long the pickers take for so many lines, in whole steps; 0: nobody counts it."""
    if pickers == 0:
        return 0
    return -(-lines * line_minutes // (pickers * STEP)) * STEP


def due_minutes(usual: int, pace: str, work: int = 0) -> int:
    """Return how many minutes of picking an order is due after, once somebody picks.

    Not sooner than usual nor than the work ahead is done; later while picking is slow.
    """
    return max(usual, work) * (SLOW if pace == "slow" else 1)
