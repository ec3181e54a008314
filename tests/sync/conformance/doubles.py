"""Centrals with one fault each: a real central behind a mask that spoils what it hears or says.

`http://…/FAULT` is the double with that fault, `http://…/good` the one without.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlencode

from cheroot.wsgi import Server
from werkzeug.test import EnvironBuilder, run_wsgi_app
from werkzeug.wrappers import Request

from hub import chain
from hub.chain import ORIGIN, Pair
from sync import frames
from sync.protocol import Badge, JournalPage
from tests.sync.pair import Central


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: dict[str, str]
    body: bytes

    def is_push(self) -> bool:
        return self.method == "POST" and self.path.endswith("/journal")

    def is_pull(self) -> bool:
        return self.path.endswith("/feed")

    def with_query(self, **changed: str) -> "Asked":
        return replace(self, query=tuple({**dict(self.query), **changed}.items()))


@dataclass
class Told:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        packed = self.headers.get("Content-Encoding") == "zstd"
        return json.loads(frames.inflate(self.body, 1 << 24) if packed else self.body)

    def saying(self, shown: Any, status: int | None = None) -> "Told":
        headers = {k: v for k, v in self.headers.items() if k not in ("Content-Encoding",)}
        return Told(status or self.status, headers, json.dumps(shown).encode())


On = Callable[[Asked], Told]
Fault = Callable[[Asked, On, dict[str, Any]], Told]


def _pushed(asked: Asked) -> Any:
    """The push in a request, None where there is none that can be read."""
    try:
        return frames.unpack_push(asked.body) if asked.is_push() else None
    except (frames.Malformed, frames.TooLarge):
        return None


def _pushing(change: Callable[[Any, Pair], Any]) -> Fault:
    """A fault that hears another push than was sent; it is given central's head as well."""

    def fault(asked: Asked, on: On, memory: dict[str, Any]) -> Told:
        push = _pushed(asked)
        if push is not None:
            probe = replace(push, after=Pair(10**9, "0" * 64), badge=Badge(), shown="")
            head = on(replace(asked, body=frames.pack_push(probe)))
            if head.status == 409:
                named = Pair(**head.json()["head"])
                asked = replace(asked, body=frames.pack_push(change(push, named)))
        return on(asked)

    return fault


def _answering(
    when: Callable[[Asked, Told], bool], change: Callable[[Asked, Told, dict[str, Any]], Told]
) -> Fault:
    """A fault that says something else."""

    def fault(asked: Asked, on: On, memory: dict[str, Any]) -> Told:
        told = on(asked)
        return change(asked, told, memory) if when(asked, told) else told

    return fault


def _enrols_again(asked: Asked, on: On, memory: dict[str, Any]) -> Told:
    if not asked.path.endswith("/enrol"):
        return on(asked)
    return memory.setdefault("first", {}).setdefault(asked.body, None) or _kept(
        memory["first"], asked.body, on(asked)
    )


def _kept(where: dict[Any, Any], key: Any, told: Told) -> Told:
    where[key] = told
    return told


def _any_store(asked: Asked, on: On, memory: dict[str, Any]) -> Told:
    known = memory.setdefault("known", {})
    if asked.path.startswith("/sync/v1/stores/"):
        shown = asked.headers.get("Authorization", "").removeprefix("Bearer ")
        if shown in known.values():
            own = known[asked.path.split("/")[4]]
            asked = replace(asked, headers=asked.headers | {"Authorization": f"Bearer {own}"})
    told = on(asked)
    if asked.path.endswith("/enrol") and told.status == 201:
        made = told.json()
        known[made["store"]] = made["credential"]
    return told


def _any_version(asked: Asked, on: On, memory: dict[str, Any]) -> Told:
    return on(replace(asked, headers=asked.headers | {"X-Storehub-Protocol": "1"}))


def _answers_first(asked: Asked, on: On, memory: dict[str, Any]) -> Told:
    """Says taken, and forgets."""
    push = _pushed(asked)
    if push is None or not push.contents:
        return on(asked)
    told = on(replace(asked, body=frames.pack_push(replace(push, contents=(), reaches=None))))
    reaches = [*chain.follow(push.after, push.contents)][-1]
    return told.saying(told.json() | {"head": reaches._asdict()})


