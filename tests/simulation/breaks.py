"""How the shipped steps and the stores around them are broken: one function for each mutant.

It must never be imported by anything but the table of mutants.
"""

from contextlib import ExitStack
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from hub.chain import Pair
from sync import protocol
from sync.protocol import Fence, Merged
from sync.protocol import central as central_end
from sync.protocol import fence as fences
from sync.protocol import pull as pulls
from sync.protocol import push as pushes
from sync.protocol import repair as repairs
from sync.protocol.whole import append_of, appends

from . import fold, run, shop
from .office import Office
from .shop import Hub

_merge, _receive, _judge = repairs.merge, central_end.receive, fences.judge
_take_page, _holds, _packed = repairs.take_page, protocol.holds, pushes.packed
_answered, _start, _rebase = pushes._answered, Hub.start, Hub._rebase
_feed, _swap, _decide, _paged = pulls.feed_verdict, Hub._swap, Hub.decide, pulls._paged
_batch, _part, _take_told, _pull_step = pushes.batch, pulls._part, fences.take_told, pulls.pull_step


def unacknowledged(self: Hub, effect: Any) -> bool:
    sent = self.pusher.cursor.seq

    def only_new(ancestor: Pair, theirs: Any, own: Any) -> Merged:
        return _merge(ancestor, theirs, [row for row in own if row[0].seq > sent])

    with patch.object(protocol, "merge", only_new):
        return _rebase(self, effect)


def by_entry_id(ancestor: Pair, theirs: Any, own: Any) -> Merged:
    known = {append_of(content) for content in theirs}
    kept = tuple(content for _, content in own if append_of(content) not in known)
    return Merged((*theirs, *kept), ())


def all_of_own(ancestor: Pair, theirs: Any, own: Any) -> Merged:
    return Merged((*theirs, *(content for _, content in own)), ())


def none_of_own(ancestor: Pair, theirs: Any, own: Any) -> Merged:
    return Merged(tuple(theirs), tuple(content for _, content in own))


def own_first(ancestor: Pair, theirs: Any, own: Any) -> Merged:
    merged = _merge(ancestor, theirs, own)
    return Merged((*merged.contents[len(theirs) :], *theirs), merged.dropped)


def by_clock(ancestor: Pair, theirs: Any, own: Any) -> Merged:
    merged = _merge(ancestor, theirs, own)

    def at(content: bytes) -> str:
        entry = fold.read(content)
        return entry.recorded_at if entry else ""

    return Merged(tuple(sorted(merged.contents, key=at)), merged.dropped)


def second_handover_refused(ancestor: Pair, theirs: Any, own: Any) -> Merged:
    merged = _merge(ancestor, theirs, own)
    handed = {_handed(content) for content in theirs} - {None}
    kept: list[bytes] = []
    for _, contents in appends(merged.contents[len(theirs) :]):
        if not any(_handed(content) in handed for content in contents):
            kept.extend(contents)
    return Merged((*theirs, *kept), merged.dropped)


def _handed(content: bytes) -> Any:
    entry = fold.read(content)
    return entry.body.get("order") if entry and entry.type == "Handed" else None


def damaged_twin(ancestor: Pair, theirs: Any, own: Any) -> Merged:
    causes = {append_of(content)[0] for content in theirs}
    kept: list[bytes] = []
    for cause, contents in appends([content for _, content in own]):
        if not cause or cause not in causes:
            kept.extend(contents)
    return Merged((*theirs, *kept), ())


def by_seq(chain: Any, pair: Pair, upto: int | None = None) -> bool:
    return chain.pair_at(pair.seq) is not None


def trusts_damage(chain: Any, pair: Pair, upto: int | None = None) -> bool:
    return _holds(chain, pair)


def no_progress(repair: Any, page: Any, chain: Any, upto: int | None) -> Any:
    then, effect = _take_page(repair, page, chain, upto)
    return (replace(then, matched=None) if then.ancestor is None else then), effect


def unchecked_page(repair: Any, page: Any, chain: Any, upto: int | None) -> Any:
    last = repair.offered[0] if repair.offered else chain.floor()
    if page.after != last and repair.end is None:
        staged = protocol.Repair(last, last, page.reaches, page.head)
        return staged, protocol.Stage(last, page.contents, first=True)
    return _take_page(repair, page, chain, upto)


def upcast(*arguments: Any) -> tuple[bytes, ...]:
    contents = _batch(*arguments)
    return tuple(content.replace(b'"version":1', b'"version":2') for content in contents)


def never_back(state: Any, flight: Any, message: Any, chain: Any) -> Any:
    then = _answered(state, flight, message, chain)
    return replace(then, cursor=max(then.cursor, state.cursor))


def shown_too_new(state: Any, send: Any, chain: Any) -> Any:
    return replace(_packed(state, send, chain), shown=state.generation)


def late_packets_live(fence: Fence, badge: Any, generation: str) -> Any:
    then, passed = _judge(fence, badge, generation)
    number = badge.number
    if number is not None and passed.standing == "ok" and number.n < then.used:
        then = replace(then, oldest=min(then.oldest or number.n, number.n))
    return then, passed


