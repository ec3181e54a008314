"""Reads `cmd/alert` for a lamp or a buzzer: what to show until the hub says otherwise.

It must never answer `done` for what was not shown.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

import msgspec

NAME: Final = "alert"


class Shown(msgspec.Struct, frozen=True):
    """`orders`: short codes of those that nobody picks; `step` 2: for twice as long as allowed."""

    state: Literal["on", "off"]
    step: int = 0
    orders: tuple[str, ...] = ()


def lamp(show: Callable[[Shown], None]) -> Callable[[str, Mapping[str, Any]], str]:
    """Return what a `DeviceClient` takes as `on_command`; `show` switches the real thing."""

    def obey(name: str, told: Mapping[str, Any]) -> str:
        if name != NAME:
            return "unknown_command"
        try:
            shown = msgspec.convert(told, Shown)
        except msgspec.ValidationError:
            return "unreadable"
        show(shown)
        return "done"

    return obey
