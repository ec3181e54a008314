"""Read the hub's settings from one table: defaults < storehub.toml < environment < flags.

It must never print a secret, and never guess: a wrong key or value stops the start with a sentence
that names the key, the value and where it came from.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from hub.errors import Invalid

FILE: Final = "storehub.toml"
# Beside it, for its owner alone (0600): what `storehub init` drew or was given.
SECRETS: Final = "secrets.toml"
PREFIX: Final = "STOREHUB_"
MASK: Final = "••••"
# Environment names of the command line itself, which are no settings.
NOT_SETTINGS: Final = frozenset({"DATA", "CENTRAL_API_TOKEN", "DEVICE_PASSWORD"})
NAME: Final = r"[A-Za-z0-9_-]{1,32}"


class SettingsError(Invalid):
    """A setting is unknown or has a value that cannot be used; str() is one sentence."""


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
    central_token: str = _row("", "", "This store's credential at central.", secret=True)
    mqtt_host: str = _row("127.0.0.1", "", "The broker's address, as the hub reaches it.")
    mqtt_listen: str = _row(
        "127.0.0.1", "", "Where a broker started by the hub listens; 0.0.0.0 serves the LAN."
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
_BY_NAME: Final = {row.name: row for row in TABLE}


def load(
    directory: Path,
    *,
    environment: Mapping[str, str] | None = None,
    flags: Mapping[str, object] | None = None,
) -> Settings:
    """Return the settings of the hub whose data stand in `directory`.

    `environment` defaults to the process's. A flag that is None was not given.
    Raises SettingsError for an unknown key or a value that cannot be used.
    """
    environment = os.environ if environment is None else environment
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for name, raw, source in _given(directory, environment, flags or {}):
        values[name] = _value(_BY_NAME[name], raw, source)
        sources[name] = source
    return Settings(**values, sources=sources)


def _given(
    directory: Path, environment: Mapping[str, str], flags: Mapping[str, object]
) -> Iterator[tuple[str, object, str]]:
    for file in (directory / FILE, directory / SECRETS):
        for key, raw in _toml(file).items():
            yield _known(key, str(file)), raw, str(file)
    for variable in sorted(environment):
        name = variable.removeprefix(PREFIX)
        if variable.startswith(PREFIX) and name not in NOT_SETTINGS:
            yield _known(name.lower(), f"environment {variable}"), environment[variable], variable
    for key, raw in flags.items():
        if raw is not None:
            yield _known(key, "flags"), raw, f"--{key.replace('_', '-')}"


def _toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file} is no TOML: {error}.") from error


def _known(key: str, source: str) -> str:
    if key in _BY_NAME:
        return key
    near = difflib.get_close_matches(key, _BY_NAME, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise SettingsError(f"There is no setting {key!r} (from {source}).{hint}")


def _value(row: Row, raw: object, source: str) -> Any:
    shown = MASK if row.secret else repr(raw)
    wrong = f"The setting {row.name!r} cannot be {shown} (from {source}): "
    try:
        value = _typed(row.kind, raw)
    except (ValueError, KeyError) as error:
        raise SettingsError(f"{wrong}it is {_words(row)}.") from error
    below = row.least is not None and value < row.least
    above = row.most is not None and value > row.most
    odd = row.pattern is not None and re.fullmatch(row.pattern, value) is None
    if below or above or odd or value != value:
        raise SettingsError(f"{wrong}it is {_words(row)}.")
    return value


def _typed(kind: type, raw: object) -> Any:
    if isinstance(raw, bool) and kind is not bool:
        raise ValueError("a yes or no where none belongs")
    if kind is bool and isinstance(raw, str):
        return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}[
            raw.lower()
        ]
    if kind is int and isinstance(raw, str):
        return int(raw)
    if kind is float and isinstance(raw, str | int):
        return float(raw)
    if not isinstance(raw, kind):
        raise ValueError("of another type")
    return raw


def _words(row: Row) -> str:
    """Say what a row may be: 'a whole number of MiB, 1 or more'."""
    kind = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}[row.kind]
    unit = f" ({row.unit})" if row.unit else ""
    match row.least, row.most:
        case None, None:
            span = ""
        case least, None:
            span = f", {least:g} or more"
        case least, most:
            span = f", {least or 0:g} to {most:g}"
    form = f" of the form {row.pattern}" if row.pattern else ""
    return f"{kind}{unit}{span}{form}"


def page() -> str:
    """Return docs/settings.md, made from the table."""
    lines = [
        "# Settings",
        "",
        "<!-- Made by `python -m hub.settings > docs/settings.md`; a test compares the two. -->",
        "",
        f"A setting comes from, later wins: its default, `{FILE}` in the data directory,"
        f" the environment (`{PREFIX}` and the name in capitals), a flag.",
        "Secrets are masked wherever settings are printed.",
        "",
        "| setting | default | unit | may be | reason |",
        "|---|---|---|---|---|",
    ]
    for row in TABLE:
        default = f"`{row.default}`" if row.default != "" else "(empty)"
        form = _words(row).replace("|", "\\|")
        reason = row.reason + (" **Secret.**" if row.secret else "")
        lines.append(f"| `{row.name}` | {default} | {row.unit} | {form} | {reason} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(page(), end="")
