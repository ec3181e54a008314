"""A new device from its box to its first fact, and out again: five steps, no internet, no password
typed. By the command line and the wire alone."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from devices.client import Account, DeviceClient
from tests.floor import COMMAND, ROOT, Floor, free_ports


def on_the_device(*arguments: str, answer: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command line as on another machine: it knows nothing of the hub's directory."""
    return subprocess.run(
        [*COMMAND, *arguments], cwd=ROOT, input=answer, capture_output=True, text=True, timeout=60
    )


@contextmanager
def running(account: Account, directory: Path) -> Iterator[DeviceClient]:
    client = DeviceClient(account, directory)
    client.start()
    try:
        yield client
    finally:
        client.stop()


class From(HTTPAdapter):
    """Speaks from another address of this machine."""

    def __init__(self, address: str) -> None:
        self.address = address
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **named: Any) -> Any:
        named["source_address"] = (self.address, 0)
        return super().init_poolmanager(*arguments, **named)  # type: ignore[no-untyped-call]


def code_of(floor: Floor, *arguments: str) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(floor.storehub("device", *arguments, "--json").stdout)
    return made


def facts(floor: Floor) -> list[dict[str, Any]]:
    lines = floor.storehub("export", "journal").stdout.splitlines()
    return [json.loads(line)["entry"] for line in lines]


def cut(floor: Floor, client: DeviceClient) -> None:
    floor.until(lambda: not client.connected, "its connection is cut")
    time.sleep(1.5)
    assert not client.connected


def test_from_the_box_to_the_first_fact_and_out_again(floor: Floor, tmp_path: Path) -> None:
    # 1. In the back office: let it in.          2. On the device: scan the QR (or type the code).
    made = code_of(floor, "enrol", "box-1", "--kind", "till", "--place", "counter", "--code")
    joined = on_the_device("devices", "join", made["qr"], "--data", str(tmp_path))
    assert joined.returncode == 0, joined.stderr
    # 3. Start it: it connects over TLS with that CA, and sells.
    account = Account.load(tmp_path / "devices" / "box-1.json")
    assert account.ca is not None
    assert account.port == int(floor.facts()["urls"]["mqtts"].rpartition(":")[2])
    floor.hub.done("/receipts", {"receipt_id": "box-1", "lines": [{"sku": "BOX", "qty": 2}]})
    with running(account, tmp_path) as client:
        sale = client.observe("sale", {"sale_id": "box-1", "lines": [{"sku": "BOX", "qty": 1}]})
        assert client.drained(60)
        # 4. Its first fact is in the journal, under its name.
        (sold,) = [one for one in facts(floor) if one["cause"] == f"box-1:{sale}"]
        assert (sold["type"], sold["actor"]) == ("StockMoved", "device:box-1")
        # 5. Revoked, it is cut and does not come back.
        floor.storehub("device", "revoke", "box-1")
        cut(floor, client)
    again = on_the_device("devices", "join", made["qr"], "--data", str(tmp_path))
    assert (again.returncode, again.stdout) == (1, "")
    assert "used already" in again.stderr


def test_a_typed_code_asks_a_person_to_compare_and_a_no_sends_nothing(
    floor: Floor, tmp_path: Path
) -> None:
    made = code_of(floor, "enrol", "box-2", "--kind", "shelf", "--code")
    typed = ("devices", "join", made["url"], made["code"].lower(), "--data", str(tmp_path))
    no = on_the_device(*typed, answer="n\n")
    assert no.returncode == 1
    assert "Nothing was sent" in no.stderr
    digest = made["ca_sha256"].upper()
    assert " ".join(digest[at : at + 4] for at in range(0, 64, 4)) in no.stderr
    other = on_the_device(*typed, "--ca-sha256", "00" * 32)
    assert "another one than expected" in other.stderr
    yes = on_the_device(*typed, answer="y\n")
    assert yes.returncode == 0, yes.stderr
    assert "box-2" in yes.stdout


