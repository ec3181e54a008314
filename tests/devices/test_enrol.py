"""A device joins: the CA is compared first, the code goes over TLS, the account is kept."""

import json
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from devices import enrol
from devices.account import Account
from hub import authority
from hub.errors import Invalid, Refusal, Unavailable
from hub.fleet import queries as registry
from hub.fleet import rules as fleet_rules
from hub.fleet.joining import actions, rules
from kiosk_ui.server import Running, serve
from tests.kiosk_ui.sample import STORE, SampleStore


class Shop:
    """A hub that serves HTTP and HTTPS, and the fingerprint that its screen shows."""

    def __init__(self, directory: Path) -> None:
        self.store = SampleStore(directory, screens=2)
        self.running: Running = serve(self.store.hub, "127.0.0.1", 0)
        tls = self.store.tls
        self.running.open_tls("127.0.0.1", 0, (tls.certificate, tls.key))
        self.store.https_port = self.running.https_port
        self.digest = tls.fingerprint()
        self.url = f"https://127.0.0.1:{self.running.https_port}"
        self.plain = f"http://127.0.0.1:{self.running.port}"

    def code(self, device: str = "scale-1", how: rules.How = "enrol") -> str:
        body = {"kind": "shelf", "place": "A1"} if how == "enrol" else {}
        return self.store.store.writer.run(
            lambda tx: actions.make(tx, device, store=STORE, how=how, body=body)
        ).text

    def opens(self, account: Account) -> bool:
        with self.store.store.database.reader() as reader:
            known = {one.name: one.secret for one in registry.accounts(reader)}
        return fleet_rules.matches(account.password, known[account.username])

    def close(self) -> None:
        self.running.stop()
        self.store.close()


@contextmanager
def opened(directory: Path) -> Iterator[Shop]:
    made = Shop(directory)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with opened(tmp_path / "hub") as made:
        yield made


def never(_: str) -> bool:
    raise AssertionError("nobody is to be asked")


def test_a_scanned_fingerprint_lets_a_device_in_without_a_question(
    shop: Shop, tmp_path: Path
) -> None:
    file = enrol.join(shop.url, shop.code(), tmp_path, ca_sha256=shop.digest, compare=never)
    assert file == tmp_path / "devices" / "scale-1.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    account = Account.load(file)
    assert (account.store, account.device, account.username) == (STORE, "scale-1", "scale-1")
    assert (account.host, account.port) == ("127.0.0.1", 8883)
    assert account.ca == tmp_path / "devices" / "ca.pem"
    assert shop.opens(account)
    assert shop.store.told_broker == 1
    with shop.store.store.database.reader() as reader:
        assert registry.place_of(reader, "scale-1") == "A1"


def test_a_typed_code_shows_the_fingerprint_to_be_compared(shop: Shop, tmp_path: Path) -> None:
    seen: list[str] = []

    def compared(found: str) -> bool:
        seen.append(found)
        return True

    enrol.join(shop.url, rules.shown(shop.code()).lower(), tmp_path, compare=compared)
    assert seen == [shop.digest]


@pytest.mark.parametrize(
    ("expected", "compare", "sentence"),
    [
        ("ab" * 32, never, r"another one than expected .* Nothing was sent"),
        ("", lambda _: False, r"was not compared .* Nothing was sent"),
        ("", None, r"was not compared"),
    ],
)
def test_a_hub_that_is_not_the_right_one_never_hears_the_code(
    shop: Shop,
    tmp_path: Path,
    expected: str,
    compare: Callable[[str], bool] | None,
    sentence: str,
) -> None:
    code = shop.code()
    with pytest.raises(Refusal, match=sentence):
        enrol.join(shop.url, code, tmp_path, ca_sha256=expected, compare=compare)
    assert not list((tmp_path / "devices").glob("*.json"))
    # It was not used up.
    enrol.join(shop.url, code, tmp_path, ca_sha256=shop.digest)


def test_a_hub_in_the_middle_with_the_right_ca_s_text_cannot_prove_itself(
    shop: Shop, tmp_path: Path
) -> None:
    with opened(tmp_path / "evil") as evil:
        # It shows the true CA, which is public, and has a certificate of its own.
        object.__setattr__(evil.store.trust, "ca", shop.store.tls.ca.read_text)
        with pytest.raises(Refusal, match="certificate is not good for"):
            enrol.join(evil.url, shop.code(), tmp_path, ca_sha256=shop.digest)


def test_a_name_that_the_certificate_does_not_carry_is_told(shop: Shop, tmp_path: Path) -> None:
    tls = shop.store.tls
    other = authority.establish(tmp_path / "x", STORE, ["elsewhere.local"], datetime.now(UTC))
    object.__setattr__(shop.store.trust, "ca", other.ca.read_text)
    shop.running.renew((other.certificate, other.key))
    with pytest.raises(Refusal, match=r"not good for 127\.0\.0\.1: .* host_names"):
        enrol.join(shop.url, shop.code(), tmp_path, ca_sha256=other.fingerprint())
    assert tls.ca.exists()


