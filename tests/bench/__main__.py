"""Runs the bench and writes docs/bench.md: `make bench`, or `make bench ARGS="ingest latency"`."""

import sys
from collections.abc import Callable

from tests.bench import board, crowd, figures, foreign, ingest, inside, latency, whole
from tests.bench.figures import Row
from tests.bench.stage import Stage, started
from tests.components import which

ON_STAGE: dict[str, tuple[str, str, Callable[[Stage], list[Row]]]] = {
    "fresh": ("Memory at first", "Resident size of the hub's one process.", whole.fresh_memory),
    "latency": (
        "Latency", "20 event streams, 40 list reads, 40 searches and 20 sales a second go on "
        "beside; 200 sales a second are the probes, the rest is telemetry.", latency.measure,
    ),
    "ingest": (
        "Ingest", "Two generators in C (`mosquitto_pub -l`, QoS 1, 250 bytes); counted is what "
        "is committed.", ingest.measure,
    ),
    "crowd": (
        "Two hundred devices", "Real clients (`devices/client.py`), all in one process, each with "
        "its outbox; batches as above.", crowd.measure,
    ),
    "foreign": (
        "Foreign devices", "Readers in C publish what an Impinj R700 says, QoS 1; the gateway is "
        "a process of its own.", foreign.measure,
    ),
    "push": ("Sync", "Hub → line proxy → central, each a process.", whole.push),
    "memory": ("Memory", "The same process after all of the above.", whole.memory),
    "start": ("Start", "From the process's start to `/readyz` 200.", whole.cold_start),
}  # fmt: skip
INSIDE: dict[str, tuple[str, str, Callable[[], list[Row]]]] = {
    "append": ("The writer", "In one process, without broker and web.", inside.append),
    "board": ("The counter", "300 open orders; screens and Chromium on the same cores; a change is "
              "timed from its commit to the second frame that shows it.", board.measure),
    "search": ("Search", "In one process; words, two words, beginnings, three words.",
               inside.catalogue),
}  # fmt: skip


def main(wanted: list[str]) -> None:
    names = wanted or [*INSIDE, *ON_STAGE]
    if unknown := set(names) - {*INSIDE, *ON_STAGE}:
        raise SystemExit(f"No such row: {', '.join(unknown)}. There are {[*INSIDE, *ON_STAGE]}.")
    if which("mosquitto_pub") is None:
        raise SystemExit("mosquitto_pub is missing: sudo apt-get install mosquitto-clients")
    sections: list[tuple[str, str, list[Row]]] = []

    def note(title: str, sentence: str, rows: list[Row]) -> None:
        sections.append((title, sentence, rows))
        for row in rows:
            mark = {True: "met", False: "MISSED", None: ""}[row.met]
            print(f"{row.what}: {row.figure}  {row.budget} {mark}  {row.peer} {row.ratio}",
                  flush=True)  # fmt: skip

    if any(name in ON_STAGE for name in names):
        with started() as stage:
            for name, (title, sentence, measure) in ON_STAGE.items():
                if name in names:
                    note(title, sentence, measure(stage))
    for name, (title, sentence, run) in INSIDE.items():
        if name in names:
            note(title, sentence, run())
    if not wanted:
        figures.write(sections)
        print(f"Written: {figures.DOCUMENT.name}")


if __name__ == "__main__":
    main(sys.argv[1:])
