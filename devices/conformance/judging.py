"""Judges each rule of the wire from what was seen; pure.

It must never fail a device for what it was not given the time or the reason to do.
"""

from itertools import pairwise
from typing import Final, Literal, NamedTuple

from devices.conformance.evidence import Evidence, Got

Result = Literal["pass", "fail", "not seen"]

# A word and a repetition may cross on the line (ms).
CROSSING_MS: Final = 3_000
CLOCK_MS: Final = 5_000
BACK_MS: Final = 60_000
# More tries a second than this are a storm when 200 devices do so.
TRIES_PER_S: Final = 2.0
# Another unit in the same second is not the same moment (ms).
EDGE_MS: Final = 700
DONE: Final = frozenset({"done", "ok", "printed"})


class Verdict(NamedTuple):
    result: Result
    saw: str


def readable(seen: Evidence) -> Verdict:
    if seen.bad:
        one = seen.bad[0]
        return Verdict("fail", f"{len(seen.bad)} unreadable; the first: {one.reason}: {one.detail}")
    if not seen.got:
        return Verdict("not seen", "it sent no observation")
    kinds = ", ".join(sorted({one.kind for one in seen.got}))
    return Verdict("pass", f"{len(seen.got)} read ({kinds})")


def limits(seen: Evidence) -> Verdict:
    over = [one for one in seen.bad if one.reason in ("too_large", "bad_batch")]
    if over:
        return Verdict("fail", over[0].detail)
    if not seen.got:
        return Verdict("not seen", "it sent no observation")
    most = max(one.together for one in seen.got)
    size = max(one.size for one in seen.got)
    return Verdict("pass", f"at most {most} together, {size} bytes")


def qos(seen: Evidence) -> Verdict:
    if not seen.got:
        return Verdict("not seen", "it sent no observation")
    low = [one for one in seen.got if one.qos == 0]
    if low:
        return Verdict("fail", f"{len(low)} of {len(seen.got)} at QoS 0")
    return Verdict("pass", "all at QoS 1 or more")


def retained(seen: Evidence) -> Verdict:
    if seen.retained is None or not seen.got:
        return Verdict("not seen", "not looked at")
    if seen.retained:
        return Verdict("fail", f"the broker keeps one on {seen.retained[0]}")
    return Verdict("pass", "the broker keeps none")


def status(seen: Evidence) -> Verdict:
    online = [one.at_ms for one in seen.said if one.online]
    if any(not one.readable for one in seen.said):
        return Verdict("fail", "its status cannot be read")
    if not seen.got and not online:
        return Verdict("not seen", "it never came")
    if not online:
        return Verdict("fail", "it never said that it is online")
    if seen.got and seen.got[0].at_ms < online[0]:
        return Verdict("fail", "an observation came before its status")
    if seen.mended_ms is not None and _came_back(seen) and online[-1] < seen.mended_ms:
        return Verdict("fail", "it did not say again that it is online after it was cut off")
    return Verdict("pass", f"said {len(online)} times, before its first observation")


def will(seen: Evidence) -> Verdict:
    if seen.cut_ms is None:
        return Verdict("not seen", "its line was not cut")
    mended = seen.mended_ms if seen.mended_ms is not None else seen.cut_ms + BACK_MS
    gone = [one for one in seen.said if not one.online and seen.cut_ms <= one.at_ms <= mended]
    if gone:
        return Verdict(
            "pass", f"said {(gone[0].at_ms - seen.cut_ms) / 1000:.1f} s after its line was cut"
        )
    return Verdict("fail", "its line was cut and nobody said so")


def resent(seen: Evidence) -> Verdict:
    held = [one for one in seen.first().values() if one.phase == "withheld"]
    if not held:
        return Verdict("not seen", "it sent nothing while the hub was silent")
    again = [
        one for one in held if sum(other.phase == "withheld" for other in seen.times(one.id)) > 1
    ]
    if held[0] not in again:
        return Verdict("fail", f"{held[0].id} had no word and never came again")
    waits = [seen.times(one.id)[1].at_ms - one.at_ms for one in again]
    return Verdict("pass", f"{len(again)} came again, after {min(waits) / 1000:.1f} s")


def same(seen: Evidence) -> Verdict:
    repeated = _repeated(seen)
    if not repeated:
        return Verdict("not seen", "nothing came twice")
    for times in repeated:
        if any(one.seq == times[0].seq and one.digest != times[0].digest for one in times):
            return Verdict("fail", f"{times[0].id} came again with another body")
    return Verdict("pass", f"{len(repeated)} came again, each as before")


