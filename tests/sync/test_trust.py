"""Whom a hub takes for central: by a pinned CA, on a real TLS server, whatever its clock says.

A certificate that begins in five years is to today's clock what today's is to a box in 1970.
"""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cheroot.ssl.builtin import BuiltinSSLAdapter
from cheroot.wsgi import Server
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hub import settings
from hub.cli import storehub
from hub.clock import FixedClock, Quality
from sync.client import Client, Unreachable
from sync.trust import Trust, trust_of
from tests.sync.pair import STORE, Central

NOW = datetime.now(UTC)
WOKEN = FixedClock(datetime(1970, 1, 1, 0, 2, tzinfo=UTC), "unknown")
SET = FixedClock(NOW, "estimated")


class Setting(FixedClock):
    """A clock that a time server sets."""

    is_set = False

    def quality(self) -> Quality:
        return "synced" if self.is_set else "unknown"


def days(n: int) -> datetime:
    return NOW + timedelta(days=n)


class Authority:
    """A certificate authority with a file, and the certificates that it makes."""

    def __init__(self, directory: Path, name: str) -> None:
        self.directory, self.name = directory, name
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._sign(self.key, name, datetime(1970, 1, 1, tzinfo=UTC), days(9999))
        self.file = directory / f"{name}.pem"
        self.file.write_bytes(self.certificate.public_bytes(Encoding.PEM))

    def server(self, since: datetime, until: datetime) -> tuple[str, str]:
        key = ec.generate_private_key(ec.SECP256R1())
        made = self._sign(key, "central", since, until)
        stem = self.directory / f"{self.name}-{len([*self.directory.iterdir()])}"
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        stem.with_suffix(".crt").write_bytes(made.public_bytes(Encoding.PEM))
        stem.with_suffix(".key").write_bytes(pem)
        return str(stem.with_suffix(".crt")), str(stem.with_suffix(".key"))

    def _sign(
        self, key: ec.EllipticCurvePrivateKey, name: str, since: datetime, until: datetime
    ) -> x509.Certificate:
        is_ca = key is self.key
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, self.name)])
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(since)
            .not_valid_after(until)
            .add_extension(x509.BasicConstraints(is_ca, None), critical=True)
            .add_extension(names, critical=False)
            .sign(self.key, hashes.SHA256())
        )


Serve = Callable[[datetime, datetime], str]


@pytest.fixture
def ours(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "ours")


@pytest.fixture
def serve(central: Central, ours: Authority) -> Iterator[Serve]:
    """Serve central over TLS with a certificate that is good from … to …; returns its URL."""
    opened: list[tuple[Any, threading.Thread]] = []

    def start(since: datetime, until: datetime) -> str:
        server: Any = Server(("127.0.0.1", 0), central.running.app, numthreads=4)
        server.ssl_adapter = BuiltinSSLAdapter(*ours.server(since, until))
        server.error_log = lambda *_, **__: None
        server.prepare()
        thread = threading.Thread(target=server.serve, daemon=True)
        thread.start()
        opened.append((server, thread))
        return f"https://127.0.0.1:{server.bind_addr[1]}"

    yield start
    for server, thread in opened:
        server.stop()
        thread.join()


def hears(url: str, central: Central, trust: Trust) -> bool:
    client = Client(url, STORE, central.credential, "test", trust=trust)
    try:
        return client.digest()["seq"] == 0
    except Unreachable:
        return False
    finally:
        client.close()


def test_a_pinned_ca_is_trusted_and_no_other(
    serve: Serve, central: Central, ours: Authority, tmp_path: Path
) -> None:
    url = serve(days(-1), days(30))
    theirs = Authority(tmp_path, "theirs")
    for clock in (SET, WOKEN):
        assert hears(url, central, Trust(ours.file, clock))
        assert not hears(url, central, Trust(theirs.file, clock))
        assert not hears(url, central, Trust(None, clock))
        assert not hears(url, central, Trust(tmp_path / "nowhere.pem", clock))


def test_a_box_that_woke_in_1970_reaches_a_central_whose_certificate_is_of_later(
    serve: Serve, central: Central, ours: Authority
) -> None:
    url = serve(days(5 * 365), days(6 * 365))
    assert hears(url, central, Trust(ours.file, WOKEN))
    assert not hears(url, central, Trust(ours.file, SET))


def test_once_the_clock_is_set_times_count_for_the_next_connection(
    serve: Serve, central: Central, ours: Authority
) -> None:
    url, clock = serve(days(5 * 365), days(6 * 365)), Setting(NOW, "unknown")
    client = Client(url, STORE, central.credential, "test", trust=Trust(ours.file, clock))
    assert client.digest()["seq"] == 0
    client.close()
    clock.is_set = True
    with pytest.raises(Unreachable, match="not yet valid"):
        client.digest()
    client.close()


def test_what_ended_before_this_release_is_trusted_at_no_hour(
    serve: Serve, central: Central, ours: Authority
) -> None:
    url = serve(datetime(2019, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=UTC))
    assert not hears(url, central, Trust(ours.file, WOKEN))
    assert not hears(url, central, Trust(ours.file, SET))


def test_a_store_is_made_with_the_ca_and_enrols_over_tls(
    serve: Serve, central: Central, ours: Authority, tmp_path: Path
) -> None:
    url, data = serve(days(-1), days(30)), tmp_path / "store"
    token = central.post(f"/stores/{STORE}/enrolment", {}).json()["token"]
    asked = ["init", "--store", STORE, "--central", url, "--enrol", token, "--data", str(data)]
    without = CliRunner().invoke(storehub, asked)
    assert "is not trusted" in str(without.exception)
    made = CliRunner().invoke(storehub, [*asked, "--central-ca", str(ours.file)])
    assert made.exit_code == 0, made.output
    chosen = settings.load(data)
    assert trust_of(chosen, data).ca == data / "central-ca.pem"
    central.credential = chosen.central_token
    assert hears(url, central, trust_of(chosen, data))
