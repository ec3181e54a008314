"""Both ends of the conversation between hub and central, as pure steps.

It must never read a clock, a database or a network: time and chance arrive inside messages, and
`step(state, message)` returns the new state and the one effect to carry out.

    hub                                              central
    Pusher ── Send(after, limit) ── push ──────────► verdict(head, push)
           ◄── Answered(head, known) ── 200 | 409 ──
    Puller ── Ask(generation, after) ── feed ──────► is_gone(…)
           ◄── Page(next, rows) | Gone ─── 200 | 410 ──
"""

from typing import Final

from .messages import Failed, Tick, Wait
from .pull import QUIET_S, WAIT_S, Apply, Ask, Cursor, Gone, Page, Puller, Saved, is_gone, pull_step
from .push import (
    BATCH_FIRST,
    BATCH_LEAST,
    BATCH_MOST,
    HEARTBEAT_S,
    Accepted,
    Answered,
    Behind,
    Damaged,
    Push,
    Pusher,
    Send,
    Standing,
    push_step,
    verdict,
    whole,
)

VERSION: Final = "1"

__all__ = [
    "BATCH_FIRST",
    "BATCH_LEAST",
    "BATCH_MOST",
    "HEARTBEAT_S",
    "QUIET_S",
    "VERSION",
    "WAIT_S",
    "Accepted",
    "Answered",
    "Apply",
    "Ask",
    "Behind",
    "Cursor",
    "Damaged",
    "Failed",
    "Gone",
    "Page",
    "Puller",
    "Push",
    "Pusher",
    "Saved",
    "Send",
    "Standing",
    "Tick",
    "Wait",
    "is_gone",
    "pull_step",
    "push_step",
    "verdict",
    "whole",
]
