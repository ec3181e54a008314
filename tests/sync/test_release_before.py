"""Central's file of the release before this one opens here, and every row of it can still be
written as that release writes it (`tests/hub/test_release_before.py` says where it is from).
"""

from pathlib import Path

from sync.central.inventory import Inventory
from tests.hub.test_release_before import columns, recorded
from tests.sync.pair import Central


def test_its_central_opens_with_all_orders_and_takes_new_ones(tmp_path: Path) -> None:
    recorded("central", tmp_path / "head-office" / "central" / "central.db")
    central = Central(tmp_path / "head-office")
    try:
        states = [central.get(f"/orders/{name}").json()["state"] for name in ("R-1", "R-2")]
        assert states == ["PICKED_UP", "RESERVED"]
        assert central.get("/stores/store-1/stock/4711").json()["on_hand"] == 6
        assert central.place("R-3", {"4711": 1})["state"] == "PROPOSED"
    finally:
        central.stop()


def test_it_can_write_into_every_table_of_central_as_it_did(tmp_path: Path) -> None:
    before = columns(recorded("central", tmp_path / "untouched.db"))
    recorded("central", tmp_path / "central" / "central.db")
    Inventory(tmp_path).close()
    after = columns(tmp_path / "central" / "central.db")
    for table, known in before.items():
        names = {column for column, _ in known}
        assert names <= {column for column, _ in after[table]}, table
        assert all(optional for name, optional in after[table] if name not in names), table