def _halves(asked: Asked, on: On, memory: dict[str, Any]) -> Told:
    told, push = on(asked), _pushed(asked)
    if told.status != 422 or push.reaches is not None:
        return told
    reaches = [*chain.follow(push.after, push.contents)][-1]._asdict()
    answer = {"head": reaches, "generation": "g", "status": "taken"}
    return Told(200, {**told.headers, "Content-Type": "application/json"}, b"").saying(answer, 200)


def _refuses_facts(asked: Asked, on: On, memory: dict[str, Any]) -> Told:
    push = _pushed(asked)
    if push is not None and any(b"PaperCrane" in one for one in push.contents):
        return Told(422, {"Content-Type": "application/problem+json"}, b'{"detail":"unknown"}')
    return on(asked)


def _inflates(asked: Asked, on: On, memory: dict[str, Any]) -> Told:
    told = on(asked)
    return Told(200, told.headers, told.body) if told.status == 413 else told


def _page(change: Callable[[JournalPage], JournalPage]) -> Fault:
    def spoilt(asked: Asked, told: Told, memory: dict[str, Any]) -> Told:
        page, generation = frames.unpack_page(told.body)
        return Told(200, told.headers, frames.pack_page(change(page), generation))

    def is_page(asked: Asked, told: Told) -> bool:
        return asked.method == "GET" and asked.path.endswith("/journal") and told.status == 200

    return _answering(is_page, spoilt)


def _recoded(page: JournalPage) -> JournalPage:
    contents = tuple(json.dumps(json.loads(one)).encode() for one in page.contents)
    return replace(page, contents=contents)


def _cut(page: JournalPage) -> JournalPage:
    if len(page.contents) < 4:
        return page
    contents = page.contents[:-1]
    return replace(page, contents=contents, reaches=[*chain.follow(page.after, contents)][-1])


def _oldest(asked: Asked, on: On, memory: dict[str, Any]) -> Told:
    if asked.method == "GET" and asked.path.endswith("/journal"):
        asked = replace(asked, query=asked.query[-1:])
    return on(asked)


def _no_key(asked: Asked, on: On, memory: dict[str, Any]) -> Told:
    headers = {k: v for k, v in asked.headers.items() if k != "Idempotency-Key"}
    return on(replace(asked, headers=headers))


def _pulling(**changed: str) -> Fault:
    def fault(asked: Asked, on: On, memory: dict[str, Any]) -> Told:
        return on(asked.with_query(**changed) if asked.is_pull() else asked)

    return fault


def _backwards(asked: Asked, told: Told, memory: dict[str, Any]) -> Told:
    shown = told.json()
    return told.saying(shown | {"rows": shown["rows"][::-1]})


def _pulled(asked: Asked, told: Told) -> bool:
    return asked.is_pull() and told.status == 200


def _never_gone(asked: Asked, told: Told, memory: dict[str, Any]) -> Told:
    gone, after = told.json(), int(dict(asked.query)["after"])
    page = {"generation": gone["generation"], "after": after, "next": after, "end": after}
    told.headers["Content-Type"] = "application/json"
    return told.saying(page | {"stream": "commands", "rows": [], "mark": ""}, 200)


def _changes_lost(asked: Asked, told: Told, memory: dict[str, Any]) -> Told:
    shown = told.json()
    rows = [one for one in shown["rows"] if one["row"].get("names", {}).get("en") != "after"]
    return told.saying(shown | {"rows": rows})


def _from_the_start(asked: Asked, on: On, memory: dict[str, Any]) -> Told:
    return on(asked.with_query(offset="0") if asked.path.endswith("/snapshot") else asked)


def _damaged_file(asked: Asked, told: Told, memory: dict[str, Any]) -> Told:
    return Told(told.status, told.headers, told.body[:-9] + bytes(9))


def _stale(asked: Asked, told: Told, memory: dict[str, Any]) -> Told:
    shown = told.json()
    return told.saying(shown | {"stock": shown["stock"] | {"digest": "0" * 64}})


def _same_generation(asked: Asked, told: Told, memory: dict[str, Any]) -> Told:
    shown = told.json()
    return told.saying(shown | {"generation": memory.setdefault("g", shown["generation"])})


