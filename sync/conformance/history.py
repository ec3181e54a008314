"""Rules of the journal at central: taken whole, compared as a pair, kept to the byte, given back.

It must never leave the examined store's journal other than the examiner's own copy of it.
"""

from typing import Final

from hub.chain import ORIGIN, Pair, follow
from sync import digest, frames
from sync.protocol import Badge, JournalPage, Number, whole
from sync.protocol.fence import take_told

from .examiner import Answer, Examiner, Shop, Wrong, append, head_in, must, receipt

NOWHERE: Final = "f" * 64
PAGED: Final = 800
# A page of central's has an end somewhere: by threes, it would cut an append.
SIZE: Final = 3


def heartbeat(exam: Examiner) -> str:
    """An empty push is answered with central's head."""
    answer = exam.push(exam.one, ORIGIN).expect(200, "an empty push at the beginning")
    must(head_in(answer) == ORIGIN, "a new store's head is not 0")
    exam.generation = frames.read_head(answer.body).generation
    must(exam.generation != "", "no generation in the answer")
    return "head 0 and a generation"


def push(exam: Examiner) -> str:
    """What follows the head is taken, and the head stands there afterwards."""
    shop, sku = exam.one, exam.sku
    exam.taken(shop, append("conf:1", receipt(sku, 5)))
    exam.taken(shop, append("conf:2", receipt(sku, 2), receipt(sku, 3)))
    exam.at_head(shop, exam.push(shop, shop.head).expect(200, "a heartbeat at the head"))
    return "three facts of two appends, head after each"


def pair(exam: Examiner) -> str:
    """`after` is compared as a pair: 409, with central's head in the answer."""
    shop = exam.one
    more = append("conf:other", receipt(exam.sku, 900))
    other = Pair(shop.head.seq, NOWHERE)
    for after, what in ((other, "another hash at the head's seq"), (shop.pairs[1], "an old pair")):
        answer = exam.push(shop, after, more).expect(409, f"a push after {what}")
        exam.at_head(shop, answer)
    ahead = Pair(shop.head.seq + 7, NOWHERE)
    exam.at_head(shop, exam.push(shop, ahead, more).expect(409, "a push from beyond its head"))
    exam.unmoved(shop, "a push that does not follow it")
    return "three other pairs refused with the head"


def again(exam: Examiner) -> str:
    """A push whose answer was lost is sent again: its facts are not taken twice."""
    shop = exam.one
    after, sent = shop.write(*append("conf:3", receipt(exam.sku, 7)))
    exam.push(shop, after, sent, reaches=shop.head).expect(200, "a push")
    answer = exam.push(shop, after, sent, reaches=shop.head).expect(409, "the same push again")
    exam.at_head(shop, answer)
    return "refused with the head that it reached"


def chained(exam: Examiner) -> str:
    """Bytes that do not lead to the announced pair are not taken (422)."""
    shop = exam.one
    more = append("conf:damaged", receipt(exam.sku, 1))
    said = Pair(shop.head.seq + 1, NOWHERE)
    exam.push(shop, shop.head, more, reaches=said).expect(422, "bytes that were damaged on the way")
    exam.unmoved(shop, "damaged bytes")
    return "422, head unmoved"


def uncut(exam: Examiner) -> str:
    """An append is taken whole or not at all."""
    shop = exam.one
    half = append("conf:half", receipt(exam.sku, 1), receipt(exam.sku, 1))[:1]
    exam.push(shop, shop.head, half).expect(422, "half an append")
    exam.unmoved(shop, "half an append")
    return "422, head unmoved"


def unrefused(exam: Examiner) -> str:
    """A fact that central cannot read is kept, and what follows is taken."""
    shop = exam.one
    unknown = append("conf:4", {"paper": "crane"}, kind="PaperCraneFolded")
    unread = append("conf:5", {"qty": "many"})
    exam.taken(shop, [*unknown, *unread, *append("conf:6", receipt(exam.sku, 11))])
    return "a type of tomorrow and a body nobody can read are in its journal"


