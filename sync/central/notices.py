"""Tells customers what became of their orders: decides, sends, and tries again.

It must never send twice what it knows to have sent, nor send what is no longer so. It may send
twice after its process died, or the line was cut, between sending and hearing the answer; both
copies then carry one Message-ID, and the message is marked as doubtful.
"""

import logging
import threading
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, Final

import msgspec

from hub.clock import parse
from hub.errors import Unavailable

from . import (
    customer_page,
    mail,
    notice_rules,
    notice_text,
    store_journal,
    store_notices,
    store_orders,
    store_people,
    webhooks,
)
from .inventory import Inventory
from .mail import Outcome
from .notice_settings import Notices, read
from .store_notices import Message
from .store_port import Connection, Tx

log = logging.getLogger(__name__)
AT_ONCE: Final = 20
IDLE_S: Final = 5.0
BUSY_S: Final = 0.05
REST: Final = timedelta(seconds=20)
NOBODY: Final = ("no-address", "")


class Notifier:
    """One central's messenger. Several of them on one database share the work."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory
        self._settings = read(inventory.store.directory)
        # A channel of which nobody answers rests: not each message has to find that out.
        self._rests: dict[str, datetime] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="notices", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def alive(self) -> bool:
        return self._thread.is_alive()

    def stop(self) -> None:
        """Finish what is being sent and end: then nothing is in doubt."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _loop(self) -> None:
        store, failing = self._inventory.store, False
        while not self._stop.is_set():
            rung = store.bell.at("notices")
            try:
                delay = self.step()
                failing = False
            except Unavailable as error:
                if not failing:
                    log.warning("Notices wait: %s", error.sentence)
                delay, failing = IDLE_S, True
            if delay > BUSY_S:
                store.bell.wait("notices", rung, delay)
            if delay >= IDLE_S and self._stop.is_set():
                return

    def step(self) -> float:
        """Decide and send what is due; returns the seconds until there may be more."""
        store = self._inventory.store
        now = store.clock.now()
        resting = [channel for channel, until in self._rests.items() if until > now]
        with store.reader() as conn:
            open_notices = store_notices.undecided(conn, now, AT_ONCE)
        if open_notices:
            store.run(lambda tx: self._decide(tx, open_notices))
        taken = (
            store.run(lambda tx: store_notices.take(tx, 1, resting)) if self._any_due(now) else []
        )
        for message in taken:
            self._send(message)
        return BUSY_S if open_notices or taken else IDLE_S

    def _any_due(self, now: datetime) -> bool:
        with self._inventory.store.reader() as conn:
            due = store_notices.next_due(conn)
        return due is not None and due <= now

    def _decide(self, tx: Tx, open_notices: list[dict[str, Any]]) -> None:
        for notice in open_notices:
            outcome, until = self._verdict(tx, notice)
            if until is not None:
                store_notices.postpone(tx, notice["id"], until)
                continue
            channels = self._settings.channels() if self._settings is not None else ()
            store_notices.decide(tx, notice, outcome, channels)

    def _verdict(self, tx: Tx, notice: dict[str, Any]) -> tuple[str, datetime | None]:
        settings = self._settings
        if settings is None or not settings.channels():
            return "off", None
        kind = notice["kind"]
        until = parse(notice["at"]) + _wait(settings, kind)
        if until > tx.now:
            return "", until
        person = store_notices.person_of(tx.conn, notice["order_id"])
        if person is None:
            return "erased", None
        ref, consent = person
        state = store_orders.order(tx.conn, notice["order_id"])["state"]
        reachable = store_people.find(tx.conn, ref) is not None
        who = settings.who.get(kind, "central")
        told = notice_rules.verdict(kind, state, who=who, consent=consent, reachable=reachable)
        return told, None

    def _send(self, message: Message) -> None:
        store, settings = self._inventory.store, self._settings
        with store.reader() as conn:
            outcome = Outcome("stale") if settings is None else self._out(conn, settings, message)
        if outcome.down:
            self._rests[message.channel] = store.clock.now() + REST
        if outcome.state == "again":
            give_up = timedelta(hours=settings.wait.give_up_hours if settings else 0)
            store.run(
                lambda tx: store_notices.again(
                    tx, message, outcome.error, doubtful=outcome.doubtful, give_up=give_up
                )
            )
        else:
            store.run(lambda tx: store_notices.settle(tx, message, outcome.state, outcome.error))
        if outcome.state not in ("sent", "stale", "no-address"):
            log.info("A notice was not sent: %s", outcome.error, extra={"message": message.id})

    def _out(self, conn: Connection, settings: Notices, message: Message) -> Outcome:
        order = store_orders.order(conn, message.order_id)
        person = store_people.find(conn, order.get("customer_ref", ""))
        if person is None or order["state"] not in notice_rules.HOLDS[message.kind]:
            return Outcome("stale")
        store_name = store_journal.store(conn, order["store"])["name"]
        secret = self._inventory.page_secret
        link = settings.url.rstrip("/") + customer_page.path_of(secret, message.order_id)
        text = notice_text.write(message.kind, order, store_name, person["name"], link)
        lang = order.get("language") or "en"
        if message.channel == "mail" and settings.mail is not None:
            if not person["email"]:
                return Outcome(*NOBODY)
            name = message_id(message.notice)
            written = mail.compose(
                settings.mail, person["email"], text.subject, text.body, name, lang
            )
            return Outcome(*NOBODY) if written is None else mail.send(settings.mail, written)
        if message.channel == "webhook" and settings.webhook is not None:
            said = {
                "id": message_id(message.notice),
                "kind": message.kind,
                "order_id": message.order_id,
                "store": order["store"],
                "at": message.at,
                "language": lang,
                "to": {"phone": person["phone"], "email": person["email"]},
                "subject": text.subject,
                "text": text.short,
                "link": link,
            }
            body = msgspec.json.encode(said)
            name = message_id(message.notice)
            return webhooks.send(settings.webhook, body, name, self._inventory.store.clock.now())
        return Outcome("stale")


def message_id(notice: str) -> str:
    """Name a message after its notice, and so after the store's fact: the same fact, one name."""
    return f"notice.{blake2b(notice.encode(), digest_size=16).hexdigest()}"


def _wait(settings: Notices, kind: str) -> timedelta:
    if kind == "reminder":
        return timedelta(hours=settings.wait.reminder_hours)
    if kind == "delayed":
        return timedelta(minutes=settings.wait.delayed_minutes)
    return timedelta()
