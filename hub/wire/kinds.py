"""What each kind of observation carries. Unknown fields are refused: they may mean something."""

from typing import Annotated, Any, Final

import msgspec

Id = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$(?!\n)")]
Natural = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]
_Quantity = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]


class _Data(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    pass


class Scan(_Data, frozen=True):
    """A barcode was read. Without a context its own kind says what it means.

    SH1:B: badge, binds the scanner to a person; SH1:P: pairing code, binds it to the screen that
    shows it; SH1:O: order; SH1:S: staging shelf; else an article.
    """

    code: _Text
    symbology: _Text | None = None
    context: dict[str, Any] | str | None = None


class Weight(_Data, frozen=True):
    grams: float


class Presence(_Data, frozen=True):
    present: bool


class Rfid(_Data, frozen=True):
    epc: _Text
    antenna: int
    rssi_dbm: float


class SaleLine(_Data, frozen=True):
    """Either names the goods by the retailer's code or by the code on them."""

    qty: _Quantity
    sku: _Text | None = None
    gtin: _Text | None = None

    def __post_init__(self) -> None:
        if (self.sku is None) == (self.gtin is None):
            raise ValueError("A sale line names a sku or a gtin, and not both")


class Sale(_Data, frozen=True):
    sale_id: Id
    lines: Annotated[tuple[SaleLine, ...], msgspec.Meta(min_length=1, max_length=1000)]


class Kiosk(_Data, frozen=True):
    event: _Text
    sku: _Text | None = None
    query: _Text | None = None


class Heartbeat(_Data, frozen=True):
    """The device lives. What waits in its outbox: how many, the oldest's age (s), how many it had
    to let go, and for how many hours of being offline there is room.
    """

    battery_pct: Annotated[float, msgspec.Meta(ge=0, le=100)] | None = None
    firmware: _Text | None = None
    outbox: Natural | None = None
    oldest_s: Natural | None = None
    dropped: Natural | None = None
    offline_hours_left: Annotated[float, msgspec.Meta(ge=0)] | None = None


class Printed(_Data, frozen=True):
    """What became of the paper of `cmd/print`: `printed`, `in_doubt`, `failed`, `canceled` or
    `expired`; or why it still waits, nothing of it being sent (PRINT_WAITS).
    """

    job: _Text
    state: _Text
    detail: _Text | None = None


class Done(_Data, frozen=True):
    """A device carried out, or could not carry out, the command of that key."""

    key: _Text
    state: _Text


class Measure(_Data, frozen=True):
    """One number of a sensor: temperature, humidity, illuminance, power …"""

    quantity: _Text
    value: float
    unit: _Text | None = None


class Input(_Data, frozen=True):
    """Somebody pressed a button: which one, and how (`single`, `double`, `long` …)."""

    input: _Text
    event: _Text


class Sighted(_Data, frozen=True):
    """A gateway heard a foreign device that nobody enrolled; it waits to be adopted."""

    family: _Text
    address: _Text
    topic: _Text | None = None
    name: _Text | None = None


class Garbage(_Data, frozen=True):
    """A foreign message that its family's adapter cannot read; `size` where the body is cut."""

    family: _Text
    topic: str
    reason: _Text
    body_base64: str
    detail: str = ""
    size: Natural | None = None


# A printer that says one of these still has the job to do: its command stays open.
PRINT_WAITS: Final = frozenset({"offline", "no_paper", "cover_open", "trouble"})

KINDS: Final[dict[str, type[_Data]]] = {
    "scan": Scan,
    "weight": Weight,
    "presence": Presence,
    "rfid": Rfid,
    "sale": Sale,
    "kiosk": Kiosk,
    "heartbeat": Heartbeat,
    "printed": Printed,
    "done": Done,
    "measure": Measure,
    "input": Input,
    "sighted": Sighted,
    "garbage": Garbage,
}
# What these say changes the store's truth; the rest is telemetry, which expires first.
BUSINESS: Final = frozenset({"scan", "sale", "printed", "done", "input", "sighted", "garbage"})
