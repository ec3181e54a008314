"""Each rule of the examination, judged from hand-made evidence."""

from dataclasses import replace

import pytest

from devices.conformance import report, rules
from devices.conformance.evidence import Bad, Evidence, Got, Phase, Said


def got(seq: int, at_ms: int, phase: Phase = "steady", **changes: object) -> Got:
    one = Got(
        at_ms, phase, f"e{seq}", "b1", seq, at_ms, "synced", 20, b"x", "scan", 1, 1, 200
    )  # fmt: skip
    return one._replace(**changes)  # type: ignore[arg-type]


def heard(*more: Got, **changes: object) -> Evidence:
    """A device that did all well for ten seconds, was cut off for ten and came back."""
    steady = [got(n, n * 1000) for n in range(1, 11)]
    late = [got(n, 21_000, "back", uptime_ms=n * 1000) for n in range(11, 21)]
    after = [got(n, n * 1000, "end") for n in range(21, 25)]
    said = [Said(900, "begin", True), Said(10_600, "cut", False), Said(20_900, "back", True)]
    seen = Evidence(
        got=[*steady, *late, *after, *more], said=said, cut_ms=10_500, mended_ms=20_500, retained=[]
    )
    return replace(seen, **changes)  # type: ignore[arg-type]


def result(seen: Evidence, rule: str) -> str:
    return next(line.result for line in rules.judge(seen) if line.rule == rule)


def test_a_device_that_did_all_well_fails_nothing() -> None:
    lines = rules.judge(heard())
    assert [line.rule for line in lines if line.result == "fail"] == []
    assert report.conforms(lines)


def test_what_was_not_tried_is_not_passed() -> None:
    lines = rules.judge(Evidence())
    assert {line.result for line in lines} == {"not seen"}
    assert not report.conforms(lines)


@pytest.mark.parametrize(
    ("seen", "rule"),
    [
        (heard(bad=[Bad(1, "too_large", "300000 bytes")]), "limits"),
        (heard(bad=[Bad(1, "not_json", "x")]), "readable"),
        (heard(got(25, 25_000, qos=0)), "qos"),
        (heard(retained=["storehub/v1/s/d/obs/scan"]), "not_retained"),
        (heard(said=[]), "status"),
        (heard(said=[Said(5000, "begin", True), Said(10_600, "cut", False)]), "status"),
        (heard(said=[Said(900, "begin", True), Said(10_600, "cut", False)]), "status"),
        (heard(said=[Said(900, "begin", True), Said(21_000, "back", False)]), "last_will"),
        (heard(got(30, 9000, "withheld")), "resent"),
        (heard(got(5, 9000, digest=b"y")), "same_again"),
        (heard(got(25, 25_000, id="e4")), "id_unique"),
        (heard(got(4, 9000), acked={"e4": (4000, "committed")}), "ack_ends"),
        (heard(got(4, 9000), acked={"e4": (4000, "refused")}), "any_ack_ends"),
        (heard(got(26, 26_000, "end")), "seq"),
        (heard(got(24, 26_000, "end", id="other")), "seq"),
        (heard(got(25, 25_000, uptime_ms=3000)), "order"),
        (heard(mended_ms=None), "nothing"),
        (heard(tries=50), "no_storm"),
        (heard(got(25, 25_000, "asked", claimed_off_ms=-6000)), "clock"),
        (heard(got(25, 25_000, "asked", claimed_off_ms=None)), "clock"),
        (heard(got(25, 25_000, "asked", uptime_ms=90_000)), "uptime"),
        (heard(asked={"unknown": "k"}), "unknown_command"),
        (heard(got(3, 26_000, "end", id="new", boot="b2")), "restart"),
    ],
)
def test_a_fault_is_found_by_its_rule(seen: Evidence, rule: str) -> None:
    if rule == "nothing":
        assert result(seen, "offline") == result(seen, "back") == "not seen"
        return
    assert result(seen, rule) == "fail"
    (line,) = [one for one in rules.judge(seen) if one.rule == rule]
    assert line.mend


def test_what_was_lost_while_cut_off_is_missed_though_the_numbers_go_on() -> None:
    seen = heard()
    seen.got = [one for one in seen.got if one.phase != "back"]
    assert result(seen, "offline") == "fail"
    seen.got = [one for one in seen.got if one.phase != "end"]
    assert (result(seen, "offline"), result(seen, "back")) == ("fail", "pass")


def test_a_word_that_was_lost_with_the_line_excuses_a_repetition() -> None:
    seen = heard(got(10, 24_500, "end"), acked={"e10": (10_400, "committed")})
    assert result(seen, "ack_ends") == "pass"


def test_a_word_heard_after_the_line_was_back_excuses_none() -> None:
    seen = heard(got(15, 27_000, "end"), acked={"e15": (21_000, "committed")})
    assert result(seen, "ack_ends") == "fail"


def test_each_rule_names_its_own_fault_and_no_other() -> None:
    reused = heard(got(25, 25_000, id="e4", digest=b"y"))
    assert (result(reused, "id_unique"), result(reused, "same_again")) == ("fail", "pass")
    one, two = got(25, 25_000, "withheld"), got(26, 26_000, "withheld")
    assert result(heard(one, two, two), "resent") == "fail"
    assert result(heard(one, two, one), "resent") == "pass"
    same = heard(got(24, 26_000, "end", id="new", boot="b2"))
    assert result(same, "restart") == "fail"
    assert result(heard(got(25, 26_000, "end", boot="b2")), "restart") == "pass"


def test_the_report_says_how_to_mend() -> None:
    told = report.as_json("x", rules.judge(heard(said=[])), 10.0)
    text = "\n".join(report.as_text(told))
    assert not told["conforms"]
    assert "NOT last_will" in text
    assert "→ Set the MQTT last will" in text
    assert "x does not conform" in text
