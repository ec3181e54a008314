"""Each rule of DESIGN section 8, broken on purpose: a world has to notice.

It must never break two rules at once, and never a rule that no world can tell from the whole.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from sync import protocol
from sync.protocol import central as central_end
from sync.protocol import push as pushes
from sync.protocol import repair as repairs
from sync.protocol.whole import append_of

from . import breaks, fold, run, shop
from .shop import Hub

Break = Callable[[ExitStack], None]


@dataclass(frozen=True)
class Mutant:
    """`rule`: the number in DESIGN section 8. `said`: what the broken system does."""

    rule: int
    said: str
    apply: Break


def swap(target: Any, name: str, other: Any) -> Break:
    """Replace an attribute."""
    return lambda stack: stack.enter_context(patch.object(target, name, other))


def several(*breaks: Break) -> Break:
    def apply(stack: ExitStack) -> None:
        for one in breaks:
            one(stack)

    return apply


@contextmanager
def broken(mutant: Mutant) -> Iterator[None]:
    """Let the system be broken inside the block."""
    with ExitStack() as stack:
        mutant.apply(stack)
        yield


MUTANTS: dict[str, Mutant] = {
    "unsent read as unacknowledged": Mutant(
        7,
        "own entries that central once had are not kept",
        swap(Hub, "_rebase", breaks.unacknowledged),
    ),
    "dedupe by entry id": Mutant(
        7, "two decisions with one cause mix", swap(protocol, "merge", breaks.by_entry_id)
    ),
    "nothing deduped": Mutant(
        7, "what both have stands twice", swap(protocol, "merge", breaks.all_of_own)
    ),
    "own facts thrown away": Mutant(
        7, "central's history replaces the hub's", swap(protocol, "merge", breaks.none_of_own)
    ),
    "own facts first": Mutant(
        7, "the hub's entries come before central's", swap(protocol, "merge", breaks.own_first)
    ),
    "clocks order": Mutant(
        7, "the joined entries are sorted by time", swap(protocol, "merge", breaks.by_clock)
    ),
    "projections not refolded": Mutant(
        7, "after a rebase only what came is folded", swap(shop, "folded", lambda rows: fold.Fold())
    ),
    "a batch border cuts an append": Mutant(
        3,
        "pages are counted in entries",
        several(swap(pushes, "whole", len), swap(central_end, "whole", len)),
    ),
    "an append with a damaged part is never whole": Mutant(
        10,
        "its neighbours cannot travel",
        several(
            swap(pushes, "whole", breaks.old_whole), swap(central_end, "whole", breaks.old_whole)
        ),
    ),
    "a new id at each receipt": Mutant(
        2,
        "the hub names what a device sends again anew",
        swap(run.Device, "named", breaks.new_name),
    ),
    "ids from a counter on disk": Mutant(
        2,
        "a restored hub gives a name twice",
        several(swap(Hub, "name", breaks.counted_name), swap(shop.Disk, "copy", breaks.copy_all)),
    ),
    "`seen` not completed": Mutant(
        2,
        "what came by a rebase is taken from its device once more",
        swap(
            Hub,
            "complete",
            lambda self: setattr(
                self.disk, "causes", {append_of(row)[0] for row in self.disk.rows}
            ),
        ),
    ),
    "ancestor by number alone": Mutant(
        6, "pairs are compared by seq", several(swap(repairs, "holds", breaks.by_seq))
    ),
    "only the head offered": Mutant(
        6, "no older pair is shown", swap(repairs, "_steps", lambda top, floor: iter((top,)))
    ),
    "known pages make no progress": Mutant(
        6, "the end of a matching page is forgotten", swap(pushes, "take_page", breaks.no_progress)
    ),
    "a page that does not chain is taken": Mutant(
        6, "its pair is not looked for", swap(pushes, "take_page", breaks.unchecked_page)
    ),
    "upcast bytes pushed": Mutant(
        1, "an entry is encoded again", swap(pushes, "batch", breaks.upcast)
    ),
    "no heartbeat": Mutant(
        4, "an idle hub never learns that central went back", swap(pushes, "HEARTBEAT_S", 1e9)
    ),
    "the cursor never goes back": Mutant(
        5, "the highest head counts", swap(pushes, "_answered", breaks.never_back)
    ),
    "the cursor shown as of another generation": Mutant(
        14, "central believes that it went back", swap(protocol, "packed", breaks.shown_too_new)
    ),
    "positions for names": Mutant(
        8, "a task about an entry is named by its seq", swap(Hub, "conflict", breaks.by_position)
    ),
    "one epoch for ever": Mutant(
        8, "a rebase keeps the epoch", swap(Hub, "_rebase", breaks.no_epoch)
    ),
    "one epoch for a machine": Mutant(
        8, "a start keeps it", swap(Hub, "start", breaks.epoch_of_store)
    ),
    "second handover refused": Mutant(
        9, "a rebase drops it", swap(protocol, "merge", breaks.second_handover_refused)
    ),
    "no task about a conflict": Mutant(9, "nobody is asked", swap(Hub, "_settle", lambda *_: None)),
    "never scrubbed": Mutant(
        10,
        "damaged bytes are not looked for",
        swap(shop, "Scrubbed", lambda now, good: protocol.Scrubbed(now, None)),
    ),
    "damaged pairs are trusted": Mutant(
        10, "the own hash proves the own bytes", swap(repairs, "holds", breaks.trusts_damage)
    ),
    "the damaged twin stays": Mutant(
        10, "central's good copy comes beside it", swap(protocol, "merge", breaks.damaged_twin)
    ),
    "pruned on acknowledgment": Mutant(
        11, "what central has is dropped", swap(run.Story, "prunes", True)
    ),
    "late packets look alive": Mutant(
        12, "a low number alone is proof", swap(central_end, "judge", breaks.late_packets_live)
    ),
    "process number on disk": Mutant(
        12,
        "a clone carries it along",
        several(
            swap(Hub, "start", breaks.number_on_disk),
            swap(Hub, "_take", breaks.keeps_badge),
            swap(shop.Disk, "copy", breaks.copy_all),
        ),
    ),
    "nobody is held": Mutant(12, "two hubs go on", swap(central_end, "judge", breaks.nobody_held)),
    "numbers outlive a confirmation": Mutant(
        12, "the one that stays is accused", swap(run, "confirm", breaks.numbers_outlive)
    ),
    "a late hello renames a process": Mutant(
        12, "it accuses itself", swap(pushes, "take_told", breaks.second_number)
    ),
    "the retired one stops at once": Mutant(
        12, "its facts never come", swap(pushes, "_ticked", breaks.stops_at_once)
    ),
    "polled positions": Mutant(13, "they are taken before the commit", breaks.early_positions),
    "cursor saved before the rows": Mutant(
        13, "a crash between loses them", swap(Hub, "_commands", breaks.cursor_first)
    ),
    "commands applied again": Mutant(
        13, "the cause is not looked for", swap(Hub, "_commands", breaks.command_again)
    ),
    "a refusal is not told": Mutant(
        13,
        "central never hears that a cancel was refused",
        swap(Hub, "decide", breaks.silent_refusal),
    ),
    "poison blocks the stream": Mutant(
        13, "nothing behind it comes", swap(Hub, "_commands", breaks.poison_blocks)
    ),
    "no horizon": Mutant(
        13, "central goes on where rows are gone", swap(protocol, "feed_verdict", breaks.no_horizon)
    ),
    "gone is read over": Mutant(
        13, "rows that central no longer has stay", swap(protocol, "pull_step", breaks.read_over)
    ),
    "a snapshot is merged": Mutant(13, "old rows stay", swap(Hub, "_swap", breaks.merged_snapshot)),
    "fail-over keeps its generation": Mutant(
        14,
        "an older copy goes on as if nothing were",
        several(
            swap(protocol, "begin", breaks.keeps_life),
            swap(protocol, "has_gone_back", lambda *_: False),
            swap(protocol, "feed_verdict", breaks.never_lost),
        ),
    ),
    "streams of another life are read on": Mutant(
        14,
        "the generation of a cursor is not compared",
        swap(protocol, "feed_verdict", breaks.any_generation),
    ),
    "no marks": Mutant(
        14,
        "a copy that was written on looks like the one it replaced",
        swap(protocol, "feed_verdict", breaks.no_marks),
    ),
}
