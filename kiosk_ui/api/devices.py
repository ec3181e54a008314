"""How a device comes in by itself: the store's CA for all, its account for whoever has the code.

It must never hand a secret over a line that others can read, nor keep the answer that holds it:
a code opens once, and who lost the answer asks for another code.
"""

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

import msgspec
from flask import Response, request
from msgspec import Meta

from hub import authority
from hub.clock import stamp
from hub.errors import NotFound, Refusal, Unavailable
from hub.fleet import queries as fleet
from hub.fleet.joining import actions, rules, sheets
from hub.journal import Transaction
from hub.wire import ROOT
from kiosk_ui.api import bodies
from kiosk_ui.api.contract import (
    OPERATIONS,
    Call,
    Operation,
    Query,
    api,
    command,
    json_response,
    read,
)
from kiosk_ui.api.fleet import Enrol
from kiosk_ui.ports import Trust
from kiosk_ui.pressing import parse
from kiosk_ui.session import hub

PEM: Final = "application/x-pem-file"
NO_TRUST: Final = "This hub has no certificate of its own."


class Join(bodies.Asked):
    code: Annotated[str, Meta(min_length=1, max_length=40)]


class Mqtt(msgspec.Struct):
    """Where the broker listens. With `tls` the CA beside is the only one to trust."""

    host: str
    port: int
    tls: bool


class Topics(msgspec.Struct):
    write: list[str]
    read: list[str]


class Joined(msgspec.Struct):
    """A device's account: shown in this answer and never again."""

    store: str
    device: str
    username: str
    password: str
    topics: Topics
    mqtt: Mqtt
    ca: str
    ca_sha256: str


class CodeAsked(Enrol):
    """`how`: enrol a new device, rotate the secret of one, or replace a unit that broke."""

    kind: Annotated[str, Meta(min_length=1, max_length=32)] = "scanner"
    how: Literal["enrol", "rotate", "replace"] = "enrol"
    host: Annotated[str, Meta(max_length=200)] | None = None


class CodeMade(msgspec.Struct):
    """Shown once: all but the device is null in a repetition. `qr` is the text of the QR.

    `host` of the request says by which name the device reaches the hub.
    """

    device: str
    until: str | None = None
    ca_sha256: str | None = None
    code: str | None = None
    qr: str | None = None


def trust() -> Trust:
    found = hub().trust
    if found is None:
        raise Unavailable(NO_TRUST, retry_after_s=60)
    return found


def join_url(found: Trust, host: str) -> str:
    """Return where a device joins, as seen from the machine that asked for `host`."""
    name = bare(host)
    if is_local(name):
        # Whoever looks at the console on the hub itself sends devices to an address of the LAN.
        name = found.host
    if found.https_port():
        return f"https://{name}:{found.https_port()}"
    return f"http://{host}"


def reach(found: Trust, store: str, host: str) -> sheets.Reach:
    """Return where a device finds the broker. Raises Refusal when no door is open to it."""
    name = found.mqtt_host or bare(host)
    ca = found.ca() if found.mqtts_port else ""
    if not ca and not (found.mqtt_plain or is_local(name)):
        raise Refusal("This hub's broker has no TLS door: set mqtts_port.", slug="no-tls")
    digest = authority.fingerprint(ca) if ca else ""
    return sheets.Reach(store, name, found.mqtts_port or found.mqtt_port, ca, digest)


def bare(host: str) -> str:
    """Return the name or address of a Host header."""
    name = urlsplit(f"//{host}").hostname or "127.0.0.1"
    return f"[{name}]" if ":" in name else name


def is_local(address: str | None) -> bool:
    try:
        return ip_address((address or "").strip("[]")).is_loopback
    except ValueError:
        return address == "localhost"


OPERATIONS.append(
    Operation("GET", "/ca", "The store's own CA, to be compared by its SHA-256.", None, str,
              content=PEM)
)  # fmt: skip
OPERATIONS.append(
    Operation(
        "POST", "/devices/join",
        "Redeem a join code, once, for a device's account. Over TLS, or from the hub's own"
        " machine. The answer is never stored: an Idempotency-Key has no effect here.",
        None, Joined, 201, Join,
    )
)  # fmt: skip


@api.get("/ca")
def store_ca() -> Response:
    return Response(trust().ca(), content_type=PEM)


@api.post("/devices/join")
def join() -> Response:
    found, store = trust(), hub().store
    if not request.is_secure and not is_local(request.remote_addr):
        raise Refusal(
            "A join code is redeemed over HTTPS: anybody could read the answer. Use"
            f" {join_url(found, request.host)}.",
            slug="tls-required",
        )
    code = parse(Join, request.get_data()).code
    where = reach(found, store, request.host)
    source, digest = request.remote_addr or "", rules.digest(code, store)
    redeemed = hub().writer.run(lambda tx: actions.redeem(tx, digest, source=source))
    if redeemed.refusal is not None:
        raise Refusal(redeemed.refusal, slug="join-code")
    hub().accounts_changed()
    base = f"{ROOT}/{store}/{redeemed.device}"
    with hub().reader() as connection:
        known = fleet.registered(connection, redeemed.device)
    grants = list(known.grants) if known is not None else []
    return json_response(
        Joined(
            store,
            redeemed.device,
            redeemed.device,
            redeemed.secret,
            Topics([f"{base}/obs/#", f"{base}/status", *grants], [f"{base}/ack", f"{base}/cmd/+"]),
            Mqtt(where.host, where.port, where.tls),
            where.ca,
            where.ca_sha256,
        ),
        201,
    )


def _code_known(tx: Transaction, cause: str, device: str) -> CodeMade:
    return CodeMade(device)


@command(
    "/devices/<device>/code",
    "Make a one-time join code, good for ten minutes.",
    step="devices", body=CodeAsked, answer=CodeMade, status=201, show=_code_known,
)  # fmt: skip
def code(call: Call, asked: CodeAsked, device: str) -> Any:
    more = msgspec.structs.asdict(asked)
    how, host, found = more.pop("how"), more.pop("host"), call.hub.trust
    if found is None:
        raise Unavailable(NO_TRUST, retry_after_s=60)
    digest = authority.fingerprint(found.ca())
    made = actions.make(
        call.tx, device, store=call.hub.store, how=how, body=body_of(how, more), actor=call.actor
    )
    url = join_url(found, host or found.host)
    call.revealed["until"], call.revealed["ca_sha256"] = stamp(made.until), digest
    call.revealed["code"] = rules.shown(made.text)
    call.revealed["qr"] = rules.qr_text(url, made.text, digest)
    return CodeMade(device)


def body_of(how: str, more: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of the fleet's action that a code of this kind keeps."""
    if how == "enrol":
        return dict(more)
    return {"address": more["address"]} if how == "replace" and more.get("address") else {}


@read(
    "/devices/<device>/sheet",
    "How to set a device up by hand: what to type where. The password is not on it.",
    step="devices", answer=sheets.Sheet,
    queries=(Query("host", "By which name the device reaches the hub; else the request's."),),
)  # fmt: skip
def sheet(device: str) -> Any:
    with hub().reader() as connection:
        known = fleet.registered(connection, device)
    if known is None:
        raise NotFound(f"No device {device!r} is enrolled in this store.")
    host = request.args.get("host") or request.host
    return sheets.sheet(known, reach(trust(), hub().store, host))
