"""Sends paper to printers, hears what became of it, and asks a person where nobody can know.

It must never print anything again by itself: a second paper is always a new job of somebody's.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from hub import outbox
from hub.clock import stamp
from hub.errors import HubError, Invalid, NotFound, Refusal
from hub.journal import Transaction
from hub.printing import queries, rules, tables
from hub.printing.document import Document
from hub.printing.rules import Choices, Job, Kind, State
from hub.settings import Settings
from hub.tasks import queries as task_queries
from hub.tasks import rules as tasks
from hub.wire import Observation

log = logging.getLogger(__name__)

# The device stops at `until` by its own clock; its last word may still be on its way.
GRACE: Final = timedelta(minutes=1)
# What one message to a device may hold, about 2,000 lines.
LONGEST: Final = 256 * 1024
KEPT: Final = timedelta(days=30)
# A task of kind CONFIRM with this reason and the subject `print:{job}`.
DID_IT_PRINT: Final = "DID_IT_PRINT"


def set_choices(tx: Transaction, settings: Settings) -> None:
    """Keep what the settings say about paper, so that no caller can forget to pass it."""
    choices = Choices(
        slips_at=settings.print_slips_at,
        labels_at=settings.print_labels_at,
        language=settings.print_language,
        minutes=settings.print_minutes,
        new_orders=settings.print_new_orders,
        expected=settings.print_expected,
        paper_mm=settings.paper_mm,
        time_zone=settings.time_zone,
        store=settings.store,
    )
    told = {name: msgspec.json.encode(value).decode() for name, value in choices._asdict().items()}
    tables.keep_choices(tx.conn, told)


def print_(
    tx: Transaction,
    kind: str,
    ref: str,
    *,
    key: str,
    actor: str = "hub",
    printer: str | None = None,
    lang: str | None = None,
    copies: int = 1,
    again_of: str | None = None,
) -> list[str]:
    """Send a paper to a printer; return its jobs, one for each copy.

    The same `key` again makes the same jobs, so it prints nothing new. Raises NotFound, Invalid,
    and Refusal when it is not clear which printer.
    """
    what = rules.kind(kind)
    if not 1 <= copies <= rules.MOST_COPIES:
        raise Invalid(f"copies is 1 to {rules.MOST_COPIES}.", field="copies")
    if not ref or len(ref) > 512:
        raise Invalid("ref is what the paper is about.", field="ref")
    choices = queries.choices(tx.conn)
    where = rules.choose(printer, what, ref, choices, queries.printers(tx.conn))
    paper = queries.document(tx.conn, what, ref, tx.now, lang)
    if len(msgspec.json.encode(paper)) > LONGEST:
        raise Refusal("This is too much for one paper: ask for a part of it.", slug="too-long")
    made = [rules.job_id(key, copy) for copy in range(copies)]
    for name in made:
        _enqueue(tx, name, what, ref, where, paper, choices, actor, again_of)
    return made


def _enqueue(
    tx: Transaction,
    name: str,
    what: Kind,
    ref: str,
    printer: str,
    paper: Document,
    choices: Choices,
    actor: str,
    again_of: str | None,
) -> None:
    if queries.find(tx.conn, name) is not None:
        return
    at, until = stamp(tx.now), stamp(tx.now + timedelta(minutes=choices.minutes))
    job = Job(
        name, 0, what, ref, printer, paper.lang, State.QUEUED, None, at, at, until, actor, again_of
    )  # fmt: skip
    n = tables.add(tx.conn, job, msgspec.json.encode(paper))
    payload = {"n": n, "until": until, "document": msgspec.to_builtins(paper)}
    outbox.enqueue(tx, device=printer, name="print", payload=payload, key=name)
    _touch(tx, job)


def again(tx: Transaction, job_id: str, *, actor: str, key: str) -> list[str]:
    """Print the paper of a job once more, as it is now: a new job."""
    job = queries.job(tx.conn, job_id)
    rules.decide_again(job.state)
    return print_(
        tx, job.kind, job.ref, key=key, actor=actor, printer=job.printer, lang=job.lang,
        again_of=job.job,
    )  # fmt: skip


def answer(tx: Transaction, job_id: str, printed: bool, *, actor: str, cause: str) -> list[str]:
    """A person says whether a job in doubt was printed; "no" prints it again, as a new job."""
    job = queries.job(tx.conn, job_id)
    state, detail = rules.decide_answer(job.state, printed)
    _become(tx, job, state, detail)
    _close_task(tx, job, actor, cause)
    if printed:
        return []
    return print_(
        tx, job.kind, job.ref, key=f"{cause}:again", actor=actor, printer=job.printer,
        lang=job.lang, again_of=job.job,
    )  # fmt: skip


def cancel(tx: Transaction, job_id: str, *, actor: str, key: str) -> None:
    """Let a job that still waits go. Should it come out at this very moment, that is said."""
    job = queries.job(tx.conn, job_id)
    if not rules.decide_cancel(job.state):
        return
    outbox.close(tx, device=job.printer, key=job.job, outcome="canceled")
    payload = {"job": job.job}
    outbox.enqueue(
        tx, device=job.printer, name="print_cancel", payload=payload, key=f"{job.job}-cancel"
    )
    _become(tx, job, State.CANCELED, actor)


def reported(tx: Transaction, seen: Observation, occurred_at: datetime) -> None:
    """What ingest calls for `obs/printed`."""
    job = queries.find(tx.conn, seen.data.job)
    if job is None or job.printer != seen.device:
        raise NotFound(f"{seen.device} has no print job {seen.data.job[:64]}.")
    changed = rules.decide_report(job.state, seen.data.state, seen.data.detail)
    if changed is None:
        return
    state, detail = changed
    _become(tx, job, state, detail)
    if state is State.IN_DOUBT:
        _open_task(tx, job, seen.cause)
    elif job.state is State.IN_DOUBT:
        _close_task(tx, job, f"device:{seen.device}", seen.cause)


def settle(tx: Transaction) -> int:
    """Give up what waited too long, and forget what is over for a month; return how many."""
    if tx.quality == "unknown":
        return 0
    late = queries.overdue(tx.conn, stamp(tx.now - GRACE))
    for job in late:
        outbox.close(tx, device=job.printer, key=job.job, outcome="expired")
        _become(tx, job, State.EXPIRED, job.state if job.state is not State.QUEUED else None)
    tables.forget(tx.conn, stamp(tx.now - KEPT))
    return len(late)


def new_orders(tx: Transaction) -> list[str]:
    """Print a slip for each order that came in and has none, where the store chose so."""
    made: list[str] = []
    for order_id in queries.wait_for_slips(tx.conn, tx.now):
        try:
            made += print_(tx, Kind.PICKUP_SLIP, order_id, key=f"new-order:{order_id}")
        except HubError as error:
            # One order that no paper can hold keeps no other waiting, and is not tried each second.
            log.warning("No slip for order %s: %s", order_id, error.sentence)
            _note_failed(tx, order_id)
    return made


def _note_failed(tx: Transaction, order_id: str) -> None:
    """Show at the order's page that its slip was not printed; a person may try again."""
    choices, known = queries.choices(tx.conn), queries.printers(tx.conn)
    where = rules.choose(None, Kind.PICKUP_SLIP, order_id, choices, known)
    name, at = rules.job_id(f"new-order:{order_id}", 0), stamp(tx.now)
    empty = Document(Kind.PICKUP_SLIP, choices.language, ())
    job = Job(
        name, 0, Kind.PICKUP_SLIP, order_id, where, choices.language, State.FAILED,
        "not_drawable", at, at, at, "hub", None,
    )  # fmt: skip
    tables.add(tx.conn, job, msgspec.json.encode(empty))
    _touch(tx, job)


