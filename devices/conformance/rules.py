"""The rules of the wire: what each is called, and how to mend what broke it; pure.

It must never pass what was not seen: the report says so instead.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from devices.conformance import judging
from devices.conformance.evidence import Evidence
from devices.conformance.judging import Result, Verdict


@dataclass(frozen=True)
class Rule:
    """`mend`: one sentence for whoever builds the device."""

    name: str
    title: str
    mend: str
    judge: Callable[[Evidence], Verdict]


class Line(NamedTuple):
    """One line of the report."""

    rule: str
    title: str
    result: Result
    saw: str
    mend: str


def judge(seen: Evidence) -> list[Line]:
    """Return the report: one line a rule, with how to mend it where it failed."""
    lines = []
    for rule in RULES:
        result, saw = rule.judge(seen)
        mend = rule.mend if result == "fail" else ""
        lines.append(Line(rule.name, rule.title, result, saw, mend))
    return lines


RULES: Final = (
    Rule(
        "readable", "Each observation can be read",
        "Send the envelope of docs/devices.md: id, boot, seq, at, uptime_ms, time_quality, data,"
        " and the kind's own fields, no others.", judging.readable,
    ),
    Rule(
        "limits", "Messages and batches stay below the limits",
        "At most 500 in a batch, 256 KiB a batch, 64 KiB a single message.", judging.limits,
    ),
    Rule(
        "qos", "Observations are published at QoS 1",
        "Publish with QoS 1: at QoS 0 the broker forgets what it could not pass on.", judging.qos,
    ),
    Rule(
        "not_retained", "Observations are not retained",
        "Clear the retain flag on obs/…: a kept copy would be taken for a new event.",
        judging.retained,
    ),
    Rule(
        "status", "It says online first, after each connect",
        'Publish {"online":true,"boot":…,"uptime_ms":…} retained on …/status right after'
        " connecting.", judging.status,
    ),
    Rule(
        "last_will", "Its last will says offline",
        'Set the MQTT last will to {"online":false} on …/status, retained, QoS 1.', judging.will,
    ),
    Rule(
        "resent", "Without the hub's word it sends again",
        "Keep each observation on disk until …/ack names its id; send it again after 5 s or so."
        " The broker's PUBACK is not the hub's word.", judging.resent,
    ),
    Rule(
        "same_again", "What comes again is the same",
        "Store the observation once, and send those bytes again.", judging.same,
    ),
    Rule(
        "id_unique", "An id names one event",
        "Draw a fresh id for each event, 64 random bits or more; never reuse one after a restart.",
        judging.unique,
    ),
    Rule(
        "ack_ends", "The hub's word ends sending",
        "Remove an observation from the outbox when …/ack names its id.", judging.ack_ends,
    ),
    Rule(
        "any_ack_ends", "Refused, quarantined and duplicate end it too",
        "Any status in …/ack ends sending: the hub has it, whatever it thinks of it.",
        judging.any_ack_ends,
    ),
    Rule(
        "seq", "Numbers go up by one and none is missing",
        "Count seq by one for each event over the device's lifetime, kept on disk with the event.",
        judging.seq,
    ),
    Rule(
        "order", "Numbers follow time",
        "Draw seq when the event happens, not when it is sent.", judging.order,
    ),
    Rule(
        "offline", "What happened without a line comes later",
        "Go on storing events while there is no connection, and send them when it is back.",
        judging.offline,
    ),
    Rule(
        "back", "It comes back by itself",
        "Try to connect again for ever, within a minute of the line being back.", judging.back,
    ),
    Rule(
        "no_storm", "It tries again calmly",
        "Wait between tries, longer each time, with some chance in it.", judging.storm,
    ),
    Rule(
        "clock", "A synced clock is right",
        "Say time_quality synced only after a time server answered; at is UTC with Z.",
        judging.clock,
    ),
    Rule(
        "uptime", "uptime_ms is the time since boot",
        "Send milliseconds of a clock that never jumps, at the moment of the event.",
        judging.uptime,
    ),
    Rule(
        "unknown_command", "A command that it does not know is answered",
        'Answer each …/cmd/{name} with obs/done {"key":…,"state":"unknown_command"}.',
        judging.unknown,
    ),
    Rule(
        "command_again", "The same command again has the same answer",
        "Remember the keys of commands: do each once, answer each time.", judging.repeated_command,
    ),
    Rule(
        "restart", "Numbers go on over a restart",
        "Keep seq on disk, draw a new boot id at each start.", judging.boots,
    ),
)  # fmt: skip
