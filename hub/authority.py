"""The store's own certificate authority: who the hub is on the LAN, provable without internet.

It must never hand out its private key, and never replace the CA that devices already trust: what
is lost of it comes back from a backup, or a person decides to begin anew.

    DIR/tls/ca.pem   the CA; its SHA-256 is what people compare       ca.key   its key
    DIR/tls/hub.pem  the hub's certificate, for HTTPS and MQTTS       hub.key  its key

A box without a battery wakes up in 1970, and so may a device. Hence every certificate is valid
from 1970 on, and ends so many days after the later of now and this release's own date.
"""

import logging
import os
import socket
import struct
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fcntl import ioctl
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from hub.errors import Refusal

log = logging.getLogger(__name__)

DIRECTORY: Final = "tls"
SINCE: Final = datetime(1970, 1, 1, tzinfo=UTC)
# No clock that shows less than the date of this release is right.
EARLIEST: Final = datetime(2026, 11, 1, tzinfo=UTC)
# Below 2050, where the encoding of dates changes and small TLS stacks stumble.
CA_DAYS: Final = 20 * 365
# The most that phones accept from an authority that their owner added.
SERVER_DAYS: Final = 825
DEVICE_DAYS: Final = 5 * 365
# The hub's certificate is renewed when it ends within so many days.
EARLY_DAYS: Final = 60
# Former names stay in the certificate: an address that comes and goes must not renew it each time.
NAMES_MOST: Final = 40
SIOCGIFADDR: Final = 0x8915


@dataclass(frozen=True)
class Tls:
    """Where the files are. `note` says what a person should mend, "" when nothing."""

    place: Path
    note: str = ""

    @property
    def ca(self) -> Path:
        return self.place / "ca.pem"

    @property
    def ca_key(self) -> Path:
        return self.place / "ca.key"

    @property
    def certificate(self) -> Path:
        return self.place / "hub.pem"

    @property
    def key(self) -> Path:
        return self.place / "hub.key"

    def fingerprint(self) -> str:
        """Return the CA's SHA-256, 64 hexadecimal digits."""
        return fingerprint(self.ca.read_text())


def establish(directory: Path, store: str, names: Sequence[str], now: datetime) -> Tls:
    """Return the store's TLS files; make what is missing, renew what runs out or lacks a name.

    Raises Refusal with a sentence that says what to do when the CA itself is damaged.
    """
    files = Tls((directory / DIRECTORY).resolve())
    files.place.mkdir(parents=True, exist_ok=True)
    files.place.chmod(0o700)
    if not files.ca.exists() and not files.certificate.exists():
        # The key first: a start that is cut off between the two has given nothing out yet.
        _new_authority(files, store, now)
    authority = _certificate(files.ca)
    held = _held(files)
    lasts = held is not None and held.not_valid_after_utc - _later(now) > timedelta(days=EARLY_DAYS)
    if held is not None and lasts and set(names) <= set(names_in(held)):
        return Tls(files.place, _unusable(files.ca_key))
    try:
        _new_server(files, store, authority, [*names, *(names_in(held) if held else ())], now)
    except Refusal as refusal:
        # What is there goes on serving for as long as it is valid.
        if held is None or held.not_valid_after_utc <= now:
            raise
        return Tls(files.place, refusal.sentence)
    return files


def condition(directory: Path, now: datetime) -> tuple[bool, str]:
    """Say whether the TLS files in `directory` are good; nothing is made or changed."""
    files = Tls((directory / DIRECTORY).resolve())
    if not files.ca.exists() and not files.certificate.exists():
        return True, "made at the first start"
    try:
        _certificate(files.ca)
        _key(files.ca_key)
    except Refusal as refusal:
        return False, refusal.sentence
    held = _held(files)
    if held is None or held.not_valid_after_utc <= _later(now):
        return True, "renewed at the next start"
    until = held.not_valid_after_utc.date().isoformat()
    return True, f"until {until}; CA SHA-256 {shown(files.fingerprint())}"


def issue(directory: Path, store: str, device: str, now: datetime) -> tuple[bytes, bytes]:
    """Return (certificate, key), both PEM, by which `device` proves who it is without a password.

    Raises Refusal when the store's CA is not there or damaged.
    """
    files = Tls((directory / DIRECTORY).resolve())
    authority = _certificate(files.ca)
    key = ec.generate_private_key(ec.SECP256R1())
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
    builder = _builder(store, device, key, authority.subject, now, DEVICE_DAYS)
    signed = _signed(builder.add_extension(usage, critical=False), files, authority)
    return signed.public_bytes(serialization.Encoding.PEM), _pem(key)


def fingerprint(pem: str) -> str:
    """Return the SHA-256 of a certificate, 64 hexadecimal digits. Raises ValueError."""
    certificate = x509.load_pem_x509_certificate(pem.encode())
    return sha256(certificate.public_bytes(serialization.Encoding.DER)).hexdigest()


def shown(digest: str) -> str:
    """Return a fingerprint as people compare it: sixteen groups of four."""
    return " ".join(digest[at : at + 4].upper() for at in range(0, len(digest), 4))


