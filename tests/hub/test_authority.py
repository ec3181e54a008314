"""The store's own CA: made once, kept, and good for devices whose clock says 1970."""

import socket
import ssl
import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from hub import authority
from hub.authority import Tls
from hub.errors import Refusal

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
NAMES = ["hub.local", "127.0.0.1"]


def made(directory: Path, now: datetime = NOON, names: list[str] | None = None) -> Tls:
    return authority.establish(directory, "store-1", names or NAMES, now)


def server_certificate(files: Tls) -> x509.Certificate:
    return x509.load_pem_x509_certificate(files.certificate.read_bytes())


def shakes_hands(files: Tls, name: str = "127.0.0.1", client: ssl.SSLContext | None = None) -> str:
    """Return what a client that trusts the CA alone was told: "" when it believes the hub."""
    trust = client or ssl.create_default_context(cafile=str(files.ca))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    ours, theirs = socket.socketpair()

    def serve() -> None:
        try:
            context.wrap_socket(theirs, server_side=True).close()
        except OSError:
            theirs.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        trust.wrap_socket(ours, server_hostname=name).close()
    except ssl.SSLCertVerificationError as error:
        return error.verify_message
    finally:
        ours.close()
        thread.join()
    return ""


def test_a_client_that_trusts_the_ca_believes_the_hub_by_each_of_its_names(tmp_path: Path) -> None:
    files = made(tmp_path)
    assert files.note == ""
    assert [shakes_hands(files, name) for name in NAMES] == ["", ""]
    assert "mismatch" in shakes_hands(files, "elsewhere.local")


def test_the_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    files = made(tmp_path)
    assert {file.name for file in files.place.iterdir()} == {
        "ca.pem", "ca.key", "hub.pem", "hub.key",
    }  # fmt: skip
    assert {stat.S_IMODE(file.stat().st_mode) for file in files.place.iterdir()} == {0o600}
    assert stat.S_IMODE(files.place.stat().st_mode) == 0o700


def test_a_second_start_makes_nothing(tmp_path: Path) -> None:
    before = {file: file.read_bytes() for file in made(tmp_path).place.iterdir()}
    files = made(tmp_path, NOON + timedelta(days=700))
    assert {file: file.read_bytes() for file in files.place.iterdir()} == before


def test_what_runs_out_is_renewed_under_the_same_ca(tmp_path: Path) -> None:
    files = made(tmp_path)
    digest, old = files.fingerprint(), files.certificate.read_bytes()
    made(tmp_path, NOON + timedelta(days=authority.SERVER_DAYS - authority.EARLY_DAYS + 1))
    assert files.certificate.read_bytes() != old
    assert files.fingerprint() == digest
    assert shakes_hands(files) == ""


def test_a_new_address_renews_and_an_old_one_that_left_does_not(tmp_path: Path) -> None:
    files = made(tmp_path)
    made(tmp_path, names=["10.0.0.7"])
    grown = files.certificate.read_bytes()
    assert set(authority.names_in(server_certificate(files))) == {*NAMES, "10.0.0.7"}
    made(tmp_path, names=["hub.local"])
    assert files.certificate.read_bytes() == grown


@pytest.mark.parametrize("hub_year", [1970, 2026])
@pytest.mark.parametrize("device_year", [1970, 2028])
def test_it_holds_whatever_the_clocks_of_hub_and_device_say(
    tmp_path: Path, hub_year: int, device_year: int
) -> None:
    files = made(tmp_path, datetime(hub_year, 11, 1, tzinfo=UTC))
    for pem in (files.ca, files.certificate):
        one = x509.load_pem_x509_certificate(pem.read_bytes())
        now = datetime(device_year, 1, 1, tzinfo=UTC)
        assert one.not_valid_before_utc <= now < one.not_valid_after_utc
        assert one.not_valid_after_utc.year < 2050


def test_a_box_that_wakes_up_in_1970_keeps_its_certificate(tmp_path: Path) -> None:
    files = made(tmp_path)
    before = files.certificate.read_bytes()
    made(tmp_path, datetime(1970, 1, 1, tzinfo=UTC))
    assert files.certificate.read_bytes() == before


@pytest.mark.parametrize("cut", [0, 40])
@pytest.mark.parametrize("name", ["hub.pem", "hub.key"])
def test_half_written_files_of_the_hub_are_made_anew(tmp_path: Path, name: str, cut: int) -> None:
    files = made(tmp_path)
    half = (files.place / name).read_bytes()[:cut]
    (files.place / name).write_bytes(half)
    assert made(tmp_path).note == ""
    assert shakes_hands(files) == ""


