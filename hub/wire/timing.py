"""Estimates when something happened, on a device whose clock may know nothing."""

from typing import Final

from hub.wire.messages import Observation

DAY_MS: Final = 86_400_000
TOO_OLD_MS: Final = 400 * DAY_MS
# A device's clock may run ahead of the hub's by so much and still be believed.
AHEAD_MS: Final = 5 * 60_000


def too_old(observation: Observation, now_ms: int) -> bool:
    """True when a device that knows the time reports what happened over 400 days ago.

    Its id may have been forgotten by now, so it can't be told from a repetition.
    """
    at = observation.at_ms
    return observation.quality == "synced" and at is not None and at < now_ms - TOO_OLD_MS


def occurred_ms(observation: Observation, received_ms: int, boot_began_ms: int | None) -> int:
    """Estimate when it happened, in ms since 1970.

    The device's own clock where it is plausible; else its uptime since a boot whose beginning the
    hub has seen; else the time of receipt. Never later than the receipt, and never so long before
    it that only a mistaken uptime explains it.
    """
    at = observation.at_ms
    if observation.quality != "unknown" and at is not None:
        if received_ms - TOO_OLD_MS <= at <= received_ms:
            return at
        if received_ms < at <= received_ms + AHEAD_MS:
            return received_ms
    if boot_began_ms is None:
        return received_ms
    since_boot = boot_began_ms + observation.uptime_ms
    return since_boot if received_ms - TOO_OLD_MS <= since_boot <= received_ms else received_ms
