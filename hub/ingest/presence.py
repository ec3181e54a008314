"""Notes which device was heard, with which numbers, and when its boot began.

It must never decide about an observation: it only tells when and from whom one came.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from hub import outbox
from hub.clock import stamp
from hub.fleet.watch import tables as fleet_tables
from hub.ingest.inbox import Item
from hub.journal import Transaction
from hub.wire import Observation, Status

# A screen need not hear of each of a device's observations (ms).
_SHOWN_AGAIN_MS: Final = 5_000
# Smaller corrections of a boot's beginning are only the jitter of the network (ms).
_JITTER_MS: Final = 20
_BOOTS_MOST: Final = 10_000
# Thirty years: what is beyond is no clock, and no number that a table holds (ms).
_DRIFT_MOST_MS: Final = 10**12


@dataclass(slots=True)
class Presence:
    """Runs on the writer. What it remembers may be lost at any time: the tables hold it."""

    boots: dict[tuple[str, str], int] = field(default_factory=dict)
    shown_ms: dict[str, int] = field(default_factory=dict)

    def hear(
        self,
        tx: Transaction,
        readable: list[tuple[Item, Observation]],
        online: Mapping[str, bool],
    ) -> None:
        """Note who sent `readable`, when, with which numbers, and when each boot began."""
        by_device: dict[str, list[tuple[Item, Observation]]] = {}
        for pair in readable:
            by_device.setdefault(pair[1].device, []).append(pair)
        for device, pairs in by_device.items():
            last_ms = pairs[-1][0].received_ms
            numbers = [seen.seq for _, seen in pairs]
            began: dict[str, int] = {}
            for item, seen in pairs:
                if not item.judged:
                    at_ms = item.received_ms - seen.uptime_ms
                    began[seen.boot] = min(at_ms, began.get(seen.boot, at_ms))
            fleet_tables.heard(
                tx.conn,
                device,
                last_ms=last_ms,
                online=online[device],
                boot=pairs[-1][1].boot,
                low_seq=min(numbers),
                high_seq=max(numbers),
                # What was seen before has its ack by now.
                fresh=sum(item.ack is None for item, _ in pairs),
                quality=pairs[-1][1].quality,
                drift_ms=self._drift_ms(pairs[-1][1], began),
            )
            for boot, at_ms in began.items():
                self._boot(tx, device, boot, at_ms)
            if last_ms - self.shown_ms.get(device, 0) > _SHOWN_AGAIN_MS:
                self.shown_ms[device] = last_ms
                tx.touch("devices")

    def _drift_ms(self, seen: Observation, began: Mapping[str, int]) -> int | None:
        """How far is the device's clock ahead? Told by its uptime, since a message may be late."""
        known = self.boots.get((seen.device, seen.boot))
        if seen.quality != "synced" or seen.at_ms is None or known is None:
            return None
        drift_ms = seen.at_ms - (min(known, began.get(seen.boot, known)) + seen.uptime_ms)
        return max(-_DRIFT_MOST_MS, min(_DRIFT_MOST_MS, drift_ms))

    def _boot(self, tx: Transaction, device: str, boot: str, began_ms: int) -> None:
        known = self.boots.get((device, boot))
        if known is None or began_ms < known - _JITTER_MS:
            best = fleet_tables.boot_began(tx.conn, device, boot, began_ms)
            if len(self.boots) > _BOOTS_MOST:
                self.boots.clear()
            self.boots[device, boot] = best

    def status(self, tx: Transaction, item: Item, status: Status) -> None:
        """Note what a device says of itself, or its last will says for it."""
        fleet_tables.status(
            tx.conn,
            item.device,
            at_ms=item.received_ms,
            online=status.online,
            live=item.live,
            firmware=status.firmware,
            battery_pct=status.battery_pct,
        )
        if item.live and status.online and status.boot and status.uptime_ms is not None:
            self._boot(tx, item.device, status.boot, item.received_ms - status.uptime_ms)
        if item.live and status.online:
            outbox.hurry(tx.conn, item.device, stamp(tx.now))
        tx.touch("devices")
