"""What a hub says of itself with each push, and that central shows it."""

from datetime import timedelta
from importlib.metadata import version

from hub.chain import ORIGIN
from hub.clock import SystemClock, parse
from hub.database import FORMAT
from hub.house import actions as house
from sync import frames
from sync.about import Portrait
from sync.protocol import About, Push
from tests.sync.pair import STORE, Both, until


class Later(SystemClock):
    """A minute ahead."""

    def now(self):  # type: ignore[no-untyped-def]
        return super().now() + timedelta(seconds=60)


def test_a_hub_tells_what_is_left_beyond_the_push(both: Both) -> None:
    for n in range(3):
        both.hub.receive("4711", 1, f"c{n}")
    portrait = Portrait(Later())
    with both.hub.store.database.reader() as conn:
        some, all_ = portrait.said(conn, 1), portrait.said(conn, 3)
    assert (some.head, some.release, some.schema) == (3, version("storehub"), FORMAT)
    assert 59 <= some.oldest_s <= 70
    assert (all_.head, all_.oldest_s, all_.quarantine) == (3, 0, 0)
    assert parse(some.at) > SystemClock().now()


def test_central_shows_what_its_hub_says(both: Both) -> None:
    both.hub.receive("4711", 1, "one")
    both.hub.agent.start()
    both.in_step()

    def row() -> bool:
        (shown,) = both.central.get(f"/fleet?q={STORE}").json()["items"]
        return bool(shown["release"]) and shown["condition"] == "well" and shown["agreed"]

    until(row, "the fleet page has it")
    (shown,) = both.central.get(f"/fleet?q={STORE}").json()["items"]
    assert (shown["backlog"], shown["oldest_s"]) == (0, 0)
    assert shown["lag_s"] < 30


def test_what_a_hub_says_travels_and_who_says_nothing_is_understood() -> None:
    about = About("2026-11-21T12:00:00.000Z", "0.1.0", 1, 7, 30, 2)
    assert frames.unpack_push(frames.pack_push(Push(ORIGIN, about=about))).about == about
    assert frames.unpack_push(frames.pack_push(Push(ORIGIN))).about is None


def test_the_push_that_brings_a_new_pace_tells_it(both: Both) -> None:
    """What is told is counted now and then, and the next push may come a minute later."""
    portrait = Portrait(SystemClock())

    def told() -> tuple[str, int | None]:
        with both.hub.store.database.reader() as conn:
            said = portrait.said(conn, 0)
        return said.pace, said.promise_minutes

    def pace(name: str) -> None:
        both.hub.store.writer.run(lambda tx: house.set_pace(tx, name, actor="hub", cause=name))

    assert told() == ("normal", 120)
    pace("slow")
    assert told() == ("slow", 240)
    pace("paused")
    assert told() == ("paused", 0)
