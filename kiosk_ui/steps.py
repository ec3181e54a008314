"""The steps of a pickup order as buttons and API calls know them: a body and the room's action.

It must never decide anything: the room's rules do.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from hub.journal import Transaction
from hub.pickup import actions
from kiosk_ui.api import bodies


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
    "undo": Step(bodies.Nothing, "Take a ready order back to prepared.", actions.undo),
    "handover": Step(bodies.Handover, "Hand the order to the customer.", actions.handover),
    "cancel": Step(bodies.Cancel, "Cancel the order.", actions.cancel),
    "hold": Step(bodies.Hold, "Put the order on hold.", actions.hold),
    "resume": Step(bodies.Nothing, "Go on with an order on hold.", actions.resume),
}
