"""Speaks HTTP with the central under examination, as hubs and as head office.

It must never repair or forgive an answer: what came is handed on as it came.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import requests

from hub import chain
from hub.chain import ORIGIN, Pair
from sync import frames
from sync.frames import NDJSON, PROTOCOL_HEADER
from sync.protocol import VERSION, Badge, Push

CONNECT_S: Final = 5.0
ANSWER_S: Final = 60.0
ANSWER_MOST: Final = 64 << 20
AT: Final = "2026-11-21T10:00:00.000Z"


class Wrong(Exception):
    """Central did not do what the rule says; the text is what was seen."""


class Untried(Exception):
    """This rule could not be tried; the text says why."""


def must(holds: bool, saw: str) -> None:
    """Raises Wrong with what was seen instead."""
    if not holds:
        raise Wrong(saw)


@dataclass(frozen=True)
class Answer:
    """What came: the body as the wire carried it, inflated where it says so."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        try:
            return msgspec.json.decode(self.body, type=dict[str, Any])
        except msgspec.MsgspecError:
            raise Wrong(f"{self.status} without a JSON object in its body") from None

    def expect(self, status: int, to: str) -> "Answer":
        must(self.status == status, f"{self.status} instead of {status} to {to}")
        return self


@dataclass
class Shop:
    """One store of the examination and the journal that its hub would have."""

    store: str
    credential: str = ""
    contents: list[bytes] = field(default_factory=list)
    pairs: list[Pair] = field(default_factory=lambda: [ORIGIN])

    @property
    def head(self) -> Pair:
        return self.pairs[-1]

    def write(self, *contents: bytes) -> tuple[Pair, tuple[bytes, ...]]:
        """Append entries; return what a push of them says: the pair before, and the bytes."""
        after = self.head
        self.contents += contents
        self.pairs += chain.follow(after, contents)
        return after, contents


def append(cause: str, *bodies: Mapping[str, Any], kind: str = "StockMoved") -> list[bytes]:
    """Return the entries of one append."""
    n = len(bodies)
    return [
        chain.encode(
            chain.Entry(
                chain.entry_id(cause, i, n), kind, 1, AT, AT, "conformance", cause, dict(body)
            )
        )
        for i, body in enumerate(bodies)
    ]


def receipt(sku: str, qty: int) -> dict[str, Any]:
    """Return the body of a fact that every central reads: goods that came in."""
    source = {"source": "supplier", "target": "available", "kind": "RECEIVE"}
    return {"sku": sku, "qty": qty, **source}


class Examiner:
    """`token`: of head office's API, role admin; without it what needs the API is not tried."""

    def __init__(self, url: str, token: str = "", shops: Sequence[tuple[str, str]] = ()) -> None:
        """`shops`: (store, enrolment token) of two stores that central knows already."""
        self.url, self.token = url.rstrip("/"), token
        self.given = dict(shops)
        drawn = secrets.token_hex(4)
        names = [*self.given, f"conformance-{drawn}-a", f"conformance-{drawn}-b"]
        self.one, self.two = Shop(names[0]), Shop(names[1])
        self.sku = f"CONF-{drawn}"
        self.run = drawn
        self.generation = ""
        self.articles = 0
        self._session = requests.Session()
        self._session.trust_env = False

    def close(self) -> None:
        self._session.close()

    def ask(self, method: str, path: str, **how: Any) -> Answer:
        """Return central's answer. Raises Wrong where none comes."""
        try:
            with self._session.request(
                method, self.url + path, allow_redirects=False, stream=True,
                timeout=(CONNECT_S, ANSWER_S), **how,
            ) as came:  # fmt: skip
                body = came.raw.read(ANSWER_MOST, decode_content=False)
        except (requests.RequestException, OSError) as error:
            raise Wrong(f"no answer to {method} {path}: {type(error).__name__}") from error
        if came.headers.get("Content-Encoding") == "zstd" and NDJSON not in came.headers.get(
            "Content-Type", ""
        ):
            body = _inflated(body)
        return Answer(came.status_code, came.headers, body)

    def api(self, method: str, path: str, body: Any = None, key: str = "") -> Answer:
        """Ask as head office. Raises Untried without a token, or where there is no such door."""
        if not self.token:
            raise Untried("no token of central's API was given")
        headers = {"Authorization": f"Bearer {self.token}"}
        if key:
            headers["Idempotency-Key"] = key
        return self.ask(method, f"/api/v1{path}", json=body, headers=headers)

    def door(
        self, shop: Shop, path: str, method: str = "GET", credential: str | None = None, **how: Any
    ) -> Answer:
        """Ask as the shop's hub, or with another credential."""
        shown = shop.credential if credential is None else credential
        if not shop.credential:
            raise Untried("the store could not be enrolled")
        headers = {PROTOCOL_HEADER: VERSION, "Accept-Encoding": "zstd"}
        headers |= {"Authorization": f"Bearer {shown}"} if shown else {}
        headers |= how.pop("headers", {})
        return self.ask(method, f"/sync/v1/stores/{shop.store}{path}", headers=headers, **how)

    def send(self, shop: Shop, body: bytes, **headers: str) -> Answer:
        """Push these very bytes."""
        kinds = {"Content-Type": NDJSON, "Content-Encoding": "zstd"}
        return self.door(shop, "/journal", "POST", data=body, headers=kinds | headers)

    def push(
        self,
        shop: Shop,
        after: Pair,
        contents: Sequence[bytes] = (),
        *,
        reaches: Pair | None = None,
        badge: Badge | None = None,
        shown: str = "",
    ) -> Answer:
        push = Push(after, tuple(contents), reaches, badge or Badge(), shown)
        return self.send(shop, frames.pack_push(push))

    def taken(self, shop: Shop, contents: Sequence[bytes]) -> None:
        """Write and push. Raises Wrong where central's head is not the shop's afterwards."""
        after, sent = shop.write(*contents)
        answer = self.push(shop, after, sent, reaches=shop.head)
        answer.expect(200, "a push that follows central's head")
        self.at_head(shop, answer)

    def at_head(self, shop: Shop, answer: Answer) -> None:
        """Does this answer name the shop's own head?"""
        named = head_in(answer)
        must(named == shop.head, f"the answer names head {named.seq}, not {shop.head.seq}")

    def unmoved(self, shop: Shop, what: str) -> None:
        """Raises Wrong where central's head moved by what it had to refuse."""
        named = head_in(self.push(shop, shop.head))
        must(named == shop.head, f"its head moved by {what}: to {named.seq} from {shop.head.seq}")


def head_in(answer: Answer) -> Pair:
    """Read the head that central named. Raises Wrong."""
    try:
        return frames.read_head(answer.body).head.pair()
    except frames.Malformed as error:
        raise Wrong(f"{answer.status} without central's head: {error}") from None


def _inflated(body: bytes) -> bytes:
    try:
        return frames.inflate(body, ANSWER_MOST)
    except (frames.Malformed, frames.TooLarge) as error:
        raise Wrong(f"an answer that can't be inflated: {error}") from None
