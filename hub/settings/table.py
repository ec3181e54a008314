"""Every setting of the hub: its default, its unit, what it may be and why it is there.

A number that tunes behavior must never stand anywhere else without such a line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

NAME: Final = r"[A-Za-z0-9_-]{1,32}"
MASK: Final = "••••"


@dataclass(frozen=True)
class Row:
    """One row of the table: what a setting is for, and what it may be."""

    name: str
    kind: type
    default: Any
    unit: str
    reason: str
    secret: bool = False
    least: float | None = None
    most: float | None = None
    pattern: str | None = None


def _row(
    default: Any,
    unit: str,
    reason: str,
    *,
    secret: bool = False,
    least: float | None = None,
    most: float | None = None,
    pattern: str | None = None,
) -> Any:
    bounds = {"least": least, "most": most, "pattern": pattern}
    return field(
        default=default, metadata={"unit": unit, "reason": reason, "secret": secret} | bounds
    )


def _port(default: int, reason: str) -> Any:
    return _row(default, "port", reason, least=0, most=65535)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Every setting of the hub; the fields are the table that docs/settings.md is made from."""

    # The store
    store: str = _row(
        "store-1", "", "This store's id, in MQTT topics and at central.", pattern=NAME
    )
    currency: str = _row("EUR", "ISO 4217", "Prices are shown in it.", pattern="[A-Z]{3}")
    lobby_languages: str = _row(
        "en",
        "BCP 47",
        "Titles of the wall screen: the large one, and after a comma the small one.",
        pattern=r"[A-Za-z]{2,3}(,[A-Za-z]{2,3})?",
    )
    brand_file: str = _row(
        "brand.toml",
        "",
        "The retailer's colours, logo, name, corners and fonts, in DIR (docs/looks.md).",
        pattern=r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}",
    )
    time_zone: str = _row("UTC", "IANA", "Screens show times in it; stored times are always UTC.")
    log_level: str = _row(
        "info",
        "",
        "How much is logged.",
        pattern="debug|info|warning|error|DEBUG|INFO|WARNING|ERROR",
    )

    # Ports and addresses
    http_host: str = _row("127.0.0.1", "", "Screens and API listen here; 0.0.0.0 serves the LAN.")
    http_port: int = _port(8080, "Screens and API over HTTP.")
    https_port: int = _port(8443, "Screens and API over HTTPS; 0 = off.")
    central_url: str = _row("", "URL", "Central inventory; empty = this store stands alone.")
    central_ca: str = _row(
        "",
        "",
        "PEM file, in DIR, of the CA that central's certificate must come from; empty = the"
        " system's. With it a box whose clock is not set yet reaches central all the same.",
    )
    sync_mib_per_hour: int = _row(
        0,
        "MiB",
        "The line carries no more in an hour; the catalogue waits first. 0: no cap.",
        least=0,
    )
    central_token: str = _row("", "", "This store's credential at central.", secret=True)
    mqtt_host: str = _row("127.0.0.1", "", "The broker's address, as the hub reaches it.")
    mqtt_listen: str = _row(
        "127.0.0.1", "", "Where `storehub broker run` listens; 0.0.0.0 serves the LAN."
    )
    mqtt_port: int = _port(1883, "MQTT without TLS, on 127.0.0.1 alone.")
    mqtt_plain: bool = _row(
        False, "", "Also listen without TLS where mqtt_listen says; passwords travel readable."
    )
    mqtts_port: int = _port(8883, "MQTT over TLS; 0 = off.")
    mqtt_certificate_port: int = _port(
        0, "MQTT over TLS by client certificate instead of password (mosquitto); 0 = off."
    )
    host_names: str = _row(
        "", "", "Further names and addresses of this hub, by commas, for its certificate."
    )
    mqtt_username: str = _row("hub", "", "The hub's own name at the broker.", pattern=NAME)
    mqtt_password: str = _row(
        "",
        "",
        "The hub's password at a broker it didn't start; else it makes its own.",
        secret=True,
    )
    broker: str = _row(
        "auto",
        "",
        "auto = mosquitto when found, else amqtt; external = somebody else runs it.",
        pattern="auto|mosquitto|amqtt|external",
    )

    # Writer and disk
    batch_cap: int = _row(
        500,
        "observations",
        "One commit takes no more, so that a command never waits long.",
        least=1,
        most=5000,
    )
    ballast_mib: int = _row(
        32, "MiB", "A file given up when the disk fills, so that there is room to act.", least=0
    )
    disk_low_mib: int = _row(
        128,
        "MiB",
        "Below this much free space telemetry is pruned and orders are refused.",
        least=0,
    )

    # Observations
    telemetry_days: int = _row(14, "days", "Raw telemetry is kept so long.", least=1)
    business_days: int = _row(60, "days", "Raw scans and sales are kept so long.", least=1)
    observation_mib: int = _row(
        512, "MiB", "Observations take no more disk; telemetry goes first, oldest first.", least=1
    )
    seen_days: int = _row(400, "days", "A business event's id is remembered so long.", least=1)
    seen_telemetry_days: int = _row(
        30, "days", "A telemetry event's id is remembered so long.", least=1
    )
    quarantine_per_device: int = _row(
        1000, "messages", "One broken device fills no more; its oldest go first, counted.", least=1
    )
    quarantine_days: int = _row(90, "days", "Quarantined messages are kept so long.", least=1)
    outbox_retry_s: float = _row(
        5.0, "s", "A device command without an answer is sent again.", least=0.1
    )
    outbox_hours: int = _row(
        24, "h", "A device command nobody answered is given up after this.", least=1
    )
    device_silent_s: int = _row(
        600, "s", "A mains-powered device unheard for so long is away.", least=1
    )
    battery_silent_h: int = _row(
        25, "h", "A battery-powered device unheard for so long is away.", least=1
    )
    battery_low_pct: int = _row(
        20, "%", "A battery at or below this needs a hand.", least=0, most=100
    )

    # Stock and pickup
    hold_seconds: int = _row(600, "s", "A hold counts so long unless activity extends it.", least=1)
    safety_stock: int = _row(0, "units", "Kept from promise at normal confidence.", least=0)
    safety_stock_low: int = _row(1, "units", "Kept from promise at low confidence.", least=0)
    channel_threshold: int = _row(
        0, "units", "A channel other than the store leaves so many.", least=0
    )
    promise_minutes: int = _row(
        120, "min", "An order with no promise of its own is due then.", least=1
    )
    web_quota_hours: int = _row(
        8,
        "h",
        "Central may promise, without asking, what the web takes in an outage so long; 0: nothing.",
        least=0,
        most=720,
    )
    web_quota_share: int = _row(
        50, "%", "Of a SKU's free units, central is lent no larger part.", least=0, most=100
    )
    web_quota_low: int = _row(
        50, "%", "Rights are filled up below this part of the quota.", least=1, most=100
    )
    pickup_days: int = _row(7, "days", "A ready order not collected by then expires.", least=1)

    # Shelves and tags
    shelf_stable_s: float = _row(
        3.0, "s", "A shelf's number of units counts when it has stood so long.", least=0.1
    )
    shelf_gap_s: float = _row(
        30.0, "s", "An empty facing is a gap after this; hands put goods back sooner.", least=0
    )
    shelf_hysteresis: float = _row(
        0.2, "units", "Noise below this never changes a settled number.", least=0, most=0.45
    )
    shelf_drift: float = _row(
        0.05, "units/h", "Creep of a scale up to this is followed; goods leave faster.", least=0
    )
    shelf_noise_g: float = _row(
        20.0, "g", "A scale that moves by more cannot be calibrated.", least=0
    )
    shelf_tolerance: int = _row(
        2, "units", "A shelf and the ledger may differ by so many.", least=0
    )
    shelf_disagree_s: float = _row(
        3600.0, "s", "They differ for so long before a count is asked for: tills lag.", least=0
    )
    tag_gone_s: float = _row(600.0, "s", "A tag unheard for so long has departed.", least=1)
    tag_margin_db: float = _row(
        6.0, "dB", "Another place must hear a tag better by this to take it.", least=0
    )
    tag_holdoff_ms: int = _row(500, "ms", "And must hear it for so long.", least=0)
    tag_decay_db_s: float = _row(
        1.0, "dB/s", "The margin falls so fast while the old place hears nothing.", least=0
    )
    tag_left_task: bool = _row(
        False, "", "Tags that left by a door unsold raise a task, for review only."
    )
    sweep_confirm: int = _row(
        2, "units", "An inventory by RFID that differs by more waits for a person.", least=0
    )

    # Paper
    print_slips_at: str = _row(
        "", "device", "Slips and count sheets come out there; empty = the only printer."
    )
    print_labels_at: str = _row(
        "", "device", "Shelf and product labels come out there; empty = the only printer."
    )
    print_language: str = _row(
        "en", "BCP 47", "Paper speaks it.", pattern=r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*"
    )
    print_minutes: int = _row(
        120, "min", "A paper that could not be printed is wanted no longer.", least=1
    )
    print_new_orders: bool = _row(
        False, "", "Each order that comes in prints its slip: a locked phone shows nothing."
    )
    print_expected: bool = _row(
        False, "", "Count sheets show what the record expects; who sees it tends to copy it."
    )
    paper_mm: int = _row(80, "mm", "Width of the paper that previews show: 58 or 80.")

    # Screens and API
    request_kib: int = _row(1024, "KiB", "A larger HTTP body is refused with 413.", least=1)
    session_key: str = _row("", "", "Signs the screens' sessions; drawn at init.", secret=True)
    wave_orders: int = _row(
        3,
        "orders",
        "A phone claims so many at one press: what a small cart holds.",
        least=1,
        most=12,
    )
    idle_minutes: int = _row(15, "min", "A screen nobody touches signs out.", least=1)

    sources: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    def __repr__(self) -> str:
        return f"Settings({', '.join(f'{n}={v}' for n, v, _ in self.shown())})"

    def shown(self) -> Iterator[tuple[str, str, str]]:
        """Yield (name, printable value, source) of each setting; secrets are masked."""
        for row in TABLE:
            value = getattr(self, row.name)
            text = MASK if row.secret and value else str(value)
            yield row.name, text, self.sources.get(row.name, "default")


def _table() -> tuple[Row, ...]:
    kinds = {"str": str, "int": int, "float": float, "bool": bool}
    return tuple(
        Row(name=f.name, kind=kinds[str(f.type)], default=f.default, **f.metadata)
        for f in fields(Settings)
        if f.name != "sources"
    )


TABLE: Final = _table()
