"""A fleet in the middle of its day, for tests of the console: each device in a state of its own."""

from datetime import UTC, datetime

from hub.fleet import actions
from hub.fleet.watch import tables
from hub.journal import Transaction
from tests.kiosk_ui.sample import SampleStore

MINUTE, HOUR = 60_000, 3_600_000

OURS = (
    ("scanner-1", "scanner", "floor", "battery"),
    ("scanner-2", "scanner", "floor", "battery"),
    ("till-1", "till", "counter", "mains"),
    ("till-2", "till", "counter", "mains"),
    ("kiosk-1", "kiosk", "entrance", "mains"),
    ("camera-1", "camera", "returns desk", "mains"),
    ("printer-1", "printer", "counter", "mains"),
    ("shelf-a3", "shelf", "A3", "mains"),
    ("gateway-1", "gateway", "back room", "mains"),
)


def populate(shop: SampleStore) -> None:
    """Enroll a store's devices, hear most of them, notice some that nobody let in."""
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    shop.store.writer.run(lambda tx: _devices(tx, now_ms))


def _devices(tx: Transaction, now_ms: int) -> None:
    for device, kind, place, power in OURS:
        battery = power == "battery"
        actions.enroll(tx, device, kind=kind, place=place, power="battery" if battery else "mains")
    for device, kind, place, address in (
        ("door-bell", "button", "staff door", "shellyplus1-a8032ab1"),
        ("cold-room", "climate", "cold room", "0x00158d0001a2b3c4"),
    ):
        family = "shelly" if device == "door-bell" else "zigbee2mqtt"
        actions.enroll(
            tx, device, kind=kind, place=place, family=family, via="gateway-1", address=address,
            power="battery",
        )  # fmt: skip
    for n, device in enumerate(("scanner-1", "till-1", "kiosk-1", "shelf-a3", "gateway-1")):
        _hear(tx, device, now_ms - n * 7_000, battery=84 if device == "scanner-1" else None)
    _hear(tx, "door-bell", now_ms - 3 * HOUR, battery=61)
    _hear(tx, "cold-room", now_ms - 20 * MINUTE, battery=97)
    _hear(tx, "scanner-2", now_ms - 2 * MINUTE, battery=14)
    _hear(tx, "till-2", now_ms - 40 * MINUTE, online=False)
    _hear(tx, "camera-1", now_ms - MINUTE, drift_ms=-95_000)
    _hear(tx, "kiosk-1", now_ms, low=400, high=431, fresh=9)
    _hear(tx, "stranger-7", now_ms - 5_000)
    for name, address in (("Fridge 2", "0x00158d0002ff0a11"), ("", "shellyplus1-77aa")):
        family = "zigbee2mqtt" if name else "shelly"
        actions.sighted(tx, family, address, "gateway-1", name=name or None)
    for _ in range(4):
        actions.rogue(tx, "join", name="", source="192.168.1.77")
    key = actions.command(tx, "scanner-1", "identify", actor="staff:ivy")
    actions.answered(tx, "scanner-1", key, "done")
    actions.command(tx, "scanner-1", "config", {"beep": False, "volume": 3}, actor="staff:ivy")


def _hear(
    tx: Transaction,
    device: str,
    at_ms: int,
    *,
    online: bool = True,
    battery: float | None = None,
    drift_ms: int = 12,
    low: int = 1,
    high: int = 1200,
    fresh: int = 1200,
) -> None:
    tables.heard(
        tx.conn, device, last_ms=at_ms, online=online, boot="b1", low_seq=low, high_seq=high,
        fresh=fresh, quality="synced", drift_ms=drift_ms,
    )  # fmt: skip
    tables.boot_began(tx.conn, device, "b1", at_ms - 9 * HOUR)
    tables.health(
        tx.conn, device, battery, "2.4.1", outbox=0, oldest_s=None, dropped=None,
        offline_hours_left=160.0,
    )  # fmt: skip
