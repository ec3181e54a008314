"""What a measured row is, and how rows become docs/bench.md. It must never round in our favour."""

import os
import platform
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

DOCUMENT = Path(__file__).parents[2] / "docs" / "bench.md"


@dataclass(frozen=True)
class Row:
    """One line of the table: what, the figure, the budget, and the peer of the same run."""

    what: str
    figure: str
    budget: str
    met: bool | None
    peer: str = ""
    ratio: str = ""
    why: str = ""


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which `share` of all lie (nearest rank, upward)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def spread(values: Sequence[float]) -> str:
    """Say p50/p99 in milliseconds."""
    return f"{percentile(values, 0.5):.1f} / {percentile(values, 0.99):.1f} ms"


def middle(values: Sequence[float]) -> float:
    return float(median(values))


def within(values: Sequence[float], p50: float, p99: float | None) -> bool:
    return percentile(values, 0.5) <= p50 and (p99 is None or percentile(values, 0.99) <= p99)


def machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} shared {platform.machine()} cores, {memory:.0f} GiB, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    )


def write(sections: Sequence[tuple[str, str, Sequence[Row]]]) -> str:
    """Write docs/bench.md and return its text. A section is a title, a sentence and rows."""
    rows = [row for _, _, found in sections for row in found]
    missed = [row for row in rows if row.met is False]
    now = datetime.now(UTC)
    lines = [
        "# Figures",
        "",
        f"Written by `make bench` on {now:%Y-%m-%d} at {now:%H:%M} UTC. Machine: {machine()}. "
        "Broker, load generator, central and hub share these cores. "
        f"**Not tested on a Raspberry Pi.** {os.environ.get('BENCH_NOTE', '')}".rstrip(),
        "",
        "Trust the ratios. Ingest and the writer: peers in rounds that alternate with ours, "
        "medians of three. Latencies: p50 / p99 over one phase; their peer, a bare commit, is "
        "timed right after it while telemetry and web load go on and the probes rest. "
        "PouchDB did not run. "
        "Nothing here is a test; a slower machine fails nothing.",
        "",
    ]
    for title, sentence, found in sections:
        lines += [f"## {title}", "", sentence, ""]
        lines += ["| what | figure | budget | | peer in the same run | ratio |"]
        lines += ["|---|---|---|---|---|---|"]
        for row in found:
            mark = {True: "met", False: "**missed**", None: ""}[row.met]
            lines += [
                f"| {row.what} | {row.figure} | {row.budget} | {mark} | {row.peer} | {row.ratio} |"
            ]
        lines += [""]
    lines += ["## What is missed, and why", ""]
    lines += [f"- {row.what}: {row.figure} against {row.budget}. {row.why}" for row in missed] or [
        "Nothing that was measured."
    ]
    text = "\n".join(lines) + "\n"
    DOCUMENT.write_text(text, encoding="utf-8")
    return text
