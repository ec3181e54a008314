"""Changes what the store decided: load, decide, append.

It must never append more than once for one action.
"""

from collections.abc import Sequence
from datetime import timedelta

from hub.chain import Entry
from hub.clock import stamp
from hub.errors import Invalid
from hub.house import queries, rules, tables
from hub.journal import Fact, Transaction


def set_zone(tx: Transaction, zone: str) -> None:
    """Keep the time zone of the settings, so that no caller can forget to pass it."""
    tables.keep_zone(tx.conn, zone)


def set_policy(
    tx: Transaction, name: str, value: int | str | None, *, actor: str, cause: str
) -> list[Entry]:
    """Decide a policy; None gives it its default back."""
    current = queries.policies(tx.conn).get(name, "")
    return _append(tx, rules.decide_policy(name, value, current), actor, cause)


def set_pace(
    tx: Transaction,
    pace: str,
    minutes: int | None = None,
    reason: str | None = None,
    *,
    actor: str,
    cause: str,
) -> list[Entry]:
    """Pause pickup, slow it or let it go on as always; for so many minutes, or for good."""
    if minutes is not None and not 0 < minutes <= rules.LONGEST_PAUSE:
        raise Invalid("minutes is 1 to 10080, which is a week.", field="minutes")
    end = None if minutes is None else stamp(tx.now + timedelta(minutes=minutes))
    told = queries.told_pace(tx.conn)
    current = told if rules.pace_at(*told, stamp(tx.now)) == told[0] else ("normal", None)
    return _append(tx, rules.decide_pace(current, pace, end, reason), actor, cause)


def _append(tx: Transaction, facts: Sequence[Fact], actor: str, cause: str) -> list[Entry]:
    return tx.append(list(facts), cause=cause, actor=actor) if facts else []
