"""What the hub does about devices that do not speak its protocol: it tells each gateway whom it
serves, keeps what a gateway could not read, and sends it back to be read again.

It must never read a foreign message itself: that is an adapter's, beside the hardware.
"""

import base64
import binascii
import secrets
from collections.abc import Callable
from datetime import datetime
from functools import partial
from hashlib import blake2b
from typing import Any, Final

import msgspec

from hub import outbox, quarantine
from hub.errors import Invalid, Refusal
from hub.fleet import actions as fleet
from hub.fleet import queries
from hub.fleet.watch import queries as watch
from hub.journal import Transaction
from hub.store import Store
from hub.wire import Observation

SOURCE: Final = "foreign"
BOUND: Final = 1000


def sighted(tx: Transaction, seen: Observation, _: datetime) -> None:
    """A gateway heard of a device that nobody enrolled: it waits to be adopted."""
    told = seen.data
    fleet.sighted(tx, told.family, told.address, seen.device, topic=told.topic, name=told.name)


def garbage(tx: Transaction, seen: Observation, _: datetime) -> None:
    """A gateway could not read a message: it lies in quarantine with family and reason."""
    told = seen.data
    try:
        body = base64.b64decode(told.body_base64, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Invalid("body_base64 is no base64.", field="body_base64") from error
    cut = "" if told.size is None else f" The first {len(body)} of {told.size} bytes."
    quarantine.put(
        tx,
        source=SOURCE,
        device=seen.device,
        topic=told.topic,
        reason=_reason(told.family, told.reason, cut=bool(cut)),
        detail=f"{told.family}: {told.detail}{cut}",
        body=body,
        bound=BOUND,
    )


def replay(tx: Transaction, row: quarantine.Row) -> str:
    """Have the gateway read the message again, with the adapter that it has now."""
    if row.reason.endswith(" (cut)"):
        raise Refusal(
            f"Message {row.id} was not kept whole: it cannot be read again.", slug="not-kept-whole"
        )
    family = row.reason.partition(": ")[0]
    body = base64.b64encode(row.body).decode()
    payload = {"family": family, "topic": row.topic, "body_base64": body}
    key = f"reread-{row.id}-{secrets.token_hex(4)}"
    outbox.enqueue(tx, device=row.device, name="reread", payload=payload, key=key)
    return "sent back"


def _reason(family: str, reason: str, *, cut: bool) -> str:
    return f"{family}: {reason}" + (" (cut)" if cut else "")


def tell_gateways(store: Store) -> Callable[[datetime], None]:
    """Return a job: `cmd/devices` to each gateway whose devices are others now, or that is back."""
    told: dict[str, tuple[bytes, int | None]] = {}

    def look(_: datetime) -> None:
        with store.database.reader() as connection:
            gateways = {*queries.gateways(connection), *told}
            lists = {one: queries.served(connection, one) for one in gateways}
            there = {one: watch.said_online(connection, one) for one in gateways}
        for gateway, served in lists.items():
            digest = blake2b(msgspec.json.encode(served), digest_size=16).digest()
            now = (digest, there[gateway])
            if told.get(gateway) != now:
                store.writer.run(partial(_tell, gateway=gateway, served=served))
                told[gateway] = now

    return look


def _tell(tx: Transaction, gateway: str, served: list[dict[str, Any]]) -> None:
    # An older list that still waits must not come after this one.
    outbox.supersede(tx, device=gateway, name="devices")
    key = f"devices-{secrets.token_hex(8)}"
    outbox.enqueue(tx, device=gateway, name="devices", payload={"devices": served}, key=key)
