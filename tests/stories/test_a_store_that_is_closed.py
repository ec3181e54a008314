"""Field IT brings a store its rules as a file; what is ordered while it is closed is due later."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from hub.house.hours import DAYS
from tests.floor import Floor


def test_an_order_for_a_closed_store_is_promised_for_after_it_opens(
    floor: Floor, tmp_path: Path
) -> None:
    (milk,) = floor.goods(1)
    floor.receive({milk["sku"]: 2})
    opens = (datetime.now(UTC) + timedelta(days=2)).replace(hour=10, minute=0, second=0)
    file = tmp_path / "store.toml"
    text = f'[policies]\nopening_hours = "{DAYS[opens.weekday()]} 10:00-18:00"\n'
    file.write_text(f'{text}[[staging_shelves]]\nshelves = "Z-01..Z-03"\ncapacity = 2\n')
    try:
        assert "Z-03" in floor.storehub("policies", "apply", str(file)).stdout
        assert floor.storehub("policies", "apply", str(file)).stdout == "Nothing changes.\n"
        placed = floor.place({milk["sku"]: 1})
        order = floor.arrived(str(placed["order_id"]))
        due = datetime.fromisoformat(order["promise_at"])
        assert timedelta(0) < due - opens.replace(microsecond=0) <= timedelta(hours=8)
        assert 'shelves = "Z-01..Z-03"' in floor.storehub("policies", "export").stdout
    finally:
        file.write_text('[policies]\nopening_hours = "default"\n')
        floor.storehub("policies", "apply", str(file))
        for number in ("Z-01", "Z-02", "Z-03"):
            floor.hub.done(f"/staging-shelves/{number}/drop", {})
