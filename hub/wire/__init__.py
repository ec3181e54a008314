"""The MQTT names and bodies: read what devices send, write what the hub answers; pure.

It must never read a clock, guess at a malformed message, or let a badge code through unmasked.

    storehub/v1/{store}/{device}/obs/{kind}   one observation             device → hub
    storehub/v1/{store}/{device}/obs/batch    JSON array, at most 500     device → hub
    storehub/v1/{store}/{device}/status       retained, last will         device → hub
    storehub/v1/{store}/{device}/ack          one per device and commit   hub → device
    storehub/v1/{store}/{device}/cmd/{name}   a device command            hub → device
"""

from hub.wire.badges import mask_badges
from hub.wire.kinds import (
    BUSINESS,
    KINDS,
    PRINT_WAITS,
    Done,
    Heartbeat,
    Kiosk,
    Presence,
    Printed,
    Rfid,
    Sale,
    SaleLine,
    Scan,
    Weight,
)
from hub.wire.messages import Ack, Acks, Envelope, Observation, Outcome, Quality, Status, Unreadable
from hub.wire.reading import (
    BATCH,
    BATCH_LIMIT,
    BATCH_MOST,
    MESSAGE_LIMIT,
    read,
    read_kept,
    read_status,
    write,
    write_acks,
)
from hub.wire.timing import DAY_MS, occurred_ms, too_old
from hub.wire.topics import ROOT, Topic, hub_filters, parse_topic, topic

__all__ = [
    "BATCH",
    "BATCH_LIMIT",
    "BATCH_MOST",
    "BUSINESS",
    "DAY_MS",
    "KINDS",
    "MESSAGE_LIMIT",
    "PRINT_WAITS",
    "ROOT",
    "Ack",
    "Acks",
    "Done",
    "Envelope",
    "Heartbeat",
    "Kiosk",
    "Observation",
    "Outcome",
    "Presence",
    "Printed",
    "Quality",
    "Rfid",
    "Sale",
    "SaleLine",
    "Scan",
    "Status",
    "Topic",
    "Unreadable",
    "Weight",
    "hub_filters",
    "mask_badges",
    "occurred_ms",
    "parse_topic",
    "read",
    "read_kept",
    "read_status",
    "too_old",
    "topic",
    "write",
    "write_acks",
]
