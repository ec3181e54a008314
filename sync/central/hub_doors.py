"""The doors for hubs: push, feed, digest, enrol.

It must never take the store from the path alone: the credential says who it is.
"""

import functools
from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec
from flask import Blueprint, Response, request

from hub.errors import Forbidden, Invalid
from sync import frames, protocol
from sync.frames import (
    BYTES,
    INSTANCE_HEADER,
    JSON,
    NDJSON,
    PROTOCOL_HEADER,
    PROTOCOLS_HEADER,
    SNAPSHOT_HEADER,
)
from sync.protocol import VERSION, Cursor, Received, feed_verdict, versions

from . import (
    store_access,
    store_aisle,
    store_feed,
    store_fleet,
    store_journal,
    store_keys,
    store_life,
    store_telemetry,
)
from .intake import decode
from .store_port import Tx
from .web import (
    NoToken,
    answer,
    bearer,
    bearers,
    inventory,
    numbers,
    parked,
    problem_answer,
    pushes,
    quiets,
    turns,
)

T = TypeVar("T")
blueprint = Blueprint("hub_doors", __name__, url_prefix="/sync/v1")

_STREAMS: Final[dict[str, store_feed.Stream]] = {"commands": "commands", "replica": "replica"}
# Below this a page travels as it is.
_WORTH_COMPRESSING: Final = 1024


class _Token(msgspec.Struct):
    token: str


_tokens: Final = msgspec.json.Decoder(_Token)


@blueprint.after_request
def signed(response: Response) -> Response:
    spoken = protocol.read_versions(request.headers.get(PROTOCOL_HEADER))
    response.headers[PROTOCOL_HEADER] = str(protocol.common(spoken) or VERSION)
    return response


def for_store(view: Callable[..., Response]) -> Callable[..., Response]:
    """Let only this very store's hub pass, and only one that speaks this protocol."""

    @functools.wraps(view)
    def guarded(store: str, **parts: Any) -> Response:
        # Who brings facts does not stand in line behind those who wait for news.
        line = pushes() if request.method == "POST" else turns()
        with line.turn():
            return passed(store, **parts)

    def passed(store: str, **parts: Any) -> Response:
        spoken = protocol.read_versions(request.headers.get(PROTOCOL_HEADER))
        known, revoked = _bearer()
        if protocol.common(spoken) is None:
            if known == store and not revoked:
                _remember(store, "protocol-version")
            speaks = protocol.written(versions.SPOKEN)
            told = f"This central speaks protocol {speaks}, not the hub's."
            refused = _problem(400, "protocol-version", told)
            refused.headers[PROTOCOLS_HEADER] = speaks
            return refused
        if known == store and revoked:
            _remember(store, "credential")
        if known is None or revoked:
            raise NoToken("This needs the store's credential.")
        if known != store:
            raise Forbidden(f"This credential is not that of store {store}.")
        return view(store=store, **parts)

    return guarded


def _bearer() -> tuple[str | None, bool]:
    shown, central = store_access.digest(bearer()), inventory().store
    state = central.bell.state(store_access.CREDENTIALS)
    store = bearers().get(shown, state)
    if store is not None:
        return store, False
    with central.reader() as conn:
        known, revoked = store_access.bearer_of(conn, shown)
    if known is not None and not revoked:
        bearers().keep(shown, state, known)
    return known, revoked


@blueprint.post("/stores/<store>/journal")
@for_store
def push(store: str) -> Response:
    """Take a push in: 200 with the head after it, or 409 with the head as it is."""
    if request.mimetype != NDJSON or request.headers.get("Content-Encoding") != "zstd":
        return _unread(store, 415, "media-type", f"A push is {NDJSON}, encoded as zstd.")
    return unpacked(store, frames.unpack_push, _pushed)


def _pushed(store: str, pushed: protocol.Push) -> Response:
    instance = request.headers.get(INSTANCE_HEADER, "")[:64]
    judged = _accept(store, pushed, instance)
    if judged.answer.status == "damaged":
        numbers().pushes.labels(422).inc()
        return _problem(422, "damaged", f"{judged.answer.reason}.")
    numbers().pushed.labels(store).inc(len(judged.pairs))
    status = 200 if judged.answer.status == "taken" else 409
    numbers().pushes.labels(status).inc()
    return answer(frames.head_of(judged.answer), status)


