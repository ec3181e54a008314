"""Commands about paper: see it, print it, hear what became of it.

It must never reach a printer itself: a job goes to the hub's queue, as from a screen.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click

from hub.cli.edge import data_option, json_option, perform, read, show
from hub.clock import SystemClock
from hub.printing import queries, rules
from hub.printing.document import Document
from hub.printing.rules import Job, Kind

KINDS: Final = click.Choice([kind.value for kind in Kind])


@click.group("print")
def print_() -> None:
    """Pickup slips, labels and count sheets."""


@print_.command("send")
@click.argument("kind", type=KINDS)
@click.argument("ref")
@click.option("--printer", help="Which one; the store's usual one unless told.")
@click.option(
    "--copies",
    type=click.IntRange(1, rules.MOST_COPIES),
    default=1,
    show_default=True,
    help="How many.",
)
@click.option("--lang", help="The language; the store's unless told.")
@data_option
@json_option
def send(
    kind: str, ref: str, printer: str | None, copies: int, lang: str | None,
    directory: Path, as_json: bool,
) -> None:  # fmt: skip
    """Print a paper of KIND about REF: an order, a SKU or barcode, a place, `tasks`, a printer."""
    made = perform(
        directory, "print.send", kind=kind, ref=ref, printer=printer, copies=copies, lang=lang
    )
    show(made, as_json, lambda names: list(names))


@print_.command("preview")
@click.argument("kind", type=KINDS)
@click.argument("ref")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True,
    help="Where the PNG is written.",
)  # fmt: skip
@click.option("--width", type=click.Choice(["58", "80"]), help="Paper in mm; the store's usual.")
@click.option("--lang", help="The language; the store's unless told.")
@data_option
def preview(
    kind: str, ref: str, output: Path, width: str | None, lang: str | None, directory: Path
) -> None:
    """Write the paper as it would be printed now to a PNG, dot for dot."""
    from devices.printing import render

    def look(connection: Any) -> tuple[Document, int]:
        paper = queries.document(connection, Kind(kind), ref, SystemClock().now(), lang)
        return paper, queries.choices(connection).paper_mm

    paper, usual = read(directory, look)
    dots = render.DOTS[int(width) if width else usual]
    output.write_bytes(render.png(paper, render.Paper(dots)))
    click.echo(f"{output} shows the paper, {dots} dots wide.")


@print_.command("jobs")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True,
              help="At most so many, newest first.")  # fmt: skip
@data_option
@json_option
def jobs(limit: int, directory: Path, as_json: bool) -> None:
    """List what was printed and what waits, the newest first."""
    found = [_shown(job) for job in read(directory, queries.jobs, limit=limit)]
    show(found, as_json, lambda rows: [_line(row) for row in rows])


@print_.command("answer")
@click.argument("job")
@click.argument("printed", type=click.Choice(["yes", "no"]))
@data_option
def answer(job: str, printed: str, directory: Path) -> None:
    """Say of a JOB in doubt whether it was printed; `no` prints it again."""
    made = perform(directory, "print.answer", job=job, printed=printed == "yes")
    click.echo(f"Printed again as {made[0]}." if made else f"{job} was printed.")


@print_.command("cancel")
@click.argument("job")
@data_option
def cancel(job: str, directory: Path) -> None:
    """Let a JOB that still waits go."""
    perform(directory, "print.cancel", job=job)
    click.echo(f"{job} is canceled.")


def _shown(job: Job) -> dict[str, Any]:
    return {**job._asdict(), "state": job.state.value}


def _line(row: Mapping[str, Any]) -> str:
    detail = f" ({row['detail']})" if row["detail"] else ""
    return (
        f"{row['job']} {row['printer']:12} {row['kind']:13} {row['ref']:24} {row['state']}{detail}"
    )


COMMANDS: Final = (print_,)
