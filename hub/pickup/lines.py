"""One line of a pickup order, and a step that was taken with one; values and nothing else.

It must never hold more than the facts of its order say.
"""

import json
from typing import NamedTuple


class Line(NamedTuple):
    """ordered = picked + short + substituted + canceled + pending, always."""

    line_id: str
    sku: str
    ordered: int
    name: str = ""
    picked: int = 0
    short: int = 0
    substituted: int = 0
    canceled: int = 0
    handed_over: int = 0
    substitute_for: str | None = None
    unit_price_minor: int | None = None
    currency: str | None = None
    # `any`, `never`, or the SKUs that may take its place as a JSON list
    substitutes: str = "any"
    storage: str = "ambient"
    age_min: int = 0
    shelf: str | None = None

    @property
    def allowed(self) -> tuple[str, ...] | None:
        """The SKUs that may take its place; None: any."""
        if self.substitutes == "any":
            return None
        return () if self.substitutes == "never" else tuple(json.loads(self.substitutes))

    @property
    def wish(self) -> str | list[str]:
        """`any`, `never`, or the SKUs that may take its place, as APIs say it."""
        return "any" if self.allowed is None else list(self.allowed) or "never"

    @property
    def pending(self) -> int:
        return self.ordered - self.picked - self.short - self.substituted - self.canceled

    @property
    def to_hand_over(self) -> int:
        return self.picked - self.handed_over


class LineStep(NamedTuple):
    """A step that `undo` can take back, the last one first."""

    step: str
    line_id: str
    qty: int
    reason: str = ""
    substitute_line_id: str = ""
