"""The names: storehub/v1/{store}/{device}/… ."""

import re
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from hub.errors import Invalid

ROOT: Final = "storehub/v1"
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Topic(NamedTuple):
    store: str
    device: str
    channel: Literal["obs", "status", "ack", "cmd"]
    name: str


@lru_cache(maxsize=4096)
def parse_topic(topic: str) -> Topic:
    """Split a topic of ours. Raises Invalid (slug `bad_topic`) on any other."""
    match topic.split("/"):
        case ["storehub", "v1", store, device, ("obs" | "cmd") as channel, name]:
            pass
        case ["storehub", "v1", store, device, ("status" | "ack") as channel]:
            name = ""
        case _:
            raise Invalid(f"{topic[:200]!r} is no topic of Store Hub.", slug="bad_topic")
    for part in (store, device, *([name] if name else [])):
        if not _ID.fullmatch(part):
            raise Invalid(f"{part[:80]!r} is no name in a topic.", slug="bad_topic")
    return Topic(store, device, channel, name)


def topic(store: str, device: str, *rest: str) -> str:
    """Write a topic: `topic("s1", "till", "obs", "sale")`."""
    return "/".join((ROOT, store, device, *rest))


def hub_filters(store: str) -> tuple[str, str]:
    """What the hub subscribes to; the two never overlap, so nothing is delivered twice."""
    return f"{ROOT}/{store}/+/obs/#", f"{ROOT}/{store}/+/status"
