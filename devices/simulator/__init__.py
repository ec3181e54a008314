"""A store floor: people and things that use the real client, the real broker and the API.

It must never reach round them into the hub, and never leave a person nothing to do.
"""

from devices.simulator.floor import MORE, replay, run

__all__ = ["MORE", "replay", "run"]
