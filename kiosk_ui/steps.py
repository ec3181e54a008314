"""The steps of a pickup order as buttons and API calls know them: a body and the room's action.

It must never decide anything: the room's rules do.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from hub.customers import actions as customers
from hub.errors import Refusal
from hub.journal import Transaction
from hub.pickup import actions, queries
from hub.returns import actions as returns
from kiosk_ui.api import arrival_bodies, bodies


@dataclass(frozen=True)
class Step:
    """One step: what the body is, and the action that it runs (exactly one append)."""

    body: type
    about: str
    act: Callable[..., object]

    def run(self, tx: Transaction, order_id: str, asked: Any, *, actor: str, cause: str) -> None:
        self.act(tx, order_id, actor=actor, cause=cause, **arguments(asked))


def arguments(asked: Any) -> dict[str, Any]:
    """Return the fields of a body as an action's arguments; absent ones stay absent."""
    shown: dict[str, Any] = msgspec.to_builtins(asked)
    return shown


def _correct(
    tx: Transaction,
    order_id: str,
    lines: Sequence[Mapping[str, Any]] | None = None,
    reason: str = "MISTAKE",
    *,
    actor: str,
    cause: str,
) -> None:
    """What came back by a return cannot be un-handed as well: it would be here twice."""
    returns.check_correction(tx, order_id, lines)
    actions.correct(tx, order_id, lines, reason, actor=actor, cause=cause)


def _buyer(
    tx: Transaction,
    order_id: str,
    where: str,
    eta_minutes: int | None = None,
    stall: str | None = None,
    plate: str | None = None,
    *,
    actor: str,
    cause: str,
) -> None:
    """The plate is personal: it stands with the customer, and in no fact."""
    actions.buyer_seen(tx, order_id, where, eta_minutes, stall, actor=actor, cause=cause)
    if plate is not None:
        _keep(tx, order_id, {"plate": plate})


def _delegate(tx: Transaction, order_id: str, name: str, *, actor: str, cause: str) -> None:
    actions.delegate_named(tx, order_id, actor=actor, cause=cause)
    _keep(tx, order_id, {"delegate": name})


def _keep(tx: Transaction, order_id: str, said: dict[str, object]) -> None:
    """Keep words beside the order's customer; of nobody they could never be erased."""
    ref = queries.load(tx.conn, order_id).customer_ref
    if ref is None or not customers.add(tx, ref, said):
        raise Refusal(
            "This order names no customer whose words could be kept.", slug="customer-unknown"
        )


STEPS: Final[dict[str, Step]] = {
    "claim": Step(bodies.Nothing, "Claim the picking of an order.", actions.claim),
    "release": Step(bodies.Nothing, "Give a claimed order back.", actions.release),
    "pick": Step(bodies.Pick, "Pick units of a line.", actions.pick),
    "short": Step(bodies.Short, "Say that units of a line cannot be found.", actions.short),
    "substitute": Step(
        bodies.Substitute, "Take another article for units of a line.", actions.substitute
    ),
    "stage": Step(bodies.Stage, "Put the order on a staging shelf.", actions.stage),
    "ready": Step(bodies.Nothing, "Tell the customer that the order is ready.", actions.ready),
    "undo": Step(bodies.Undo, "Take the last step back: ready, staging, a pick.", actions.undo),
    "handover": Step(bodies.Handover, "Hand the order to the customer.", actions.handover),
    "correct": Step(bodies.Correct, "Correct a handover that did not happen.", _correct),
    "buyer": Step(bodies.Buyer, "Note that the customer is on the way or here.", _buyer),
    "delegate": Step(bodies.Delegate, "Note who else may collect.", _delegate),
    "ship": Step(arrival_bodies.Ship, "Note that the goods are on their way here.", actions.ship),
    "receive": Step(
        arrival_bodies.Receive, "Receive the goods, or one of their parcels.", actions.receive
    ),
    "put_away": Step(
        arrival_bodies.PutAway, "Pick and stage at once what came together.", actions.put_away
    ),
    "cancel": Step(bodies.Cancel, "Cancel the order.", actions.cancel),
    "hold": Step(bodies.Hold, "Put the order on hold.", actions.hold),
    "resume": Step(bodies.Nothing, "Go on with an order on hold.", actions.resume),
}
