"""Where appends begin and end within a row of entries: no border may cut one.

It must never take an entry's position for its name: a rebase moves it, and its id stays.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

from hub import chain
from hub.chain import Pair


class _Named(msgspec.Struct):
    id: str


_named: Final = msgspec.json.Decoder(_Named)


def append_of(content: bytes) -> tuple[str, int, int]:
    """Return cause, position and size of the append that an entry belongs to.

    Damaged bytes name nothing: they stand for themselves and central quarantines them.
    """
    try:
        return chain.parse_id(_named.decode(content).id)
    except (msgspec.MsgspecError, ValueError):
        return "", 0, 1


def whole(contents: Sequence[bytes]) -> int:
    """Return how many leading entries form whole appends; `contents` are in journal order.

    A page border must not cut an append: after a rebase the halves would part. The last entry of
    an append says that it is the last, so one whose neighbour is damaged can still travel.
    """
    count = len(contents)
    while count:
        _, at, size = append_of(contents[count - 1])
        if at == size - 1:
            return count
        count -= min(count, max(1, at + 1))
    return 0


def appends(contents: Sequence[bytes]) -> Iterator[tuple[str, Sequence[bytes]]]:
    """Yield each append of `contents` as (cause, its entries)."""
    start = 0
    while start < len(contents):
        cause = append_of(contents[start])[0]
        end = start + 1
        while cause and end < len(contents) and append_of(contents[end])[0] == cause:
            end += 1
        yield cause, contents[start:end]
        start = end


def reach(after: Pair, contents: Iterable[bytes]) -> Pair:
    """Return the pair to which `contents` lead from `after`."""
    last = deque(chain.follow(after, contents), maxlen=1)
    return last[0] if last else after
