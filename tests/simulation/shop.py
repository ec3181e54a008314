"""A hub in memory: a disk that survives, a process that does not, and the shipped steps between.

Whatever the protocol decides is `sync.protocol`; here is only what a commit writes.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from hashlib import blake2b
from typing import Any

import msgspec

from sync import frames, protocol
from sync.protocol import (
    Answered,
    Apply,
    Ask,
    Cursor,
    Failed,
    Fetch,
    Gone,
    Keep,
    Offer,
    Page,
    Paged,
    Part,
    Rebase,
    Rebased,
    Saved,
    Scrub,
    Scrubbed,
    Send,
    Spoilt,
    Stage,
    Stop,
    Swap,
    Tick,
    Wait,
)

from .fold import folded
from .machine import Disk, Machine, Told
from .world import Crash, Exchange


class Hub(Machine):
    """The loops of a hub: each step is the protocol's."""

    def wake(self, loop: str, delay: float) -> None:
        """Let a loop step after `delay`, unless it is to step earlier."""
        when = self.world.now + max(0.0, delay)
        known = self.due.get(loop)
        if known is not None and known <= when:
            return
        self.due[loop] = when
        life = self.life

        def step() -> None:
            if self.alive and self.life == life and self.due.get(loop) == when:
                del self.due[loop]
                with suppress(Crash):
                    self._push() if loop == "push" else self._pull(loop)

        self.world.at(when, step)

    def _exchange(self, loop: str, answer: Callable[[Any], None]) -> Exchange:
        """A question whose answer counts only for the process that asked."""
        life = self.life

        def live(take: Callable[..., None]) -> Callable[..., None]:
            def guarded(*told: Any) -> None:
                if self.alive and self.life == life:
                    if self.world.chance("crash"):
                        self.world.counts["hub crash between answer and cursor"] += 1
                        self.crash()
                        return
                    try:
                        take(*told)
                    except Crash:
                        return
                    self.wake(loop, 0.0)

            return guarded

        def failed(trouble: Any, retry_after_s: float | None) -> None:
            message = Failed(self.world.now, trouble, self.world.rng.random(), retry_after_s)
            if loop == "push":
                self._take(message)
            else:
                self._took(loop, message)

        return Exchange(self.world, self.machine, live(answer), live(failed))

    # --- push

    def _take(self, message: Any) -> Any:
        self.pusher, effect = protocol.push_step(self.pusher, message, self.disk)
        return effect

    def _push(self) -> None:
        now = self.world.now
        effect = self._take(Tick(now, self.disk.head()))
        if isinstance(effect, Wait):
            self.wake("push", effect.until - now)
        elif isinstance(effect, Send):
            self._send(effect)
        elif isinstance(effect, Offer):
            self.world.counts["offer"] += 1
            exchange = self._exchange("push", lambda got: self._paged(effect, *got))
            exchange.send(lambda: self.office.page(self.store, effect.pairs))
        elif isinstance(effect, Rebase):
            self._take(Rebased(now, self._rebase(effect)))
            self.wake("push", 0.0)
        elif isinstance(effect, Scrub):
            bad = self.disk.damage()
            self.world.counts["damage found"] += bool(bad)
            self._take(Scrubbed(now, self.disk.pair_at(bad - 1) if bad else None))
            self.wake("push", 0.0)
        elif isinstance(effect, Stop):
            self.retired, self.alive = True, False
            self.world.counts["retired and drained"] += 1
            self.world.tell(self.machine, "stops")

    def _send(self, send: Send) -> None:
        push = protocol.packed(self.pusher, send, self.disk)
        if self.world.seed % 16 == 0:
            push = frames.unpack_push(frames.pack_push(push))
        exchange = self._exchange("push", lambda answer: self._answered(send, answer))
        exchange.send(lambda: self.office.push(self.store, push))

    def _answered(self, send: Send, answer: Any) -> None:
        world = self.world
        if answer.status == "damaged":
            self._take(Failed(world.now, "damaged", world.rng.random()))
            return
        before = self.pusher.standing
        self._take(Answered(world.now, send.after, answer))
        if self.pusher.standing == "forked" != before:
            world.counts["fork"] += 1
            world.tell(self.machine, "forked")
        self._note()

    def _note(self) -> None:
        cursor = self.pusher.cursor, self.pusher.shown
        if cursor != self.disk.pushed and self.world.rng.random() < 0.3:
            self.disk.pushed = cursor

    def _paged(self, offer: Offer, page: Any, generation: str) -> None:
        effect = self._take(Paged(self.world.now, offer, page, generation))
        if isinstance(effect, Stage):

            def work() -> None:
                staged = self.disk.staged
                if effect.first:
                    staged.clear()
                staged.extend(effect.contents)

            self.commit(work)

    def _rebase(self, effect: Rebase) -> bool:
        disk = self.disk
        if disk.pair_at(effect.ancestor.seq) != effect.ancestor:
            return False
        own = list(
            zip(
                disk.pairs[effect.ancestor.seq + 1 :], disk.rows[effect.ancestor.seq :], strict=True
            )
        )
        merged = protocol.merge(effect.ancestor, disk.staged, own)

        def work() -> None:
            disk.cut(effect.ancestor.seq)
            disk.forked += len(own)
            disk.fold = folded(disk.rows)
            disk.extend(merged.contents)
            self.complete()
            disk.staged = []
            self.epoch = self.world.bits()

        self.commit(work)
        self.world.counts["rebase"] += 1
        self.world.tell(self.machine, "rebased", disk.head())
        return True

    def complete(self) -> None:
        """Complete `causes` and `seen` from the journal."""
        disk = self.disk
        disk.causes = {protocol.append_of(content)[0] for content in disk.rows}
        disk.seen |= {cause for cause in disk.causes if cause.startswith("dev")}

    # --- pull

    def _took(self, stream: str, message: Any) -> Any:
        self.pullers[stream], effect = protocol.pull_step(self.pullers[stream], message)
        return effect

    def _pull(self, stream: str) -> None:
        world = self.world
        if self.pusher.standing in ("held", "retired"):
            self.wake(stream, 30.0)
            return
        effect = self._took(stream, Tick(world.now))
        if isinstance(effect, Wait):
            self.wake(stream, effect.until - world.now)
        elif isinstance(effect, Ask):
            exchange = self._exchange(stream, lambda got: self._fed(stream, effect, *got))
            exchange.send(
                lambda: self.office.feed(self.store, stream, effect.cursor), effect.wait + 5
            )
        elif isinstance(effect, Fetch):
            exchange = self._exchange(stream, lambda got: self._part(effect, *got))
            exchange.send(lambda: self.office.snapshot(effect.digest, effect.offset))
        elif isinstance(effect, Swap):
            self._swap(effect)
            self.wake(stream, 0.0)

    def _fed(self, stream: str, ask: Ask, kind: str, got: Any) -> None:
        now = self.world.now
        if kind == "gone":
            generation, start, snapshot = got
            self._took(stream, Gone(now, ask.cursor, generation, start, snapshot))
            if not snapshot:
                at = self.pullers[stream].cursor
                self.commit(lambda: setattr(self.disk, "commands", at))
            return
        then, rows = got
        effect = self._took(stream, Page(now, ask.cursor, then, len(rows)))
        if isinstance(effect, Apply):
            save = self._commands if stream == "commands" else self._rows
            self.commit(lambda: save(effect, rows))
            at = self.disk.commands if stream == "commands" else self.disk.replica_at
            self._took(stream, Saved(at))
            self.wake("push", 0.05)
        elif not rows:
            # A parked question: the answer came when central's patience ended.
            self.pullers[stream] = replace(
                self.pullers[stream], pace=self.pullers[stream].pace.resting(now + 20)
            )

    def _commands(self, effect: Apply, rows: list[tuple[int, str, Any]]) -> None:
        disk = self.disk
        if disk.commands != effect.asked:
            return
        for _, name, row in rows:
            cause = f"central:{name}"
            if cause in disk.causes:
                continue
            if row["kind"] == "poison":
                disk.quarantine.add(name)
                self.world.counts["poison command"] += 1
                continue
            facts = [(kind, body | {"p": f"order {name}"}) for kind, body in self.decide(row)]
            self.write(cause, self.append(cause, facts))
            self.world.counts["commands"] += 1
        disk.commands = effect.then

    def _rows(self, effect: Apply, rows: list[tuple[int, str, Any]]) -> None:
        disk = self.disk
        if disk.replica_at != effect.asked:
            return
        for _, key, row in rows:
            if row is None:
                disk.replica.pop(key, None)
            else:
                disk.replica[key] = row
        disk.replica_at = effect.then

    def _part(self, fetch: Fetch, digest: str, offset: int, data: bytes, total: int) -> None:
        part = Part(self.world.now, fetch, digest, offset, len(data), total)
        effect = self._took("replica", part)
        if isinstance(effect, Keep):
            if effect.offset == 0:
                self.disk.part.clear()
            self.disk.part += data

    def _swap(self, effect: Swap) -> None:
        disk = self.disk
        if blake2b(bytes(disk.part), digest_size=8).hexdigest() != effect.digest:
            self._took("replica", Spoilt(self.world.now))
            return
        at, rows = msgspec.json.decode(bytes(disk.part))

        def work() -> None:
            disk.replica, disk.replica_at = dict(rows), Cursor(*at)

        self.commit(work)
        self.world.counts["snapshot"] += 1
        self._took("replica", Saved(disk.replica_at))


__all__ = ["Disk", "Hub", "Told"]
