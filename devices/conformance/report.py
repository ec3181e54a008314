"""The report of an examination, for people and for programs.

It must never call a device conforming of which too little was seen.
"""

from collections.abc import Sequence
from typing import Any

from devices.conformance.rules import Line


def conforms(lines: Sequence[Line]) -> bool:
    """Did nothing fail, and was the device heard at all?"""
    results = {line.rule: line.result for line in lines}
    return "fail" not in results.values() and results.get("readable") == "pass"


def as_json(device: str, lines: Sequence[Line], offline_s: float) -> dict[str, Any]:
    return {
        "device": device,
        "conforms": conforms(lines),
        "offline_s": offline_s,
        "rules": [line._asdict() for line in lines],
    }


def as_text(told: dict[str, Any]) -> list[str]:
    """Return the report as lines: each rule with what was seen, and how to mend what failed."""
    signs = {"pass": "ok ", "fail": "NOT", "not seen": " ? "}
    lines = []
    for rule in told["rules"]:
        lines.append(f"{signs[rule['result']]} {rule['rule']:16} {rule['title']}: {rule['saw']}")
        if rule["mend"]:
            lines.append(f"    → {rule['mend']}")
    failed = sum(rule["result"] == "fail" for rule in told["rules"])
    unseen = sum(rule["result"] == "not seen" for rule in told["rules"])
    verdict = "conforms" if told["conforms"] else "does not conform"
    lines += ["", f"{told['device']} {verdict}: {failed} failed, {unseen} not seen."]
    lines.append(f"Its hour without a line was shortened to {told['offline_s']:.0f} s.")
    return lines
