"""Speaks HTTP with central: bounded, timed, and wary of whoever else may answer.

It must never follow a redirect, inflate what is not bounded, or take a hotel's sign-in page for
data: an answer without the protocol header is no answer of central's.

    Trouble
    ├── Unreachable    no connection, or it broke
    ├── Unanswered     somebody answered, but not with data: 5xx, 429, a proxy's page, a cut body
    ├── Denied         the credential is not accepted (401, 403)
    └── Rejected       central read the request and will not take it (400, 413, 422)
"""

import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import msgspec
import requests
import urllib3

from hub.chain import Pair
from hub.errors import Forbidden, HubError, Invalid, NotFound, Refusal, Unavailable
from hub.returns.abroad import Claim, Handed

from .claims import read_claim, read_handed
from .frames import (
    BYTES,
    INSTANCE_HEADER,
    JSON,
    NDJSON,
    PROTOCOL_HEADER,
    PROTOCOLS_HEADER,
    PUSH_BYTES,
    SNAPSHOT_HEADER,
    FeedGone,
    FeedPage,
    Head,
    Malformed,
    TooLarge,
    inflate,
    read_gone,
    read_head,
    read_page,
    unpack_page,
    write_pair,
)
from .protocol import VERSION, Cursor, JournalPage, common, read_versions
from .session import brief, opened
from .sockets import Sockets
from .trust import Trust

T = TypeVar("T")
_REFUSED: Final[dict[int, type[HubError]]] = {
    400: Invalid,
    401: Forbidden,
    403: Forbidden,
    404: NotFound,
    409: Refusal,
    413: Invalid,
    422: Invalid,
}
log = logging.getLogger(__name__)
# What a request costs beside its bodies, about: two heads and their packets.
OVERHEAD_BYTES: Final = 900
CONNECT_S: Final = 3.0
READ_S: Final = 30.0
GRACE_S: Final = 5.0
PLAIN_BYTES: Final = 8 << 20
_CHUNK: Final = 64 << 10


class Trouble(Exception):
    """Central was not heard."""


class Unreachable(Trouble):
    """No connection, or it broke."""


