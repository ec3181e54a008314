"""Who a device is and where its broker listens, and the file that says so.

It must never show its password, and its file must never be readable by others.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import msgspec

from hub.errors import Invalid, NotFound


@dataclass(frozen=True)
class Account:
    """What a device needs to speak. With `ca` the line is TLS, vouched for by that authority."""

    store: str
    device: str
    host: str
    port: int
    username: str
    password: str = field(repr=False)
    version: int = 5  # of MQTT; 4 is 3.1.1
    ca: Path | None = None

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read an account's file; `ca` may be relative to it. Raises NotFound, Invalid."""
        try:
            read = msgspec.json.decode(path.read_bytes(), type=_File)
        except FileNotFoundError:
            raise NotFound(f"There is no account at {path}.") from None
        except msgspec.DecodeError as error:
            raise Invalid(f"{path} is no account of a device: {error}.") from error
        ca = None if read.ca is None else path.parent / read.ca
        return cls(
            read.store,
            read.device,
            read.host,
            read.port,
            read.username,
            read.password,
            read.version,
            ca,
        )

    def save(self, path: Path) -> None:
        """Write the file whole or not at all, for the owner's eyes only."""
        ca = self.ca
        if ca is not None and ca.parent.resolve() == path.parent.resolve():
            ca = Path(ca.name)
        told = _File(
            self.store,
            self.device,
            self.host,
            self.port,
            self.username,
            self.password,
            None if ca is None else str(ca),
            self.version,
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.new")
        beside.unlink(missing_ok=True)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(told)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)


class _File(msgspec.Struct, omit_defaults=True):
    store: str
    device: str
    host: str
    port: int
    username: str
    password: str
    ca: str | None = None
    version: int = 5
