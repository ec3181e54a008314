"""Central in memory: books that are committed whole, copies that somebody puts back, one process.

Everything that decides is the shipped `sync.protocol`; here are only its books.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import msgspec

from hub.chain import Pair
from sync import protocol
from sync.protocol import Cursor, Fence, JournalPage, Life, Push, PushAnswer, Stream

from .fold import Ledger
from .world import Busy, Crash, World

PAGE_ROWS = 12
PART_BYTES = 400


@dataclass
class Feed:
    """A stream: (position, key, row). Positions are taken at the commit."""

    rows: list[tuple[int, str, Any]] = field(default_factory=list)
    end: int = 0
    horizon: int = 0
    marks: list[tuple[int, str]] = field(default_factory=list)

    def copy(self) -> "Feed":
        return Feed(list(self.rows), self.end, self.horizon, list(self.marks))

    def mark_at(self, position: int) -> str:
        return next((mark for at, mark in self.marks if at >= position), "")


@dataclass
class Books:
    """What central has on disk."""

    generation: str = ""
    nonce: str = ""
    journals: dict[str, Ledger] = field(default_factory=dict)
    fences: dict[str, Fence] = field(default_factory=dict)
    commands: dict[str, Feed] = field(default_factory=dict)
    replica: Feed = field(default_factory=Feed)

    def copy(self) -> "Books":
        made = Books(self.generation, self.nonce)
        for store, ledger in self.journals.items():
            made.journals[store] = Ledger()
            ledger.copied(made.journals[store])
        made.fences = dict(self.fences)
        made.commands = {store: feed.copy() for store, feed in self.commands.items()}
        made.replica = self.replica.copy()
        return made


class Office:
    """Central's process over its books."""

    early_positions = False

    def __init__(self, world: World, stores: list[str]) -> None:
        self.world = world
        self.books = Books()
        for store in stores:
            self.books.journals[store] = Ledger()
            self.books.fences[store] = Fence()
            self.books.commands[store] = Feed()
        self.beside: str | None = None
        self.alive = False
        self.on_fence: Callable[[str], None] = lambda store: None
        self.start()

    # --- life and death

    def start(self) -> None:
        """Begin: another nonce in the books and beside them."""
        if self.alive:
            return
        books, world = self.books, self.world
        stored = Life(books.generation, books.nonce) if books.nonce else None
        life = protocol.begin(stored, self.beside, Life(world.bits(), world.bits()))
        if stored is not None and life.generation != stored.generation:
            world.counts["generation by nonce"] += 1
        books.generation, books.nonce = life
        self.beside = life.nonce
        self.alive = True
        world.tell("central starts", books.generation)

    def crash(self) -> None:
        if self.alive:
            self.alive = False
            self.world.tell("central dies")
            self.world.after(self.world.rng.uniform(1, 20), self.start)

    def fail_over(self, copy: Books, with_nonce: bool) -> None:
        """Go on with an older copy; `with_nonce`: the file beside it is as old."""
        self.alive = False
        self.books = copy.copy()
        if with_nonce:
            self.beside = copy.nonce
        self.world.counts["fail-over"] += 1
        self.world.tell("central fails over")
        self.world.after(self.world.rng.uniform(1, 20), self.start)

    def commit(self, work: Callable[[], None]) -> None:
        """Do `work` whole; around it the process may die, and then nobody is answered."""
        world = self.world
        if world.chance("crash"):
            world.counts["central crash before commit"] += 1
            self.crash()
            raise Crash
        if world.chance("unknown"):
            if world.rng.random() < 0.5:
                work()
            self.crash()
            raise Crash
        work()
        if world.chance("crash"):
            world.counts["central crash after commit"] += 1
            self.crash()
            raise Crash

    def renew(self) -> None:
        self.world.counts["generation by answer"] += 1
        self.books.generation = self.world.bits()
        self.world.tell("new generation", self.books.generation)

    # --- doors

    def push(self, store: str, push: Push) -> PushAnswer:
        if not self.alive:
            raise Busy
        books = self.books
        ledger = books.journals[store]
        if protocol.has_gone_back(books.generation, push, ledger):
            self.commit(self.renew)
        received = protocol.receive(books.generation, books.fences[store], push, ledger)
        self.world.counts[f"push {received.answer.status}"] += 1
        was_fenced = books.fences[store].oldest

        def work() -> None:
            books.fences[store] = received.fence
            ledger.extend(push.contents if received.pairs else ())

        if received.pairs or received.fence != books.fences[store]:
            self.commit(work)
            if received.fence.oldest and not was_fenced:
                self.on_fence(store)
                self.world.counts["fence"] += 1
                self.world.tell("fence", store, received.fence.oldest)
        return received.answer

    def page(self, store: str, pairs: tuple[Pair, ...]) -> tuple[JournalPage | None, str]:
        if not self.alive:
            raise Busy
        found = protocol.page(pairs, self.books.journals[store], PAGE_ROWS)
        return found, self.books.generation

    def feed_of(self, store: str, stream: str) -> Feed:
        return self.books.commands[store] if stream == "commands" else self.books.replica

    def feed(self, store: str, stream: str, asked: Cursor) -> tuple[str, Any]:
        """Answer ("page", (then, rows)) or ("gone", (generation, start, snapshot?))."""
        if not self.alive:
            raise Busy
        feed = self.feed_of(store, stream)
        generation = self.books.generation
        held = Stream(
            generation, feed.end, feed.horizon, stream == "replica", feed.mark_at(asked.position)
        )
        judged = protocol.feed_verdict(held, asked)
        if judged == "page":
            rows = [row for row in feed.rows if row[0] > asked.position][:PAGE_ROWS]
            at = rows[-1][0] if rows else asked.position
            then = Cursor(generation, at, feed.mark_at(at) if at else "")
            return "page", (then, rows)
        if judged == "lost":
            self.commit(self.renew)
        self.world.counts[f"410 {stream}"] += 1
        return "gone", (self.books.generation, feed.horizon, stream == "replica")

    def snapshot(self, digest: str, offset: int) -> tuple[str, int, bytes, int]:
        """Answer (digest, offset, part, total) of the current replica rows."""
        if not self.alive:
            raise Busy
        feed = self.books.replica
        at = (self.books.generation, feed.end, feed.mark_at(feed.end) if feed.end else "")
        rows = {key: row for _, key, row in feed.rows if row is not None}
        body = msgspec.json.encode((at, rows))
        named = blake2b(body, digest_size=8).hexdigest()
        start = offset if digest == named else 0
        return named, start, body[start : start + PART_BYTES], len(body)

    # --- what people and programs do at head office

    def order(self, store: str, row: dict[str, Any]) -> None:
        """Put a command into a store's stream; its position is taken at the commit."""
        books = self.books
        feed = books.commands[store]
        taken = feed.end + 1 if self.early_positions else 0
        if taken:
            feed.end = taken

        def work() -> None:
            if not taken:
                feed.end += 1
            feed.rows.append((taken or feed.end, row["id"], row))
            feed.rows.sort()
            feed.marks.append((taken or feed.end, self.world.bits()))
            feed.marks.sort()

        def finish() -> None:
            if self.alive and self.books is books:
                with suppress(Crash):
                    self.commit(work)

        if self.world.plan.slow_commits and not self.world.quiet:
            self.world.counts["slow commit"] += 1
            self.world.after(self.world.rng.uniform(0, 60), finish)
        else:
            finish()

    def publish(self, rows: dict[str, Any]) -> None:
        """Change the catalogue: the latest row of a key stands where it changed last."""

        def work() -> None:
            feed = self.books.replica
            kept = [row for row in feed.rows if row[1] not in rows]
            for key, row in rows.items():
                feed.end += 1
                kept.append((feed.end, key, row))
            feed.rows = kept
            feed.marks.append((feed.end, self.world.bits()))

        self.commit(work)

    def truncate(self) -> None:
        """Let go of what is settled: answered commands, and rows that are long deleted."""
        for store, feed in self.books.commands.items():
            text = b"\n".join(self.books.journals[store].rows)
            while feed.rows and f'"central:{feed.rows[0][1]}"'.encode() in text:
                feed.horizon = feed.rows.pop(0)[0]
                self.world.counts["truncation"] += 1
        feed = self.books.replica
        gone = [row for row in feed.rows if row[2] is None]
        if gone:
            feed.horizon = max(row[0] for row in gone)
            feed.rows = [row for row in feed.rows if row[2] is not None]
            self.world.counts["truncation"] += 1
