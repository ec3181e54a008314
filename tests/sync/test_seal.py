"""Hubs sign their heads: central sees who else continues a history, and refuses no fact for it."""

import secrets
from pathlib import Path
from typing import Any

import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from hub.chain import ORIGIN, Pair, follow
from sync import frames, seal
from sync.protocol import About, Push
from sync.seal import Seal
from tests.sync.pair import PUSH, STORE, Both, Central, received, until

OURS, OTHERS = (Seal(Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32)) for n in (1, 2))
HEADS = st.builds(Pair, st.integers(0, 10**6), st.binary(min_size=32, max_size=32).map(bytes.hex))


@given(HEADS, HEADS)
def test_a_signature_is_good_for_its_own_head_store_and_key_alone(head: Pair, other: Pair) -> None:
    signed = OURS.sign("s1", head)
    for known in (None, OURS.public):
        assert seal.judge(known, OURS.public, signed, "s1", head) == "good"
        assert seal.judge(known, OURS.public, signed, "s2", head) == "wrong"
        if other != head:
            assert seal.judge(known, OURS.public, signed, "s1", other) == "wrong"
    assert seal.judge(None, OTHERS.public, signed, "s1", head) == "wrong"
    assert seal.judge(OTHERS.public, OURS.public, signed, "s1", head) == "another"
    assert seal.judge(None, "", "", "s1", head) == "none"
    assert seal.judge(OURS.public, "", "", "s1", head) == "missing"


@given(st.text(max_size=60), st.text(max_size=100))
def test_no_text_is_taken_for_a_key_or_a_signature(key: str, signature: str) -> None:
    assert seal.judge(None, key, signature, "s1", ORIGIN) in ("none", "wrong")
    assert seal.judge(OURS.public, OURS.public, signature, "s1", ORIGIN) == "wrong"


def test_a_hub_keeps_its_key(tmp_path: Path) -> None:
    made = seal.opened(tmp_path)
    assert seal.opened(tmp_path).public == made.public
    assert (tmp_path / seal.FILE).stat().st_mode & 0o077 == 0


def shown(central: Central) -> dict[str, Any]:
    (found,) = central.get(f"/fleet?q={STORE}").json()["items"]
    return dict(found)


def test_a_hub_signs_what_it_brings(both: Both) -> None:
    both.hub.receive("4711", 1, "one")
    both.hub.agent.start()
    both.in_step()
    until(lambda: shown(both.central)["sealed"] == "good", "its head is signed")
    both.hub.receive("4711", 1, "two")
    both.in_step()
    assert shown(both.central)["sealed"] == "good"


def test_who_has_the_credential_alone_is_seen_and_a_new_enrolment_brings_a_new_key(
    central: Central,
) -> None:
    head = ORIGIN

    def brings(by: Seal | None, signed: Seal | None = None) -> tuple[str, str]:
        nonlocal head
        content = received(secrets.token_hex(4), "4711", 1)
        after, (head,) = head, follow(head, [content])
        about = About()
        if by is not None:
            about = About(key=by.public, signature=(signed or by).sign(STORE, head))
        body = frames.pack_push(Push(after, (content,), about=about))
        answer = central.door("/journal", method="POST", data=body, headers=PUSH)
        assert answer.status_code == 200, "a fact is never refused"
        found = shown(central)
        return found["sealed"], found["condition"]

    assert brings(None) == ("none", "well")  # a release that signs nothing
    assert brings(OURS) == ("good", "well")
    assert brings(OTHERS) == ("another", "failed")
    assert brings(None) == ("missing", "failed")
    assert brings(OURS, signed=OTHERS) == ("wrong", "failed")
    assert brings(OURS) == ("good", "well")
    token = central.post(f"/stores/{STORE}/enrolment", {}).json()["token"]
    path = f"{central.url}/sync/v1/enrol"
    assert requests.post(path, json={"token": token}, timeout=40).status_code == 201
    assert brings(OTHERS) == ("good", "well")


def test_a_persons_word_which_hub_stays_lets_its_key_in(both: Both) -> None:
    both.hub.receive("4711", 1, "one")
    both.hub.agent.start()
    until(lambda: both.central.get(f"/fleet?q={STORE}").json()["items"][0]["sealed"] == "good",
          "its head is signed")  # fmt: skip
    store = both.central.running.inventory.store
    store.run(
        lambda tx: tx.conn.execute("UPDATE store SET head_key = ?", (OTHERS.public,)) and None
    )
    both.hub.receive("4711", 1, "two")
    until(lambda: shown(both.central)["sealed"] == "another", "somebody else's key was known")
    (machine,) = both.central.get("/stores").json()["items"][0]["hubs"]
    body = {"hardware": machine["hardware"]}
    assert both.central.post(f"/stores/{STORE}/confirm", body).status_code == 200
    both.hub.receive("4711", 1, "three")
    until(lambda: shown(both.central)["sealed"] == "good", "its key is the store's")
