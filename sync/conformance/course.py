"""The rules of the protocol at central: what each is called, how it is tried, how to mend it.

It must never pass what could not be tried, nor stop the examination at a rule that failed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from . import doors, history, streams
from .examiner import Examiner, Untried, Wrong

Result = Literal["pass", "fail", "not seen"]


@dataclass(frozen=True)
class Rule:
    """`attempt` returns what it saw, or raises Wrong or Untried. `mend`: for central's author."""

    name: str
    title: str
    mend: str
    attempt: Callable[[Examiner], str]


class Line(NamedTuple):
    """One line of the report."""

    rule: str
    title: str
    result: Result
    saw: str
    mend: str


def examine(
    exam: Examiner, say: Callable[[str], None] = lambda title: None, until: str = ""
) -> list[Line]:
    """Try each rule in turn, to the end or up to the rule `until`."""
    lines: list[Line] = []
    for rule in RULES:
        if until and lines and lines[-1].rule == until:
            break
        say(rule.title)
        try:
            lines.append(Line(rule.name, rule.title, "pass", rule.attempt(exam), ""))
        except Wrong as wrong:
            lines.append(Line(rule.name, rule.title, "fail", str(wrong), rule.mend))
        except Untried as why:
            lines.append(Line(rule.name, rule.title, "not seen", str(why), ""))
    return lines


# In this order: each builds on what those before it left at central. The last one makes every
# store of this central begin anew.
RULES: Final = (
    Rule(
        "enrolment", "A token enrols one store, once",
        "Mark the token used in the transaction that makes the credential; answer 403 then.",
        doors.enrolment,
    ),
    Rule(
        "scope", "A store's doors open to its own credential alone",
        "Take the store from the credential; 401 unknown, 403 when the path names another store.",
        doors.scope,
    ),
    Rule(
        "version", "Another version is told which ones are spoken",
        "Answer 400 with X-StoreHub-Protocols, and X-StoreHub-Protocol in each answer.",
        doors.version,
    ),
    Rule(
        "heartbeat", "An empty push is answered with the head and the generation",
        "A push without entries changes nothing and is answered as any other.", history.heartbeat,
    ),
    Rule(
        "push", "What follows the head is taken",
        "Store the bytes, move the head and commit; answer the head only then.", history.push,
    ),
    Rule(
        "pair", "The head is compared as a pair, and 409 names it",
        "Compare seq and hash of `after` with your head; answer 409 with your head.", history.pair,
    ),
    Rule(
        "again", "The same push again is not taken twice",
        "A push after a pair that is no longer the head is 409 with the head.", history.again,
    ),
    Rule(
        "chain", "Damaged bytes are not taken",
        "Hash the bytes from your head on and compare with `reaches`: 422 where they differ.",
        history.chained,
    ),
    Rule(
        "append", "An append is not cut",
        "The last entry of a push ends its append (id CAUSE.i.n with i = n − 1): else 422.",
        history.uncut,
    ),
    Rule(
        "facts", "A fact is never refused for what it says",
        "Store entries that you cannot read, move the head, and put them into quarantine.",
        history.unrefused,
    ),
    Rule(
        "bounds", "What is too large or no push is refused",
        "Bound inflation before you inflate: 413; 400 for no frame, 415 for another type.",
        doors.bounds,
    ),
    Rule(
        "bytes", "The journal is given back to the byte, in pages that cut no append",
        "Keep and send the bytes that came; end a page where an append ends.", history.kept,
    ),
    Rule(
        "fork", "A page goes on from the newest common pair",
        "Of the pairs `after=`, take the first that is in your journal as a pair; 404 for none.",
        history.fork,
    ),
    Rule(
        "digest", "The digest is that of the facts",
        "Fold each fact once, in the transaction that stores it; docs/sync.md, rule 12.",
        history.proof,
    ),
    Rule(
        "clones", "The newer of two live hubs is held",
        "Number each hello; a process that was told of a newer one and speaks holds the newer.",
        history.clones,
    ),
    Rule(
        "intake", "An order is taken once",
        "Keep the answer with the Idempotency-Key; the order's number is unique; one command.",
        streams.intake,
    ),
    Rule(
        "order", "A stream has an order, and a cursor resumes it",
        "Give positions under a lock that is held to the commit; answer what is behind `after`.",
        streams.order,
    ),
    Rule(
        "gone", "Who cannot go on is told so",
        'Answer 410 {"generation","start","snapshot"} to another generation or a position beyond.',
        streams.gone,
    ),
    Rule(
        "wait", "A pull at the end waits",
        "Hold a pull without rows for up to `wait` seconds, and answer when a row is committed.",
        streams.waits,
    ),
    Rule(
        "catalogue", "Each article comes by the feed, and what changed comes again",
        "A changed row takes a new position at the end.", streams.catalogue,
    ),
    Rule(
        "snapshot", "The catalogue is a file that can be resumed",
        "One zstd SQLite file, named by BLAKE2b-128 of its bytes; parts from `offset` on.",
        streams.snapshot,
    ),
    Rule(
        "generation", "What was lost makes a new generation",
        "When `shown` is your generation and `after` is not in your journal, draw a new one.",
        history.gone_back,
    ),
)  # fmt: skip
