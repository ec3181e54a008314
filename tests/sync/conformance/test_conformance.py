"""The examination of centrals: ours conforms, and each double is caught by the rule it breaks."""

import json
from collections.abc import Iterator

import pytest
from click.testing import CliRunner

from hub.cli.conformance import conformance
from sync.conformance import Examiner, examine
from sync.conformance.course import RULES, Line
from tests.sync.conformance.doubles import FAULTS, masked
from tests.sync.pair import Central

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def central(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Central]:
    served = Central(tmp_path_factory.mktemp("head-office"))
    yield served
    served.stop()


@pytest.fixture(scope="module")
def doubles(central: Central) -> Iterator[str]:
    with masked(central) as url:
        yield url


def examined(url: str, token: str, until: str = "") -> list[Line]:
    exam = Examiner(url, token)
    try:
        return examine(exam, until=until)
    finally:
        exam.close()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_double_is_caught_by_the_rule_that_it_breaks(
    doubles: str, central: Central, fault: str
) -> None:
    rule = FAULTS[fault][0]
    lines = examined(f"{doubles}/{fault}", central.token, until=rule)
    failed = {line.rule: line.saw for line in lines if line.result == "fail"}
    assert (rule in failed) if rule else not failed, failed
    assert rule or [line for line in lines if line.result != "pass"] == []
    assert {line.rule for line in lines if line.mend} == set(failed)


def test_each_rule_has_a_double_that_breaks_it_but_the_heartbeat() -> None:
    broken = {rule for rule, _ in FAULTS.values()}
    assert {rule.name for rule in RULES} - broken == {"heartbeat"}


def test_the_command_reports_rule_by_rule(central: Central, doubles: str) -> None:
    runner = CliRunner()
    good = runner.invoke(conformance, ["central", central.url, "--token", central.token, "--json"])
    told = json.loads(good.stdout)
    assert good.exit_code == 0
    assert told["conforms"]
    assert [rule["rule"] for rule in told["rules"]] == [rule.name for rule in RULES]
    bad = runner.invoke(
        conformance, ["central", f"{doubles}/never-waits", "--token", central.token]
    )
    assert "NOT wait" in bad.stdout
    assert "→ Hold a pull" in bad.stdout
    assert "does not conform" in str(bad.exception)


def test_without_a_token_of_the_api_what_needs_it_is_not_seen(central: Central) -> None:
    shops = []
    for store in ("conf-1", "conf-2"):
        central.post("/stores", {"store": store, "name": store})
        shops.append(f"{store}:{central.post(f'/stores/{store}/enrolment', {}).json()['token']}")
    enrol = [part for shop in shops for part in ("--enrol", shop)]
    answer = CliRunner().invoke(conformance, ["central", central.url, *enrol, "--json"])
    told = json.loads(answer.stdout)
    unseen = {rule["rule"] for rule in told["rules"] if rule["result"] == "not seen"}
    assert told["conforms"]
    assert unseen == {"intake", "order", "wait", "catalogue"}


def test_who_does_not_answer_does_not_conform() -> None:
    answer = CliRunner().invoke(
        conformance, ["central", "http://127.0.0.1:9", "--token", "t", "--json"]
    )
    told = json.loads(answer.stdout)
    assert not told["conforms"]
    assert told["rules"][0]["result"] == "fail"
