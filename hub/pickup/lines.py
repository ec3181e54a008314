"""One line of a pickup order, and a step that was taken with one; values and nothing else.

It must never hold more than the facts of its order say.
"""

import json
from typing import NamedTuple

from hub.pickup.facts import OrderLine


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
    # units that were off the floor for it when its order ended, or came for it after that
    to_put_back: int = 0

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


def begun(line: OrderLine) -> Line:
    """A line as it was ordered, nothing done with it yet."""
    return Line(
        line_id=line.line_id,
        sku=line.sku,
        ordered=line.qty,
        name=line.name,
        unit_price_minor=line.unit_price_minor,
        currency=line.currency,
        substitutes=_policy(line.substitutes),
        storage=line.storage,
        age_min=line.age_min,
    )


def completed(line: Line, told: OrderLine | None) -> Line:
    """The line with what central's copy says and a pickup code does not; no age is taken back."""
    if told is None or told.sku != line.sku:
        return line
    priced = line.unit_price_minor is not None
    return line._replace(
        name=line.name or told.name,
        unit_price_minor=line.unit_price_minor if priced else told.unit_price_minor,
        currency=line.currency or told.currency,
        substitutes=_policy(told.substitutes),
        age_min=max(line.age_min, told.age_min),
    )


def _policy(substitutes: str | tuple[str, ...]) -> str:
    if isinstance(substitutes, str):
        return substitutes
    return json.dumps(list(substitutes), ensure_ascii=False)
