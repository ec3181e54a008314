"""What happens to this store's devices: let in, placed elsewhere, given a new secret, shut out.

It must never hold a secret or its hash, and nothing of a person.
"""

from typing import Final, Literal

import msgspec

Power = Literal["mains", "battery"]
# Why a device has a new secret: `rotated` = the same unit, `replaced` = another one in its place.
Why = Literal["rotated", "replaced"]


class _DeviceFact(msgspec.Struct, frozen=True, kw_only=True):
    device: str

    def topics(self) -> tuple[str, ...]:
        return ("devices", f"device:{self.device}")


class DeviceEnrolled(_DeviceFact, frozen=True, kw_only=True):
    """`device` belongs to this store. Enrolled again it is as this fact says, whatever it was.

    `family` is `storehub` for what speaks our protocol; `via` the gateway that speaks for it;
    `grants` the foreign topic filters that it writes; `address` its family's name for it.
    """

    kind: str
    place: str
    family: str = "storehub"
    power: Power = "mains"
    via: str | None = None
    grants: tuple[str, ...] = ()
    address: str | None = None


class DevicePlaced(_DeviceFact, frozen=True, kw_only=True):
    """It stands at `place` now: a place of the planogram, or free text."""

    place: str


class DeviceSecretIssued(_DeviceFact, frozen=True, kw_only=True):
    """The secret it had before opens nothing any more. `address`: of the new unit, when known."""

    why: Why
    address: str | None = None


class DeviceRevoked(_DeviceFact, frozen=True, kw_only=True):
    """It may not connect any more."""


FACTS: Final[dict[tuple[str, int], type]] = {
    (fact.__name__, 1): fact
    for fact in (DeviceEnrolled, DevicePlaced, DeviceSecretIssued, DeviceRevoked)
}
