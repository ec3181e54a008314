"""A camera asks the hub what is sold here, by its own account, and goes on while nobody answers."""

import base64
import dataclasses
import logging
import struct
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from devices.account import Account
from devices.scanners import known
from devices.scanners.known import Catalogue
from hub import authority
from hub.errors import Invalid
from hub.fleet import actions as fleet
from kiosk_ui.server import Running, serve
from tests.kiosk_ui.sample import PRODUCTS, STORE, SampleStore

GTINS = sorted(int(row[4]) for row in PRODUCTS)


@pytest.fixture
def secret(shop: SampleStore) -> str:
    return shop.store.writer.run(
        lambda tx: fleet.enroll(tx, "camera-1", kind="camera", place="door")
    )


@pytest.fixture
def server(shop: SampleStore) -> Iterator[Running]:
    running = serve(shop.hub, "127.0.0.1", 0)
    yield running
    running.stop()


@pytest.fixture
def catalogue(server: Running, secret: str) -> Catalogue:
    account = Account(STORE, "camera-1", "127.0.0.1", 1883, "camera-1", secret)
    return Catalogue(f"http://127.0.0.1:{server.port}", account)


def basic(name: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()}


def test_a_device_is_told_all_barcodes_in_order(
    anyone: FlaskClient, secret: str, shop: SampleStore
) -> None:
    answer = anyone.get("/api/v1/catalog/gtins", headers=basic("camera-1", secret))
    assert answer.status_code == 200
    assert list(struct.unpack(f">{len(answer.data) // 8}Q", answer.data)) == GTINS
    again = {"If-None-Match": answer.headers["ETag"]} | basic("camera-1", secret)
    said = anyone.get("/api/v1/catalog/gtins", headers=again)
    assert (said.status_code, said.data) == (304, b"")


def test_nobody_else_is_told_and_no_device_that_was_revoked(
    anyone: FlaskClient, secret: str, shop: SampleStore
) -> None:
    for name in ("camera-1", "camera-2", "hub", ""):
        answer = anyone.get("/api/v1/catalog/gtins", headers=basic(name, "guessed"))
        assert answer.status_code == 401
    assert anyone.get("/api/v1/catalog/gtins").status_code == 401
    shop.store.writer.run(lambda tx: fleet.revoke(tx, "camera-1"))
    answer = anyone.get("/api/v1/catalog/gtins", headers=basic("camera-1", secret))
    assert answer.status_code == 401


def test_a_secret_never_goes_over_an_open_line(anyone: FlaskClient, secret: str) -> None:
    answer = anyone.get(
        "/api/v1/catalog/gtins",
        headers=basic("camera-1", secret),
        environ_base={"REMOTE_ADDR": "192.0.2.7"},
    )
    assert answer.status_code == 409
    assert "HTTPS" in answer.json["detail"]  # type: ignore[index]


def test_a_program_with_its_token_is_told_too(program) -> None:  # type: ignore[no-untyped-def]
    assert len(program.get("/catalog/gtins").data) == 8 * len(GTINS)


def test_a_camera_knows_what_is_sold_once_the_hub_told(catalogue: Catalogue) -> None:
    assert catalogue("09521234543213") is None
    assert catalogue.ask()
    assert [catalogue(row[4]) for row in PRODUCTS] == [True] * len(PRODUCTS)
    for other in ("04006381333931", "00000000000000", "99999999999999"):
        assert catalogue(other) is False
    assert catalogue("no number") is None


def test_over_tls_only_the_stores_own_authority_is_believed(
    server: Running, secret: str, tmp_path: Path
) -> None:
    tls = authority.establish(tmp_path, STORE, ["127.0.0.1"], datetime.now(UTC))
    server.open_tls("127.0.0.1", 0, (tls.certificate, tls.key))
    url = f"https://127.0.0.1:{server.https_port}"
    mine = Account(STORE, "camera-1", "127.0.0.1", 1883, "camera-1", secret, ca=tls.ca)
    assert Catalogue(url, mine).ask()
    assert not Catalogue(url, dataclasses.replace(mine, ca=None)).ask()


def test_what_was_told_holds_while_nobody_answers(
    catalogue: Catalogue, server: Running, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    assert catalogue.ask()
    assert catalogue.ask()  # not modified
    server.stop()
    assert not catalogue.ask()
    assert not catalogue.ask()
    assert caplog.text.count("does not say") == 1
    assert catalogue("09521234543213") is True


def test_a_wrong_secret_is_told_in_the_log_and_nobody_can_say(
    server: Running, secret: str, caplog: pytest.LogCaptureFixture
) -> None:
    account = Account(STORE, "camera-1", "127.0.0.1", 1883, "camera-1", "wrong")
    catalogue = Catalogue(f"http://127.0.0.1:{server.port}", account)
    assert not catalogue.ask()
    assert "status 401" in caplog.text
    assert catalogue("09521234543213") is None


def test_it_is_asked_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    account = Account(STORE, "camera-1", "127.0.0.1", 1883, "camera-1", "secret")
    catalogue = Catalogue("http://127.0.0.1:9", account)
    monkeypatch.setattr(known, "EVERY_S", 0.01)
    asked = threading.Event()
    stop, times = threading.Event(), iter(range(10))

    def ask() -> bool:
        if next(times) == 3:
            asked.set()
            stop.set()
        return True

    monkeypatch.setattr(catalogue, "ask", ask)
    thread = threading.Thread(target=catalogue.keep, args=(stop,))
    thread.start()
    assert asked.wait(60)
    thread.join(60)


@pytest.mark.parametrize("url", ["hub:8443", "ftp://hub", "https://", ""])
def test_an_address_that_cannot_be_is_told(url: str) -> None:
    account = Account(STORE, "camera-1", "127.0.0.1", 1883, "camera-1", "secret")
    with pytest.raises(Invalid, match="hub = "):
        Catalogue(url, account)
