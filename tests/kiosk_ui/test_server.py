"""The real server: streams over plain and TLS sockets, no thread held by any of them."""

import socket
import ssl
import threading
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kiosk_ui.server import Running, serve
from tests.kiosk_ui.sample import SampleStore


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[SampleStore]:
    store = SampleStore(tmp_path / "data", screens=2)
    store.receive("4711", 10)
    yield store
    store.close()


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hub")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    pem, private = tmp_path / "cert.pem", tmp_path / "key.pem"
    pem.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return pem, private


def listen(sock: socket.socket, running: Running) -> None:
    sock.settimeout(5)
    sock.sendall(b"GET /api/v1/events HTTP/1.1\r\nHost: hub\r\n\r\n")
    until(sock, b"event: state")


def until(sock: socket.socket, wanted: bytes) -> bytes:
    heard = b""
    while wanted not in heard:
        chunk = sock.recv(65_536)
        assert chunk, heard
        heard += chunk
    return heard


def test_a_commit_reaches_a_screen_over_tls(
    shop: SampleStore, certificate: tuple[Path, Path]
) -> None:
    running = serve(shop.hub, "127.0.0.1", 0, certificate=certificate)
    trust = ssl.create_default_context(cafile=str(certificate[0]))
    with (
        socket.create_connection(("127.0.0.1", running.port)) as plain,
        trust.wrap_socket(plain, server_hostname="127.0.0.1") as sock,
    ):
        listen(sock, running)
        shop.place("R-1", [("4711", 1)])
        assert b'"pickup"' in until(sock, b"event: changed\ndata: {")
    running.stop()


def test_open_streams_hold_no_worker_and_are_capped(shop: SampleStore) -> None:
    running = serve(shop.hub, "127.0.0.1", 0)
    cap = shop.hub.options.screens + 20
    screens = [socket.create_connection(("127.0.0.1", running.port)) for _ in range(cap)]
    for screen in screens:
        listen(screen, running)
    assert cap > sum(thread.name.startswith("CP Server") for thread in threading.enumerate())
    with urllib.request.urlopen(f"http://127.0.0.1:{running.port}/healthz") as answer:
        assert answer.status == 200
    late = socket.create_connection(("127.0.0.1", running.port))
    late.settimeout(5)
    late.sendall(b"GET /api/v1/events HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n")
    refused = until(late, b"urn:storehub:problem:unavailable")
    assert refused.startswith(b"HTTP/1.1 503")
    assert b"Retry-After: 10" in refused
    for screen in (*screens, late):
        screen.close()
    running.stop()
