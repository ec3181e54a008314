"""Both ends of the protocol, without a network: whatever is lost, both hold the same chain."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub import chain
from hub.chain import ORIGIN, Entry, Pair
from sync import protocol
from sync.pace import CEILING_S, FLOOR_S, RECENT_S, Pace
from sync.protocol import (
    Accepted,
    Answered,
    Apply,
    Ask,
    Behind,
    Cursor,
    Damaged,
    Failed,
    Gone,
    Page,
    Puller,
    Push,
    PushAnswer,
    Pusher,
    Saved,
    Send,
    Stream,
    Tick,
    Wait,
    feed_verdict,
    packed,
    pull_step,
    push_step,
    verdict,
    whole,
)


def content(cause: str, i: int = 0, n: int = 1) -> bytes:
    return chain.encode(
        Entry(chain.entry_id(cause, i, n), "T", 1, "2026-11-21T10:00:00.000Z",
              "2026-11-21T10:00:00.000Z", "test", cause, {})
    )  # fmt: skip


def appended(sizes: list[int]) -> list[bytes]:
    return [content(f"c{c}", i, n) for c, n in enumerate(sizes) for i in range(n)]


@dataclass
class Side:
    """A journal in memory."""

    rows: list[bytes] = field(default_factory=list)

    def pairs(self) -> list[Pair]:
        return [ORIGIN, *chain.follow(ORIGIN, self.rows)]

    def head(self) -> Pair:
        return self.pairs()[-1]

    def floor(self) -> Pair:
        return ORIGIN

    def pair_at(self, seq: int) -> Pair | None:
        return self.pairs()[seq] if seq <= len(self.rows) else None

    def contents(self, after: int, limit: int) -> list[bytes]:
        return self.rows[after : after + limit]


def take(central: Side, push: Push) -> Pair:
    judged = verdict(central.head(), push)
    if isinstance(judged, Accepted):
        central.rows.extend(push.contents)
    assert not isinstance(judged, Damaged)
    return judged.head


def told(now: float, asked: Pair, head: Pair, generation: str = "g") -> Answered:
    return Answered(now, asked, PushAnswer("taken", head, generation))


FATES = ("arrives", "request lost", "answer lost", "request doubled", "answer doubled", "late")


@settings(max_examples=150)
@given(
    sizes=st.lists(st.integers(1, 5), min_size=1, max_size=12),
    fates=st.lists(st.sampled_from(FATES), max_size=60),
    limit=st.integers(1, 6),
    lost_at_central=st.integers(0, 5),
)
def test_whatever_is_lost_doubled_or_late_both_hold_the_same_chain(
    sizes: list[int], fates: list[str], limit: int, lost_at_central: int
) -> None:
    hub, central = Side(appended(sizes)), Side()
    state = Pusher(Pace(0.0), limit=limit)
    now = 0.0
    stale: list[tuple[Push, Pair]] = []
    pending = [*fates, *["arrives"] * (6 * len(hub.rows) + 20)]
    for turn, fate in enumerate(pending):
        now += 100.0
        if turn == len(fates) // 2:
            # Central came back from an older copy; it is told by the pair alone.
            cut = max(0, len(central.rows) - lost_at_central)
            central.rows = central.rows[: protocol.whole(central.rows[:cut])]
        state, effect = push_step(state, Tick(now, hub.head()), hub)
        if not isinstance(effect, Send):
            continue
        push = packed(state, effect, hub)
        if fate == "late" and stale:
            take(central, stale[-1][0])
        stale.append((push, effect.after))
        if fate in ("request lost", "late"):
            state, _ = push_step(state, Failed(now, "unreachable", 0.5), hub)
            continue
        head = take(central, push)
        if fate == "request doubled":
            take(central, push)
        if fate == "answer lost":
            state, _ = push_step(state, Failed(now, "unavailable", 0.5), hub)
            continue
        answer = told(now, effect.after, head, "g1")
        state, _ = push_step(state, answer, hub)
        if fate == "answer doubled":
            state, _ = push_step(state, answer, hub)
        assert central.rows == hub.rows[: len(central.rows)]
    assert central.rows == hub.rows
    assert state.standing == "online"
    assert state.cursor == hub.head()


@given(sizes=st.lists(st.integers(1, 6), max_size=10), cut=st.integers(0, 60))
def test_a_page_never_cuts_an_append(sizes: list[int], cut: int) -> None:
    contents = appended(sizes)[:cut]
    borders = [sum(sizes[:k]) for k in range(len(sizes) + 1)]
    assert whole(contents) == max(border for border in borders if border <= len(contents))


def test_damaged_bytes_travel_by_themselves() -> None:
    assert whole([content("a"), b"\xff broken", content("b", 0, 2)]) == 2


def test_the_pair_decides_and_not_the_number_alone() -> None:
    one, other = Side([content("a")]), Side([content("b")])
    assert one.head().seq == other.head().seq
    assert verdict(one.head(), Push(other.head(), (content("c"),))) == Behind(one.head())


def test_entries_that_do_not_reach_the_announced_hash_are_damaged() -> None:
    side = Side([content("a"), content("b")])
    good = Push(ORIGIN, tuple(side.rows), side.head())
    assert isinstance(verdict(ORIGIN, good), Accepted)
    bad = Push(ORIGIN, (content("a"), content("x")), side.head())
    assert isinstance(verdict(ORIGIN, bad), Damaged)


def test_a_push_that_gets_nowhere_is_not_repeated_at_once() -> None:
    hub = Side(appended([1]))
    state = Pusher(Pace(0.0), agreed=True, generation="g", beat_at=999.0)
    state, _ = push_step(state, Tick(0.0, hub.head()), hub)
    state, _ = push_step(state, told(0.1, ORIGIN, ORIGIN, "g"), hub)
    assert push_step(state, Tick(0.2, hub.head()), hub)[1] == Wait(1.1)
    assert isinstance(push_step(state, Tick(1.1, hub.head()), hub)[1], Send)


def test_a_full_central_is_not_asked_at_once_again() -> None:
    state = Puller(Pace(0.0), Cursor("g", 5), online=True)
    state, _ = pull_step(state, Tick(0.0))
    state, _ = pull_step(state, Page(0.1, Cursor("g", 5), Cursor("g", 5), 0))
    assert pull_step(state, Tick(0.2))[1] == Wait(2.1)
    state, _ = pull_step(state, Tick(2.1))
    state, _ = pull_step(state, Page(27.1, Cursor("g", 5), Cursor("g", 5), 0))
    assert isinstance(pull_step(state, Tick(27.2))[1], Ask)


def test_central_takes_no_half_of_an_append() -> None:
    half = Push(ORIGIN, (content("a"), content("b", 0, 2)))
    assert isinstance(verdict(ORIGIN, half), Damaged)
    both = Push(ORIGIN, (content("a"), content("b", 0, 2), content("b", 1, 2)))
    assert isinstance(verdict(ORIGIN, both), Accepted)


def test_an_idle_hub_shows_its_head_every_minute_and_at_a_new_generation() -> None:
    hub = Side(appended([1]))
    state = Pusher(Pace(0.0), cursor=hub.head(), generation="g1")
    state, send = push_step(state, Tick(0.0, hub.head()), hub)
    assert send == Send(hub.head(), 0)
    state, _ = push_step(state, told(0.1, hub.head(), hub.head(), "g1"), hub)
    assert push_step(state, Tick(0.2, hub.head()), hub)[1] == Wait(60.1)
    state, send = push_step(state, Tick(61.0, hub.head()), hub)
    assert send == Send(hub.head(), 0)
    state, _ = push_step(state, told(61.1, hub.head(), ORIGIN, "g2"), hub)
    assert state.cursor == ORIGIN
    assert push_step(state, Tick(61.2, hub.head()), hub)[1] == Send(ORIGIN, state.limit)


def test_a_late_answer_to_another_question_is_ignored() -> None:
    hub = Side(appended([1, 1]))
    state = Pusher(Pace(0.0))
    state, _ = push_step(state, Tick(0.0, hub.head()), hub)
    stale = told(0.1, hub.head(), hub.head(), "g")
    assert push_step(state, stale, hub) == (state, None)


def test_the_batch_grows_while_central_is_quick_and_shrinks_when_it_is_slow_or_full() -> None:
    hub = Side(appended([1]))
    state = Pusher(Pace(0.0), agreed=True, generation="g", beat_at=999.0)
    state, send = push_step(state, Tick(0.0, hub.head()), hub)
    assert isinstance(send, Send)
    quick, _ = push_step(state, told(0.1, ORIGIN, ORIGIN, "g"), hub)
    slow, _ = push_step(state, told(2.0, ORIGIN, ORIGIN, "g"), hub)
    full, _ = push_step(state, Failed(0.1, "unavailable", 0.5, too_large=True), hub)
    assert (quick.limit, slow.limit, full.limit) == (1000, 250, 250)
    alone = Pusher(Pace(0.0), agreed=True, generation="g", limit=1, beat_at=999.0)
    alone, _ = push_step(alone, Tick(0.0, hub.head()), hub)
    alone, _ = push_step(alone, Failed(0.1, "unavailable", 0.5, too_large=True), hub)
    assert alone.standing == "held"


# ── pull ────────────────────────────────────────────────────────────────────────────────────────


def test_an_answer_counts_only_for_the_cursor_it_was_asked_with() -> None:
    state = Puller(Pace(0.0), Cursor("g", 5))
    state, ask = pull_step(state, Tick(0.0, ORIGIN))
    assert ask == Ask(Cursor("g", 5), 0)
    assert pull_step(state, Page(0.1, Cursor("g", 3), Cursor("g", 9), 2)) == (state, None)
    assert pull_step(state, Gone(0.1, Cursor("g", 3), "h")) == (state, None)
    state, effect = pull_step(state, Page(0.1, Cursor("g", 5), Cursor("g", 9), 2))
    assert effect == Apply(Cursor("g", 5), Cursor("g", 9))
    assert pull_step(state, Tick(0.2, ORIGIN))[1] is None
    state, _ = pull_step(state, Saved(Cursor("g", 9)))
    assert pull_step(state, Tick(0.2, ORIGIN))[1] == Ask(Cursor("g", 9), protocol.WAIT_S)


def test_rows_that_could_not_be_kept_are_asked_for_again() -> None:
    state = Puller(Pace(0.0), Cursor("g", 5))
    state, _ = pull_step(state, Tick(0.0, ORIGIN))
    state, _ = pull_step(state, Page(0.1, Cursor("g", 5), Cursor("g", 9), 2))
    state, _ = pull_step(state, Failed(0.1, "unavailable", 0.5))
    assert pull_step(state, Tick(400.0, ORIGIN))[1] == Ask(Cursor("g", 5), 0)


def test_a_page_of_another_central_is_not_taken() -> None:
    state = Puller(Pace(0.0), Cursor("g", 5))
    state, _ = pull_step(state, Tick(0.0, ORIGIN))
    assert pull_step(state, Page(0.1, Cursor("g", 5), Cursor("h", 9), 2))[1] is None


def test_gone_means_from_the_beginning() -> None:
    state = Puller(Pace(0.0), Cursor("g", 5))
    state, _ = pull_step(state, Tick(0.0, ORIGIN))
    state, _ = pull_step(state, Gone(0.1, Cursor("g", 5), "h"))
    assert state.cursor == Cursor("h", 0)


@pytest.mark.parametrize(
    ("asked", "gone"),
    [
        (Cursor("", 0), False),
        (Cursor("g", 0), False),
        (Cursor("g", 7), False),
        (Cursor("g", 8), True),
        (Cursor("old", 3), True),
        (Cursor("old", 0), True),
        (Cursor("", 3), True),
    ],
)
def test_another_generation_or_a_place_beyond_the_end_is_gone(asked: Cursor, gone: bool) -> None:
    assert (feed_verdict(Stream("g", 7), asked) != "page") is gone


# ── pace ────────────────────────────────────────────────────────────────────────────────────────


@given(draw=st.floats(0, 1, exclude_max=True), heard=st.floats(0, 1e6))
def test_a_line_that_was_there_is_looked_for_twice_a_second(draw: float, heard: float) -> None:
    pace = Pace(heard)
    for _ in range(5):
        pace = pace.troubled("unreachable", heard + 10, draw=draw)
        assert 0.19 <= pace.not_before - (heard + 10) <= 0.51


@given(draws=st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=30))
def test_a_struggling_central_is_given_time_between_a_second_and_five_minutes(
    draws: list[float],
) -> None:
    pace, last = Pace(0.0), FLOOR_S
    for draw in draws:
        pace = pace.troubled("unavailable", 100.0, draw=draw)
        wait = pace.not_before - 100.0
        assert FLOOR_S <= wait <= min(CEILING_S, max(FLOOR_S, 3 * last)) + 1e-6
        last = wait
        assert pace.poked() == pace


def test_who_is_told_when_to_come_comes_not_earlier() -> None:
    pace = Pace(0.0).troubled("unavailable", 10.0, draw=0.0, retry_after_s=30)
    assert pace.not_before >= 40.0


def test_a_line_lost_for_long_is_looked_for_less_often_but_at_once_when_another_finds_it() -> None:
    now = RECENT_S + 1
    pace = Pace(0.0).troubled("unreachable", now, draw=0.9)
    pace = pace.troubled("unreachable", now, draw=0.99)
    assert pace.not_before >= now + FLOOR_S
    assert pace.poked().not_before == 0.0
