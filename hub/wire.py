"""The MQTT names and bodies: read what devices send, write what the hub answers; pure.

It must never read a clock, guess at a malformed message, or let a badge code through unmasked.

    storehub/v1/{store}/{device}/obs/{kind}   one observation             device → hub
    storehub/v1/{store}/{device}/obs/batch    JSON array, at most 500     device → hub
    storehub/v1/{store}/{device}/status       retained, last will         device → hub
    storehub/v1/{store}/{device}/ack          one per device and commit   hub → device
    storehub/v1/{store}/{device}/cmd/{name}   a device command            hub → device
"""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Annotated, Any, Final, Literal, NamedTuple

import msgspec

from hub.errors import Invalid

ROOT: Final = "storehub/v1"
MESSAGE_LIMIT: Final = 64 * 1024
BATCH_LIMIT: Final = 256 * 1024
BATCH_MOST: Final = 500
BATCH: Final = "batch"

Quality = Literal["synced", "estimated", "unknown"]
Outcome = Literal["committed", "duplicate", "quarantined", "refused"]

_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_Id = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,64}\Z")]
_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]
_Natural = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_Quantity = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]


# --- what each kind carries ---------------------------------------------------------------


class _Data(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    pass


class Scan(_Data, frozen=True):
    """A barcode was read. Without a context its own kind says what it means."""

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
    sale_id: _Id
    lines: Annotated[tuple[SaleLine, ...], msgspec.Meta(min_length=1, max_length=1000)]


class Kiosk(_Data, frozen=True):
    event: _Text
    sku: _Text | None = None
    query: _Text | None = None


class Heartbeat(_Data, frozen=True):
    battery_pct: Annotated[float, msgspec.Meta(ge=0, le=100)] | None = None
    firmware: _Text | None = None


class Printed(_Data, frozen=True):
    job: _Text
    state: _Text


class Done(_Data, frozen=True):
    """A device carried out, or could not carry out, the command of that key."""

    key: _Text
    state: _Text


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
}
# What these say changes the store's truth; the rest is telemetry, which expires first.
BUSINESS: Final = frozenset({"scan", "sale", "printed", "done"})


class Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of one message; `kind` is given in a batch, where no topic names it."""

    id: _Id
    boot: _Id
    seq: _Natural
    at: Annotated[datetime, msgspec.Meta(tz=True)] | None
    uptime_ms: _Natural
    time_quality: Quality
    data: msgspec.Raw
    kind: str | None = None


class Observation(msgspec.Struct, frozen=True):
    """What one device reported once. `body` is `data` re-encoded, badge codes masked."""

    device: str
    kind: str
    id: str
    boot: str
    seq: int
    at_ms: int | None
    uptime_ms: int
    quality: Quality
    data: Any
    body: bytes

    @property
    def digest(self) -> bytes:
        """Tell one body from another under one id; a better clock on resending is no other body."""
        head = f"{self.kind}\n{self.boot}\n{self.seq}\n".encode()
        return blake2b(head + self.body, digest_size=16).digest()

    @property
    def cause(self) -> str:
        return f"{self.device}:{self.id}"

    @property
    def business(self) -> bool:
        return self.kind in BUSINESS


class Unreadable(NamedTuple):
    """A message, or one element of a batch, that is no observation, and why."""

    reason: str
    detail: str
    id: str | None
    raw: bytes


class Ack(msgspec.Struct, frozen=True, omit_defaults=True):
    """The hub's word on one observation; each status ends resending."""

    id: str
    status: Outcome
    reason: str | None = None


class Acks(msgspec.Struct, frozen=True):
    acks: Sequence[Ack]