def unique(seen: Evidence) -> Verdict:
    if len(seen.got) < 2:
        return Verdict("not seen", "too few observations")
    for times in _repeated(seen):
        if any(one.seq != times[0].seq or one.boot != times[0].boot for one in times):
            return Verdict("fail", f"{times[0].id} names two events")
    return Verdict("pass", f"{len(seen.first())} ids, one event each")


def ack_ends(seen: Evidence) -> Verdict:
    return _ends(seen, {"committed"})


def any_ack_ends(seen: Evidence) -> Verdict:
    return _ends(seen, {"duplicate", "refused", "quarantined"})


def _ends(seen: Evidence, words: set[str]) -> Verdict:
    told = {name: at_ms for name, (at_ms, word) in seen.acked.items() if word in words}
    if not told:
        return Verdict("not seen", "no such word was said")
    for one in seen.got:
        acked_ms = told.get(one.id)
        if acked_ms is None or one.at_ms <= acked_ms + CROSSING_MS:
            continue
        if not _unheard(seen, acked_ms):
            word = seen.acked[one.id][1]
            late = (one.at_ms - acked_ms) / 1000
            return Verdict("fail", f"{one.id} came again {late:.1f} s after its word ({word})")
    return Verdict("pass", f"{len(told)} were let go")


def seq(seen: Evidence) -> Verdict:
    first = seen.first()
    if len(first) < 3:
        return Verdict("not seen", "too few observations")
    owners: dict[int, str] = {}
    for one in first.values():
        if owners.setdefault(one.seq, one.id) != one.id:
            return Verdict("fail", f"{owners[one.seq]} and {one.id} have the number {one.seq}")
    missing = sorted(set(range(min(owners), max(owners) + 1)) - set(owners))
    if missing:
        shown = ", ".join(map(str, missing[:5]))
        return Verdict("fail", f"{len(missing)} numbers never came: {shown}")
    return Verdict("pass", f"{min(owners)} to {max(owners)} without a gap")


def order(seen: Evidence) -> Verdict:
    by_boot: dict[str, list[Got]] = {}
    for one in seen.first().values():
        by_boot.setdefault(one.boot, []).append(one)
    if not any(len(some) > 2 for some in by_boot.values()):
        return Verdict("not seen", "too few observations")
    for some in by_boot.values():
        some.sort(key=lambda one: one.seq)
        for one, other in pairwise(some):
            if other.uptime_ms < one.uptime_ms:
                return Verdict("fail", f"number {other.seq} is older than number {one.seq}")
    return Verdict("pass", "numbers follow the uptime")


def offline(seen: Evidence) -> Verdict:
    if seen.cut_ms is None or seen.mended_ms is None:
        return Verdict("not seen", "its line was not cut")
    began = _began(seen)
    first = list(seen.first().values())
    made = [one.uptime_ms + began.get(one.boot, one.at_ms - one.uptime_ms) for one in first]
    within = [at_ms for at_ms in made if seen.cut_ms + EDGE_MS < at_ms < seen.mended_ms - EDGE_MS]
    cut_s = (seen.mended_ms - seen.cut_ms) / 1000
    if within:
        return Verdict("pass", f"{len(within)} that happened in {cut_s:.0f} s without a line came")
    before = sorted(at_ms for at_ms in made if at_ms < seen.cut_ms)
    steps = [later - earlier for earlier, later in pairwise(before)]
    if not _came_back(seen):
        return Verdict("fail", "it never came back")
    if len(steps) >= 3 and _middle(steps) * 4 < seen.mended_ms - seen.cut_ms:
        pace_s = _middle(steps) / 1000
        return Verdict(
            "fail",
            f"none of {cut_s:.0f} s without a line came, and it sends one each {pace_s:.1f} s",
        )
    return Verdict("not seen", "it observed nothing while its line was cut")


def back(seen: Evidence) -> Verdict:
    if seen.mended_ms is None:
        return Verdict("not seen", "its line was not cut")
    arrivals = [*(one.at_ms for one in seen.got), *(one.at_ms for one in seen.said)]
    came = [at_ms for at_ms in arrivals if at_ms >= seen.mended_ms]
    if not came or min(came) - seen.mended_ms > BACK_MS:
        return Verdict("fail", f"not back within {BACK_MS // 1000} s")
    return Verdict("pass", f"back after {(min(came) - seen.mended_ms) / 1000:.1f} s")


