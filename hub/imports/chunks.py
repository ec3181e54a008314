"""Delivers a checked file in small chunks, and applies one chunk of stock or sales at the hub.

It must never keep the writer busy for long: a chunk is a transaction that other commands wait for.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from hub import clock
from hub.errors import Invalid, Refusal
from hub.imports.kinds import Item
from hub.imports.report import Problem, Report
from hub.journal import Transaction
from hub.pickup import selling
from hub.shelf import actions as shelf
from hub.stock import actions as stock

# Rows of the replica feed that central takes in one request.
FEED_ROWS: Final = 1000
# A count takes the writer some 0.3 ms on a busy PC: 20 keep a till waiting for 6 ms.
LINES: Final = 20
REASON: Final = "IMPORT"
# Lines that say the same here are one statement and are never parted.
TOGETHER: Final = {"sales": "sale_id", "planogram": "place"}

Chunk = dict[str, Any]
Answer = Mapping[str, Any]
Deliver = Callable[[Chunk], Answer]
Progress = Callable[[int, int], None]


class Applied(msgspec.Struct, kw_only=True):
    """What came of an import: lines applied, lines known from before, lines refused at the end."""

    applied: int = 0
    known: int = 0
    refused: list[Problem] = []

    @property
    def ok(self) -> bool:
        return not self.refused

    def as_json(self) -> dict[str, Any]:
        return {**msgspec.to_builtins(self), "ok": self.ok}


def apply(
    report: Report,
    deliver: Deliver,
    progress: Progress | None = None,
    *,
    partial: bool = False,
) -> Applied:
    """Deliver the file chunk by chunk; `progress(done, all)` counts its rows.

    A chunk of stock or sales is `{"cause", "lines": [{"line", …}]}`, one of the catalogue
    `{"cause", "lines": n, "rows": [feed rows], "row_lines": [the line of each row]}`. `deliver`
    answers, after the chunk is on disk, `{"applied", "known"?, "refused"?: [{"line", "column",
    "value", "reason"}]}` in lines. What it raises ends the import; run again, it goes on there.
    """
    total = Applied(refused=[])
    done = 0
    for size, chunk in chunks(report, partial=partial):
        answer = deliver(chunk)
        total.known += answer.get("known", 0)
        total.applied += answer.get("applied", 0)
        total.refused += [msgspec.convert(one, Problem) for one in answer.get("refused", ())]
        done += size
        if progress is not None:
            progress(done, report.rows)
    return total


def chunks(report: Report, *, partial: bool = False) -> Iterator[tuple[int, Chunk]]:
    """Yield (rows in it, chunk); the same file is always cut in the same places."""
    items = report.items(partial=partial)
    if report.kind == "catalog":
        yield from _feed(report.cause, items)
        return
    for batch in _batches(items, TOGETHER.get(report.kind)):
        yield len(batch), {"cause": report.cause, "lines": batch}


def _feed(cause: str, items: Iterable[Item]) -> Iterator[tuple[int, Chunk]]:
    batch: list[Item] = []
    size = 0
    for item in items:
        if batch and size + len(item["rows"]) > FEED_ROWS:
            yield len(batch), _page(cause, batch)
            batch, size = [], 0
        batch.append(item)
        size += len(item["rows"])
    if batch:
        yield len(batch), _page(cause, batch)


def _page(cause: str, batch: list[Item]) -> Chunk:
    return {
        "cause": f"{cause}:{batch[0]['line']}",
        "lines": len(batch),
        "rows": [row for item in batch for row in item["rows"]],
        "row_lines": [item["line"] for item in batch for _ in item["rows"]],
    }


def _batches(items: Iterable[Item], together: str | None) -> Iterator[list[Item]]:
    batch: list[Item] = []
    for item in items:
        goes_on = together and batch and item[together] == batch[-1][together]
        if len(batch) >= LINES and not goes_on:
            yield batch
            batch = []
        batch.append(item)
    if batch:
        yield batch


def stock_chunk(tx: Transaction, chunk: Mapping[str, Any]) -> dict[str, Any]:
    """Record each line as a count of that SKU, each under its own cause (file, line).

    Absolute stock from outside is never an overwrite: a count states what was expected, what was
    found, and the move between them.
    """

    def count(item: Item, cause: str) -> None:
        stock.count(tx, item["sku"], item["qty"], actor="hub", cause=cause, reason=REASON)

    return _each(
        tx,
        chunk["cause"],
        ([item] for item in chunk["lines"]),
        lambda group, cause: count(group[0], cause),
    )


def sales_chunk(tx: Transaction, chunk: Mapping[str, Any]) -> dict[str, Any]:
    """Record each sale, under the cause of its first line. A sale that is known moves nothing."""

    def sell(group: list[Item], cause: str) -> None:
        lines = [{"sku": item["sku"], "qty": item["qty"]} for item in group]
        at = group[0]["at"]
        selling.sell(
            tx,
            group[0]["sale_id"],
            lines,
            actor="hub",
            cause=cause,
            occurred_at=None if at is None else clock.parse(at),
        )

    return _each(tx, chunk["cause"], _grouped(chunk["lines"], TOGETHER["sales"]), sell)


def planogram_chunk(tx: Transaction, chunk: Mapping[str, Any]) -> dict[str, Any]:
    """Set each place whole, under the cause of its first line."""

    def plan(group: list[Item], cause: str) -> None:
        shelf.plan(tx, group, actor="hub", cause=cause)

    return _each(tx, chunk["cause"], _grouped(chunk["lines"], TOGETHER["planogram"]), plan)


def _grouped(lines: Iterable[Item], together: str) -> Iterator[list[Item]]:
    group: list[Item] = []
    for item in lines:
        if group and item[together] != group[0][together]:
            yield group
            group = []
        group.append(item)
    if group:
        yield group


def _each(
    tx: Transaction,
    cause: str,
    groups: Iterable[list[Item]],
    act: Callable[[list[Item], str], None],
) -> dict[str, Any]:
    applied = known = 0
    refused = []
    for group in groups:
        line = group[0]["line"]
        own = f"{cause}:{line}"
        if tx.knows(own):
            known += len(group)
            continue
        try:
            act(group, own)
        except (Refusal, Invalid) as error:
            # The action decides before it appends, so nothing of this line was written.
            refused.append(
                {"line": line, "column": "", "value": group[0]["sku"], "reason": error.sentence}
            )
        else:
            applied += len(group)
    return {"applied": applied, "known": known, "refused": refused}
