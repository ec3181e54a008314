"""What a printer needs around it: its device's books, its way to the hub, the jobs it is given.

It must never be more than the printer uses of `devices.client` and `devices.outbox`.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from hub.printing.document import Document


class Books(Protocol):
    """What a device keeps on its disk of commands: `devices.outbox.Outbox`."""

    def begin_command(self, key: str) -> str | None: ...
    def end_command(self, key: str, state: str) -> None: ...
    def forget_command(self, key: str) -> None: ...
    def command_state(self, key: str) -> tuple[bool, str | None]: ...
    def unfinished_commands(self) -> list[str]: ...


class Client(Protocol):
    """The part of `devices.client.DeviceClient` that a printer needs."""

    @property
    def outbox(self) -> Books: ...
    def observe(self, kind: str, data: Mapping[str, Any]) -> str: ...
    def takes(self, name: str, handler: "Handler") -> None: ...


class Handler(Protocol):
    def __call__(self, command: Mapping[str, Any], /) -> None: ...


class Job(msgspec.Struct, frozen=True):
    """`cmd/print`: `n` orders the jobs of a printer, after `until` nobody wants the paper."""

    key: str
    document: Document
    n: int = 0
    until: str | None = None
