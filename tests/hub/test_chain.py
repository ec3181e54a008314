import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub import chain
from hub.chain import ORIGIN, Entry

bodies = st.dictionaries(
    st.text(), st.recursive(st.integers(-(2**53), 2**53) | st.text() | st.none(), st.lists)
)


def entry(body: dict[str, object]) -> Entry:
    return Entry("a.0.1", "Thing", 1, "t", "t", "hub", "a", body)


@given(bodies)
def test_an_entry_is_sorted_json_without_spaces_and_comes_back_equal(
    body: dict[str, object],
) -> None:
    content = chain.encode(entry(body))
    expected = json.dumps(
        json.loads(content), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    assert content.decode() == expected
    assert chain.decode(content) == entry(body)


@pytest.mark.parametrize("value", [0.5, float("nan"), [1, 2.5], {"a": {"b": [1.0]}}])
def test_a_float_is_refused_wherever_it_hides(value: object) -> None:
    with pytest.raises(ValueError, match="float"):
        chain.encode(entry({"value": value}))


def test_the_hash_is_over_predecessor_position_and_bytes() -> None:
    from hashlib import blake2b

    first = blake2b(bytes(32) + b"\0\0\0\0\0\0\0\1" + b"C", digest_size=32)
    assert chain.link(chain.GENESIS, 1, b"C") == first.digest()


@given(st.lists(st.binary(), min_size=1, max_size=8), st.data())
def test_any_changed_byte_changes_every_later_pair(
    contents: list[bytes], data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(contents) - 1))
    broken = [*contents]
    broken[at] += b"!"
    good, bad = list(chain.follow(ORIGIN, contents)), list(chain.follow(ORIGIN, broken))
    assert good[:at] == bad[:at]
    assert all(one != other for one, other in zip(good[at:], bad[at:], strict=True))


def test_a_name_tells_its_cause_place_and_append() -> None:
    assert chain.parse_id(chain.entry_id("conflict:x.0.2", 1, 3)) == ("conflict:x.0.2", 1, 3)
