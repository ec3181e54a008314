"""Rules of orders and streams: taken once, told in order, waited for, begun anew, as a snapshot.

It must never need more of head office's API than orders and the catalogue.
"""

import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from hub.catalog import queries as catalog
from hub.database import open_reader
from hub.errors import HubError
from sync import frames
from sync.download import Download
from sync.frames import SNAPSHOT_HEADER, FeedPage
from sync.protocol import Cursor
from sync.replica import ReplicaStore

from .examiner import Answer, Examiner, Shop, Untried, Wrong, must

ARTICLES: Final = 1200
NOT_HERE: Final = "0" * 16
WAIT_S: Final = 10


def intake(exam: Examiner) -> str:
    """An order is taken once, however often it is sent."""
    body, key = _order(exam, 1), f"conf-{exam.run}-1"
    first = exam.api("POST", "/orders", body, key).expect(201, "an order")
    told = first.json()
    for name in ("order_id", "state", "short_code", "pickup_code"):
        must(name in told, f"no {name} in the answer to an order")
    replay = exam.api("POST", "/orders", body, key).expect(201, "the same key and body again")
    must(replay.body == first.body, "another answer to the same key and body")
    said = replay.headers.get("Idempotency-Replayed")
    must(said == "true", f"Idempotency-Replayed is {said!r} in the answer again")
    other = _order(exam, 2)
    exam.api("POST", "/orders", other, key).expect(422, "the same key with another body")
    unkeyed = exam.api("POST", "/orders", body)
    must(unkeyed.status in (200, 201), f"{unkeyed.status} to the same order without a key")
    must(unkeyed.json().get("order_id") == body["order_id"], "another order without a key")
    changed = body | {"lines": [body["lines"][0] | {"qty": 2}]}
    exam.api("POST", "/orders", changed).expect(409, "another order of the same number")
    exam.api("POST", "/orders", {"order_id": 5}).expect(422, "an order that is none")
    placed = [row for row in _commands(exam) if _ordered(row) == body["order_id"]]
    must(len(placed) == 1, f"its store is told {len(placed)} times of one order")
    return "one order, one command, one answer"


def order(exam: Examiner) -> str:
    """Positions go up, and a cursor goes on exactly behind what was read."""
    for n in range(3, 8):
        exam.api("POST", "/orders", _order(exam, n), f"conf-{exam.run}-{n}").expect(201, "an order")
    page = _page(exam, exam.one, "commands", Cursor())
    places = [row.position for row in page.rows]
    must(places == sorted(set(places)), "positions do not go up")
    must(len(places) >= 6, f"{len(places)} commands after six orders")
    must(page.next == places[-1] <= page.end, f"next is {page.next} after {places[-1]}")
    rest = _page(exam, exam.one, "commands", Cursor(page.generation, places[2]))
    must([row.position for row in rest.rows] == places[3:], "a cursor in the middle skips or tells")
    end = _page(exam, exam.one, "commands", page.then())
    must(not end.rows and end.next == page.next, "rows behind the end")
    theirs = _page(exam, exam.two, "commands", Cursor())
    must(not theirs.rows, "another store is told of these orders")
    return f"{len(places)} commands in order, resumed in the middle and at the end"


def gone(exam: Examiner) -> str:
    """Another generation and a position beyond the end cannot go on: 410."""
    page = _page(exam, exam.one, "commands", Cursor())
    for stream, snapshot in (("commands", False), ("replica", True)):
        other = Cursor("another-" + NOT_HERE, 1)
        answer = _pull(exam, exam.one, stream, other).expect(410, f"another generation: {stream}")
        try:
            said = frames.read_gone(answer.body)
        except frames.Malformed as error:
            raise Wrong(f"410 that can't be read: {error}") from None
        must(said.generation == page.generation, "410 names another generation")
        must(said.snapshot == snapshot, f"410 of {stream} says snapshot {said.snapshot}")
    early = _pull(exam, exam.one, "commands", Cursor("", 1))
    early.expect(410, "a position without a generation")
    return "410 with the generation, and where to go on"


def waits(exam: Examiner) -> str:
    """A pull at the end is answered as soon as there is something."""
    if not exam.token:
        raise Untried("no token of central's API was given")
    at = _page(exam, exam.one, "commands", Cursor()).then()
    body, placed = _order(exam, 9), []
    timer = threading.Timer(0.5, lambda: placed.append(exam.api("POST", "/orders", body)))
    timer.start()
    try:
        page = _page(exam, exam.one, "commands", at, WAIT_S)
    finally:
        timer.join()
    must(bool(placed) and placed[0].status == 201, "the order meanwhile was not taken")
    must(
        [_ordered(row.row) for row in page.rows] == [body["order_id"]], "answered without the order"
    )
    return "the order came while one waited"


def catalogue(exam: Examiner) -> str:
    """Each article comes by the feed; what changed comes again, later."""
    page = _page(exam, exam.one, "replica", Cursor())
    start = Cursor(page.generation, page.end)
    rows = [_product(exam, n, "before") for n in range(ARTICLES)]
    for n in range(0, ARTICLES, 500):
        _publish(exam, rows[n : n + 500])
    exam.articles = ARTICLES
    seen, at = _walk(exam, start)
    must(set(seen) >= {row["sku"] for row in rows}, "articles are missing in the feed")
    _publish(exam, [_product(exam, 0, "after")])
    later, end = _walk(exam, at)
    must(later == {f"{exam.sku}-0": "after"}, f"a change of one article told of {len(later)}")
    must(end.position > at.position, "a change did not move the end")
    return f"{ARTICLES} articles and one change"


