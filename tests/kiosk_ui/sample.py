"""A small store of its own for tests of the screens: real files, the real writer, no broker."""

import secrets
import sqlite3
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hub import authority, quarantine
from hub.catalog import tables as catalog
from hub.clock import Clock, SystemClock, stamp
from hub.customers import actions as customers
from hub.ingest.travels import Travel
from hub.journal import Transaction
from hub.pickup import code as codes
from hub.pickup import facts
from hub.settings import Settings
from hub.staff import actions as staff
from hub.staff import pins
from hub.stock import actions as stock
from hub.store import Store
from kiosk_ui.ports import Check, Hub, Options, Trust
from tests.empty import lay_files

STORE = "store-1"
BADGE = "SH1:B:" + "ADA0" * 6
PIN = "2468"
# one hash for all: scrypt is slow on purpose
HASHED = pins.hashed(PIN)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))  # central's, for pickup codes
PRODUCTS = (
    ("4711", "Rye bread 750 g", "bakery", 349, "09521234543213"),
    ("4712", "Whole milk 1 l", "dairy", 129, "09521234543220"),
    ("4713", "Apples, 1 kg", "produce", 299, "09521234543237"),
    ("4714", "Ground coffee 500 g", "coffee", 649, "09521234543244"),
    ("4715", "Dish soap, lemon", "household", 179, "09521234543251"),
    ("4716", "Dark chocolate 70 %", "sweets", 219, "09521234543268"),
)


class FakeLine:
    """A line that is up or down because it was told so."""

    def __init__(self) -> None:
        self._state = "up"

    def up(self) -> None:
        self._state = "up"

    def down(self) -> None:
        self._state = "down"

    def status(self) -> str:
        return self._state