def test_a_broken_unit_is_swapped_and_the_old_one_is_cut(floor: Floor, tmp_path: Path) -> None:
    def join(how: str, where: Path) -> Account:
        made = code_of(floor, how, "box-3", "--code")
        joined = on_the_device("devices", "join", made["qr"], "--data", str(where))
        assert joined.returncode == 0, joined.stderr
        return Account.load(where / "devices" / "box-3.json")

    with running(join("enrol", tmp_path / "old"), tmp_path / "old") as old:
        old.observe("heartbeat", {"firmware": "1"})
        assert old.drained(60)
        account = join("replace", tmp_path / "new")
        cut(floor, old)
        with running(account, tmp_path / "new") as new:
            new.observe("heartbeat", {"firmware": "2"})
            assert new.drained(60)
            # The same by a rotation: only the unit that redeems the code goes on.
            rotated = join("rotate", tmp_path / "rotated")
            cut(floor, new)
            with running(rotated, tmp_path / "rotated") as third:
                third.observe("heartbeat", {"firmware": "3"})
                assert third.drained(60)


def test_who_guesses_codes_is_shut_out_and_shown(floor: Floor) -> None:
    url, ca = floor.facts()["urls"]["hub_https"], str(floor.directory / "tls" / "ca.pem")
    # From an address of its own: who shares this store's floor joins from the usual one.
    elsewhere = requests.Session()
    elsewhere.mount("https://", From("127.0.0.2"))

    def guess(code: str) -> tuple[int, str]:
        answer = elsewhere.post(
            f"{url}/api/v1/devices/join", json={"code": code}, verify=ca, timeout=10
        )
        return answer.status_code, answer.json()["detail"]

    told = [guess(f"2345678{letter}") for letter in "ABCDEFGHJKM"]
    assert told[0] == (409, "No such join code: compare it with the one on the hub's screen,"
                            " or make a new one.")  # fmt: skip
    assert told[-1] == (409, "Too many wrong join codes: make a new one at the hub.")


@pytest.mark.parametrize("broker", ["amqtt"])
def test_the_same_on_the_embedded_broker(
    new_floor: Callable[..., Floor], tmp_path: Path, broker: str
) -> None:
    floor = new_floor(broker=broker)
    made = code_of(floor, "enrol", "box-1", "--code")
    joined = on_the_device("devices", "join", made["qr"], "--data", str(tmp_path))
    assert joined.returncode == 0, joined.stderr
    with running(Account.load(tmp_path / "devices" / "box-1.json"), tmp_path) as client:
        client.observe("heartbeat", {"firmware": "1"})
        assert client.drained(60)
        floor.storehub("device", "revoke", "box-1")
        cut(floor, client)


def test_a_device_with_a_certificate_and_the_settings_sheet(
    new_floor: Callable[..., Floor], tmp_path: Path
) -> None:
    door = free_ports(1)
    floor = new_floor(STOREHUB_MQTT_CERTIFICATE_PORT=str(door))
    floor.storehub("device", "enrol", "scale-1", "--kind", "shelf", "--place", "A1")
    floor.storehub("device", "certificate", "scale-1", "--out", str(tmp_path))
    topic = "storehub/v1/store-1/scale-1/obs/heartbeat"
    body = json.dumps(
        {"id": "c-1", "boot": "b", "seq": 1, "at": None, "uptime_ms": 1,
         "time_quality": "unknown", "data": {"firmware": "by certificate"}}
    )  # fmt: skip

    def publish() -> bool:
        done = subprocess.run(
            ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(door), "-q", "1", "-t", topic,
             "-m", body, "--cafile", "ca.pem", "--cert", "scale-1.pem", "--key", "scale-1.key"],
            cwd=tmp_path, timeout=60, capture_output=True,
        )  # fmt: skip
        return done.returncode == 0

    def firmware() -> Any:
        return floor.hub.json("/devices/scale-1")["device"]["firmware"]

    # Said again until the broker has read who may say it: the id is the same, so it is one.
    floor.until(lambda: publish() and firmware() == "by certificate", "the hub heard it")
    sheet = floor.storehub("device", "sheet", "scale-1", "--new-password").stdout
    assert f"port                 {floor.facts()['urls']['mqtts'].rpartition(':')[2]}" in sheet
    assert "mosquitto_pub" in sheet
    assert "(shown once" not in sheet
    # The new password ended the certificate as well.
    body = body.replace("by certificate", "too late").replace("c-1", "c-2")
    publish()
    time.sleep(1)
    assert firmware() == "by certificate"
