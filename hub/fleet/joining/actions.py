"""Make a join code, redeem it once, give a device a certificate.

It must never raise for a wrong code: the attempt has to be counted, so it has to be committed.
"""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from hub.clock import stamp
from hub.errors import NotFound, Refusal
from hub.fleet import actions as fleet
from hub.fleet import queries as registry
from hub.fleet import rules as fleet_rules
from hub.fleet.joining import queries, rules, tables
from hub.fleet.joining.rules import How
from hub.journal import Transaction


class Code(NamedTuple):
    """A fresh code. `text` is shown once and kept nowhere."""

    text: str
    until: datetime


class Redeemed(NamedTuple):
    """What came of a code: the device and its secret, or the sentence that refuses it."""

    device: str
    secret: str
    refusal: str | None = None


def make(
    tx: Transaction,
    device: str,
    *,
    store: str,
    how: How = "enrol",
    body: Mapping[str, Any] | None = None,
    actor: str = "hub",
) -> Code:
    """Draw a one-time code for `device`.

    `how` says which of the fleet's actions the code is for, `body` its arguments. A device that is
    enrolled already keeps its kind and place: its code is for a new secret. Raises Refusal,
    NotFound, Invalid.
    """
    fleet_rules.check_name(device)
    known = registry.enrolled(tx.conn, device)
    if how != "enrol" and not known:
        raise NotFound(f"No device {device!r} is enrolled in this store.")
    if known and not registry.has_account(tx.conn, device):
        raise Refusal(f"{device} has no password: its gateway speaks for it.", slug="no-password")
    if how == "enrol" and known:
        how, body = "rotate", {}
    now_ms = _ms(tx.now)
    # A person stands there: whoever guessed at earlier codes begins anew with this one.
    tables.forget(tx.conn, codes_before_ms=now_ms - _ms_of(rules.KEPT))
    if len(queries.open_codes(tx.conn, now_ms)) >= rules.OPEN_MOST:
        raise Refusal(
            f"{rules.OPEN_MOST} join codes are open: wait until some are used.", slug="too-many"
        )
    code, until = _drawn(), tx.now + rules.LIFE
    tables.keep(
        tx.conn,
        rules.digest(code, store),
        device=device,
        how=how,
        body=msgspec.json.encode(body or {}).decode(),
        actor=actor,
        made_ms=now_ms,
        until_ms=_ms(until),
    )
    tx.touch("devices")
    return Code(code, until)


def withdraw(tx: Transaction, device: str) -> None:
    """Let the open code of `device` open nothing any more."""
    tables.withdraw(tx.conn, device)
    tx.touch("devices")


def redeem(tx: Transaction, digest: str, *, source: str) -> Redeemed:
    """Let in whoever shows the code behind `digest`, once. A wrong one is counted and told.

    Raises Refusal when too many wrong ones came, and what the fleet's action raises.
    """
    now_ms = _ms(tx.now)
    window_ms = now_ms - _ms_of(rules.WINDOW)
    here, everywhere = queries.wrong(tx.conn, source, window_ms)
    rules.check_attempts(here, everywhere)
    kept = queries.kept(tx.conn, digest, now_ms)
    refusal = rules.refusal(kept)
    if kept is None or refusal is not None:
        tables.note_wrong(tx.conn, source, now_ms, before_ms=window_ms)
        fleet.rogue(tx, "join", name="" if kept is None else kept.device, source=source)
        return Redeemed("", "", refusal)
    secret = _carried_out(tx, queries.order(tx.conn, digest))
    tables.use(tx.conn, digest, now_ms, source)
    return Redeemed(kept.device, secret)


def certify(tx: Transaction, device: str) -> str:
    """Return a new name for a certificate of `device`; it counts until its secret changes.

    Raises NotFound, Refusal.
    """
    fact = queries.secret_fact(tx.conn, device)
    if fact is None:
        raise NotFound(f"No device {device!r} with an account is enrolled in this store.")
    name = f"{device}.{secrets.token_hex(4)}"
    if len(name) > rules.COMMON_NAME_MOST:
        raise Refusal(f"{device} is too long an id for a certificate.", slug="id-too-long")
    tables.keep_certificate(tx.conn, name, device, fact, stamp(tx.now))
    tx.touch("devices")
    return name


def _carried_out(tx: Transaction, order: queries.Order) -> str:
    body = msgspec.json.decode(order.body, type=dict[str, Any])
    # Whoever made the code let the device in; the code is only how.
    actor = order.actor
    if order.how == "enrol" and not registry.enrolled(tx.conn, order.device):
        return fleet.enroll(tx, order.device, actor=actor, **body)
    if order.how == "replace":
        return fleet.replace(tx, order.device, actor=actor, **body)
    return fleet.rotate(tx, order.device, actor=actor)


def _drawn() -> str:
    return "".join(secrets.choice(rules.ALPHABET) for _ in range(rules.LENGTH))


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _ms_of(span: timedelta) -> int:
    return int(span.total_seconds() * 1000)
