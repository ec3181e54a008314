"""Says what a scan means where it was made, and takes the same step that a button would.

It must never complete a handover by itself, and never guess: a scan that fits nothing is refused
with a sentence, or looked up where nobody asked for a step.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from sqlite3 import Connection
from typing import Any, Final, NamedTuple

from hub import gs1
from hub.catalog import queries as catalog
from hub.clock import parse, stamp
from hub.errors import Invalid, Refusal
from hub.gs1 import Meaning
from hub.journal import Transaction
from hub.pickup import actions as pickup
from hub.pickup import code as codes
from hub.pickup import queries as orders
from hub.pickup.intake import SHELF
from hub.pickup.lifecycle import Status
from hub.pickup.order import PickupOrder
from hub.scans import screens, tables
from hub.scans.tables import Session
from hub.staff import queries as staff
from hub.staff.rules import BADGE, LONGEST_SESSION, badge_digest
from hub.wire import Observation

_BADGE_FIRST: Final = "Scan your badge first."
_ORDER_FIRST: Final = "Scan the order first."


class Outcome(NamedTuple):
    """What a scan did: bound, paired, opened, claimed, handover (opened for it), picked, staged,
    arrived (one parcel of several), received (the goods of an order),
    shown (passed on to the scanner's screen), or looked_up (nothing was asked for)."""

    did: str
    staff_id: str | None = None
    order_id: str | None = None
    line_id: str | None = None
    sku: str | None = None
    screen: str | None = None


class _Scan(NamedTuple):
    """A scan with what stands around it: who scans, and for which order."""

    meaning: Meaning
    actor: str | None
    order_id: str | None
    cause: str
    occurred_at: datetime | None
    store: str | None


def handler(store: str) -> Callable[[Transaction, Observation, datetime], None]:
    """What ingest calls for `obs/scan`."""

    def handle(tx: Transaction, seen: Observation, occurred_at: datetime) -> None:
        scan = {name: getattr(seen.data, name) for name in ("code", "symbology", "context")}
        route(
            tx,
            seen.device,
            scan,
            observation_id=seen.id,
            occurred_at=occurred_at,
            store=store,
        )

    return handle


def route(
    tx: Transaction,
    device_id: str,
    scan: Mapping[str, Any],
    *,
    observation_id: str,
    occurred_at: datetime | None = None,
    store: str | None = None,
) -> Outcome:
    """Do what a scanner's `{"code","symbology"?,"context"?}` means. Raises Refusal, Invalid.

    `store` is needed to take up an order that only its pickup code has told of.
    """
    code = scan.get("code")
    if not isinstance(code, str) or not code.strip():
        raise Invalid("code must be what was scanned.", field="code")
    meaning = gs1.read(code, scan.get("symbology"))
    held = tables.session(tx.conn, device_id)
    if meaning.text.startswith(BADGE):
        return _bind(tx, device_id, meaning.text)
    if meaning.text.startswith(screens.PREFIX):
        return Outcome("paired", screen=screens.pair(tx, device_id, meaning.text))
    cause = f"{device_id}:{observation_id}"
    if held.screen is not None:
        return Outcome("shown", screen=screens.pass_on(tx, held, code, cause))
    order_id = _context(tx, scan.get("context")) or held.order_id
    if meaning.sscc is not None:
        return _parcel(tx, device_id, meaning, _holder(tx, held), cause)
    if order_id is None and not meaning.text.startswith((codes.PREFIX, SHELF)):
        return Outcome("looked_up")
    asked = _Scan(meaning, _holder(tx, held), order_id, cause, occurred_at, store)
    done = _interpret(tx, asked)
    if done.order_id is not None and meaning.text.startswith(codes.PREFIX):
        tables.open_order(tx.conn, device_id, done.order_id, stamp(tx.now))
        tx.touch(f"scanner:{device_id}")
    return done


def at_counter(
    tx: Transaction,
    text: str,
    *,
    actor: str,
    cause: str,
    order_id: str | None = None,
    store: str | None = None,
    symbology: str | None = None,
) -> Outcome:
    """Do what a scan means for a person who is signed in at a screen that shows `order_id`."""
    asked = _Scan(gs1.read(text, symbology), actor, order_id, cause, None, store)
    return _interpret(tx, asked)


def _interpret(tx: Transaction, scan: _Scan) -> Outcome:
    text = scan.meaning.text
    if text.startswith(codes.PREFIX):
        return _open(tx, scan)
    if text.startswith(SHELF):
        return _stage(tx, scan)
    return _article(tx, scan)


def _bind(tx: Transaction, device_id: str, badge: str) -> Outcome:
    try:
        member = staff.by_badge_digest(tx.conn, badge_digest(badge))
    except Invalid:
        member = None
    if member is None:
        raise Refusal("This badge is not known here.", slug="badge-unknown")
    before = tables.session(tx.conn, device_id).screen
    tables.bind(tx.conn, device_id, member.staff_id, stamp(tx.now))
    tx.touch(f"scanner:{device_id}", *([f"screen:{before}"] if before else []))
    return Outcome("bound", staff_id=member.staff_id)


def _parcel(
    tx: Transaction, device_id: str, meaning: Meaning, actor: str | None, cause: str
) -> Outcome:
    """A parcel's SSCC receives it; a shelf scanned next is where its order is put."""
    if actor is None:
        raise Refusal(_BADGE_FIRST, slug="badge-first")
    sscc = meaning.sscc or ""
    order_id = pickup.receive_parcel(tx, sscc, actor=actor, cause=cause)
    tables.open_order(tx.conn, device_id, order_id, stamp(tx.now))
    tx.touch(f"scanner:{device_id}")
    here = orders.load(tx.conn, order_id).received_at is not None
    return Outcome("received" if here else "arrived", order_id=order_id)


def _open(tx: Transaction, scan: _Scan) -> Outcome:
    """An order's code opens it; when it waits to be picked, the one who scans claims it."""
    text = scan.meaning.text
    order_id = text.removeprefix(codes.PREFIX)
    if codes.is_signed(text):
        read = codes.read(text, orders.keys(tx.conn), scan.store)
        order_id = read.order_id
        if scan.store is not None and orders.find(tx.conn, order_id) is None:
            # Begun from the code; a scan more claims it, as with every other order.
            pickup.adopt(tx, read, actor=scan.actor or "hub", cause=scan.cause)
            return Outcome("opened", order_id=order_id)
    order = orders.find(tx.conn, order_id)
    if order is None:
        raise Refusal(f"This store has not received order {order_id[:64]}.", slug="no-order")
    if order.state is Status.READY_FOR_PICKUP:
        return Outcome("handover", order_id=order_id)
    if scan.actor is not None and order.state in (
        Status.RESERVED,
        Status.RECEIVED,
        Status.PICKING,
    ):
        claimed = pickup.claim(tx, order_id, actor=scan.actor, cause=scan.cause)
        return Outcome("claimed" if claimed else "opened", order_id=order_id)
    return Outcome("opened", order_id=order_id)


def _stage(tx: Transaction, scan: _Scan) -> Outcome:
    """A shelf stages the open order; the same shelf once more changes nothing."""
    if scan.actor is None:
        raise Refusal(_BADGE_FIRST, slug="badge-first")
    if scan.order_id is None:
        raise Refusal(_ORDER_FIRST, slug="order-first")
    order = orders.load(tx.conn, scan.order_id)
    if order.state is Status.RECEIVED:
        pickup.put_away(tx, scan.order_id, scan.meaning.text, actor=scan.actor, cause=scan.cause)
        return Outcome("staged", order_id=scan.order_id)
    pickup.stage(
        tx,
        scan.order_id,
        scan.meaning.text,
        split=True,
        actor=scan.actor,
        cause=scan.cause,
        occurred_at=scan.occurred_at,
    )
    return Outcome("staged", order_id=scan.order_id)


def _article(tx: Transaction, scan: _Scan) -> Outcome:
    """An article picks the line of the open order that waits for it."""
    order = orders.find(tx.conn, scan.order_id) if scan.order_id else None
    sku = _sku(tx, scan.meaning)
    if order is None or order.state is not Status.PICKING:
        return Outcome("looked_up", sku=sku)
    if scan.actor is None:
        raise Refusal(_BADGE_FIRST, slug="badge-first")
    if sku is None:
        sentence = scan.meaning.problem or f"No product has the barcode {scan.meaning.text[:40]}."
        raise Refusal(sentence, slug="unknown-barcode")
    line_id, qty = waiting(tx.conn, order, sku, scan.meaning)
    pickup.pick(
        tx,
        order.order_id,
        line_id,
        qty,
        actor=scan.actor,
        cause=scan.cause,
        occurred_at=scan.occurred_at,
    )
    return Outcome("picked", order_id=order.order_id, line_id=line_id, sku=sku)


def waiting(conn: Connection, order: PickupOrder, sku: str, meaning: Meaning) -> tuple[str, int]:
    """The line that waits for `sku`, and how much of it one scan is: a piece, or its grams."""
    lines = [line for line in order.lines if line.sku == sku]
    name = catalog.name(conn, sku)
    if not lines:
        raise Refusal(f"{name} is not in order {order.label}.", slug="not-in-order")
    # When none is open the first one says so, in the words of its own refusal.
    line = next((line for line in lines if line.pending > 0), lines[0])
    product = catalog.product(conn, sku)
    if meaning.weight_g and product is not None and product.unit == "gram":
        return line.line_id, min(meaning.weight_g, max(1, line.pending))
    return line.line_id, 1


def _sku(tx: Transaction, meaning: Meaning) -> str | None:
    if meaning.gtin is not None:
        return catalog.sku_for_gtin(tx.conn, meaning.gtin)
    return catalog.sku_of(tx.conn, meaning.text)


def _holder(tx: Transaction, held: Session) -> str | None:
    """The actor whose badge bound the scanner, while the shift lasts and the person works here."""
    if held.staff_id is None or held.bound_at is None:
        return None
    over = tx.quality != "unknown" and tx.now - parse(held.bound_at) > LONGEST_SESSION
    member = staff.member(tx.conn, held.staff_id)
    return None if over or member is None or not member.active else f"staff:{held.staff_id}"


def _context(tx: Transaction, context: object) -> str | None:
    """The order that the device's own screen showed, when it names one that is here."""
    named = context.get("order_id") if isinstance(context, Mapping) else context
    if not isinstance(named, str) or orders.find(tx.conn, named) is None:
        return None
    return named
