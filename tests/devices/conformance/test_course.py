"""The examination on a real broker: our own client passes, each broken double is caught."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from devices.client import Account, DeviceClient
from devices.conformance import course, report, rules
from devices.conformance.examiner import Examiner, Where
from devices.conformance.line import CuttableLine
from devices.conformance.rules import Line
from hub import broker
from hub.cli.conformance import conformance
from hub.clock import Quality, SystemClock
from hub.errors import Unavailable
from tests.devices.conformance.doubles import Double
from tests.hub.ingesting import STORE, free_port, running_broker

pytestmark = pytest.mark.slow

SHORT = course.Times(
    arrive_s=10, steady_s=4, patience_s=12, offline_s=4, back_s=60, answer_s=15, end_s=4
)
# Who never answers, or says nothing that can be read, is waited for to the end.
SHORTER = {"deaf": replace(SHORT, answer_s=3), "unreadable": replace(SHORT, back_s=15)}
# What the double does wrong, and the rule that says so.
CAUGHT = {
    "": "",
    "never_resends": "resent",
    "other_body": "same_again",
    "new_id": "seq",
    "after_ack": "ack_ends",
    "retained": "not_retained",
    "no_will": "last_will",
    "local_time": "clock",
    "qos_0": "qos",
    "loses_offline": "offline",
    "deaf": "unknown_command",
    "reuses_ids": "id_unique",
    "seconds": "uptime",
    "skips_numbers": "seq",
    "only_committed": "any_ack_ends",
    "unreadable": "readable",
    "no_status": "status",
}


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Where]:
    place, port = tmp_path_factory.mktemp("conformance"), free_port()
    names = [f"double-{fault or 'good'}" for fault in CAUGHT]
    with running_broker(place, "auto", [*names, "ours"], port) as (chosen, _):
        password = broker.hub_password(place, chosen)
        yield Where("127.0.0.1", port, chosen.mqtt_username, password, STORE)


class Synced(SystemClock):
    """The examiner's own clock: right, whatever this machine says of it."""

    def quality(self) -> Quality:
        return "synced"


def examined(where: Where, fault: str) -> list[Line]:
    name = f"double-{fault or 'good'}"
    line = CuttableLine(("127.0.0.1", 0), (where.host, where.port))
    examiner = Examiner(where, name)
    examiner.start()
    try:
        with Double(where.store, name, line.port, f"secret-of-{name}", fault):
            course.run(examiner, line, SHORTER.get(fault, SHORT), lambda _: None)
    finally:
        line.close()
        examiner.stop()
    return rules.judge(examiner.seen)


def test_each_broken_double_is_caught_by_its_rule_and_the_good_one_passes(where: Where) -> None:
    with ThreadPoolExecutor(len(CAUGHT)) as pool:
        reports = dict(zip(CAUGHT, pool.map(lambda f: examined(where, f), CAUGHT), strict=True))
    wrong = {}
    for fault, lines in reports.items():
        failed = {one.rule: one.saw for one in lines if one.result == "fail"}
        caught = CAUGHT[fault] in failed if fault else not failed
        if not caught:
            wrong[fault] = failed
    assert wrong == {}
    good = {one.rule: one.result for one in reports[""]}
    assert [rule for rule, result in good.items() if result == "not seen"] == ["restart"]


def test_our_own_client_conforms(where: Where, tmp_path: Path) -> None:
    line = CuttableLine(("127.0.0.1", 0), (where.host, where.port))
    examiner = Examiner(where, "ours")
    examiner.start()
    account = Account(where.store, "ours", "127.0.0.1", line.port, "ours", "secret-of-ours")
    client = DeviceClient(account, tmp_path, clock=Synced())
    stop = threading.Event()

    def observe() -> None:
        while not stop.wait(0.4):
            client.observe("scan", {"code": "4006381333931"})

    thread = threading.Thread(target=observe)
    client.start()
    thread.start()
    try:
        course.run(examiner, line, SHORT, lambda _: None)
    finally:
        stop.set()
        thread.join()
        client.stop()
        line.close()
        examiner.stop()
    lines = rules.judge(examiner.seen)
    assert [one for one in lines if one.result == "fail"] == []
    assert [one.rule for one in lines if one.result == "not seen"] == ["restart"]
    assert report.conforms(lines)


def test_a_device_that_never_comes_is_said(where: Where) -> None:
    line = CuttableLine(("127.0.0.1", 0), (where.host, where.port))
    examiner = Examiner(where, "ours")
    examiner.start()
    try:
        with pytest.raises(Unavailable):
            course.run(examiner, line, course.Times(arrive_s=0.2), lambda _: None)
    finally:
        line.close()
        examiner.stop()


def test_the_command_starts_a_broker_prints_the_account_and_reports() -> None:
    port = free_port()
    runner = CliRunner()
    arguments = ["device", "--port", str(port), "--password", "open-sesame", "--json"]
    arguments += ["--steady", "3", "--offline", "3", "--patience", "12"]
    with Double("conformance", "device-under-test", port, "open-sesame", "local_time"):
        answer = runner.invoke(conformance, arguments)
    told = json.loads(answer.stdout)
    failed = [one["rule"] for one in told["rules"] if one["result"] == "fail"]
    assert (told["conforms"], failed, told["offline_s"]) == (False, ["clock"], 3)
    assert "open-sesame" in answer.stderr
    assert "does not conform" in str(answer.exception)