def snapshot(exam: Examiner) -> str:
    """The catalogue as one file: named by its digest, resumed in the middle, gone on from."""
    whole = _fetch(exam, "", 0)
    name, total, content = whole
    parts = [content]
    while sum(map(len, parts)) < total:
        same, _, more = _fetch(exam, name, sum(map(len, parts)))
        must(same == name and bool(more), "the snapshot ends before its end")
        parts.append(more)
    middle = total // 2
    again, _, rest = _fetch(exam, name, middle)
    file = b"".join(parts)
    must(again == name and file[middle:].startswith(rest) and bool(rest), "no part from the middle")
    with _opened(name, file) as (conn, at):
        missing = sum(
            catalog.product(conn, f"{exam.sku}-{n}") is None for n in range(exam.articles)
        )
        must(missing == 0, f"{missing} of {exam.articles} articles are not in the snapshot")
    _pull(exam, exam.one, "replica", at).expect(200, "going on by the feed after the snapshot")
    return f"{total} bytes, resumed; the feed goes on behind it"


@contextmanager
def _opened(name: str, file: bytes) -> Iterator[tuple[Any, Cursor]]:
    """Take the snapshot in as a hub does."""
    with tempfile.TemporaryDirectory(prefix="storehub-conformance-") as place:
        path = Path(place) / "replica.db"
        download, replica = Download(path), ReplicaStore(path)
        download.keep(name, 0, file)
        try:
            with download.unpacked(name) as fresh:
                if fresh is None:
                    raise Wrong("the snapshot's bytes are not those of its digest")
                at = replica.swap(fresh)
        except HubError as error:
            raise Wrong(f"the snapshot can't be taken in: {error.sentence}") from error
        finally:
            replica.close()
        conn = open_reader(path)
        try:
            yield conn, at
        finally:
            conn.close()


def _fetch(exam: Examiner, name: str, offset: int) -> tuple[str, int, bytes]:
    answer = exam.door(exam.one, f"/snapshot?digest={name}&offset={offset}")
    answer.expect(200, f"a snapshot from byte {offset}")
    said = answer.headers.get(SNAPSHOT_HEADER, "").split(" ")
    must(len(said) == 3 and said[1].isdecimal() and said[2].isdecimal(), f"no {SNAPSHOT_HEADER}")
    must(said[0] != name or int(said[1]) == offset, f"bytes from {said[1]}, asked from {offset}")
    return said[0], int(said[2]), answer.body


def _walk(exam: Examiner, at: Cursor) -> tuple[dict[str, str], Cursor]:
    """Read the catalogue from `at` to its end: this run's articles and their names."""
    seen: dict[str, str] = {}
    while True:
        page = _page(exam, exam.one, "replica", at)
        places = [row.position for row in page.rows]
        must(places == sorted(set(places)), "positions of the catalogue do not go up")
        for row in page.rows:
            sku = str(row.row.get("sku", ""))
            if row.row.get("kind") == "product" and sku.startswith(f"{exam.sku}-"):
                seen[sku] = row.row["names"]["en"]
        if not page.rows:
            return seen, page.then()
        at = page.then()


def _publish(exam: Examiner, rows: list[dict[str, Any]]) -> None:
    answer = exam.api("POST", "/catalog/import", {"rows": rows})
    if answer.status in (404, 405):
        raise Untried("central takes its catalogue in by another way")
    answer.expect(200, "POST /api/v1/catalog/import")


def _product(exam: Examiner, n: int, name: str) -> dict[str, Any]:
    return {"kind": "product", "sku": f"{exam.sku}-{n}", "names": {"en": name}, "unit": "piece"}


def _order(exam: Examiner, n: int) -> dict[str, Any]:
    return {
        "order_id": f"CONF-{exam.run}-{n}",
        "store": exam.one.store,
        "lines": [{"line_id": "L1", "sku": exam.sku, "qty": 1, "unit_price_minor": 100}],
        "currency": "EUR",
        "customer": {"name": "Ida Probe", "email": "ida@example.test", "phone": None},
        "promise_at": None,
    }


def _commands(exam: Examiner) -> list[Any]:
    return [row.row for row in _page(exam, exam.one, "commands", Cursor()).rows]


def _ordered(row: Any) -> str:
    return str(row.get("order", {}).get("order_id", "")) if isinstance(row, dict) else ""


def _pull(exam: Examiner, shop: Shop, stream: str, at: Cursor, wait: int = 0) -> Answer:
    asked = f"stream={stream}&generation={at.generation}&after={at.position}&mark={at.mark}"
    return exam.door(shop, f"/feed?{asked}&wait={wait}")


def _page(exam: Examiner, shop: Shop, stream: str, at: Cursor, wait: int = 0) -> FeedPage:
    answer = _pull(exam, shop, stream, at, wait).expect(200, f"a pull of {stream}")
    try:
        page = frames.read_page(answer.body)
    except frames.Malformed as error:
        raise Wrong(f"a page that can't be read: {error}") from None
    must(page.after == at.position, f"a page after {page.after}, asked for after {at.position}")
    return page
