"""Brings a new device in: compares the store's CA, redeems a join code, keeps the account.

It must never send the code to a hub whose CA was not compared, and never show the password.
"""

import json
import os
import ssl
from collections.abc import Callable
from hashlib import sha256
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec
import requests

from devices.account import Account
from hub.errors import Invalid, Refusal, Unavailable

PATIENCE_S: Final = 10.0
CA_MOST: Final = 64 * 1024

# Shows a fingerprint to a person; True when the hub's screen shows the same.
Compare = Callable[[str], bool]


class _Mqtt(msgspec.Struct):
    host: str
    port: int
    tls: bool


class _Joined(msgspec.Struct):
    store: str
    device: str
    username: str
    password: str
    mqtt: _Mqtt
    ca: str


def join(
    url: str, code: str, directory: Path, *, ca_sha256: str = "", compare: Compare | None = None
) -> Path:
    """Redeem `code` at the hub `url`; return the account's file, DIR/devices/{id}.json.

    `ca_sha256` comes from the QR; without it `compare` asks a person. Raises Refusal (another CA,
    a wrong code), Unavailable (nobody answers), Invalid.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Invalid(f"{url!r} is no hub's address: https://NAME:PORT.", field="url")
    url = url.rstrip("/")
    place = directory / "devices"
    pem = fetch_ca(url)
    _compare(url, fingerprint(pem), ca_sha256, compare)
    ca = place / "ca.pem"
    # What could fail here must not fail once the code is used up.
    try:
        place.mkdir(parents=True, exist_ok=True)
        _write(ca, pem)
    except OSError as error:
        raise Refusal(f"{place} cannot be written: {error.strerror}. Nothing was sent.") from error
    joined = _redeem(url, code, ca)
    own = ca
    if joined.mqtt.tls and joined.ca.strip() != pem.strip():
        own = place / f"{joined.device}.ca.pem"
        _write(own, joined.ca)
    account = Account(
        joined.store, joined.device, joined.mqtt.host, joined.mqtt.port, joined.username,
        joined.password, ca=own if joined.mqtt.tls else None,
    )  # fmt: skip
    file = place / f"{joined.device}.json"
    account.save(file)
    return file


def fetch_ca(url: str) -> str:
    """Return the CA that answers at `url`, believed by nobody yet. Raises Unavailable, Refusal."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "https":
        # The certificate is public; whether it is the right one is compared afterwards.
        trusting = ssl.create_default_context()
        trusting.check_hostname = False
        trusting.verify_mode = ssl.CERT_NONE
        port = parts.port or 443
        line: HTTPConnection = HTTPSConnection(host, port, timeout=PATIENCE_S, context=trusting)
    else:
        line = HTTPConnection(host, parts.port or 80, timeout=PATIENCE_S)
    try:
        line.request("GET", "/api/v1/ca")
        answer = line.getresponse()
        pem = answer.read(CA_MOST).decode("ascii")
    except (OSError, HTTPException, UnicodeDecodeError) as error:
        raise Unavailable(f"No hub answers at {url}: {error}.") from error
    finally:
        line.close()
    if answer.status != 200:
        raise Refusal(f"{url} shows no CA (status {answer.status}).")
    fingerprint(pem)
    return pem


def fingerprint(pem: str) -> str:
    """Return the SHA-256 of a certificate, in hex. Raises Refusal when it is none."""
    try:
        return sha256(ssl.PEM_cert_to_DER_cert(pem.strip())).hexdigest()
    except ValueError:
        raise Refusal("What answered there is no hub: it showed no certificate.") from None


def _compare(url: str, found: str, expected: str, compare: Compare | None) -> None:
    expected = "".join(expected.split()).replace(":", "").lower()
    if expected:
        if found != expected:
            raise Refusal(
                f"The CA at {url} is another one than expected (SHA-256 {found}):"
                " somebody may stand between. Nothing was sent.",
                slug="other-ca",
            )
    elif compare is None or not compare(found):
        raise Refusal(
            "The CA was not compared with the hub's screen. Nothing was sent.", slug="not-compared"
        )


def _redeem(url: str, code: str, ca: Path) -> _Joined:
    try:
        answer = requests.post(
            f"{url}/api/v1/devices/join",
            json={"code": code},
            verify=str(ca),
            timeout=PATIENCE_S,
            allow_redirects=False,
        )
    except requests.exceptions.SSLError as error:
        raise Refusal(
            f"The hub's certificate is not good for {urlsplit(url).hostname}: use a name that it"
            " carries, or add this one to host_names there. Nothing was sent.",
            slug="certificate",
        ) from error
    except requests.RequestException as error:
        raise Unavailable(
            f"The answer of {url} did not arrive ({type(error).__name__}): the code may be used"
            " up; make a new one."
        ) from error
    if answer.status_code != 201:
        raise Refusal(_sentence(answer), slug="join-code")
    try:
        return msgspec.json.decode(answer.content, type=_Joined)
    except msgspec.DecodeError as error:
        raise Refusal(f"{url} answered what no hub answers: {error}.") from error


def _sentence(answer: requests.Response) -> str:
    try:
        return str(json.loads(answer.content)["detail"])
    except (ValueError, KeyError, TypeError):
        return f"The hub answered with status {answer.status_code}."


def _write(file: Path, text: str) -> None:
    draft = file.with_name(f".{file.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())
    draft.replace(file)
