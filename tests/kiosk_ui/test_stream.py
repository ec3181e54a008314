"""One thread feeds all screens: what was missed is told again, or the screen is told to reset."""

import socket
import time
from collections.abc import Iterator

import pytest

from hub.events import Ring
from kiosk_ui.stream import GAP, Stream


@pytest.fixture
def ring() -> Ring:
    return Ring(10)


@pytest.fixture
def stream(ring: Ring) -> Iterator[Stream]:
    stream = Stream(ring, lambda: {"sync": {"state": "online"}}, cap=3, heartbeat_s=0.3, look_s=0.1)
    stream.start()
    yield stream
    stream.stop()


class Screen:
    def __init__(
        self, stream: Stream, after: str | None = None, coarse: bool = False, source: str = ""
    ) -> None:
        self.ours, theirs = socket.socketpair()
        self.ours.settimeout(40)
        self.text = ""
        self.signed_in = True
        known = None if coarse else lambda: self.signed_in
        stream.adopt(theirs, after, known, source)

    def until(self, wanted: str) -> str:
        while wanted not in self.text:
            chunk = self.ours.recv(65_536)
            assert chunk, f"closed before {wanted!r}: {self.text!r}"
            self.text += chunk.decode()
        return self.text

    def until_closed(self) -> None:
        """Read on until the stream is ended at the other end."""
        while chunk := self.ours.recv(65_536):
            self.text += chunk.decode()
        self.close()

    def close(self) -> None:
        self.ours.close()


def test_a_commit_reaches_a_screen_with_its_id_and_topics(stream: Stream, ring: Ring) -> None:
    screen = Screen(stream)
    screen.until("event: state")
    ring.publish(11, True, ("pickup:R-1", "pickup"))
    text = screen.until('"pickup"]}')
    assert (
        f"id: {ring.epoch}-11\nevent: changed\n"
        'data: {"topics":["pickup:R-1","pickup"]}\n\n' in text
    )
    screen.close()


def test_states_come_on_connect_and_carry_no_id(stream: Stream) -> None:
    screen = Screen(stream)
    text = screen.until('"online"}}\n\n')
    before_state = text[: text.index("event: state")]
    assert before_state.endswith("\n\n")
    screen.close()


def test_a_screen_that_comes_back_is_told_what_it_missed(stream: Stream, ring: Ring) -> None:
    first = Screen(stream)
    first.until("event: state")
    ring.publish(11, True, ("stock:1",))
    ring.publish(12, True, ("stock:2",))
    first.until("stock:2")
    screen = Screen(stream, after=f"{ring.epoch}-11")
    text = screen.until("event: state")
    assert "stock:2" in text
    assert "stock:1" not in text
    assert "event: reset" not in text
    screen.close()
    first.close()


@pytest.mark.parametrize(
    "after",
    ["other-11", "nonsense", "{epoch}-99", "{epoch}-3", "{epoch}-x", "{epoch}-²", "{epoch}-"],
)
def test_an_id_that_means_nothing_here_is_a_reset(stream: Stream, ring: Ring, after: str) -> None:
    screen = Screen(stream, after=after.format(epoch=ring.epoch))
    assert f"id: {ring.epoch}-10\nevent: reset" in screen.until("event: state")
    screen.close()
    assert stream.alive()


def test_a_stream_that_died_is_seen_to_be_dead(ring: Ring) -> None:
    def broken() -> dict[str, object]:
        raise ZeroDivisionError

    stream = Stream(ring, broken, cap=3, look_s=0.01)
    assert not stream.alive()
    stream.start()
    waited = time.monotonic()
    while stream.alive():
        assert time.monotonic() - waited < 40
        time.sleep(0.01)


def test_a_gap_beyond_the_ring_is_a_reset(stream: Stream, ring: Ring) -> None:
    for seq in range(11, 11 + GAP + 2):
        ring.publish(seq, True, ("stock:1",))
    screen = Screen(stream, after=f"{ring.epoch}-10")
    assert "event: reset" in screen.until("event: state")
    screen.close()