def storm(seen: Evidence) -> Verdict:
    if seen.cut_ms is None or seen.mended_ms is None:
        return Verdict("not seen", "its line was not cut")
    per_s = seen.tries / max(1.0, (seen.mended_ms - seen.cut_ms) / 1000)
    saw = f"{seen.tries} tries, {per_s:.1f} a second"
    return Verdict("fail" if per_s > TRIES_PER_S else "pass", saw)


def clock(seen: Evidence) -> Verdict:
    synced = [one for one in _live(seen) if one.quality == "synced"]
    if not synced:
        return Verdict("not seen", "it never called its clock synced")
    if any(one.claimed_off_ms is None for one in synced):
        return Verdict("fail", "it calls its clock synced and tells no time")
    worst = max((one.claimed_off_ms or 0 for one in synced), key=abs)
    saw = f"at most {worst / 1000:+.1f} s off"
    return Verdict("fail" if abs(worst) > CLOCK_MS else "pass", saw)


def uptime(seen: Evidence) -> Verdict:
    live = [one for one in _live(seen) if one.boot == _live(seen)[0].boot]
    if len(live) < 3:
        return Verdict("not seen", "too few observations")
    passed = live[-1].at_ms - live[0].at_ms
    grew = live[-1].uptime_ms - live[0].uptime_ms
    saw = f"grew {grew / 1000:.1f} s in {passed / 1000:.1f} s"
    return Verdict("fail" if abs(grew - passed) > max(2_000, passed // 10) else "pass", saw)


def unknown(seen: Evidence) -> Verdict:
    key = seen.asked.get("unknown")
    if key is None:
        return Verdict("not seen", "it was not asked")
    states = [one.state for one in seen.answers if one.key == key]
    if not states:
        return Verdict("fail", "no answer (obs/done) came")
    if states[0] in DONE:
        return Verdict("fail", f"it says {states[0]!r} to a command that nobody knows")
    return Verdict("pass", f"it says {states[0]!r}")


def repeated_command(seen: Evidence) -> Verdict:
    key = seen.asked.get("unknown")
    states = [one.state for one in seen.answers if one.key == key]
    if key is None or not states:
        return Verdict("not seen", "no command was answered")
    if len(states) < 2:
        return Verdict("fail", "the same command again had no answer")
    if len(set(states)) > 1:
        return Verdict("fail", f"first {states[0]!r}, then {states[1]!r}")
    return Verdict("pass", "the same answer again")


def boots(seen: Evidence) -> Verdict:
    first = sorted(seen.first().values(), key=lambda one: one.at_ms)
    boots = list(dict.fromkeys(one.boot for one in first))
    if len(boots) < 2:
        return Verdict("not seen", "it was not restarted")
    for earlier, later in pairwise(boots):
        high = max(one.seq for one in first if one.boot == earlier)
        low = min(one.seq for one in first if one.boot == later)
        if low <= high:
            return Verdict("fail", f"numbers began anew at {low} after {high}")
    return Verdict("pass", f"{len(boots)} boots, numbers went on")


def _unheard(seen: Evidence, acked_ms: int) -> bool:
    """May a word said then have been lost with the line?"""
    if seen.cut_ms is None or acked_ms < seen.cut_ms - CROSSING_MS:
        return False
    return seen.mended_ms is None or acked_ms <= seen.mended_ms


def _middle(numbers: list[int]) -> int:
    return sorted(numbers)[len(numbers) // 2]


def _repeated(seen: Evidence) -> list[list[Got]]:
    by_id: dict[str, list[Got]] = {}
    for one in seen.got:
        by_id.setdefault(one.id, []).append(one)
    return [times for times in by_id.values() if len(times) > 1]


def _live(seen: Evidence) -> list[Got]:
    """Return what came at once, and not from an outbox."""
    return [one for one in seen.first().values() if one.phase in ("steady", "asked")]


def _began(seen: Evidence) -> dict[str, int]:
    """Return when each boot began: a message is never received before it was made."""
    found: dict[str, int] = {}
    for one in seen.got:
        at_ms = one.at_ms - one.uptime_ms
        found[one.boot] = min(at_ms, found.get(one.boot, at_ms))
    return found


def _came_back(seen: Evidence) -> bool:
    return seen.mended_ms is not None and any(one.at_ms > seen.mended_ms for one in seen.got)
