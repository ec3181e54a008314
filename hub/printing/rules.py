"""Decides which printer takes a job, what a printer's word makes of it, and what people may do.

It must never turn a job that may be on paper into one that is printed again by itself.
"""

from collections.abc import Sequence
from enum import StrEnum
from hashlib import blake2b
from typing import Final, NamedTuple

from hub.errors import Invalid, Refusal


class Kind(StrEnum):
    PICKUP_SLIP = "pickup_slip"
    SHELF_LABEL = "shelf_label"
    PRODUCT_LABEL = "product_label"
    COUNT_SHEET = "count_sheet"
    TEST_PAGE = "test_page"


class State(StrEnum):
    """A job's life. The four below `queued` say why it still waits: no byte of it was sent."""

    QUEUED = "queued"
    OFFLINE = "offline"
    NO_PAPER = "no_paper"
    COVER_OPEN = "cover_open"
    TROUBLE = "trouble"
    PRINTED = "printed"
    IN_DOUBT = "in_doubt"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"


WAITING: Final = frozenset(
    {State.QUEUED, State.OFFLINE, State.NO_PAPER, State.COVER_OPEN, State.TROUBLE}
)
LABELS: Final = frozenset({Kind.SHELF_LABEL, Kind.PRODUCT_LABEL})
# What a person said of a job in doubt.
SEEN: Final = "seen"
NOT_SEEN: Final = "not_seen"
MOST_COPIES: Final = 20


class Choices(NamedTuple):
    """What a store decides about paper. Empty printers: the only one that there is."""

    slips_at: str = ""
    labels_at: str = ""
    language: str = "en"
    minutes: int = 120
    new_orders: bool = False
    expected: bool = False
    paper_mm: int = 80
    time_zone: str = "UTC"
    store: str = ""


class Job(NamedTuple):
    job: str
    n: int
    kind: str
    ref: str
    printer: str
    lang: str
    state: State
    detail: str | None
    made_at: str
    changed_at: str
    until: str
    by: str
    again_of: str | None


def kind(text: str) -> Kind:
    try:
        return Kind(text)
    except ValueError:
        known = ", ".join(Kind)
        raise Invalid(f"kind is one of {known}.", field="kind") from None


def job_id(cause: str, copy: int) -> str:
    """The same command makes the same job at every replay."""
    return "P-" + blake2b(f"{cause}\n{copy}".encode(), digest_size=8).hexdigest()


def choose(
    wanted: str | None, what: Kind, ref: str, choices: Choices, printers: Sequence[str]
) -> str:
    """Return the printer for a job: the one asked for, the store's choice, or the only one."""
    usual = choices.labels_at if what in LABELS else choices.slips_at
    if what is Kind.TEST_PAGE:
        usual = ref
    name = wanted or usual
    if name:
        if name not in printers:
            raise Refusal(f"There is no printer {name[:64]} in this store.", slug="no-printer")
        return name
    if not printers:
        raise Refusal("This store has no printer yet.", slug="no-printer")
    if len(printers) > 1:
        raise Refusal(f"Which printer: {', '.join(printers)}?", slug="which-printer")
    return printers[0]


def decide_report(now: State, said: str, detail: str | None) -> tuple[State, str | None] | None:
    """Return what a printer's word makes of a job; None when it changes nothing.

    Paper is paper: `printed` counts whatever was thought before. What a person has answered, and
    what is on paper, no other word of the printer changes.
    """
    try:
        state = State(said)
    except ValueError:
        # A printer that knows no such command says so in words of its own.
        state, detail = State.FAILED, said[:64]
    if now is state:
        return None
    if state is State.PRINTED:
        return state, detail
    open_again = {State.CANCELED, State.EXPIRED}
    if state is State.IN_DOUBT and (now in WAITING or now in open_again):
        return state, detail
    if now in WAITING and state is not State.QUEUED:
        return state, detail
    return None


def decide_answer(now: State, printed: bool) -> tuple[State, str]:
    """A person has looked at the printer."""
    if now is not State.IN_DOUBT:
        raise Refusal("Nobody doubts this print any more.", slug="not-in-doubt")
    return (State.PRINTED, SEEN) if printed else (State.FAILED, NOT_SEEN)


def decide_cancel(now: State) -> bool:
    """Say whether canceling changes anything. Refused for what is, or may be, on paper."""
    if now in WAITING:
        return True
    if now in (State.CANCELED, State.EXPIRED, State.FAILED):
        return False
    raise Refusal("It is too late: this has been printed.", slug="already-printed")


def decide_again(now: State) -> None:
    """Refuse a second job for paper that will come out by itself."""
    if now in WAITING:
        raise Refusal(
            "This still waits to be printed: cancel it first, or let it come.", slug="still-waiting"
        )
    if now is State.IN_DOUBT:
        raise Refusal("Say first whether it was printed.", slug="in-doubt")
