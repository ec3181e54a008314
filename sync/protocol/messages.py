"""What every conversation of the hub is told, and that it may have nothing to do."""

from dataclasses import dataclass

from hub.chain import ORIGIN, Pair

from ..pace import Trouble


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed or the journal has grown; `head` is the journal's end."""

    now: float
    head: Pair = ORIGIN


@dataclass(frozen=True, slots=True)
class Failed:
    """No usable answer. `draw` is chance in [0, 1)."""

    now: float
    trouble: Trouble
    draw: float
    retry_after_s: float | None = None
    too_large: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do before `until`, unless something happens."""

    until: float