class Unanswered(Trouble):
    """Somebody answered, but with nothing to build on."""

    def __init__(self, reason: str, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class Denied(Trouble):
    """The store's credential is not accepted."""


class Rejected(Trouble):
    """Central will not take this request as it is."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of central's: 200, 409 or 410, its body inflated."""

    status: int
    body: bytes
    note: str = ""


@dataclass(frozen=True, slots=True)
class SnapshotPart:
    """Some bytes of the snapshot `digest`, which has `total`."""

    digest: str
    offset: int
    total: int
    data: bytes


class Client:
    """One conversation with central. One thread uses it; `close` may come from another."""

    def __init__(
        self,
        base_url: str,
        store: str,
        credential: str | Callable[[], str],
        instance: str,
        meter: Callable[[int], None] = lambda size: None,
        trust: Trust | None = None,
    ) -> None:
        """`credential`: read again, where it can be, when central no longer accepts it."""
        self._meter = meter
        self._credential = credential
        shown = credential if isinstance(credential, str) else credential()
        self._root = f"{base_url.rstrip('/')}/sync/v1/stores/{store}"
        self._sockets = Sockets()
        self._session = opened(self._sockets, trust)
        self._session.headers.update(
            {
                "Authorization": f"Bearer {shown}",
                INSTANCE_HEADER: instance,
            }
        )

    def push(self, body: bytes) -> Head:
        """Push packed entries; return central's head, whether it took them (200) or not (409)."""
        reply = self._call("POST", "/journal", data=body)
        return _read(read_head, reply.body)

    def journal(self, pairs: Sequence[Pair]) -> tuple[JournalPage, str] | None:
        """Return what follows the newest of `pairs` that central has, and its generation."""
        asked = {"after": [write_pair(pair) for pair in pairs]}
        try:
            reply = self._call("GET", "/journal", params=asked)
        except Rejected as rejected:
            if rejected.status == 404:
                return None
            raise
        return _read(unpack_page, reply.body)

    def feed(self, stream: str, at: Cursor, wait: int) -> FeedPage | FeedGone:
        """Return what follows `at`, or that central cannot continue there."""
        asked = {
            "stream": stream,
            "generation": at.generation,
            "after": at.position,
            "mark": at.mark,
            "wait": wait,
        }
        reply = self._call("GET", "/feed", params=asked, read_s=wait + GRACE_S)
        if reply.status == 410:
            return _read(read_gone, reply.body)
        return _read(read_page, reply.body)

    def snapshot(self, digest: str, offset: int) -> SnapshotPart:
        """Return the bytes of snapshot `digest` from `offset` on, or another one's first bytes."""
        reply = self._call("GET", "/snapshot", params={"digest": digest, "offset": offset})
        named = reply.note.split(" ")
        if len(named) != 3 or not (named[1].isdecimal() and named[2].isdecimal()):
            raise Unanswered("a part of a snapshot without its name")
        return SnapshotPart(named[0], int(named[1]), int(named[2]), reply.body)

    def digest(self) -> dict[str, Any]:
        """Return central's digest of this store, as `sync.digest.Digest` spells it."""
        return _read(_object, self._call("GET", "/digest").body)

    def people(self, body: bytes) -> None:
        """Tell central who ordered in the endless aisle, as `frames.pack_people` packs them."""
        self._call("POST", "/people", data=body)

    def telemetry(self, body: bytes) -> None:
        """Tell central how the devices are, as `frames.pack_telemetry` packs it."""
        self._call("POST", "/telemetry", data=body)

    def handed(self, order_id: str, read_s: float) -> Handed:
        """Return what was handed over of an order, at whatever store. Rejected (404): unknown."""
        asked = {"order_id": order_id}
        reply = self._call("GET", "/handed", params=asked, read_s=read_s)
        return _read(read_handed, reply.body)

    def claim(self, body: bytes, read_s: float) -> Claim:
        """Claim units for a return, as `claims.pack` packs it."""
        return _read(read_claim, self._call("POST", "/returns", data=body, read_s=read_s).body)

    def release(self, return_id: str, read_s: float) -> None:
        """Give up the claim of a return that was not opened."""
        self._call("POST", f"/returns/{return_id}/release", read_s=read_s)

    def refold(self) -> None:
        """Ask central to fold this store's facts again."""
        self._call("POST", "/refold")

    def close(self) -> None:
        """Break off whatever is under way, so that a parked poll ends now."""
        self._sockets.shut()
        self._session.close()

    def _call(
        self,
        method: str,
        path: str,
        *,
        data: bytes | None = None,
        params: dict[str, Any] | None = None,
        read_s: float = READ_S,
    ) -> Reply:
        headers = {"Content-Encoding": "zstd", "Content-Type": NDJSON} if data else {}
        self._meter(len(data or b"") + OVERHEAD_BYTES)
        try:
            with self._session.request(
                method,
                self._root + path,
                data=data,
                params=params,
                headers=headers,
                timeout=(CONNECT_S, read_s),
                allow_redirects=False,
                stream=True,
            ) as answer:
                body = _body_of(answer)
                self._meter(len(body))
                speaks = answer.headers.get(PROTOCOLS_HEADER)
                if not self._may_try_again(answer.status_code, speaks):
                    return _judge(answer, body)
        except (requests.exceptions.Timeout, requests.exceptions.ConnectionError) as error:
            raise Unreachable(brief(error)) from error
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError) as error:
            raise Unanswered(f"a broken answer: {brief(error)}") from error
        except OSError as error:
            raise Unreachable(brief(error)) from error
        return self._call(method, path, data=data, params=params, read_s=read_s)

    def _may_try_again(self, status: int, speaks: str | None) -> bool:
        if status == 400:
            return self._speak(speaks)
        return status == 401 and speaks is None and self._shows_another()

    def _shows_another(self) -> bool:
        """The credential was replaced on disk meanwhile: show that one."""
        if isinstance(self._credential, str):
            return False
        fresh = f"Bearer {self._credential()}"
        if fresh == self._session.headers["Authorization"]:
            return False
        self._session.headers["Authorization"] = fresh
        return True

    def renew(self) -> str:
        """Return a new credential of this store; the one that is shown goes on working."""
        return str(_read(_object, self._call("POST", "/credential").body)["credential"])

    def settle(self) -> int:
        """Make every other credential of this store worthless; return how many those were."""
        return int(_read(_object, self._call("POST", "/credential/settle").body)["revoked"])

    def _speak(self, speaks: str | None) -> bool:
        """Central does not speak our newest version: take the newest that both do, if another."""
        version = common(read_versions(speaks)) if speaks else None
        if version is None or str(version) == self._session.headers[PROTOCOL_HEADER]:
            return False
        log.warning("Central speaks protocol %s: so does this hub, from now on.", version)
        self._session.headers[PROTOCOL_HEADER] = str(version)
        return True