def names_here(further: Iterable[str] = ()) -> list[str]:
    """Return by which names and addresses this machine may be reached, and `further` ones."""
    host = socket.gethostname().split(".")[0]
    found = ["localhost", "127.0.0.1", *further, *_addresses()]
    # A name that no certificate can carry (an underscore is fine, a blank is not) is left out.
    if host and host.isascii() and " " not in host:
        found += [host, f"{host}.local"]
    return list(dict.fromkeys(name.lower() for name in found if name))


def names_in(certificate: x509.Certificate) -> list[str]:
    """Return the names and addresses that a certificate is good for."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [str(one.value) for one in found]


def _addresses() -> list[str]:
    """Return the IPv4 addresses of this machine's interfaces."""
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for _, name in socket.if_nameindex():
            # An interface without an address answers with an error.
            with suppress(OSError):
                request = struct.pack("256s", name.encode()[:15])
                answer = ioctl(probe.fileno(), SIOCGIFADDR, request)
                found.append(socket.inet_ntoa(answer[20:24]))
    return found


def _new_authority(files: Tls, store: str, now: datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(store, "Store Hub CA")
    usage = x509.KeyUsage(
        digital_signature=False, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, key_cert_sign=True, crl_sign=True,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(SINCE)
        .not_valid_after(_later(now) + timedelta(days=CA_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write(files.ca_key, _pem(key))
    _write(files.ca, signed.public_bytes(serialization.Encoding.PEM))
    log.info("This store's CA is made; SHA-256 %s", shown(files.fingerprint()))


def _new_server(
    files: Tls, store: str, authority: x509.Certificate, names: Sequence[str], now: datetime
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    carried = [_san(name) for name in list(dict.fromkeys(names))[:NAMES_MOST]]
    builder = (
        _builder(store, "Store Hub server", key, authority.subject, now, SERVER_DAYS)
        .add_extension(x509.SubjectAlternativeName(carried), critical=False)
        .add_extension(usage, critical=False)
    )
    signed = _signed(builder, files, authority)
    _write(files.key, _pem(key))
    _write(files.certificate, signed.public_bytes(serialization.Encoding.PEM))
    log.info("The hub's certificate is made, good for %s", ", ".join(names_in(signed)))


def _builder(
    store: str,
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    now: datetime,
    days: int,
) -> x509.CertificateBuilder:
    public = key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(_name(store, name))
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(SINCE)
        .not_valid_after(_later(now) + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _signed(
    builder: x509.CertificateBuilder, files: Tls, authority: x509.Certificate
) -> x509.Certificate:
    signer = _key(files.ca_key)
    if signer.public_key() != authority.public_key():
        raise Refusal(f"{files.ca_key} is not the key of {files.ca}: {_MEND}")
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    return builder.add_extension(identifier, critical=False).sign(signer, hashes.SHA256())


_MEND: Final = (
    "bring the tls directory back from a backup, or remove it whole; then a new CA is made"
    " and every device has to join again."
)


def _lost(file: Path) -> str:
    return f"{file} is missing: {_MEND}"


def _certificate(file: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(file.read_bytes())
    except FileNotFoundError:
        raise Refusal(_lost(file)) from None
    except ValueError:
        raise Refusal(f"{file} is damaged: {_MEND}") from None


def _key(file: Path) -> ec.EllipticCurvePrivateKey:
    try:
        found = serialization.load_pem_private_key(file.read_bytes(), password=None)
    except FileNotFoundError:
        raise Refusal(_lost(file)) from None
    except (ValueError, TypeError):
        raise Refusal(f"{file} is damaged: {_MEND}") from None
    if not isinstance(found, ec.EllipticCurvePrivateKey):
        raise Refusal(f"{file} is no key of this store's CA: {_MEND}")
    return found


def _unusable(file: Path) -> str:
    try:
        _key(file)
    except Refusal as refusal:
        return refusal.sentence
    return ""


def _held(files: Tls) -> x509.Certificate | None:
    """Return the hub's certificate when it, its key and the CA belong together."""
    try:
        held, key, authority = (
            _certificate(files.certificate), _key(files.key), _certificate(files.ca)
        )  # fmt: skip
    except Refusal:
        return None
    if key.public_key() != held.public_key():
        return None
    try:
        held.verify_directly_issued_by(authority)
    except (InvalidSignature, ValueError, TypeError) as error:
        log.warning("The hub's certificate is not of this store's CA (%s): made anew", error)
        return None
    return held


def _later(now: datetime) -> datetime:
    return max(now, EARLIEST)


def _name(store: str, name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, f"Store Hub {store}"),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )


def _san(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        pass
    try:
        return x509.DNSName(name)
    except ValueError:
        raise Refusal(
            f"No certificate can carry the name {name!r}: write it in host_names as xn--…"
        ) from None


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _write(file: Path, content: bytes) -> None:
    """Replace `file` whole and for its owner alone. Raises Refusal when the disk takes nothing."""
    draft = file.with_name(f".{file.name}.new")
    try:
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        draft.replace(file)
    except OSError as error:
        raise Refusal(f"{file} cannot be written ({error.strerror}).") from error
