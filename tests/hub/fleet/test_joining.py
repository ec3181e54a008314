"""A join code lives ten minutes, opens once, is kept as a digest and guessed at in vain."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import Invalid, NotFound, Refusal
from hub.fleet import actions as fleet
from hub.fleet import queries as registry
from hub.fleet import rules as fleet_rules
from hub.fleet.joining import actions, queries, rules, sheets
from hub.fleet.joining.actions import Redeemed
from tests.hub.ingesting import STORE, Spine, spine


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Spine]:
    with spine(tmp_path) as made:
        yield made


def make(hub: Spine, device: str = "till-1", **more: Any) -> str:
    body = more.pop("body", {"kind": "till", "place": "counter"})
    return hub.writer.run(
        lambda tx: actions.make(tx, device, store=STORE, body=body, actor="staff:ivy", **more)
    ).text


def redeem(hub: Spine, code: str, source: str = "10.0.0.7") -> Redeemed:
    return hub.writer.run(lambda tx: actions.redeem(tx, rules.digest(code, STORE), source=source))


def accounts(hub: Spine) -> dict[str, registry.Account]:
    with hub.database.reader() as reader:
        return {one.name: one for one in registry.accounts(reader)}


def open_codes(hub: Spine) -> list[str]:
    with hub.database.reader() as reader:
        now_ms = round(hub.clock.now().timestamp() * 1000)
        return [one.device for one in queries.open_codes(reader, now_ms)]


def test_a_code_lets_a_new_device_in_with_a_secret_of_160_bits(hub: Spine) -> None:
    code = make(hub)
    assert accounts(hub) == {}
    made = redeem(hub, rules.shown(code).lower())
    assert (made.device, made.refusal) == ("till-1", None)
    assert len(made.secret) * 6 >= 160
    assert fleet_rules.matches(made.secret, accounts(hub)["till-1"].secret)
    with hub.database.reader() as reader:
        assert registry.place_of(reader, "till-1") == "counter"


def test_a_code_opens_once(hub: Spine) -> None:
    code = make(hub)
    first = redeem(hub, code)
    assert redeem(hub, code) == Redeemed(
        "", "", "This join code was used already. If it was not by you, revoke the device."
    )
    assert fleet_rules.matches(first.secret, accounts(hub)["till-1"].secret)


@pytest.mark.parametrize(("seconds", "opens"), [(599, True), (600, False), (90_000, False)])
def test_a_code_lives_ten_minutes(hub: Spine, seconds: int, opens: bool) -> None:
    code = make(hub)
    hub.clock.advance(timedelta(seconds=seconds))
    refusal = redeem(hub, code).refusal
    assert refusal == (
        None if opens else "This join code is older than ten minutes: make a new one."
    )
    assert bool(accounts(hub)) is opens


def test_what_is_kept_of_a_code_does_not_open(hub: Spine, tmp_path: Path) -> None:
    code = make(hub)
    for file in tmp_path.rglob("*.db*"):
        content = file.read_bytes()
        assert code.encode() not in content
        assert rules.shown(code).encode() not in content
    assert rules.digest(code, STORE) != rules.digest(code, "store-2")


def test_a_newer_code_of_a_device_ends_the_older_one_and_it_can_be_withdrawn(hub: Spine) -> None:
    old, new = make(hub), make(hub)
    assert open_codes(hub) == ["till-1"]
    assert "No such join code" in (redeem(hub, old).refusal or "")
    hub.writer.run(lambda tx: actions.withdraw(tx, "till-1"))
    assert open_codes(hub) == []
    assert "No such join code" in (redeem(hub, new).refusal or "")


def test_guessing_is_counted_told_and_closed_for_that_address(hub: Spine) -> None:
    code = make(hub)
    for n in range(rules.WRONG_HERE):
        assert "No such join code" in (redeem(hub, f"2345678{rules.ALPHABET[n]}").refusal or "")
    with pytest.raises(Refusal, match="Too many wrong join codes: make a new one"):
        redeem(hub, code)
    with hub.database.reader() as reader:
        (rogue,) = registry.rogues(reader)
    assert (rogue.what, rogue.source, rogue.times) == ("join", "10.0.0.7", rules.WRONG_HERE)
    assert redeem(hub, code, "10.0.0.8").device == "till-1"


def test_a_new_code_opens_the_door_again(hub: Spine) -> None:
    for _ in range(rules.WRONG_HERE):
        redeem(hub, "23456789")
    assert redeem(hub, make(hub)).device == "till-1"


def test_guessing_from_everywhere_closes_the_door_to_all(hub: Spine) -> None:
    code = make(hub)
    for n in range(rules.WRONG_ALL):
        redeem(hub, "23456789", f"10.0.{n}.7")
    with pytest.raises(Refusal, match="Too many"):
        redeem(hub, code, "10.1.0.1")


def test_so_many_codes_are_open_and_no_more(hub: Spine) -> None:
    for n in range(rules.OPEN_MOST):
        make(hub, f"till-{n}")
    with pytest.raises(Refusal, match="50 join codes are open"):
        make(hub, "one-more")
    assert len(open_codes(hub)) == rules.OPEN_MOST


@pytest.mark.parametrize("how", ["enrol", "rotate"])
def test_a_code_for_a_device_that_exists_gives_a_new_secret_and_moves_nothing(
    hub: Spine, how: rules.How
) -> None:
    old = redeem(hub, make(hub)).secret
    code = make(hub, how=how, body={"kind": "scanner", "place": "elsewhere"})
    with hub.database.reader() as reader:
        (waiting,) = queries.open_codes(reader, round(hub.clock.now().timestamp() * 1000))
    assert waiting.how == "rotate"
    assert fleet_rules.matches(old, accounts(hub)["till-1"].secret)
    new = redeem(hub, code).secret
    stored = accounts(hub)["till-1"].secret
    assert (fleet_rules.matches(old, stored), fleet_rules.matches(new, stored)) == (False, True)
    with hub.database.reader() as reader:
        known = registry.registered(reader, "till-1")
    assert known is not None
    assert (known.kind, known.place) == ("till", "counter")


def test_a_broken_unit_is_swapped_by_a_code(hub: Spine) -> None:
    old = redeem(hub, make(hub)).secret
    new = redeem(hub, make(hub, how="replace", body={})).secret
    stored = accounts(hub)["till-1"].secret
    assert (fleet_rules.matches(old, stored), fleet_rules.matches(new, stored)) == (False, True)


def test_a_revoked_device_comes_back_by_a_code_only(hub: Spine) -> None:
    redeem(hub, make(hub))
    waiting = make(hub, how="rotate")
    hub.writer.run(lambda tx: fleet.revoke(tx, "till-1"))
    with pytest.raises(NotFound):
        redeem(hub, waiting)
    assert accounts(hub) == {}
    redeem(hub, make(hub))
    assert set(accounts(hub)) == {"till-1"}


def test_no_code_is_made_for_what_has_no_account_or_no_name(hub: Spine) -> None:
    redeem(hub, make(hub, "gw", body={"kind": "gateway", "place": ""}))
    hub.writer.run(
        lambda tx: fleet.enroll(tx, "s1", kind="contact", place="", family="zigbee2mqtt", via="gw",
                                address="door")
    )  # fmt: skip
    with pytest.raises(Refusal, match="its gateway speaks for it"):
        make(hub, "s1", how="rotate")
    with pytest.raises(NotFound):
        make(hub, "nobody", how="replace")
    with pytest.raises(Invalid):
        make(hub, "hub")


def test_who_made_the_code_let_the_device_in(hub: Spine) -> None:
    redeem(hub, make(hub))
    with hub.database.reader() as reader:
        (actor,) = reader.execute("SELECT json_extract(entry, '$.actor') FROM journal").fetchone()
    assert actor == "staff:ivy"


# --- certificates


def test_a_certificate_s_name_counts_until_the_secret_changes(hub: Spine) -> None:
    redeem(hub, make(hub))
    name = hub.writer.run(lambda tx: actions.certify(tx, "till-1"))
    assert re.fullmatch(r"till-1\.[0-9a-f]{8}", name)
    second = hub.writer.run(lambda tx: actions.certify(tx, "till-1"))
    assert accounts(hub)["till-1"].certificates == tuple(sorted((name, second)))
    hub.writer.run(lambda tx: fleet.replace(tx, "till-1"))
    assert accounts(hub)["till-1"].certificates == ()
    third = hub.writer.run(lambda tx: actions.certify(tx, "till-1"))
    assert accounts(hub)["till-1"].certificates == (third,)
    with pytest.raises(NotFound):
        hub.writer.run(lambda tx: actions.certify(tx, "nobody"))


# --- what people type and scan


def test_a_code_is_read_however_it_is_typed() -> None:
    assert rules.tidy(" abcd 2345 ") == rules.tidy("ABCD-2345") == "ABCD2345"
    for wrong in ("", "ABCD234", "ABCD23456", "ABCD-234O", "ABCD-2340", "ABCD-234ß"):
        with pytest.raises(Invalid, match="A join code has 8 letters and digits"):
            rules.tidy(wrong)


def test_the_alphabet_has_nothing_that_looks_like_something_else() -> None:
    assert not set("01OILU") & set(rules.ALPHABET)
    assert len(set(rules.ALPHABET)) ** rules.LENGTH > 6e11


@given(st.text(rules.ALPHABET, min_size=8, max_size=8), st.binary(min_size=32, max_size=32))
def test_a_qr_says_url_code_and_fingerprint(code: str, digest: bytes) -> None:
    text = rules.qr_text("https://10.0.0.2:8443", code, digest.hex())
    assert rules.read_qr(text) == ("https://10.0.0.2:8443", code, digest.hex())


@given(st.text())
def test_another_qr_is_told_from_a_join_code(text: str) -> None:
    with pytest.raises(Invalid):
        rules.read_qr(text)


# --- settings sheets

REACH = sheets.Reach(STORE, "10.0.0.2", 8883, "-----BEGIN CERTIFICATE-----\nAA\n", "ab" * 32)


@pytest.mark.parametrize(
    ("family", "grants", "words"),
    [
        ("storehub", (), ["mosquitto_pub -h 10.0.0.2 -p 8883 --cafile ca.pem -u d-1 -P 's3cret'",
                          "storehub/v1/store-1/d-1/obs/heartbeat"]),
        ("zigbee2mqtt", ("zigbee2mqtt/#",), ["server: mqtts://10.0.0.2:8883",
                                             "base_topic: zigbee2mqtt\n", "user: d-1",
                                             "password: 's3cret'", "reject_unauthorized: true"]),
        ("shelly", ("shelly-1/#",), ["MQTT.SetConfig", '"ssl_ca": "user_ca.pem"',
                                     "Shelly.PutUserCA", '"topic_prefix": "shelly-1"',
                                     '"pass": "s3cret"', '"server": "10.0.0.2:8883"']),
        ("esphome", ("node/#",), ["broker: 10.0.0.2", "port: 8883", "topic_prefix: node\n",
                                  "certificate_authority: |\n    -----BEGIN"]),
        ("impinj", ("rfid/door/#",), ['"brokerHostname": "10.0.0.2"', '"brokerPort": 8883',
                                      '"tlsEnabled": true', '"eventTopic": "rfid/door"',
                                      '"eventQualityOfService": 1']),
        ("zebra-fx", ("rfid/fx/#",), ['"hostName": "10.0.0.2"', '"enableSecurity": true',
                                      '"username": "d-1"', '"publishTopic": [\n',
                                      '"rfid/fx"']),
        ("mapped:acme", ("acme/1/#",), ["mosquitto_pub", "-t 'acme/1/#'"]),
    ],
)  # fmt: skip
def test_a_sheet_says_in_the_family_s_own_words_what_to_type(
    family: str, grants: tuple[str, ...], words: list[str]
) -> None:
    device = registry.Registered("d-1", "x", family, "", "mains", None, grants, None, None, None)
    made = sheets.sheet(device, REACH, "s3cret")
    copied = "\n".join(block.text for block in made.blocks)
    for word in words:
        assert word in copied, copied
    told = {field.name: field.value for field in made.fields}
    assert (told["host"], told["port"], told["password"]) == ("10.0.0.2", "8883", "s3cret")
    assert REACH.ca in {block.text for block in made.blocks}
    assert "s3cret" not in "\n".join(sheets.lines(sheets.sheet(device, REACH)))


def test_a_device_behind_a_gateway_is_told_that_it_needs_no_account() -> None:
    device = registry.Registered(
        "s-1", "contact", "zigbee2mqtt", "", "battery", "gw", (), "0x1", None, None
    )
    assert "speaks through gw" in sheets.sheet(device, REACH).notes[0]


def test_guesses_that_count_no_more_are_forgotten(hub: Spine) -> None:
    for _ in range(3):
        redeem(hub, "2222-2222")
        hub.clock.advance(rules.WINDOW)
    with hub.database.reader() as reader:
        (kept,) = reader.execute("SELECT count(*) FROM device_code_wrong").fetchone()
    assert kept == 1


def test_an_id_that_no_certificate_can_carry_is_refused_before_one_is_noted(hub: Spine) -> None:
    name = "x" * 56
    redeem(hub, make(hub, name))
    with pytest.raises(Refusal, match="too long an id for a certificate"):
        hub.writer.run(lambda tx: actions.certify(tx, name))
    assert accounts(hub)[name].certificates == ()