class Status(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a device retains on its status topic; its last will says `online` false.

    Sent at each connect, before anything waiting, so that `uptime_ms` tells the hub when this
    boot began.
    """

    online: bool
    boot: _Id | None = None
    uptime_ms: _Natural | None = None
    firmware: str | None = None
    battery_pct: float | None = None


# --- topics -------------------------------------------------------------------------------


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


# --- reading ------------------------------------------------------------------------------

_envelope: Final = msgspec.json.Decoder(Envelope)
_batch: Final = msgspec.json.Decoder(list[Envelope])
_elements: Final = msgspec.json.Decoder(list[msgspec.Raw])
_data: Final = {kind: msgspec.json.Decoder(data) for kind, data in KINDS.items()}
_status: Final = msgspec.json.Decoder(Status)
_encoder: Final = msgspec.json.Encoder(order="sorted")


class _Named(msgspec.Struct):
    id: _Id


_named: Final = msgspec.json.Decoder(_Named)


def read(device: str, name: str, payload: bytes) -> Iterator[Observation | Unreadable]:
    """Yield what a message on `obs/{name}` holds. One bad element spoils no other."""
    limit = BATCH_LIMIT if name == BATCH else MESSAGE_LIMIT
    if len(payload) > limit:
        detail = f"{len(payload)} bytes where {limit} are allowed"
        yield Unreadable("too_large", detail, None, payload)
    elif name != BATCH:
        yield _read_one(device, name, payload)
    else:
        yield from _read_batch(device, payload)


def _read_batch(device: str, payload: bytes) -> Iterator[Observation | Unreadable]:
    try:
        envelopes = _batch.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        yield from _read_elements(device, payload)
        return
    if len(envelopes) > BATCH_MOST:
        yield _too_many(len(envelopes), payload)
        return
    for i, envelope in enumerate(envelopes):
        try:
            yield _observation(device, envelope.kind or "", envelope)
        except Invalid as error:
            raw = bytes(_elements.decode(payload)[i])
            yield Unreadable(error.slug, error.sentence, envelope.id, raw)


def _read_elements(device: str, payload: bytes) -> Iterator[Observation | Unreadable]:
    try:
        elements = _elements.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        yield Unreadable("bad_batch", str(error), None, payload)
        return
    if len(elements) > BATCH_MOST:
        yield _too_many(len(elements), payload)
        return
    for element in elements:
        yield _read_one(device, "", bytes(element))


def _too_many(count: int, payload: bytes) -> Unreadable:
    return Unreadable("bad_batch", f"{count} elements where 500 are allowed", None, payload)


def _read_one(device: str, kind: str, raw: bytes) -> Observation | Unreadable:
    try:
        envelope = _envelope.decode(raw)
        return _observation(device, kind or envelope.kind or "", envelope)
    except Invalid as error:
        return Unreadable(error.slug, error.sentence, named(raw), raw)
    except msgspec.ValidationError as error:
        return Unreadable("bad_envelope", str(error), named(raw), raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Unreadable("not_json", str(error), None, raw)


def _observation(device: str, kind: str, envelope: Envelope) -> Observation:
    decoder = _data.get(kind)
    if decoder is None:
        raise Invalid(f"There is no kind {kind[:80]!r}.", slug="unknown_kind")
    if envelope.kind is not None and envelope.kind != kind:
        raise Invalid(f"{envelope.kind[:80]!r} came on obs/{kind}.", slug="unknown_kind")
    try:
        data = decoder.decode(envelope.data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Invalid(str(error), slug="bad_data") from error
    body = _encoder.encode(data)
    at = envelope.at
    return Observation(
        device,
        kind,
        envelope.id,
        envelope.boot,
        envelope.seq,
        None if at is None else round(at.timestamp() * 1000),
        envelope.uptime_ms,
        envelope.time_quality,
        data,
        mask_badges(body),
    )


def named(raw: bytes) -> str | None:
    """Return the id of a message that is otherwise unreadable, so that its sender is told."""
    try:
        return _named.decode(raw).id
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def read_status(payload: bytes) -> Status:
    """Read a status, also the bare words `online` and `offline`. Raises Invalid."""
    word = payload.strip().lower()
    if word in (b"online", b"offline"):
        return Status(online=word == b"online")
    try:
        return _status.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Invalid(str(error), slug="bad_status") from error


def write_acks(acks: Sequence[Ack]) -> bytes:
    return _encoder.encode(Acks(acks))


# --- badges -------------------------------------------------------------------------------

_BADGE: Final = re.compile(rb"(SH1:B:)([^\"\\\s<>&]+)", re.IGNORECASE)
_MASKED: Final = b"~"


def mask_badges(text: bytes) -> bytes:
    """Replace each badge code by a short digest of it; what is masked already stays."""
    return _BADGE.sub(_mask, text) if b"1:" in text else text


def _mask(found: re.Match[bytes]) -> bytes:
    if found[2].startswith(_MASKED):
        return found[0]
    return found[1] + _MASKED + blake2b(found[2], digest_size=6).hexdigest().encode()


# --- time ---------------------------------------------------------------------------------

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
    hub has seen; else the time of receipt. Never later than the receipt.
    """
    at = observation.at_ms
    if observation.quality != "unknown" and at is not None:
        if received_ms - TOO_OLD_MS <= at <= received_ms:
            return at
        if received_ms < at <= received_ms + AHEAD_MS:
            return received_ms
    if boot_began_ms is None:
        return received_ms
    return min(received_ms, boot_began_ms + observation.uptime_ms)
