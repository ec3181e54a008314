"""Paper: print, see it first, hear what became of it, answer "did it print?".

It must never decide which paper may come out; the room's rules do.
"""

from typing import Any

from flask import Response, request

from hub.errors import Invalid, Unavailable
from hub.journal import Transaction
from hub.printing import actions, queries, rules
from hub.printing.rules import Job
from kiosk_ui.api import bodies
from kiosk_ui.api.contract import OPERATIONS, Call, Operation, Query, api, command, read
from kiosk_ui.api.orders import asked_limit
from kiosk_ui.session import hub, need

WIDTHS = (58, 80)


@command(
    "/print",
    "Print a paper: pickup_slip (an order), shelf_label and product_label (a SKU or barcode),"
    " count_sheet (a place, SKUs, or `tasks`), test_page (a printer).",
    step="print",
    body=bodies.Print,
    answer=bodies.PrintJobs,
    status=201,
)
def print_paper(call: Call, asked: bodies.Print) -> Any:
    made = actions.print_(
        call.tx, asked.kind, asked.ref, key=call.cause, actor=call.actor, printer=asked.printer,
        lang=asked.lang, copies=asked.copies,
    )  # fmt: skip
    return _answer(call.tx, made)


@read(
    "/print/jobs",
    "Print jobs, the newest first.",
    step="print",
    answer=bodies.Listed,
    queries=(
        Query("kind", "Papers of one kind."),
        Query("ref", "Papers of one order, product or place."),
        Query("limit", "At most so many, 100 unless told.", kind="integer"),
    ),
)
def print_jobs() -> Any:
    kind, ref = request.args.get("kind"), request.args.get("ref")
    with hub().reader() as connection:
        found = queries.jobs(connection, kind=kind, ref=ref, limit=asked_limit())
    return {"items": [shown(job) for job in found], "next": None}


@read("/print/jobs/<job>", "One print job.", step="print", answer=bodies.PrintJob)
def print_job(job: str) -> Any:
    with hub().reader() as connection:
        return shown(queries.job(connection, job))


@read("/print/printers", "The printers of this store.", step="print", answer=bodies.Listed)
def printers() -> Any:
    with hub().reader() as connection:
        return {"items": [{"id": name} for name in queries.printers(connection)], "next": None}


@command(
    "/print/jobs/<job>/answer",
    "Say of a job in doubt whether it was printed; `false` prints it again, as a new job.",
    step="print",
    body=bodies.DidPrint,
    answer=bodies.PrintJobs,
)
def print_answer(call: Call, asked: bodies.DidPrint, job: str) -> Any:
    made = actions.answer(call.tx, job, asked.printed, actor=call.actor, cause=call.cause)
    return _answer(call.tx, [job, *made])


@command(
    "/print/jobs/<job>/again",
    "Print the paper of a job once more, as it is now: a new job.",
    step="print",
    body=bodies.Nothing,
    answer=bodies.PrintJobs,
    status=201,
)
def print_again(call: Call, asked: bodies.Nothing, job: str) -> Any:
    return _answer(call.tx, actions.again(call.tx, job, actor=call.actor, key=call.cause))


@command(
    "/print/jobs/<job>/cancel",
    "Let a job that still waits go.",
    step="print",
    body=bodies.Nothing,
    answer=bodies.PrintJobs,
)
def print_cancel(call: Call, asked: bodies.Nothing, job: str) -> Any:
    actions.cancel(call.tx, job, actor=call.actor, key=call.cause)
    return _answer(call.tx, [job])


OPERATIONS.append(
    Operation(
        "GET",
        "/print/preview/<kind>/<ref>",
        "The paper as it would be printed now.",
        "print",
        None,
        queries=(
            Query("lang", "The language; the store's unless told."),
            Query("width", "58 or 80 mm; the store's unless told.", kind="integer"),
        ),
        content="image/png",
    )
)


@api.get("/print/preview/<kind>/<ref>")
def print_preview(kind: str, ref: str) -> Response:
    need("print")
    return drawn(kind, ref.replace("%2F", "/"))


def drawn(kind: str, ref: str) -> Response:
    """Return a paper as a picture; `lang` and `width` stand in the query."""
    draw = hub().preview
    if draw is None:
        raise Unavailable("This hub cannot draw paper.")
    with hub().reader() as connection:
        width = _width(request.args.get("width"), queries.choices(connection).paper_mm)
        paper = queries.document(
            connection,
            rules.kind(kind),
            ref,
            hub().clock.now(),
            request.args.get("lang"),
        )
    return Response(draw(paper, width), content_type="image/png")


def _width(text: str | None, usual: int) -> int:
    width = usual if text is None else int(text) if text in ("58", "80") else 0
    if width not in WIDTHS:
        raise Invalid("width is 58 or 80 (mm).", field="width")
    return width


def shown(job: Job) -> dict[str, Any]:
    return {**job._asdict(), "state": job.state.value}


def _answer(tx: Transaction, made: list[str]) -> dict[str, Any]:
    return {"jobs": [shown(queries.job(tx.conn, name)) for name in made]}
