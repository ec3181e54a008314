"""Rules of the doors: enrolment, whose credential, which version, how large.

It must never go on with a store that central did not let in.
"""

from typing import Final

import zstandard

from sync import frames
from sync.frames import NDJSON, PROTOCOL_HEADER, PROTOCOLS_HEADER
from sync.protocol import Push, common, read_versions

from .examiner import Examiner, Shop, Untried, must

# A version that nobody will speak for long.
FAR_VERSION: Final = "9999"
# Four times what is accepted, in a few kilobytes.
BOMB_BYTES: Final = 4 * frames.INFLATED_BYTES


def enrolment(exam: Examiner) -> str:
    """Enrol both stores; the first one's token must not work twice."""
    tokens = {shop.store: _token(exam, shop) for shop in (exam.one, exam.two)}
    for shop in (exam.one, exam.two):
        answer = exam.ask("POST", "/sync/v1/enrol", json={"token": tokens[shop.store]})
        told = answer.expect(201, "a fresh enrolment token").json()
        must(told.get("store") == shop.store, f"it enrolled {told.get('store')!r}")
        shop.credential = str(told.get("credential", ""))
        must(len(shop.credential) >= 20, "no credential that could not be guessed")
    again = exam.ask("POST", "/sync/v1/enrol", json={"token": tokens[exam.one.store]})
    must(again.status in (401, 403), f"{again.status} to a token that was used")
    never = exam.ask("POST", "/sync/v1/enrol", json={"token": "she_never-given"})
    must(never.status in (401, 403), f"{never.status} to a token that was never given")
    return "two stores enrolled; a used and an unknown token refused"


def _token(exam: Examiner, shop: Shop) -> str:
    if shop.store in exam.given:
        return exam.given[shop.store]
    made = exam.api("POST", "/stores", {"store": shop.store, "name": "Conformance"})
    if made.status not in (200, 201):
        raise Untried(f"POST /api/v1/stores answered {made.status}: name two stores with --enrol")
    token = exam.api("POST", f"/stores/{shop.store}/enrolment", {})
    return str(token.expect(201, "POST …/enrolment").json().get("token", ""))


def scope(exam: Examiner) -> str:
    """Only the store's own credential opens its doors, whatever the path says."""
    doors = (
        ("/feed?stream=commands&generation=&after=0", "GET"),
        ("/digest", "GET"),
        (f"/journal?after={frames.write_pair(exam.one.head)}", "GET"),
        ("/journal", "POST"),
    )
    body = {"data": frames.pack_push(Push(exam.one.head))}
    kinds = {"headers": {"Content-Type": NDJSON, "Content-Encoding": "zstd"}}
    for path, method in doors:
        more = body | kinds if method == "POST" else {}
        name = f"{method} {path.partition('?')[0]}"
        for shown, wanted, whose in (
            ("", (401,), "no credential"),
            ("shs_made-up", (401, 403), "a made-up credential"),
            (exam.two.credential, (403,), "another store's credential"),
        ):
            got = exam.door(exam.one, path, method, credential=shown, **more).status
            must(got in wanted, f"{got} to {name} with {whose}")
    return f"{len(doors)} doors, each closed to three who are not this store"


def version(exam: Examiner) -> str:
    """Who speaks another protocol is told which ones are spoken, and nothing else happens."""
    path = "/feed?stream=commands&generation=&after=0"
    fine = exam.door(exam.one, path).expect(200, "a pull that speaks version 1")
    spoken = fine.headers.get(PROTOCOL_HEADER)
    must(spoken == "1", f"{PROTOCOL_HEADER} is {spoken!r} in the answer to version 1")
    for asked in (FAR_VERSION, "?"):
        other = exam.door(exam.one, path, headers={PROTOCOL_HEADER: asked})
        other.expect(400, f"version {asked!r}")
        must(PROTOCOL_HEADER in other.headers, f"no {PROTOCOL_HEADER} in the refusal")
        told = other.headers.get(PROTOCOLS_HEADER)
        must(common(read_versions(told)) == 1, f"{PROTOCOLS_HEADER} is {told!r} in the refusal")
    newer = exam.door(exam.one, path, headers={PROTOCOL_HEADER: f"{FAR_VERSION}, 1"})
    newer.expect(200, "a hub that speaks version 1 beside a newer one")
    return f"speaks {told}"


def bounds(exam: Examiner) -> str:
    """What is too large or no push is refused by its status, and central serves on."""
    shop = exam.one
    bomb = frames.compress(bytes(BOMB_BYTES))
    exam.send(shop, bomb).expect(413, f"{len(bomb)} bytes that inflate to {BOMB_BYTES}")
    exam.send(shop, _streamed(BOMB_BYTES)).expect(413, "a bomb that does not declare its size")
    exam.send(shop, b"no zstd at all").expect(400, "bytes that are no zstd frame")
    whole = frames.pack_push(Push(shop.head, (b"{}" * 4000,)))
    exam.send(shop, whole[: len(whole) // 2]).expect(400, "a frame that is cut short")
    exam.send(shop, frames.compress(b"no header line\n")).expect(400, "a push without a header")
    plain = exam.send(shop, b"{}", **{"Content-Type": "text/html"})
    plain.expect(415, "a push of type text/html")
    exam.unmoved(shop, "what it refused")
    return f"a bomb of {len(bomb)} bytes and five others refused"


def _streamed(size: int) -> bytes:
    packer = zstandard.ZstdCompressor(level=1).compressobj()
    part = bytes(1 << 20)
    return b"".join([*(packer.compress(part) for _ in range(size >> 20)), packer.flush()])