def nobody_held(fence: Fence, badge: Any, generation: str) -> Any:
    then, passed = _judge(fence, badge, generation)
    held = passed.standing == "held"
    return replace(then, oldest=0), replace(passed, standing="ok") if held else passed


def numbers_outlive(fence: Fence, keep: str) -> Fence:
    return replace(fences.confirm(fence, keep), rounds=fence.rounds, life=fence.life,
                   last=fence.last, used=fence.used, given=fence.given)  # fmt: skip


def number_on_disk(self: Hub) -> None:
    _start(self)
    badge = getattr(self.disk, "badge", None)
    if badge is not None:
        self.pusher = replace(self.pusher, badge=badge)


def second_number(badge: Any, passed: Any) -> Any:
    then = _take_told(badge, passed)
    return replace(then, number=passed.number) if passed.number else then


def stops_at_once(state: Any, tick: Any, chain: Any) -> Any:
    if state.standing == "retired":
        return state, pushes.Stop()
    return _ticked(state, tick, chain)


_ticked = pushes._ticked


def old_whole(contents: Any) -> int:
    count = len(contents)
    while count:
        cause, _, size = append_of(contents[count - 1])
        run_ = 1
        while run_ < count and run_ < size and append_of(contents[count - run_ - 1])[0] == cause:
            run_ += 1
        if run_ == size:
            return count
        count -= run_
    return 0


def no_horizon(stream: Any, asked: Any) -> Any:
    return _feed(replace(stream, horizon=-1), asked)


def never_lost(stream: Any, asked: Any) -> Any:
    judged = _feed(stream, asked)
    return "page" if judged == "lost" else judged


def no_marks(stream: Any, asked: Any) -> Any:
    return _feed(stream, replace(asked, mark=""))


def any_generation(stream: Any, asked: Any) -> Any:
    return _feed(stream, replace(asked, generation=stream.generation, mark=""))


def read_over(state: Any, message: Any) -> Any:
    if isinstance(message, pulls.Gone):
        message = replace(message, snapshot=False)
    return _pull_step(state, message)


def merged_snapshot(self: Hub, effect: Any) -> None:
    before = dict(self.disk.replica)
    _swap(self, effect)
    self.disk.replica = before | self.disk.replica


def cursor_first(self: Hub, effect: Any, rows: Any) -> None:
    asked = self.disk.commands
    self.disk.commands = effect.then
    if self.world.chance("crash"):
        self.crash()
        raise run.Crash
    self.disk.commands = asked
    _commands(self, effect, rows)


_commands = Hub._commands


def command_again(self: Hub, effect: Any, rows: Any) -> None:
    with patch.object(Hub, "write", _write_anyway):
        known, self.disk.causes = self.disk.causes, set()
        try:
            _commands(self, effect, rows)
        finally:
            self.disk.causes |= known


def _write_anyway(self: Hub, cause: str, contents: list[bytes]) -> None:
    self.disk.extend(contents)
    self.disk.causes.add(cause)


def silent_refusal(self: Hub, row: Any) -> Any:
    return [fact for fact in _decide(self, row) if fact[0] != "Refused"]


def poison_blocks(self: Hub, effect: Any, rows: Any) -> None:
    good = []
    for row in rows:
        if row[2]["kind"] == "poison":
            break
        good.append(row)
    if len(good) < len(rows):
        at = good[-1][0] if good else effect.asked.position
        effect = replace(effect, then=replace(effect.asked, position=at, mark=""))
    _commands(self, effect, good)


def no_epoch(self: Hub, effect: Any) -> bool:
    epoch = self.epoch
    try:
        return _rebase(self, effect)
    finally:
        self.epoch = epoch


def epoch_of_store(self: Hub) -> None:
    was_alive = self.alive
    _start(self)
    if not was_alive:
        self.epoch = self.machine


def new_name(self: Any, name: str) -> str:
    return f"{self.name}:{self.world.bits()}"


def counted_name(self: Hub) -> str:
    self.disk.counter = getattr(self.disk, "counter", 0) + 1  # type: ignore[attr-defined]
    return f"cmd:{self.store}-{self.disk.counter}"  # type: ignore[attr-defined]


_copy = shop.Disk.copy


def copy_all(self: shop.Disk) -> shop.Disk:
    made = _copy(self)
    for name in ("counter", "badge"):
        if hasattr(self, name):
            setattr(made, name, getattr(self, name))
    return made


_take = Hub._take


def keeps_badge(self: Hub, message: Any) -> Any:
    effect = _take(self, message)
    self.disk.badge = self.pusher.badge  # type: ignore[attr-defined]
    return effect


def by_position(self: Hub, entry: str) -> str:
    seq = next(n for n, row in enumerate(self.disk.rows) if (e := fold.read(row)) and e.id == entry)
    return f"conflict:{self.store}:{seq}"


def early_positions(stack: ExitStack) -> None:
    stack.enter_context(patch.object(Office, "early_positions", True, create=True))


def keeps_life(stored: Any, beside: Any, fresh: Any) -> Any:
    return fresh if stored is None else protocol.Life(stored.generation, fresh.nonce)
