"""The four drills, on real files and sockets: whatever was put back, both ends agree again."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub import database, journal
from hub.backup import backup, restore
from hub.errors import Refusal
from hub.pickup import actions
from hub.pickup import queries as pickup
from hub.stock import queries as stock
from hub.verify import verify
from sync.client import enrol
from sync.compare import compare
from sync.hardware import hardware
from tests.sync.pair import STORE, Both, StoreSide, until


def image(source: Path, target: Path) -> Path:
    """Copy a data directory while its hub goes on, as a backup does."""
    target.mkdir()
    for name in ("hub.db", "replica.db"):
        database.copy(source / name, target / name)
    return target


@pytest.fixture
def others() -> Iterator[list[StoreSide]]:
    opened: list[StoreSide] = []
    yield opened
    for one in opened:
        one.close()


def open_hub(both: Both, directory: Path, others: list[StoreSide]) -> StoreSide:
    url = f"http://127.0.0.1:{both.line.address[1]}"
    hub = StoreSide(directory, url, both.central.credential)
    others.append(hub)
    return hub


def in_step(both: Both, hub: StoreSide, timeout: float = 60) -> None:
    def agreed() -> bool:
        return both.central.head() == hub.head() and hub.agent.state()["state"] == "online"

    until(agreed, "hub and central have one history", timeout)
    assert compare(hub.store.read, both.central.url, STORE, both.central.credential) == []


def qty(hub: StoreSide, sku: str) -> int:
    found = {row[:2]: row[2] for row in hub.read(stock.balances)}
    return found.get((sku, "available"), 0)


def test_yesterdays_backup_is_put_back_and_work_goes_on(
    both: Both, others: list[StoreSide], tmp_path: Path
) -> None:
    both.hub.agent.start()
    both.hub.receive("4711", 5, "till:1")
    both.in_step()
    yesterday = image(tmp_path / "hub", tmp_path / "yesterday")
    both.hub.receive("4711", 3, "till:2")
    both.central.place("R-1", {"4711": 1})
    until(lambda: both.hub.read(pickup.find, "R-1"), "the order came")
    both.in_step()
    both.hub.close()
    again = open_hub(both, yesterday, others)
    # Facts are made before the line is found, one of them a repetition that was once known.
    again.receive("4711", 10, "till:3")
    again.agent.start()
    in_step(both, again)
    assert qty(again, "4711") == 17
    assert again.read(pickup.find, "R-1") is not None
    assert again.read(lambda conn: journal.knows(conn, "till:2"))
    both.hub = again
    others.clear()


def test_a_dead_hub_is_replaced_with_nothing_but_a_token(
    both: Both, others: list[StoreSide], tmp_path: Path
) -> None:
    both.hub.agent.start()
    both.hub.receive("4711", 5, "till:1")
    both.central.place("R-1", {"4711": 1})
    until(lambda: both.hub.read(pickup.find, "R-1"), "the order came")
    for n in range(300):
        both.hub.receive(f"S{n % 7}", 1, f"till:x{n}")
    both.in_step()
    head = both.hub.head()
    both.hub.close()
    shutil.rmtree(tmp_path / "hub")
    token = both.central.post(f"/stores/{STORE}/enrolment", {}).json()["token"]
    both.central.credential = enrol(both.central.url, STORE, token)
    fresh = open_hub(both, tmp_path / "fresh", others)
    fresh.agent.start()
    in_step(both, fresh)
    assert fresh.head() == head
    order = fresh.read(pickup.find, "R-1")
    assert order is not None
    assert order.state == "RESERVED"
    names = "SELECT name FROM personal"
    until(
        lambda: fresh.read(lambda conn: [row[0] for row in conn.execute(names)]) == ["Ida Probe"],
        "who collects is known again",
    )
    both.hub = fresh
    others.clear()


def test_a_clone_is_held_until_a_person_says_which_one_stays(
    both: Both, others: list[StoreSide], tmp_path: Path
) -> None:
    first = both.hub
    first.agent.start()
    first.receive("4711", 5, "till:1")
    both.in_step()
    twin = open_hub(both, image(tmp_path / "hub", tmp_path / "twin"), others)
    twin.receive("4711", 1, "till:twin")
    twin.agent.start()
    until(lambda: twin.agent.state()["state"] == "online", "the clone is on line")
    first.receive("4711", 2, "till:2")

    def found() -> bool:
        for hub in (first, twin):
            hub.agent.nudge()
        shown = both.central.get("/stores").json()["items"][0]
        return bool(shown["held"])

    until(found, "two processes were told apart")
    first.receive("4711", 4, "till:3")

    def held() -> bool:
        twin.agent.nudge()  # it hears so when it speaks
        return bool(twin.agent.state()["state"] == "held")

    until(held, "the younger one is held")
    twin.receive("4711", 8, "till:held")
    shown = both.central.get("/stores").json()["items"][0]
    assert [one["held"] for one in shown["hubs"]] == [False, True]
    stopped: list[str] = []
    twin.agent.on_retired(lambda: stopped.append("closing"), lambda: stopped.append("drained"))
    keep = hardware(tmp_path / "hub")
    assert both.central.post(f"/stores/{STORE}/confirm", {"hardware": keep}).status_code == 200

    def drained() -> bool:
        twin.agent.nudge()
        return "drained" in stopped

    until(drained, "the retired one brought what it had")
    assert stopped == ["closing", "drained"]
    first.agent.nudge()
    in_step(both, first)
    assert qty(first, "4711") == 5 + 1 + 2 + 4 + 8
    assert both.central.get("/stores").json()["items"][0]["held"] is False


def test_central_is_put_back_to_yesterday_and_the_hub_brings_it_up_to_date(
    both: Both, tmp_path: Path
) -> None:
    both.hub.agent.start()
    both.hub.receive("4711", 5, "till:1")
    rows = [{"kind": "product", "sku": "4711", "names": {"en": "Rye bread"}}]
    both.central.post("/catalog/import", {"rows": rows})
    both.in_step()
    office = tmp_path / "head-office" / "central"
    database.copy(office / "central.db", tmp_path / "yesterday.db")
    both.hub.receive("4711", 3, "till:2")
    both.central.place("R-1", {"4711": 1})
    until(lambda: both.hub.read(pickup.find, "R-1"), "the order came")
    rows = [{"kind": "product", "sku": "0815", "names": {"en": "Gone tomorrow"}}]
    both.central.post("/catalog/import", {"rows": rows})
    products = "SELECT count(*) FROM replica.product"

    def count() -> int:
        return int(both.hub.read(lambda conn: conn.execute(products).fetchone()[0]))

    until(lambda: count() == 2, "both products came")
    both.in_step()
    both.central.stop()
    for tail in ("-wal", "-shm"):
        (office / f"central.db{tail}").unlink(missing_ok=True)
    shutil.copy(tmp_path / "yesterday.db", office / "central.db")
    both.central.serve()
    both.line.target = ("127.0.0.1", both.central.port)
    both.in_step()
    # Central lost the order; the store's own facts bring it back.
    order = both.central.get("/orders/R-1").json()
    assert order["state"] == "RESERVED"
    until(lambda: count() == 1, "what central no longer has is gone here as well")
    assert verify(tmp_path / "hub" / "hub.db", both.hub.store.journal, {}).ok


def test_after_a_restore_a_person_confirms_each_handover_until_central_agrees(
    both: Both, others: list[StoreSide], tmp_path: Path
) -> None:
    both.hub.receive("4711", 5, "till:1")
    settings_file = tmp_path / "hub" / "storehub.toml"
    settings_file.write_text(f'store = "{STORE}"\n')
    backup(tmp_path / "hub", tmp_path / "backup", STORE, both.hub.store.clock)
    (tmp_path / "again").mkdir()
    restore(tmp_path / "backup", tmp_path / "again")
    again = open_hub(both, tmp_path / "again", others)
    place = {"order_id": "R-9", "lines": [{"line_id": "1", "sku": "4711", "qty": 1}]}
    write = again.store.writer.run
    write(lambda tx: actions.place(tx, place, cause="central:r9"))

    def hand(confirmed: bool) -> None:
        proof = {"kind": "id_seen", "value": "passport"}
        write(
            lambda tx: actions.handover(
                tx, "R-9", proof, actor="staff:1", cause="cmd:hand", confirmed=confirmed
            )
        )

    with pytest.raises(Refusal, match="may have been handed over"):
        hand(confirmed=False)
    with pytest.raises(Refusal, match="waiting to be picked"):
        hand(confirmed=True)
    again.agent.start()
    in_step(both, again)
    with pytest.raises(Refusal, match="waiting to be picked"):
        hand(confirmed=False)