def enrol(base_url: str, store: str, token: str, trust: Trust | None = None) -> str:
    """Exchange a one-time enrolment token for the store's credential.

    Raises Refusal when the token is not accepted or belongs to another store, Unavailable when
    central is not heard.
    """
    found = post(base_url, "/sync/v1/enrol", {"token": token}, trust=trust)
    if found.get("store") != store:
        raise Refusal(f"This token enrols store {found.get('store')}, not {store}.")
    return str(found["credential"])


def post(
    base_url: str,
    path: str,
    body: Mapping[str, Any],
    token: str | None = None,
    trust: Trust | None = None,
) -> dict[str, Any]:
    """POST JSON to central's API and return its answer.

    Raises the HubError that central's status means, with central's sentence.
    """
    session = opened(Sockets(), trust)
    try:
        with session.post(
            f"{base_url.rstrip('/')}{path}",
            json=body,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=(CONNECT_S, READ_S),
            allow_redirects=False,
            stream=True,
        ) as response:
            status, content = response.status_code, _body_of(response)
    except requests.exceptions.SSLError as error:
        raise Unavailable(f"{base_url}: {brief(error)}.") from error
    except (requests.exceptions.RequestException, OSError, Unanswered) as error:
        raise Unavailable(f"Central at {base_url} does not answer.") from error
    finally:
        session.close()
    if status in (200, 201):
        with contextlib.suppress(Malformed):
            return _object(content)
    kind = _REFUSED.get(status, Unavailable)
    raise kind(_detail(content) or f"Central answered {status}.")


def _judge(answer: requests.Response, body: bytes) -> Reply:
    status = answer.status_code
    if status in (429, 500, 502, 503, 504):
        raise Unanswered(f"status {status}", _retry_after(answer))
    if common(read_versions(answer.headers.get(PROTOCOL_HEADER))) is None:
        # A captive portal, a proxy's page, or a central of another protocol.
        raise Unanswered(f"status {status} without {PROTOCOL_HEADER}: {VERSION}")
    if status in (401, 403):
        raise Denied(_detail(body) or f"status {status}")
    kind = answer.headers.get("Content-Type", "").split(";")[0].strip()
    if status == 200 and kind in (NDJSON, BYTES):
        return Reply(status, body, answer.headers.get(SNAPSHOT_HEADER, ""))
    if kind not in (JSON, "application/problem+json"):
        raise Unanswered(f"status {status} of type {kind!r}")
    if answer.headers.get("Content-Encoding") == "zstd":
        body = _read(lambda packed: inflate(packed, PLAIN_BYTES), body)
    if status in (200, 201, 409, 410):
        return Reply(status, body)
    raise Rejected(status, _detail(body) or f"status {status}")


def _body_of(answer: requests.Response) -> bytes:
    parts, size = [], 0
    while part := answer.raw.read(_CHUNK, decode_content=False):
        size += len(part)
        if size > PUSH_BYTES:
            raise Unanswered(f"an answer of more than {PUSH_BYTES} bytes")
        parts.append(part)
    return b"".join(parts)


def _read(reader: Callable[[bytes], T], body: bytes) -> T:
    try:
        return reader(body)
    except (Malformed, TooLarge) as error:
        raise Unanswered(str(error)) from error


def _object(body: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise Malformed(str(error)) from error


def _detail(body: bytes) -> str:
    with contextlib.suppress(Malformed):
        return str(_object(body).get("detail", ""))
    return ""


def _retry_after(answer: requests.Response) -> float | None:
    with contextlib.suppress(ValueError):
        return max(0.0, float(answer.headers.get("Retry-After", "")))
    return None