def _headless(asked: Asked, told: Told, memory: dict[str, Any]) -> Told:
    return told.saying({key: value for key, value in told.json().items() if key != "head"})


def _by_seq(push: Any, head: Pair) -> Any:
    return replace(push, after=head) if push.after.seq == head.seq else push


def _takes_again(push: Any, head: Pair) -> Any:
    """Whatever a push follows, it is put behind the head."""
    behind = push.after.seq < head.seq and push.after != ORIGIN and push.contents
    return replace(push, after=head, reaches=None) if behind else push


def _is(path: str, *statuses: int) -> Callable[[Asked, Told], bool]:
    return lambda asked, told: asked.path.endswith(path) and told.status in statuses


# What the double does wrong: the rule that says so, and how it does it.
FAULTS: dict[str, tuple[str, Fault]] = {
    "good": ("", lambda asked, on, memory: on(asked)),
    "enrols-again": ("enrolment", _enrols_again),
    "any-store": ("scope", _any_store),
    "any-version": ("version", _any_version),
    "answers-before-commit": ("push", _answers_first),
    "compares-seq-alone": ("pair", _pushing(_by_seq)),
    "conflict-without-head": ("pair", _answering(_is("/journal", 409), _headless)),
    "takes-again": ("again", _pushing(_takes_again)),
    "unchecked": ("chain", _pushing(lambda push, head: replace(push, reaches=None))),
    "takes-halves": ("append", _halves),
    "refuses-facts": ("facts", _refuses_facts),
    "inflates-all": ("bounds", _inflates),
    "encodes-again": ("bytes", _page(_recoded)),
    "cuts-pages": ("bytes", _page(_cut)),
    "oldest-pair": ("fork", _oldest),
    "folds-wrong": ("digest", _answering(_is("/digest", 200), _stale)),
    "hears-clones": ("clones", _pushing(
        lambda push, head: replace(push, badge=replace(push.badge, told=0)))),
    "forgets-keys": ("intake", _no_key),
    "backwards": ("order", _answering(_pulled, _backwards)),
    "from-zero": ("order", _pulling(after="0", mark="")),
    "never-gone": ("gone", _answering(_is("/feed", 410), _never_gone)),
    "never-waits": ("wait", _pulling(wait="0")),
    "forgets-changes": ("catalogue", _answering(_pulled, _changes_lost)),
    "parts-from-the-start": ("snapshot", _from_the_start),
    "damages-the-file": ("snapshot", _answering(_is("/snapshot", 200), _damaged_file)),
    "same-generation": ("generation", _answering(_is("/journal", 200, 409), _same_generation)),
}  # fmt: skip


@dataclass
class Masks:
    """A WSGI application: the first part of the path names the fault."""

    app: Any
    memory: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        request = Request(environ)
        _, fault, path = request.path.split("/", 2)
        query = tuple(parse_qsl(request.query_string.decode(), keep_blank_values=True))
        headers = {name: value for name, value in request.headers.items() if name != "Host"}
        asked = Asked(request.method, f"/{path}", query, headers, request.get_data())
        told = FAULTS[fault][1](asked, self._pass, self.memory.setdefault(fault, {}))
        skipped = ("content-length", "transfer-encoding", "connection")
        shown = [
            (name, value) for name, value in told.headers.items() if name.lower() not in skipped
        ]
        start(f"{told.status} X", [*shown, ("Content-Length", str(len(told.body)))])
        return [told.body]

    def _pass(self, asked: Asked) -> Told:
        builder = EnvironBuilder(
            asked.path, method=asked.method, query_string=urlencode(asked.query),
            headers=asked.headers, data=asked.body,
        )  # fmt: skip
        body, status, headers = run_wsgi_app(self.app, builder.get_environ(), buffered=True)
        return Told(int(status.split(" ")[0]), dict(headers), b"".join(body))


@contextmanager
def masked(central: Central) -> Iterator[str]:
    """Serve the doubles; yields the URL that the fault's name is put behind."""
    server: Any = Server(("127.0.0.1", 0), Masks(central.running.app), numthreads=4)
    server.prepare()
    thread = Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.bind_addr[1]}"
    finally:
        server.stop()
        thread.join()