def _become(tx: Transaction, job: Job, state: State, detail: str | None) -> None:
    tables.change(tx.conn, job.job, state, detail, stamp(tx.now))
    _touch(tx, job)


def _touch(tx: Transaction, job: Job) -> None:
    tx.touch("prints", f"print:{job.job}", f"printed:{job.kind}:{job.ref}")


def _open_task(tx: Transaction, job: Job, cause: str) -> None:
    subject = f"print:{job.job}"
    unfinished = task_queries.unfinished(tx.conn, tasks.Kind.CONFIRM, subject)
    order_id = job.ref if job.kind == Kind.PICKUP_SLIP else None
    facts = tasks.decide_open(
        unfinished, tasks.Kind.CONFIRM, subject, DID_IT_PRINT, cause=cause, order_id=order_id
    )
    _append(tx, facts, "hub", cause)


def _close_task(tx: Transaction, job: Job, actor: str, cause: str) -> None:
    open_task = task_queries.unfinished(tx.conn, tasks.Kind.CONFIRM, f"print:{job.job}")
    if open_task is not None:
        _append(tx, tasks.decide_done(open_task, actor), actor, cause)


def _append(tx: Transaction, facts: Sequence[Any], actor: str, cause: str) -> None:
    if facts:
        tx.append(facts, cause=cause, actor=actor)
