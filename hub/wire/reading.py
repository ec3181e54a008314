"""Reads messages and writes the hub's answers; one bad element of a batch spoils no other."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from hub.errors import Invalid
from hub.wire.badges import mask_badges
from hub.wire.kinds import KINDS, Id
from hub.wire.messages import Ack, Acks, Envelope, Observation, Status, Unreadable

MESSAGE_LIMIT: Final = 64 * 1024
BATCH_LIMIT: Final = 256 * 1024
BATCH_MOST: Final = 500
BATCH: Final = "batch"


_envelope: Final = msgspec.json.Decoder(Envelope)
_batch: Final = msgspec.json.Decoder(list[Envelope])
_elements: Final = msgspec.json.Decoder(list[msgspec.Raw])
_data: Final = {kind: msgspec.json.Decoder(data) for kind, data in KINDS.items()}
_status: Final = msgspec.json.Decoder(Status)
_encoder: Final = msgspec.json.Encoder(order="sorted")


class _Named(msgspec.Struct):
    id: Id


_named: Final = msgspec.json.Decoder(_Named)

# JSON may be nested deeper than any reader goes: that is one more way not to be readable.
_NOT_JSON: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
# What the calendar of Python can write back (years 1 to 9999 in UTC).
_FIRST_MS: Final = -62_135_596_800_000
_LAST_MS: Final = 253_402_300_799_999


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


def read_kept(device: str, name: str, raw: bytes) -> Iterator[Observation | Unreadable]:
    """Read what quarantine kept of a message on `obs/{name}`: all of it, or one of its elements."""
    if name == BATCH and not raw.lstrip().startswith(b"["):
        yield _read_one(device, "", raw)
    else:
        yield from read(device, name, raw)


def _read_batch(device: str, payload: bytes) -> Iterator[Observation | Unreadable]:
    try:
        envelopes = _batch.decode(payload)
    except _NOT_JSON:
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
    except _NOT_JSON as error:
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
    except _NOT_JSON as error:
        return Unreadable("not_json", str(error), None, raw)


def _observation(device: str, kind: str, envelope: Envelope) -> Observation:
    decoder = _data.get(kind)
    if decoder is None:
        raise Invalid(f"There is no kind {kind[:80]!r}.", slug="unknown_kind")
    if envelope.kind is not None and envelope.kind != kind:
        raise Invalid(f"{envelope.kind[:80]!r} came on obs/{kind}.", slug="unknown_kind")
    try:
        data = decoder.decode(envelope.data)
        body = _encoder.encode(data)
    except _NOT_JSON as error:
        raise Invalid(str(error), slug="bad_data") from error
    at_ms = None if envelope.at is None else round(envelope.at.timestamp() * 1000)
    if at_ms is not None and not _FIRST_MS <= at_ms <= _LAST_MS:
        raise Invalid("at lies outside the years 1 to 9999 in UTC.", slug="bad_envelope")
    return Observation(
        device,
        kind,
        envelope.id,
        envelope.boot,
        envelope.seq,
        at_ms,
        envelope.uptime_ms,
        envelope.time_quality,
        data,
        mask_badges(body),
    )


def named(raw: bytes) -> str | None:
    """Return the id of a message that is otherwise unreadable, so that its sender is told."""
    try:
        return _named.decode(raw).id
    except _NOT_JSON:
        return None


def read_status(payload: bytes) -> Status:
    """Read a status, also the bare words `online` and `offline`. Raises Invalid."""
    word = payload.strip().lower()
    if word in (b"online", b"offline"):
        return Status(online=word == b"online")
    try:
        return _status.decode(payload)
    except _NOT_JSON as error:
        raise Invalid(str(error), slug="bad_status") from error


def write(observation: Observation) -> bytes:
    """Write an observation as a device would, its badge codes masked."""
    at = observation.at_ms
    return _encoder.encode(
        Envelope(
            observation.id,
            observation.boot,
            observation.seq,
            None if at is None else datetime.fromtimestamp(at / 1000, UTC),
            observation.uptime_ms,
            observation.quality,
            msgspec.Raw(observation.body),
            observation.kind,
        )
    )


def write_acks(acks: Sequence[Ack]) -> bytes:
    return _encoder.encode(Acks(acks))