def test_a_certificate_of_another_ca_is_made_anew(tmp_path: Path) -> None:
    files, other = made(tmp_path / "a"), made(tmp_path / "b")
    for name in ("hub.pem", "hub.key"):
        (files.place / name).write_bytes((other.place / name).read_bytes())
    made(tmp_path / "a")
    assert shakes_hands(files) == ""


def test_a_key_of_another_certificate_is_made_anew(tmp_path: Path) -> None:
    """As after a crash between the two files of a renewal."""
    files, other = made(tmp_path / "a"), made(tmp_path / "b")
    files.key.write_bytes(other.key.read_bytes())
    made(tmp_path / "a")
    assert shakes_hands(files) == ""


def test_a_first_start_cut_off_after_the_key_begins_anew(tmp_path: Path) -> None:
    files = made(tmp_path)
    for file in (files.ca, files.certificate, files.key):
        file.unlink()
    assert made(tmp_path).note == ""
    assert shakes_hands(files) == ""


def test_without_the_ca_s_key_the_hub_goes_on_and_says_so(tmp_path: Path) -> None:
    files = made(tmp_path)
    files.ca_key.unlink()
    assert "ca.key is missing: bring the tls directory back" in made(tmp_path).note
    # A new name would need a new certificate; the old one serves on.
    assert "ca.key is missing" in made(tmp_path, names=["10.0.0.7"]).note
    assert shakes_hands(files) == ""
    with pytest.raises(Refusal, match=r"ca\.key is missing: bring .* or remove it whole"):
        made(tmp_path, NOON + timedelta(days=authority.SERVER_DAYS + 1))
    with pytest.raises(Refusal, match=r"ca\.key is missing"):
        authority.issue(tmp_path, "store-1", "till-1", NOON)


@pytest.mark.parametrize(
    ("name", "content"), [("ca.pem", b""), ("ca.pem", None), ("ca.pem", b"-----BEGIN nothing")]
)
def test_a_damaged_ca_is_never_replaced(tmp_path: Path, name: str, content: bytes | None) -> None:
    files = made(tmp_path)
    key = files.ca_key.read_bytes()
    if content is None:
        (files.place / name).unlink()
    else:
        (files.place / name).write_bytes(content)
    with pytest.raises(Refusal, match=r"ca\.pem is (missing|damaged): bring the tls directory"):
        made(tmp_path)
    assert files.ca_key.read_bytes() == key


def test_the_key_of_another_ca_signs_nothing(tmp_path: Path) -> None:
    files, other = made(tmp_path / "a"), made(tmp_path / "b")
    files.ca_key.write_bytes(other.ca_key.read_bytes())
    with pytest.raises(Refusal, match="is not the key of"):
        authority.issue(tmp_path / "a", "store-1", "till-1", NOON)


def test_the_doctor_looks_and_touches_nothing(tmp_path: Path) -> None:
    assert authority.condition(tmp_path, NOON) == (True, "made at the first start")
    files = made(tmp_path)
    good, words = authority.condition(tmp_path, NOON)
    assert good
    assert authority.shown(files.fingerprint()) in words
    late = NOON + timedelta(days=authority.SERVER_DAYS + 1)
    assert authority.condition(tmp_path, late) == (True, "renewed at the next start")
    files.ca_key.write_bytes(b"half")
    good, words = authority.condition(tmp_path, NOON)
    assert (good, "ca.key is damaged: bring" in words) == (False, True)
    assert files.ca_key.read_bytes() == b"half"


def test_a_device_s_certificate_names_it_and_cannot_stand_for_the_hub(tmp_path: Path) -> None:
    files = made(tmp_path)
    certificate, _ = authority.issue(tmp_path, "store-1", "till-1", NOON)
    issued = x509.load_pem_x509_certificate(certificate)
    issued.verify_directly_issued_by(x509.load_pem_x509_certificate(files.ca.read_bytes()))
    assert issued.subject.rfc4514_string() == "CN=till-1,O=Store Hub store-1"
    usage = issued.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert [one._name for one in usage] == ["clientAuth"]


def test_people_compare_sixteen_groups_of_four() -> None:
    assert authority.shown("0f" * 32) == " ".join(["0F0F"] * 16)


def test_this_machine_is_reached_by_its_names_and_addresses() -> None:
    found = authority.names_here(["Hub.Example", "10.9.8.7"])
    assert {"localhost", "127.0.0.1", "hub.example", "10.9.8.7"} <= set(found)
    assert len(found) == len(set(found))