def kept(exam: Examiner) -> str:
    """Central gives back the very bytes, in pages that chain and cut no append."""
    shop, sku = exam.one, exam.sku
    rows = [
        one
        for n in range(PAGED)
        for one in append(f"conf:many:{n}", *[receipt(sku, 1)] * SIZE)
    ]  # fmt: skip
    exam.taken(shop, rows[: len(rows) // 2])
    exam.taken(shop, rows[len(rows) // 2 :])
    at, pages = ORIGIN, 0
    while at != shop.head:
        page = _page(exam.door(shop, f"/journal?after={frames.write_pair(at)}"))
        must(page.after == at, f"a page after {page.after.seq}, asked for after {at.seq}")
        must(page.head == shop.head, f"the page names head {page.head.seq}, not {shop.head.seq}")
        must(bool(page.contents), f"an empty page after {at.seq}, before the head")
        count = len(page.contents)
        if tuple(shop.contents[at.seq : at.seq + count]) != page.contents:
            raise Wrong(f"the page after {at.seq} has other bytes than were pushed")
        must(whole(page.contents) == count, f"the page after {at.seq} ends within an append")
        must(page.reaches == shop.pairs[at.seq + count], "the page names another end than it has")
        at, pages = page.reaches, pages + 1
    return f"{len(shop.contents)} entries in {pages} pages, byte for byte"


def fork(exam: Examiner) -> str:
    """Of the pairs that a hub offers, central goes on from the newest that it knows."""
    shop = exam.one
    lost = Pair(shop.head.seq + 3, NOWHERE)
    replaced = Pair(5, NOWHERE)
    offered = (lost, replaced, shop.pairs[4], shop.pairs[1], ORIGIN)
    asked = "&".join(f"after={frames.write_pair(one)}" for one in offered)
    page = _page(exam.door(shop, f"/journal?{asked}"))
    must(page.after == shop.pairs[4], f"it went on from {page.after.seq}; the newest common is 4")
    must(bool(page.contents), "an empty page, though more follows")
    reaches = [*follow(page.after, page.contents)][-1]
    must(reaches == page.reaches, "the page does not lead to the pair that it names")
    nothing = exam.door(shop, f"/journal?after={frames.write_pair(lost)}")
    nothing.expect(404, "an offer of which it has nothing")
    return "from the newest common pair of five"


def proof(exam: Examiner) -> str:
    """The digest is that of the facts: none is folded twice, none is forgotten."""
    shop, sku = exam.one, exam.sku
    units = 5 + 2 + 3 + 7 + 11 + PAGED * SIZE
    stock = [(sku, "available", units), (sku, "supplier", -units)]
    wanted = digest.of_store(shop.head, stock, [])
    told = exam.door(shop, "/digest").expect(200, "GET /digest").json()
    must((told.get("seq"), told.get("hash")) == tuple(shop.head), "the digest is of another head")
    for name, scope in (("stock", wanted.stock), ("orders", wanted.orders)):
        same = told.get(name) == {"rows": scope.rows, "digest": scope.digest}
        must(same, f"its {name} sum up to something else than the facts")
    return f"{units} units of one article, as pushed"


def clones(exam: Examiner) -> str:
    """Two live processes of one store: the older goes on, the newer one is held."""
    shop = exam.two
    first = _hello(exam, shop, Badge(hardware="conformance-a"))
    first, _ = _speak(exam, shop, first)
    second = _hello(exam, shop, Badge(hardware="conformance-b"))
    second, standing = _speak(exam, shop, second)
    must(standing == "ok", f"a process that restarted elsewhere is {standing}")
    # It hears of the newer number now, and speaks on: that proves that both live.
    first, _ = _speak(exam, shop, first)
    first, standing = _speak(exam, shop, first)
    must(standing == "ok", f"the older of two is {standing}")
    second, standing = _speak(exam, shop, second)
    must(standing == "held", f"the newer of two is {standing}: both are heard")
    return "numbers given; the newer of two is held"


def gone_back(exam: Examiner) -> str:
    """A hub shows an answer of this generation that central does not have: a new generation."""
    shop = exam.one
    generation = frames.read_head(exam.push(shop, shop.head).body).generation
    must(generation == exam.generation, "its generation changed without a reason")
    lost = Pair(shop.head.seq + 1, NOWHERE)
    answer = exam.push(shop, lost, shown=generation).expect(409, "a pair that it never had")
    exam.at_head(shop, answer)
    fresh = frames.read_head(answer.body).generation
    must(fresh != generation, "the generation stayed: hubs would not bring back what it lost")
    exam.unmoved(shop, "a new generation")
    return "a new generation, the same head"


def _hello(exam: Examiner, shop: Shop, badge: Badge) -> Badge:
    answer = exam.push(shop, shop.head, badge=badge)
    answer.expect(409, "a hello: a process without its number")
    head = frames.read_head(answer.body)
    must(head.number is not None and head.status == "hello", "a hello is not given a number")
    return take_told(badge, head.answer().passed)


def _speak(exam: Examiner, shop: Shop, badge: Badge) -> tuple[Badge, str]:
    answer = exam.push(shop, shop.head, badge=badge)
    head_in(answer)
    passed = frames.read_head(answer.body).answer().passed
    must(isinstance(badge.number, Number), "no number")
    return take_told(badge, passed), passed.standing


def _page(answer: Answer) -> JournalPage:
    answer.expect(200, "an offer of pairs")
    try:
        page, _ = frames.unpack_page(answer.body)
    except (frames.Malformed, frames.TooLarge) as error:
        raise Wrong(f"a page that can't be read: {error}") from None
    return page
