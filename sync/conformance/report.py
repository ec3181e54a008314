"""The report on a central, for people and for programs.

It must never call a central conforming of which a rule could not be tried, without saying so.
"""

from collections.abc import Sequence
from typing import Any, Final

from .course import Line

_SIGNS: Final = {"pass": "ok ", "fail": "NOT", "not seen": " ? "}


def as_json(url: str, lines: Sequence[Line]) -> dict[str, Any]:
    results = {line.rule: line.result for line in lines}
    conforms = "fail" not in results.values() and results.get("push") == "pass"
    return {"central": url, "conforms": conforms, "rules": [line._asdict() for line in lines]}


def as_text(told: dict[str, Any]) -> list[str]:
    """Return the report as lines: each rule with what was seen, and how to mend what failed."""
    lines = []
    for rule in told["rules"]:
        lines.append(f"{_SIGNS[rule['result']]} {rule['rule']:11} {rule['title']}: {rule['saw']}")
        if rule["mend"]:
            lines.append(f"    → {rule['mend']}")
    failed = sum(rule["result"] == "fail" for rule in told["rules"])
    unseen = sum(rule["result"] == "not seen" for rule in told["rules"])
    verdict = "conforms" if told["conforms"] else "does not conform"
    return [*lines, "", f"{told['central']} {verdict}: {failed} failed, {unseen} not seen."]