def _accept(store: str, pushed: protocol.Push, instance: str) -> Received:
    whole = inventory()

    def work(tx: Tx) -> tuple[str, Received | None]:
        generation = store_life.generation(tx.conn)
        return generation, whole.accept(tx, store, pushed, instance, generation)

    while True:
        generation, judged = whole.store.run(work)
        if judged is not None:
            return judged
        whole.store.renew(generation)


@blueprint.get("/stores/<store>/journal")
@for_store
def journal_page(store: str) -> Response:
    """Answer an offer: what follows the newest of the pairs `after` that central has."""
    central = inventory().store
    try:
        pairs = tuple(frames.read_pair(text) for text in request.args.getlist("after")[:100])
    except frames.Malformed as error:
        raise Invalid(f"{error}.", field="after") from None
    with central.reader() as conn:
        found = protocol.page(pairs, store_journal.StoredChain(conn, store))
        generation = store_life.generation(conn)
    if found is None:
        return _problem(404, "no-common-entry", "Central has none of these pairs.")
    response = Response(frames.pack_page(found, generation), content_type=NDJSON)
    response.headers["Content-Encoding"] = "zstd"
    return response


@blueprint.get("/stores/<store>/feed")
@for_store
def feed(store: str) -> Response:
    """Answer what follows a cursor, waiting for it a while; 410 when one cannot go on from it."""
    stream, at, wait = _asked()
    central = inventory().store
    bell = _bell_of(stream, store)
    rung = central.bell.at(bell)
    page = _page(stream, store, at)
    if isinstance(page, Response):
        return page
    if not page.rows and wait and parked().acquire(blocking=False):
        try:
            with turns().aside():
                central.bell.wait(bell, rung, wait)
        finally:
            parked().release()
        page = _page(stream, store, at)
        if isinstance(page, Response):
            return page
    body = msgspec.json.encode(page)
    response = Response(body, content_type=JSON)
    if len(body) > _WORTH_COMPRESSING and "zstd" in request.headers.get("Accept-Encoding", ""):
        response.set_data(frames.compress(body))
        response.headers["Content-Encoding"] = "zstd"
    return response


def _bell_of(stream: store_feed.Stream, store: str) -> str:
    return "replica" if stream == "replica" else f"commands:{store}"


def _page(stream: store_feed.Stream, store: str, at: Cursor) -> frames.RawPage | Response:
    central = inventory().store
    state = central.bell.state(_bell_of(stream, store), store_life.GENERATION)
    quiet = quiets().get((stream, store, at), state)
    if quiet is not None:
        return quiet
    with central.reader() as conn:
        held = store_feed.state(conn, stream, at.position)
        judged = feed_verdict(held, at)
        found = (
            store_feed.page(conn, stream, store, held, at.position) if judged == "page" else None
        )
        news = store_keys.news(conn, store, at.position) if found and stream == "replica" else None
    if found is not None:
        if news is not None:
            central.run(lambda tx: store_keys.heard(tx, store, news))
        if not found.rows:
            quiets().keep((stream, store, at), state, found)
        return found
    generation = held.generation
    if judged == "lost":
        central.renew(generation)
        generation = central.generation
    told = "Take the snapshot." if stream == "replica" else "Read this stream from its beginning."
    gone = {"generation": generation, "start": 0, "snapshot": stream == "replica"}
    return problem_answer(410, "gone", "Gone", told, **gone)


@blueprint.get("/stores/<store>/snapshot")
@for_store
def snapshot(store: str) -> Response:
    """Answer a part of the catalogue as one compressed SQLite file, from byte `offset` on."""
    wanted, offset = request.args.get("digest", ""), request.args.get("offset", "0")
    if not offset.isdecimal() or len(offset) > 15:
        raise Invalid("offset is a number of bytes.", field="offset")
    found = inventory().store.part(wanted, int(offset))
    response = Response(found.content, content_type=BYTES)
    response.headers[SNAPSHOT_HEADER] = f"{found.digest} {found.start} {found.total}"
    return response