class SampleStore:
    """Opens a store in `directory` and hands out the `Hub` that the screens get."""

    def __init__(self, directory: Path, clock: Clock | None = None, **options: Any) -> None:
        lay_files(directory)
        self.clock = clock or SystemClock()
        self.store = Store(directory, Settings(store=STORE, ballast_mib=0), clock=self.clock)
        self.line = FakeLine()
        self.sync: dict[str, Any] = {
            "state": "online",
            "pushed_seq": 0,
            "lag_s": 0,
            "as_of": None,
            "backlog": 0,
        }
        self.travels: list[Travel] = []
        self.checks = [Check("writer", True, "writes"), Check("broker", True, "connected")]
        self.replays: list[int] = []
        self.told_broker = 0
        tls = authority.establish(directory, STORE, ["127.0.0.1", "localhost"], self.clock.now())
        self.tls, self.https_port = tls, 0
        self.trust = Trust(
            ca=tls.ca.read_text, https_port=lambda: self.https_port, mqtts_port=8883, mqtt_port=1883
        )
        self._fill_catalog()
        self.hub = self._hub(Options(**options))

    def close(self) -> None:
        self.store.close()

    def _hub(self, options: Options) -> Hub:
        return Hub(
            store=STORE,
            clock=self.clock,
            writer=self.store.writer,
            reader=self.store.database.reader,
            ring=self.store.ring,
            secret_key=secrets.token_bytes(32),
            status=self.status,
            sync_state=lambda: self.sync,
            checks=lambda: self.checks,
            travels=lambda: self.travels,
            counters=lambda: {"committed_total": 12, "quarantined_total": 0},
            replay=self._replay,
            accounts_changed=self._tell_broker,
            line=self.line,
            trust=self.trust,
            instance="test",
            options=options,
        )

    def status(self) -> Mapping[str, Any]:
        head = self.store.journal.head
        return {
            "store": STORE,
            "instance": "test",
            "epoch": self.store.ring.epoch,
            "seq": head.seq,
            "hash": head.hash,
            "sync": self.sync,
            "quarantine": 0,
            "devices": {},
        }

    def _tell_broker(self) -> None:
        self.told_broker += 1

    def _replay(self, tx: Transaction, row_id: int) -> str:
        return quarantine.replay(tx, row_id, {"mqtt": self._replayed})

    def _replayed(self, tx: Transaction, row: quarantine.Row) -> str:
        self.replays.append(row.id)
        return "committed"

    def _fill_catalog(self) -> None:
        rows: list[dict[str, Any]] = []
        for sku, name, category, price, gtin in PRODUCTS:
            rows += [
                {
                    "kind": "product",
                    "sku": sku,
                    "names": {"en": name},
                    "category": category,
                    "image": f"category/{category}.svg",
                },
                {"kind": "barcode", "gtin": gtin, "sku": sku},
                {"kind": "price", "sku": sku, "amount_minor": price, "currency": "EUR"},
            ]
        public = KEY.public_key().public_bytes_raw()
        shown = urlsafe_b64encode(public).decode().rstrip("=")
        rows.append({"kind": "pickup_key", "key_id": "k1", "public_key": shown})
        self.teach(*rows)

    def teach(self, *rows: dict[str, Any]) -> None:
        """Take rows of the catalog over, as central's feed does."""
        connection = sqlite3.connect(self.store.database.replica)
        assert catalog.upsert_many(connection, rows) == []
        connection.commit()
        connection.close()

    # -- what happens in the store

    def hire(self, staff_id: str, name: str, role: str, badge: str | None = None) -> None:
        self.store.writer.run(
            lambda tx: staff.add(tx, staff_id, name, role, pin_hash=HASHED, badge=badge)
        )

    def token(self, role: str = "lead", name: str = "acceptance") -> str:
        return self.store.writer.run(lambda tx: staff.create_token(tx, name, role))

    def receive(self, sku: str, qty: int) -> None:
        self.store.writer.run(
            lambda tx: stock.receive(
                tx,
                f"R-{secrets.token_hex(4)}",
                [{"sku": sku, "qty": qty}],
                actor="hub",
                cause=f"hub:{secrets.token_hex(16)}",
            )
        )

    def place(
        self,
        order_id: str,
        lines: Sequence[tuple[str, int]] = (("4711", 2), ("4712", 1)),
        *,
        minutes: int = 60,
        name: str | None = None,
        code: str | None = None,
        ref: str | None = None,
        phone: str | None = None,
        substitutes: object = "any",
        age: int = 0,
        supply: str = "store",
        frozen: str = "",
    ) -> None:
        """Take an order in as central's command does."""
        from hub.pickup import actions as pickup

        ref = ref or (f"c-{order_id}" if name else None)
        promise = (
            stamp(datetime.now(UTC) + timedelta(minutes=minutes)) if supply == "store" else None
        )
        names = {sku: product for sku, product, *_ in PRODUCTS}
        order = {
            "order_id": order_id,
            "short_code": code or order_id[-4:].upper(),
            "channel": "web",
            "supply": supply,
            "currency": "EUR",
            "customer_ref": ref,
            "promise_at": promise,
            "lines": [
                {
                    "line_id": f"L{n}",
                    "sku": sku,
                    "qty": qty,
                    "name": names.get(sku, sku),
                    "unit_price_minor": 349,
                    "substitutes": substitutes,
                    **({"age_min": age} if age else {}),
                    **({"storage": "frozen"} if sku == frozen else {}),
                    "currency": "EUR",
                }
                for n, (sku, qty) in enumerate(lines, 1)
            ],
        }

        def work(tx: Transaction) -> None:
            if name and ref:
                customers.put(tx, ref, {"name": name, "phone": phone})
            pickup.place(tx, order, cause=f"central:{order_id}")

        self.store.writer.run(work)

    def made_ready(
        self,
        order_id: str,
        lines: Sequence[tuple[str, int]] = (("4711", 2), ("4712", 1)),
        *,
        shelf: str = "B-12",
        short: int = 0,
        **more: Any,
    ) -> None:
        """Take an order in, pick it (but the last `short` lines), stage it and set it ready."""
        from hub.pickup import actions as pickup

        self.place(order_id, lines, **more)
        who = "staff:ada"

        def step(name: str, *given: Any) -> None:
            act, cause = getattr(pickup, name), f"hub:{secrets.token_hex(16)}"
            self.store.writer.run(lambda tx: act(tx, order_id, *given, actor=who, cause=cause))

        step("claim")
        for n, (_sku, qty) in enumerate(lines, 1):
            if n > len(lines) - short:
                step("short", f"L{n}", qty, "NOT_IN_STOCK")
            else:
                step("pick", f"L{n}", qty)
        step("stage", shelf)
        step("ready")

    def code(self, order_id: str, lines: Sequence[tuple[str, int]] = (("4711", 1),)) -> str:
        """Return the pickup code that central signed for an order."""
        stated = [(f"L{n}", sku, qty) for n, (sku, qty) in enumerate(lines, 1)]
        return codes.make(order_id, STORE, stated, KEY, "k1")

    def paper(self, order_id: str, state: str) -> str:
        """Print an order's slip at the store's printer, which says `state` of it."""
        from types import SimpleNamespace

        from hub.fleet import actions as fleet
        from hub.printing import actions as printing
        from hub.printing import queries as papers

        def work(tx: Transaction) -> str:
            if not papers.printers(tx.conn):
                fleet.enroll(tx, "printer-1", kind="printer", place="counter")
            (job,) = printing.print_(tx, "pickup_slip", order_id, key=f"paper:{order_id}")
            return job

        job = self.store.writer.run(work)
        data = SimpleNamespace(job=job, state=state, detail=None)
        seen: Any = SimpleNamespace(device="printer-1", data=data, cause=f"printer-1:{job}")
        self.store.writer.run(lambda tx: printing.reported(tx, seen, tx.now))
        return job

    def append(self, *happened: Any, actor: str = "staff:ada") -> None:
        self.store.writer.run(
            lambda tx: tx.append(happened, cause=f"hub:{secrets.token_hex(16)}", actor=actor)
        )

    def append_nothing(self, *topics: str) -> None:
        """Commit records without a fact, as observations do."""
        self.store.writer.run(lambda tx: tx.touch(*topics))

    def quarantine(self, device: str, body: bytes, reason: str = "not_json") -> None:
        self.store.writer.run(
            lambda tx: quarantine.put(
                tx,
                source="mqtt",
                device=device,
                topic=f"storehub/v1/{STORE}/{device}/obs/scan",
                reason=reason,
                detail="The payload is not JSON.",
                body=body,
                bound=1000,
            )
        )


__all__ = ["BADGE", "PIN", "PRODUCTS", "STORE", "SampleStore", "facts"]
