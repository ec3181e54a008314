"""One file a family: what a foreign device says, as observations; a table and its interpreter.

    read(topic, payload, received) -> [Reading | Sighted | Status | Learned | Glitch]

An adapter must never do I/O, keep a state, or raise: the gateway (`devices.gateway`) remembers,
publishes and quarantines for all of them. docs/adapters.md shows how to bring one of one's own.
"""

import logging
from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Final

from devices.adapters import (
    esphome,
    impinj,
    mapped,
    shelly,
    sparkplug,
    zebra_fx,
    zebra_sled,
    zigbee2mqtt,
)
from devices.adapters.shapes import (
    Adapter,
    Glitch,
    Heard,
    Learned,
    Reading,
    Received,
    Sighted,
    Status,
)

__all__ = [
    "BUILT_IN",
    "GROUP",
    "Adapter",
    "Glitch",
    "Heard",
    "Learned",
    "Reading",
    "Received",
    "Sighted",
    "Status",
    "known",
    "mapped",
]

log = logging.getLogger(__name__)

# Entry points of this group name an `Adapter`; its family must not be one of ours.
GROUP: Final = "storehub.adapters"
BUILT_IN: Final[Mapping[str, Adapter]] = {
    module.FAMILY: module.ADAPTER
    for module in (impinj, zebra_fx, zebra_sled, zigbee2mqtt, shelly, esphome, sparkplug)
}


def known() -> dict[str, Adapter]:
    """Return every adapter: ours, and those that other packages bring. Says which are left out."""
    found = dict(BUILT_IN)
    for entry in entry_points(group=GROUP):
        try:
            brought = entry.load()
        except (ImportError, AttributeError) as error:
            log.warning("The adapter %s cannot be loaded: %s", entry.value, error)
            continue
        if not isinstance(brought, Adapter) or brought.family in found:
            log.warning("%s is no adapter of a family of its own: it is left out", entry.value)
            continue
        found[brought.family] = brought
    return found