def _asked() -> tuple[store_feed.Stream, Cursor, float]:
    stream = _STREAMS.get(request.args.get("stream", ""))
    if stream is None:
        raise Invalid("stream is commands or replica.", field="stream")
    try:
        after = int(request.args.get("after", "0"))
        wait = float(request.args.get("wait", "0"))
    except ValueError:
        raise Invalid("after and wait are numbers.", field="after") from None
    if not 0 <= after < 2**62:
        raise Invalid("after is a position from 0.", field="after")
    waits = min(max(wait, 0.0), float(protocol.WAIT_S)) if wait == wait else 0.0
    generation, mark = request.args.get("generation", ""), request.args.get("mark", "")
    return stream, Cursor(generation, after, mark), waits


@blueprint.get("/stores/<store>/digest")
@for_store
def store_digest(store: str) -> Response:
    """Answer what central's numbers of this store sum up to, and at which pair."""
    with inventory().store.reader() as conn:
        return answer(store_journal.store_digest(conn, store))


@blueprint.post("/stores/<store>/people")
@for_store
def people(store: str) -> Response:
    """Who ordered in the endless aisle: personal, so a message of its own and never a fact."""

    def tell(_: str, told: list[frames.Person]) -> Response:
        inventory().store.run(lambda tx: store_aisle.tell(tx, told))
        return answer({"people": len(told)})

    return unpacked(store, frames.unpack_people, tell)


@blueprint.post("/stores/<store>/telemetry")
@for_store
def telemetry(store: str) -> Response:
    """How the store's devices are now; the last word counts, and nothing of it is a fact."""

    def tell(store: str, told: frames.Telemetry) -> Response:
        inventory().store.run(lambda tx: store_telemetry.tell(tx, store, told))
        return answer({"devices": len(told.devices)})

    return unpacked(store, frames.unpack_telemetry, tell)


@blueprint.post("/stores/<store>/refold")
@for_store
def refold(store: str) -> Response:
    """Fold this store's facts again: its hub reads them differently."""
    return answer(inventory().store.run(lambda tx: store_journal.refold_store(tx, store)))


@blueprint.post("/stores/<store>/credential")
@for_store
def renew_credential(store: str) -> Response:
    """Give this store another credential; the one that asks works until `settle`."""
    shown = bearer()

    def work(tx: Tx) -> str:
        tx.hold(store)
        # Revoked since it was let in: what was stolen must not renew itself.
        if store_access.bearer_of(tx.conn, store_access.digest(shown)) != (store, False):
            raise Forbidden("This credential was revoked.", slug="credential-revoked")
        return store_access.create_credential(tx, store)

    return answer({"store": store, "credential": inventory().store.run(work)}, 201)


@blueprint.post("/stores/<store>/credential/settle")
@for_store
def settle_credential(store: str) -> Response:
    """The hub has its new credential on disk and shows it: all others are worthless now."""
    shown = bearer()
    gone = inventory().store.run(lambda tx: store_access.revoke(tx, store, keep=shown))
    return answer({"store": store, "revoked": gone})


@blueprint.post("/enrol")
def enrol() -> Response:
    """Exchange a one-time token for the store's credential."""
    token = decode(_tokens, request.get_data()).token
    store, credential = inventory().store.run(lambda tx: store_access.enrol(tx, token))
    return answer({"store": store, "credential": credential}, 201)


def _remember(store: str, why: str) -> None:
    """Head office sees that this hub is heard, and why it is sent away."""
    inventory().store.run(lambda tx: store_fleet.refused(tx, store, why))


def unpacked(
    store: str, unpack: Callable[[bytes], T], take: Callable[[str, T], Response]
) -> Response:
    """Read what a hub packed, and take it; what cannot be read, head office sees."""
    try:
        told = unpack(request.get_data())
    except frames.TooLarge as error:
        return _unread(store, 413, "too-large", f"{error}.")
    except frames.Malformed as error:
        return _unread(store, 400, "unparsable", f"{error}.")
    return take(store, told)


def _unread(store: str, status: int, slug: str, detail: str) -> Response:
    _remember(store, slug)
    return _problem(status, slug, detail)


def _problem(status: int, slug: str, detail: str) -> Response:
    return problem_answer(status, slug, slug.replace("-", " ").capitalize(), detail)
