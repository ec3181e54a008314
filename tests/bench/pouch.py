"""Our push beside PouchDB → express-pouchdb, the same facts in one run, in turn.

The peer is fetched by npm into build/pouch and is never part of what ships. A document is a fact,
with the same content. Run it alone:

    python -m tests.bench.pouch [ROWS [ROUNDS]]

The peer's clock runs from the start of its replication to its end, both ends' databases open and
the local one full; ours from making the chain and packing to the last answer after the commit.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.figures import middle
from tests.bench.push_central import facts, measure, packed

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name("pouch.js")
CACHE = ROOT / "build" / "pouch"
# express-pouchdb 4.2.0 is the last release; it asks for express 4.
PACKAGES = ("pouchdb@9.0.0", "express-pouchdb@4.2.0", "express@4.21.2")
# PouchDB's own default, and larger ones, so that the peer is not held back by it.
BATCHES = (100, 1000, 4000)
SYNCS = "fsync,fdatasync"


class Missing(Exception):
    """What the peer needs is not on this machine."""


def install() -> None:
    """Fetch the peer once. Raises `Missing` with a sentence that says what to do."""
    for tool in ("node", "npm"):
        if shutil.which(tool) is None:
            raise Missing(f"{tool} is not installed: the peer needs Node.js 18 or later and npm.")
    stamp = CACHE / "installed"
    if stamp.exists() and stamp.read_text() == " ".join(PACKAGES):
        return
    CACHE.mkdir(parents=True, exist_ok=True)
    (CACHE / "package.json").write_text('{"private": true}')
    told = ("npm", "install", "--no-audit", "--no-fund", "--loglevel=error", *PACKAGES)
    try:
        subprocess.run(told, cwd=CACHE, check=True, timeout=300, capture_output=True, text=True)
    except subprocess.CalledProcessError as failed:
        raise Missing(f"npm could not fetch the peer: {failed.stderr.strip()[-400:]}") from None
    except subprocess.TimeoutExpired:
        raise Missing("npm could not fetch the peer within 300 s: no registry?") from None
    stamp.write_text(" ".join(PACKAGES))


@contextmanager
def serving(folder: Path, *before: str) -> Iterator[str]:
    """Run express-pouchdb as a process of its own; gives its address."""
    process = subprocess.Popen(
        [*before, "node", str(SCRIPT), "serve", str(folder)],
        env=_environment(), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        port = process.stdout.readline().strip()
        if not port:
            raise Missing("express-pouchdb did not start; what it said is above.")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def replicate(rows: int, batch: int) -> float:
    """Return documents a second from the start of the replication to its end."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        with serving(folder) as url:
            return rows / _push(folder, url, rows, batch)


def syncs_of_peer(rows: int, batch: int) -> int | None:
    """Count the server's fsyncs for so many documents, apart from the timing. None: no strace."""
    if shutil.which("strace") is None:
        return None
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        trace = folder / "trace"
        # -D: the server stays our child, so that it is the server that we end.
        tracing = ("strace", "-D", "-f", "-e", f"trace={SYNCS}", "-o", str(trace))
        with serving(folder, *tracing) as url:
            _push(folder, url, rows, batch)
            return sum("sync(" in line for line in trace.read_text().splitlines())


def _push(folder: Path, url: str, rows: int, batch: int) -> float:
    documents = folder / "documents"
    with documents.open("w", encoding="utf-8") as file:
        for content in facts(rows):
            body = json.loads(content)
            file.write(json.dumps({"_id": body["id"], **body}) + "\n")
    told = ("node", str(SCRIPT), "push", str(folder), str(documents), f"{url}/central", str(batch))
    said = subprocess.run(told, env=_environment(), check=True, stdout=subprocess.PIPE, text=True)
    seconds: float = json.loads(said.stdout)["seconds"]
    return seconds


def _environment() -> dict[str, str]:
    return os.environ | {"NODE_PATH": str(CACHE / "node_modules")}


def ours(rows: int) -> tuple[float, float]:
    """Return facts a second with the making of chain and batches, and without."""
    began = time.monotonic()
    packed(rows)
    packing = time.monotonic() - began
    bare = measure("sqlite", rows)
    return rows / (rows / bare + packing), bare


def run(rows: int = 20_000, rounds: int = 3) -> None:
    """Print medians of alternating rounds, and who asks the disk."""
    install()
    peer: dict[int, list[float]] = {batch: [] for batch in BATCHES}
    whole: list[float] = []
    bare: list[float] = []
    for _ in range(rounds):
        for batch in BATCHES:
            peer[batch].append(replicate(rows, batch))
        with_packing, without = ours(rows)
        whole.append(with_packing)
        bare.append(without)
    for batch, rates in peer.items():
        told = ", ".join(f"{rate:,.0f}" for rate in rates)
        print(f"PouchDB → express-pouchdb, batches of {batch}: {middle(rates):,.0f}/s ({told})")
    told = ", ".join(f"{rate:,.0f}" for rate in whole)
    print(f"our push to central on SQLite, projected: {middle(whole):,.0f} facts/s ({told})")
    print(f"  without making chain and batches: {middle(bare):,.0f} facts/s")
    best = max(BATCHES, key=lambda batch: middle(peer[batch]))
    ratio = middle(whole) / middle(peer[best])
    print(f"ours / the peer at its best (batches of {best}): {ratio:.1f}")
    counted = syncs_of_peer(rows, best)
    batches = -(-rows // best)
    said = "not counted, no strace here" if counted is None else f"{counted:,}"
    print(f"fsyncs of the peer's server for {rows:,} documents in {batches} batches: {said}")
    print("ours: a commit a batch with PRAGMA synchronous=FULL, answered after its fsync")
    print("load average: " + " ".join(f"{one:.1f}" for one in os.getloadavg()))


if __name__ == "__main__":
    try:
        run(*(int(one) for one in sys.argv[1:]))
    except Missing as missing:
        sys.exit(str(missing))
