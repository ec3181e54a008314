"""Commands about what may be promised: why a number is what it is, and who holds which rights.

They must never compute a number: the stock room does.
"""

from pathlib import Path
from typing import Any, Final

import click

from hub import app, control, settings
from hub.cli.edge import data_option, json_option, must_exist, perform, read, show
from hub.clock import SystemClock
from hub.stock import queries as stock
from hub.stock.history import queries as history


@click.group()
def explain() -> None:
    """Say why a number is what it is."""


@explain.command("stock")
@click.argument("sku")
@click.option(
    "--channel",
    type=click.Choice(("store", "kiosk", "web", "phone")),
    default="store",
    show_default=True,
    help="Whom the units would be promised to.",
)
@click.option(
    "--moves",
    type=click.IntRange(1, history.MOST),
    default=10,
    show_default=True,
    help="Show so many of the latest moves.",
)
@data_option
@json_option
def explain_stock(sku: str, channel: str, moves: int, directory: Path, as_json: bool) -> None:
    """Say why SKU's number is what it is: terms, rights, latest moves, what central knows."""
    must_exist(directory)
    if control.running(directory):
        sync = control.ask(directory, "status", {})["sync"]
    else:
        sync = read(directory, app.at_rest, settings.load(directory))["sync"]
    now = SystemClock().now()
    answer = read(directory, history.why, sku, channel, now, sync, limit=moves)
    show(answer, as_json, _explained)


def _explained(a: dict[str, Any]) -> list[str]:
    record, rights = a["confidence"], a["rights"]
    buckets = ", ".join(f"{qty} {name}" for name, qty in a["buckets"].items()) or "none"
    return [
        f"SKU {a['sku']}: {a['available_to_promise']} may be promised to {a['channel']}",
        *(f"  {term['qty']:+6}  {term['name'].replace('_', ' ')}" for term in a["terms"]),
        f"in store  {a['on_hand']}: {buckets}",
        f"record    confidence {record['level']} ({record['score']} of 100): last count or first"
        f" move {record['days_since_count']} days ago, {record['sold_since_count']} sold since,"
        f" {record['adjustments_since_count']} corrections",
        f"rights    central was lent {rights['granted']} in all, spent {rights['spent']}, returned"
        f" {rights['returned']}; {rights['taken_back']} taken back, {rights['asked_back']} asked"
        f" back; it holds {rights['held']}",
        f"central   {_central(a['central'])}",
        "latest moves, the newest first",
        *(f"  {_move(one)}" for one in a["moves"]),
    ]


def _central(known: dict[str, Any] | None) -> str:
    if known is None:
        return "this store has none"
    if known["as_of"] is None:
        return "was never heard"
    line = "the line is up" if known["line"] == "up" else "THE LINE IS DOWN"
    unseen = f", {known['unseen']} moves not seen yet" if known["unseen"] else ""
    return (
        f"{line}; as of {known['as_of']} ({_age(known['age_s'])} ago) it knows"
        f" {known['on_hand']} in store, {known['available']} free, and may promise"
        f" {known['may_promise']}{unseen}"
    )


def _age(seconds: int) -> str:
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def _move(one: dict[str, Any]) -> str:
    if one["type"] == "StockMoved":
        what = f"{one['kind']} {one['qty']} {one['source']} → {one['target']}"
    else:
        known = ("entry", "type", "at", "actor", "cause", "reason")
        body = ", ".join(f"{name} {value}" for name, value in one.items() if name not in known)
        what = f"{one['type']} {body}"
    why = " ".join(
        str(one[name]) for name in ("reason", "order_id", "ref") if one.get(name) is not None
    )
    return f"{one['at']}  {what}  {why}  by {one['actor']} ({one['cause']})".replace("    ", "  ")


@click.group()
def rights() -> None:
    """The right to promise this store's units that central was lent."""


@rights.command("show")
@click.argument("sku", required=False)
@data_option
@json_option
def show_(sku: str | None, directory: Path, as_json: bool) -> None:
    """What central holds of each article, or of SKU."""
    found = read(directory, stock.lent_out, sku)
    show(found, as_json, lambda rows: [_right(row) for row in rows] or ["Central holds nothing."])


def _right(row: dict[str, Any]) -> str:
    return (
        f"{row['sku']:16} holds {row['held']}: lent {row['granted']}, spent {row['spent']},"
        f" returned {row['returned']}, taken back {row['taken_back']};"
        f" asked back {row['asked_back']}, answered {row['answered']}"
    )


@rights.command("return")
@click.argument("sku")
@click.option("--qty", type=click.IntRange(1), help="So many; all that central holds unless told.")
@data_option
@json_option
def return_(sku: str, qty: int | None, directory: Path, as_json: bool) -> None:
    """Ask central to give rights to SKU back; it returns what it has not spent.

    While the web's demand asks for a quota the hub lends anew: `web_quota_hours` 0 ends that.
    """
    answer = perform(directory, "rights.return", sku=sku, qty=qty)
    show(answer, as_json, lambda a: [f"{a['asked']} of SKU {sku} were asked back."])


@rights.command("reclaim")
@click.argument("sku")
@click.option("--qty", type=click.IntRange(1), help="So many; all that central holds unless told.")
@click.option("--yes", is_flag=True, help="Central is gone: do not ask.")
@data_option
@json_option
def reclaim(sku: str, qty: int | None, yes: bool, directory: Path, as_json: bool) -> None:
    """Take rights to SKU back without central's word, because it is gone.

    What it had promised meanwhile is then promised twice.
    """
    if not yes:
        click.confirm("Whatever central promised meanwhile is promised twice. Go on?", abort=True)
    answer = perform(directory, "rights.reclaim", sku=sku, qty=qty)
    show(answer, as_json, lambda a: [f"Central holds {a['held']} of SKU {sku} now."])


COMMANDS: Final = (explain, rights)