def test_a_rebase_draws_a_new_epoch_and_open_screens_reset(stream: Stream, ring: Ring) -> None:
    screen = Screen(stream)
    screen.until("event: state")
    before = ring.epoch
    ring.renew(5)
    assert ring.epoch != before
    assert f"id: {ring.epoch}-5\nevent: reset" in screen.until("event: reset\ndata")
    screen.close()


def test_records_without_facts_share_a_position_and_are_told_together(
    stream: Stream, ring: Ring
) -> None:
    for _ in range(300):
        ring.publish(10, False, ("obs",))
    screen = Screen(stream, after=f"{ring.epoch}-10")
    text = screen.until("event: state")
    assert text.count("event: changed") == 1
    screen.close()


def test_a_stranger_sees_topics_without_ids(stream: Stream, ring: Ring) -> None:
    screen = Screen(stream, coarse=True)
    screen.until("event: state")
    ring.publish(11, True, ("pickup:R-1", "pickup", "stock:4711"))
    text = screen.until('"stock"]}')
    assert 'data: {"topics":["pickup","stock"]}' in text
    assert "R-1" not in text
    screen.close()


def test_heartbeats_keep_a_quiet_stream_alive(stream: Stream) -> None:
    screen = Screen(stream)
    assert screen.until("\n\n:\n\n")
    screen.close()


def test_who_signed_out_is_shown_nothing_more_and_the_others_are(
    stream: Stream, ring: Ring
) -> None:
    gone, stays = Screen(stream), Screen(stream)
    gone.until("event: state")
    gone.signed_in = False
    gone.until_closed()
    ring.publish(11, True, ("pickup:R-1",))
    assert "pickup:R-1" in stays.until("pickup:R-1")
    assert "pickup:R-1" not in gone.text
    stays.close()


def test_places_are_capped_and_given_back(stream: Stream) -> None:
    screens = [Screen(stream) for _ in range(3)]
    for screen in screens:
        screen.until("event: state")
    assert stream.full()
    screens[0].close()
    waited = time.monotonic()
    while stream.full():
        assert time.monotonic() - waited < 40
        time.sleep(0.01)
    for screen in screens[1:]:
        screen.close()


def test_a_screen_that_does_not_read_is_dropped_and_the_others_go_on(
    stream: Stream, ring: Ring
) -> None:
    lazy, eager = Screen(stream), Screen(stream)
    eager.until("event: state")
    topics = tuple(f"stock:{n:040}" for n in range(200))
    seq = 10
    waited = time.monotonic()
    while stream.open > 1:
        assert time.monotonic() - waited < 60
        seq += 1
        ring.publish(seq, True, topics)
        eager.until(f"-{seq}\n")
        eager.text = ""
    lazy.close()
    eager.close()


def test_strangers_leave_places_for_staff_in_all_and_by_address(ring: Ring) -> None:
    stream = Stream(ring, dict, cap=8, heartbeat_s=0.3, look_s=0.1)
    stream.start()
    here = [Screen(stream, coarse=True, source="10.0.0.9") for _ in range(2)]
    assert stream.full("10.0.0.9")
    assert not stream.full("10.0.0.8")
    late = Screen(stream, coarse=True, source="10.0.0.9")
    assert late.ours.recv(10) == b"", "who was told of a place that another took is let go"
    others = [Screen(stream, coarse=True, source="10.0.0.8") for _ in range(2)]
    assert stream.full("10.0.0.7")
    assert not stream.full()
    staff = [Screen(stream) for _ in range(4)]
    assert stream.full()
    here[0].close()
    deadline = time.monotonic() + 40
    while stream.full("10.0.0.9") and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not stream.full("10.0.0.9")
    for screen in [*here, *others, *staff, late]:
        screen.close()
    stream.stop()