def test_a_code_that_is_wrong_used_or_malformed_is_refused_in_the_hub_s_words(
    shop: Shop, tmp_path: Path
) -> None:
    code = shop.code()
    enrol.join(shop.url, code, tmp_path, ca_sha256=shop.digest)
    for text, sentence in ((code, "used already"), ("23456789", "No such join code"),
                           ("nonsense", "8 letters and digits")):  # fmt: skip
        with pytest.raises(Refusal, match=sentence):
            enrol.join(shop.url, text, tmp_path, ca_sha256=shop.digest)


def test_another_unit_takes_the_place_of_a_broken_one(shop: Shop, tmp_path: Path) -> None:
    old = Account.load(enrol.join(shop.url, shop.code(), tmp_path / "old", ca_sha256=shop.digest))
    code = shop.code(how="replace")
    new = Account.load(enrol.join(shop.url, code, tmp_path / "new", ca_sha256=shop.digest))
    assert (shop.opens(old), shop.opens(new)) == (False, True)
    assert new.device == old.device


def test_plain_http_is_for_the_hub_s_own_machine_alone(shop: Shop, tmp_path: Path) -> None:
    account = enrol.join(shop.plain, shop.code(), tmp_path, ca_sha256=shop.digest)
    assert shop.opens(Account.load(account))
    code = shop.code("scale-2")
    client = shop.running.app.test_client()
    answer = client.post(
        "/api/v1/devices/join", json={"code": code},
        environ_base={"REMOTE_ADDR": "192.168.1.7"}, headers={"Host": "hub.local:8080"},
    )  # fmt: skip
    assert answer.status_code == 409
    assert f"Use https://hub.local:{shop.running.https_port}." in answer.json["detail"]
    # The code is as good as before.
    enrol.join(shop.url, code, tmp_path, ca_sha256=shop.digest)


def test_a_repeated_request_with_a_key_gets_no_secret_out_of_the_hub(shop: Shop) -> None:
    code, ca = shop.code(), str(shop.store.tls.ca)
    answers = [
        requests.post(
            f"{shop.url}/api/v1/devices/join", json={"code": code}, verify=ca, timeout=10,
            headers={"Idempotency-Key": "one"},
        )
        for _ in range(2)
    ]  # fmt: skip
    assert [answer.status_code for answer in answers] == [201, 409]
    secret = answers[0].json()["password"]
    files = [file for file in shop.store.store.directory.rglob("*") if file.is_file()]
    assert files
    assert not [file for file in files if secret.encode() in file.read_bytes()]


def test_the_answer_names_topics_and_where_the_broker_is(shop: Shop) -> None:
    answer = requests.post(
        f"{shop.url}/api/v1/devices/join", json={"code": shop.code()},
        verify=str(shop.store.tls.ca), timeout=10,
    ).json()  # fmt: skip
    base = "storehub/v1/store-1/scale-1"
    assert answer["topics"] == {
        "write": [f"{base}/obs/#", f"{base}/status"], "read": [f"{base}/ack", f"{base}/cmd/+"]
    }  # fmt: skip
    assert answer["mqtt"] == {"host": "127.0.0.1", "port": 8883, "tls": True}
    assert answer["ca_sha256"] == shop.digest
    assert authority.fingerprint(answer["ca"]) == shop.digest


def test_who_answers_and_is_no_hub_is_told_from_one(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="No hub answers"):
        enrol.join("https://127.0.0.1:1", "ABCD2345", tmp_path, ca_sha256="00" * 32)
    for url in ("hub.local", "ftp://hub", "https://"):
        with pytest.raises(Invalid, match="no hub's address"):
            enrol.join(url, "ABCD2345", tmp_path)
    with pytest.raises(Refusal, match="showed no certificate"):
        enrol.fingerprint("<html>")


def test_nothing_is_redeemed_when_the_account_cannot_be_kept(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "devices").write_text("a file in the way")
    code = shop.code()
    with pytest.raises(Refusal, match="cannot be written"):
        enrol.join(shop.url, code, tmp_path, ca_sha256=shop.digest)
    enrol.join(shop.url, code, tmp_path / "other", ca_sha256=shop.digest)


def test_the_code_s_qr_holds_all_that_the_device_needs(shop: Shop, tmp_path: Path) -> None:
    text = rules.qr_text(shop.url, shop.code(), shop.digest)
    url, code, digest = rules.read_qr(text)
    file = enrol.join(url, code, tmp_path, ca_sha256=digest)
    assert json.loads(file.read_text())["ca"] == "ca.pem"
