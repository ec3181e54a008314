"""Lets devices in from the command line: join codes, certificates, settings sheets.

It must never print a secret that was given out before.
"""

import sqlite3
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from hub import authority, broker
from hub.clock import stamp
from hub.errors import NotFound, Refusal
from hub.fleet import queries
from hub.fleet.joining import actions, rules, sheets
from hub.settings import Settings
from hub.store import Store


def code(store: Store, device: str, how: str, more: Mapping[str, Any]) -> dict[str, str]:
    """Make a join code; `more` is what the fleet's action gets when it is redeemed."""
    settings = store.settings
    if not settings.https_port and not is_loopback(settings.http_host):
        raise Refusal("Devices join over HTTPS: set https_port.", slug="tls-required")
    digest = broker.store_tls(store.directory, settings).fingerprint()
    made = store.writer.run(
        lambda tx: actions.make(
            tx, device, store=settings.store, how=_how(how), body=more, actor="hub"
        )
    )
    url = hub_url(settings)
    return {
        "device": device,
        "code": rules.shown(made.text),
        "until": stamp(made.until),
        "url": url,
        "ca_sha256": digest,
        "qr": rules.qr_text(url, made.text, digest),
    }


def certificate(store: Store, device: str, changed: Callable[[], None]) -> dict[str, str]:
    """Issue a client certificate for `device`; it counts until the device's secret changes."""
    settings = store.settings
    files = broker.store_tls(store.directory, settings)
    name = store.writer.run(lambda tx: actions.certify(tx, device))
    pem, key = authority.issue(store.directory, settings.store, name, store.clock.now())
    changed()
    return {
        "device": device,
        "name": name,
        "certificate": pem.decode(),
        "key": key.decode(),
        "ca": files.ca.read_text(),
    }


def sheet(
    connection: sqlite3.Connection, directory: Path, settings: Settings, device: str, password: str
) -> sheets.Sheet:
    """Return how `device` is set up by hand. Raises NotFound, Refusal."""
    known = queries.registered(connection, device)
    if known is None:
        raise NotFound(f"No device {device!r} is enrolled in this store.")
    host = settings.mqtt_host if settings.broker == "external" else host_of(settings)
    if not settings.mqtts_port:
        reach = sheets.Reach(settings.store, host, settings.mqtt_port, "", "")
        return sheets.sheet(known, reach, password)
    files = broker.store_tls(directory, settings)
    reach = sheets.Reach(
        settings.store, host, settings.mqtts_port, files.ca.read_text(), files.fingerprint()
    )
    return sheets.sheet(known, reach, password)


def hub_url(settings: Settings) -> str:
    """Return where devices on the LAN reach this hub."""
    host = host_of(settings)
    if settings.https_port:
        return f"https://{host}:{settings.https_port}"
    return f"http://{host}:{settings.http_port}"


def host_of(settings: Settings) -> str:
    """Return the address that devices use: a name somebody set, else one of the LAN."""
    if is_loopback(settings.http_host):
        return "127.0.0.1"
    named = [name.strip() for name in settings.host_names.split(",") if name.strip()]
    if settings.http_host not in ("0.0.0.0", "::"):
        named.append(settings.http_host)
    return next(iter([*named, *(one for one in authority.names_here() if _on_lan(one))]))


def is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _on_lan(name: str) -> bool:
    try:
        return not ip_address(name).is_loopback
    except ValueError:
        return name.endswith(".local")


def _how(how: str) -> rules.How:
    match how:
        case "enrol" | "rotate" | "replace":
            return how
        case _:
            raise Refusal(f"{how!r} is nothing that a join code can do.")
