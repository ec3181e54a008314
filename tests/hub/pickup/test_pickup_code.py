"""A pickup code says which order, and nobody but central can make one."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import Refusal
from hub.pickup import code

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
KEYS = {"k1": KEY.public_key()}
LINES = [("L1", "4711", 2), ("L2", "Ü-1", 1)]
TEXT = code.make("R-1", "s1", LINES, KEY, "k1")


def test_a_code_says_its_order_store_and_lines() -> None:
    read = code.read(f" {TEXT}\r\n", KEYS, "s1")
    assert (read.order_id, read.store) == ("R-1", "s1")
    assert [tuple(line) for line in read.lines] == LINES
    assert code.is_signed(TEXT)
    assert not code.is_signed("SH1:O:R-1")


def test_a_code_tells_the_short_code_that_the_customer_was_told() -> None:
    rights = [("4711", 0, 2)]
    for stated in ((), rights):
        told = code.make("R-1", "s1", LINES, KEY, "k1", stated, "7Q4M")
        assert code.read(told, KEYS, "s1").short_code == "7Q4M"
    assert code.read(TEXT, KEYS, "s1").short_code is None


def test_a_code_of_two_lines_fits_a_small_qr() -> None:
    assert len(TEXT) < 200


def test_a_code_is_read_by_its_own_store_alone() -> None:
    with pytest.raises(Refusal, match="collected at store s1"):
        code.read(TEXT, KEYS, "s2")
    assert code.read(TEXT, KEYS, None).order_id == "R-1"


def test_a_code_of_an_unknown_key_is_not_believed() -> None:
    with pytest.raises(Refusal, match="doesn't know who signed"):
        code.read(TEXT, {}, "s1")
    other = Ed25519PrivateKey.from_private_bytes(bytes([1] * 32))
    with pytest.raises(Refusal, match="not genuine"):
        code.read(code.make("R-1", "s1", LINES, other, "k1"), KEYS, "s1")


@given(at=st.integers(6, len(TEXT) - 1), letter=st.sampled_from("ABCxyz012-_"))
def test_no_letter_of_a_code_can_be_changed(at: int, letter: str) -> None:
    changed = TEXT[:at] + letter + TEXT[at + 1 :]
    try:
        read = code.read(changed, KEYS, "s1")
    except Refusal:
        return
    # Only the unused bits of the last letter can differ and mean the same.
    assert at == len(TEXT) - 1 or changed == TEXT
    assert read == code.read(TEXT, KEYS, "s1")


@given(text=st.text(max_size=300))
def test_whatever_is_scanned_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(Refusal):
        code.read(text, KEYS, "s1")
    with pytest.raises(Refusal):
        code.read(code.PREFIX + text, KEYS, "s1")
