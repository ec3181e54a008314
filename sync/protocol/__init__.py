"""Both ends of the conversation between hub and central, as pure steps.

It must never read a clock, a database or a network: time and chance arrive inside messages, the
journal is looked up through `Chain`, and a step returns the new state and the effect to carry out.

    hub                                                central
    Pusher ── Send(after, limit) ── push ────────────► receive(generation, fence, push, chain)
           ◄── Answered(head, number, standing) ── 200 | 409 | 422 ──
           ── Offer(pairs) ── journal?after= ────────► page(pairs, chain)
           ◄── Paged(after, contents, head) ──
    Puller ── Ask(generation, after) ── feed ────────► feed_verdict(stream, asked)
           ◄── Page(next, rows) | Gone ─── 200 | 410 ──
           ── Fetch(digest, offset) ── snapshot ─────►
           ◄── Part(digest, bytes) ──

`tests/simulation` runs exactly these steps under seeded faults; docs/sync.md says each rule.
"""

from .about import About
from .budget import Budget
from .central import (
    Accepted,
    Behind,
    Damaged,
    Push,
    PushAnswer,
    Received,
    has_gone_back,
    page,
    receive,
    verdict,
)
from .fence import Badge, Fence, Number, Passed, confirm
from .generation import Life, begin
from .messages import Chain, Failed, Tick, Wait, holds
from .pull import (
    QUIET_S,
    WAIT_S,
    Apply,
    Ask,
    Cursor,
    Fetch,
    Gone,
    Keep,
    Page,
    Part,
    Puller,
    Saved,
    Spoilt,
    Stream,
    Swap,
    feed_verdict,
    pull_step,
)
from .push import (
    BATCH_FIRST,
    BATCH_LEAST,
    BATCH_MOST,
    HEARTBEAT_S,
    Answered,
    Paged,
    Pusher,
    Rebased,
    Scrub,
    Scrubbed,
    Send,
    Standing,
    Stop,
    batch,
    packed,
    push_step,
)
from .repair import JournalPage, Merged, Offer, Rebase, Repair, Stage, merge
from .versions import VERSION, common, read_versions, written
from .whole import append_of, appends, whole

__all__ = [
    "BATCH_FIRST",
    "BATCH_LEAST",
    "BATCH_MOST",
    "HEARTBEAT_S",
    "QUIET_S",
    "VERSION",
    "WAIT_S",
    "About",
    "Accepted",
    "Answered",
    "Apply",
    "Ask",
    "Badge",
    "Behind",
    "Budget",
    "Chain",
    "Cursor",
    "Damaged",
    "Failed",
    "Fence",
    "Fetch",
    "Gone",
    "JournalPage",
    "Keep",
    "Life",
    "Merged",
    "Number",
    "Offer",
    "Page",
    "Paged",
    "Part",
    "Passed",
    "Puller",
    "Push",
    "PushAnswer",
    "Pusher",
    "Rebase",
    "Rebased",
    "Received",
    "Repair",
    "Saved",
    "Scrub",
    "Scrubbed",
    "Send",
    "Spoilt",
    "Stage",
    "Standing",
    "Stop",
    "Stream",
    "Swap",
    "Tick",
    "Wait",
    "append_of",
    "appends",
    "batch",
    "begin",
    "common",
    "confirm",
    "feed_verdict",
    "has_gone_back",
    "holds",
    "merge",
    "packed",
    "page",
    "pull_step",
    "push_step",
    "read_versions",
    "receive",
    "verdict",
    "whole",
    "written",
]
